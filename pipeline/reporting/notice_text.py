"""What people are told outside of GitHub: in a channel of Slack, or by a program of theirs. Pure."""

from dataclasses import dataclass
from typing import Any

from pipeline.reporting.markdown import printable

_SIGNS = {"failed": "❌", "refused": "✋", "reverted": "⏪", "rolled-back": "⏪", "drifted": "⚠️"}
_LONGEST = 2000


@dataclass(frozen=True)
class Notice:
    """Something that somebody should look at. `event` is one of failed, refused, reverted, rolled-back, drifted.

    `environment` is named as the repository knows it, None where it is not known which one; `url` is the page of the
    run.
    """

    event: str
    environment: str | None
    text: str
    repository: str | None = None
    url: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The document for programs."""
        return {
            "format": 1,
            "event": self.event,
            "environment": self.environment,
            "text": self.text,
            "repository": self.repository,
            "url": self.url,
        }

    def for_slack(self) -> dict[str, str]:
        """The message of an incoming webhook; nothing in it mentions anybody or is a link, but for ours.

        https://docs.slack.dev/messaging/formatting-message-text/#escaping
        """
        where = " of ".join(filter(None, (self.environment, self.repository)))
        head = f"{_SIGNS[self.event]} {_plain(where)}: {_plain(self.event)}"
        link = f" (<{self.url}|run>)" if self.url else ""
        return {"text": f"{head}{link}\n{_plain(self.text[:_LONGEST])}"}


def _plain(text: str) -> str:
    lines = (printable(line) for line in text.splitlines())
    return "\n".join(lines).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
