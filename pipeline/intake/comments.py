"""Commands in comments on pull requests: a line such as `/deploy production`.

Only what a reader of the comment sees as such a line counts: not code blocks, quotes, or HTML comments.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from pipeline.intake.words import RELEASE_FORM, Branches, one_of, own_name, quoted, release_of
from pipeline.model.event import CommentCreated
from pipeline.model.intent import Intent, Kind


@dataclass(frozen=True)
class Command:
    """A command: what it is for, the words that may follow it, how many of them must, and an option."""

    kind: Kind
    about: str
    words: tuple[str, ...] = ()
    needed: int = 0
    option: str | None = None

    def usage(self, name: str) -> str:
        """As people write it: `/rollback ENV [RELEASE]`."""
        shown = [word if at < self.needed else f"[{word}]" for at, word in enumerate(self.words)]
        return " ".join([f"/{name}", *shown, *([f"[{self.option}]"] if self.option else [])])


CLEAR_HOLD = "--clear-hold"

# /unlock and /help change nothing of what is deployed, so the intent is to ignore; `Intent.command` names them.
COMMANDS = {
    "plan": Command(Kind.PREVIEW, "plan this pull request anew, also one from a fork"),
    "deploy": Command(Kind.DEPLOY, "deploy the head of the environment's branch", ("ENV",), 1, CLEAR_HOLD),
    "rollback": Command(Kind.ROLLBACK, "let an old release serve again", ("ENV", "RELEASE"), 1),
    "promote": Command(Kind.PROMOTE, "give all traffic to the release that is being tried out", ("ENV",)),
    "abort": Command(Kind.ABORT, "take the traffic back to the release before", ("ENV",)),
    "unlock": Command(Kind.IGNORE, "free the lock that a dead run left", ("ENV",)),
    "help": Command(Kind.IGNORE, "say what there is"),
}

# GitHub's Markdown: a fence has at most 3 spaces before it, https://github.github.com/gfm/#fenced-code-blocks
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_HIDDEN = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
# Only these end a line; str.splitlines() would see a line's start after a form feed or a U+2028, too.
_LINE_END = re.compile(r"\r\n|\r|\n")
# What may be a misspelled command, with so many words behind it; and how alike it is then, as difflib counts.
_WORD = re.compile(r"[A-Za-z_-]{3,12}")
_MOST_WORDS = 3
_ALIKE = 0.85
_BLANKS = re.compile(r"[ \t]+")


def usages() -> str:
    """All commands in one line."""
    return ", ".join(command.usage(name) for name, command in COMMANDS.items())


def commanded(event: CommentCreated, branches: Branches, root: str = "") -> Intent:
    """What a comment asks for. An environment may be named with `root`, the folder of its service, before it."""
    if not event.on_pull_request:
        return Intent(Kind.IGNORE, reason=f"comment on issue {event.number}, which is no pull request")
    place = f"comment on pull request {event.number}"
    if event.by_bot:
        return Intent(Kind.IGNORE, pull_request=event.number, reason=f"{place} by a bot: only people give commands")
    lines = list(_lines(event.body))
    found = [(first, words) for first, words in lines if first in COMMANDS]
    if not found:
        for typed, words in lines:
            if (meant := _meant(typed, words)) is not None:
                return _mistake(event, typed, f"there is no such command; did you mean {COMMANDS[meant].usage(meant)}?")
        return Intent(Kind.IGNORE, pull_request=event.number, reason=f"{place}: no line is a command")
    if len(found) > 1:
        return _mistake(event, found[0][0], "one command in a comment, please: nothing was done")
    name, words = found[0]
    words = [own_name(word, branches, root) for word in words]
    return _intent(event, name, words, branches)


def _lines(body: str) -> Iterator[tuple[str, list[str]]]:
    """(name, words) of every line that may be a command."""
    for line in _visible(_HIDDEN.sub(" ", body)):
        first, *words = _BLANKS.split(line.rstrip(" \t"))
        if first.startswith("/"):
            yield first[1:], words


def _meant(typed: str, words: list[str]) -> str | None:
    """The command that somebody clearly wanted to give, and misspelled; other programs have commands, too."""
    if len(words) > _MOST_WORDS or not _WORD.fullmatch(typed):
        return None
    return next(iter(get_close_matches(typed.lower(), COMMANDS, n=1, cutoff=_ALIKE)), None)


def _visible(text: str) -> Iterator[str]:
    """The lines outside of code blocks."""
    fence: str | None = None
    for line in _LINE_END.split(text):
        match = _FENCE.fullmatch(line)
        if fence is None:
            if match and not (match[1][0] == "`" and "`" in match[2]):
                fence = match[1]
            else:
                yield line
        elif match and match[1].startswith(fence) and not match[2].strip(" \t"):
            fence = None


def _intent(event: CommentCreated, name: str, words: list[str], branches: Branches) -> Intent:
    command = COMMANDS[name]
    option = command.option in words
    words = [word for word in words if word != command.option]
    if not command.needed <= len(words) <= len(command.words):
        return _mistake(event, name, f"it is written {command.usage(name)}")
    if words and words[0] not in branches:
        return _mistake(event, name, f"there is no environment {quoted(words[0])}, but {one_of(branches)}")
    target = release_of(words[1] if len(words) > 1 else "previous") if command.kind is Kind.ROLLBACK else None
    if target is None and command.kind is Kind.ROLLBACK:
        return _mistake(event, name, f"{quoted(words[1])} is not {RELEASE_FORM}")
    by = f" by {quoted(event.actor)}" if event.actor else ""
    return Intent(
        command.kind,
        tuple(words[:1]),
        target=target,
        pull_request=event.number,
        reason=f"the commands are {usages()}" if name == "help" else f"/{name} on pull request {event.number}{by}",
        command=name,
        comment=event.comment,
        actor=event.actor,
        clear_hold=option,
    )


def _mistake(event: CommentCreated, name: str, why: str) -> Intent:
    reason = f"/{name} on pull request {event.number}: {why}"
    return Intent(
        Kind.IGNORE,
        pull_request=event.number,
        reason=reason,
        command=name,
        mistake=True,
        comment=event.comment,
        actor=event.actor,
    )
