"""Speaks to who gave a command in a comment: reactions, and one answer for each environment that is kept up to date."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.commands.hub import Hub
from pipeline.model.intent import Intent
from pipeline.reporting.answer_text import answer_marker
from pipeline.reporting.parts import Part, joined, with_part

# GitHub's reactions to a comment.
SEEN, DONE, NOT_DONE = "eyes", "rocket", "confused"


@dataclass(frozen=True)
class Answering:
    """The conversation about one command. Without one (no `comment` in the intent) it says nothing."""

    hub: Hub
    intent: Intent

    def react(self, content: str) -> None:
        """Reacts to the comment that gave the command."""
        comment, repository = self.intent.comment, self.hub.repository
        if comment is not None:
            self.hub.outbox.put(f"the reaction {content}", lambda: repository.react(comment, content))

    def answer(self, place: str, text: str, region: str | None = None, regions: Sequence[str] = ()) -> None:
        """Writes the answer about an environment, or makes it say something else; `place` is empty for all at once.

        Of an environment in several `regions` each writes its part of it.
        """
        number, repository = self.intent.pull_request, self.hub.repository
        if number is not None and (self.intent.comment is not None or self.intent.command is not None):
            mark = answer_marker(self.intent.comment, self.hub.key, place)
            name = " about ".join(filter(None, ("the answer", place, region)))

            def write(old: str | None) -> str:
                body = joined(with_part(old, region, Part(text), regions)) if region else text
                return f"{body}\n\n{mark}"

            self.hub.put(name, lambda: repository.revise_comment(number, mark, write), shared=region is not None)
