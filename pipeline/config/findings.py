"""Where something stands in a file, and the list of everything found wrong. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.errors import Diagnostic

_LONGEST_WORD = 100  # difflib takes quadratic time
_LONGEST_SHOWN = 60
_MOST_PER_FILE = 500  # a file that is wrong throughout must not drown the others, or the machine


@dataclass(frozen=True, slots=True)
class Place:
    """`file` relative to the root, `line` and `column` from 1."""

    file: str
    line: int = 1
    column: int = 1

    def shifted(self, columns: int) -> "Place":
        """The place `columns` further to the right."""
        return Place(self.file, self.line, self.column + columns)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass
class Findings:
    """Collects diagnostics, so that all errors of a run come together."""

    found: list[Diagnostic] = field(default_factory=list)
    _per_file: Counter[str] = field(default_factory=Counter)

    def error(self, message: str, place: Place, *, hint: str | None = None, address: str | None = None) -> None:
        """Adds an error at `place`."""
        self._add(Diagnostic(message, place.file, place.line, place.column, address, hint))

    def warning(self, message: str, place: Place, *, hint: str | None = None, address: str | None = None) -> None:
        """Adds a warning at `place`."""
        self._add(Diagnostic(message, place.file, place.line, place.column, address, hint, "warning"))

    def _add(self, diagnostic: Diagnostic) -> None:
        count = self._per_file[diagnostic.file or ""]
        self._per_file[diagnostic.file or ""] += 1
        if count < _MOST_PER_FILE:
            self.found.append(replace(diagnostic, message=printable(diagnostic.message)))
        elif count == _MOST_PER_FILE:
            more = f"more than {_MOST_PER_FILE} findings in this file: the others are left out"
            self.found.append(replace(diagnostic, message=more, address=None, hint=None))

    def full(self, file: str) -> bool:
        """True when more findings in `file` would be left out: no need to word them."""
        return self._per_file[file] > _MOST_PER_FILE

    @property
    def errors(self) -> int:
        """How many errors there are so far."""
        return sum(1 for diagnostic in self.found if diagnostic.severity == "error")


def printable(text: str) -> str:
    """The text in one line and without what a terminal would obey: such characters are escaped."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def closest(word: str, known: Iterable[str]) -> str | None:
    """The one of `known` that `word` is probably meant to be."""
    if len(word) > _LONGEST_WORD:
        return None
    from difflib import get_close_matches  # noqa: PLC0415 - only needed to word an error

    by_folded = {candidate.casefold().replace("-", "_"): candidate for candidate in sorted(known)}
    matches = get_close_matches(word.casefold().replace("-", "_"), by_folded, n=1, cutoff=0.6)
    return by_folded[matches[0]] if matches else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`: did you mean "x"?`, or nothing when no known word is near."""
    match = closest(word, known)
    return f': did you mean "{match}"?' if match else ""


def one_of(known: Iterable[str]) -> str:
    """The known words as a hint; long lists are cut."""
    words = sorted(known)
    rest = f" and {len(words) - 40} more" if len(words) > 40 else ""
    return f"one of {', '.join(words[:40])}{rest}" if words else "nothing: there are none"


def shown(value: Any) -> str:
    """A value inside a message: short, quoted when it is text."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = value if len(value) <= _LONGEST_SHOWN else value[: _LONGEST_SHOWN - 1] + "…"
        return f'"{text}"'
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    return str(value)


def dotted(path: Iterable[str | int]) -> str:
    """A property path as shown to people: `endpoints[0].methods`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
