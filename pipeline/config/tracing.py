"""What a load asked of the files and what they answered, so that a later one can ask the same again instead.

A load is a function of these answers, of its arguments and of our own code. As long as all of them are the same, so is
what it gave.
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pipeline.config.files import Files
from pipeline.config.findings import Findings, Place
from pipeline.config.loaded import Module

T = TypeVar("T")
Question = tuple[str, str, tuple[str, ...]]
Answers = Mapping[Question, Any]


class TracedFiles(Files):
    """Files that note every question with its answer; of contents only the digest is kept."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.answers: dict[Question, Any] = {}

    def exists(self, relative: str) -> bool:
        """Noted."""
        return self._noted("exists", relative, super().exists(relative))

    def is_file(self, relative: str) -> bool:
        """Noted."""
        return self._noted("is_file", relative, super().is_file(relative))

    def is_directory(self, relative: str) -> bool:
        """Noted."""
        return self._noted("is_directory", relative, super().is_directory(relative))

    def names(self, relative: str) -> list[str]:
        """Noted."""
        return self._noted("names", relative, super().names(relative))

    def below(self, relative: str, suffixes: tuple[str, ...], findings: Findings) -> list[str]:
        """Noted, without the listings that it is made of."""
        return self._noted("below", relative, super().below(relative, suffixes, findings), suffixes)

    def text(self, relative: str, findings: Findings, at: Place | None = None) -> str | None:
        """Noted by the digest of the text."""
        text = super().text(relative, findings, at)
        self._noted("text", relative, _digest(text))
        return text

    def module(self, relative: str, findings: Findings) -> Module:
        """Noted by its names and not by its text: code may change without a handler coming or going."""
        found = super().module(relative, findings)
        self._noted("module", relative, (self.answers.pop(("text", relative, ())), found))
        return found

    def _noted(self, kind: str, relative: str, answer: T, more: tuple[str, ...] = ()) -> T:
        self.answers[kind, relative, more] = answer
        return answer


def hold(answers: Answers, root: Path) -> bool:
    """True when every question is answered as it was."""
    files = Files(root)
    return all(_same(files, question, answer) for question, answer in answers.items())


def _same(files: Files, question: Question, answer: Any) -> bool:
    kind, relative, more = question
    quiet = Findings()
    plain: dict[str, Callable[[], Any]] = {
        "exists": lambda: files.exists(relative),
        "is_file": lambda: files.is_file(relative),
        "is_directory": lambda: files.is_directory(relative),
        "names": lambda: files.names(relative),
        "below": lambda: files.below(relative, more, quiet),
        "text": lambda: _digest(files.text(relative, quiet)),
    }
    if kind == "module":
        digest, module = answer
        same = _digest(files.text(relative, quiet)) == digest or files.module(relative, quiet) == module
    else:
        same = plain[kind]() == answer
    return same and not quiet.found


def _digest(text: str | None) -> str | None:
    return None if text is None else hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
