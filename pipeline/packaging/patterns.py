"""Which files go into a bundle: patterns as in .gitignore, on relative POSIX paths. Pure.

https://git-scm.com/docs/gitignore#_pattern_format
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class _Rule:
    """`text` is a plain name or path, unless `regex` says what it means."""

    text: str
    regex: re.Pattern[str] | None
    anchored: bool
    negated: bool
    folders_only: bool

    def fits(self, path: str) -> bool:
        if self.regex is not None:
            return self.regex.fullmatch(path) is not None
        return path == self.text or (not self.anchored and path.endswith(f"/{self.text}"))


@dataclass(frozen=True)
class Patterns:
    """A list of patterns; the last one that matches decides. What is below a matching folder matches too."""

    rules: tuple[_Rule, ...]
    _folders: dict[str, bool] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, patterns: Iterable[str], *, anchored: bool = False) -> "Patterns":
        """`anchored`: a pattern without a slash matches at the top only, not at any depth."""
        return cls(tuple(_rule(pattern, anchored) for pattern in patterns if pattern.strip()))

    def match(self, path: str, *, folder: bool = False) -> bool:
        """True when `path`, or a folder that it is in, matches."""
        parent, _, _ = path.rpartition("/")
        if parent and self._folder(parent):
            return True
        return self._last(path, folder=folder)

    def _folder(self, path: str) -> bool:
        known = self._folders.get(path)
        if known is None:
            known = self._folders[path] = self.match(path, folder=True)
        return known

    def _last(self, path: str, *, folder: bool) -> bool:
        for rule in reversed(self.rules):
            if (folder or not rule.folders_only) and rule.fits(path):
                return not rule.negated
        return False


def problem_of(pattern: str) -> str | None:
    """What is wrong with a pattern, or None."""
    if ".." in pattern.strip().removeprefix("!").split("/"):
        return "leaves the folder that it is about"
    try:
        _rule(pattern, anchored=False)
    except re.error as error:
        return f"cannot be read: {error}"
    return None


def _rule(pattern: str, anchored: bool) -> _Rule:
    text = pattern.strip()
    negated = text.startswith("!")
    text = text[1:] if negated else text
    folders_only = text.endswith("/")
    text = re.sub(r"(^|/)(?:\*\*/)+", r"\1**/", text.rstrip("/").removeprefix("./"))
    if "/" in text:
        anchored = True
    text = text.removeprefix("/")
    regex = None
    if _SPECIAL.intersection(text):
        prefix = "" if anchored else "(?:.*/)?"
        regex = re.compile(prefix + _translate(text), re.DOTALL)
    return _Rule(text, regex, anchored, negated, folders_only)


_SPECIAL = frozenset("*?[\\")
_STARS = re.compile(r"^\*\*/|/\*\*/|/\*\*$|^\*\*$|\*+|\?|\[!?\]?[^\]]*\]|\\.|[^*?\[\\/]+|.", re.DOTALL)


def _translate(text: str) -> str:
    return "".join(_token(token) for token in _STARS.findall(text))


def _token(token: str) -> str:
    special = {"**/": "(?:.*/)?", "/**/": "/(?:.*/)?", "/**": "/.+", "**": ".+", "?": "[^/]"}
    if token in special:
        return special[token]
    if token.startswith("*"):
        return "[^/]*"
    if len(token) > 2 and token.startswith("["):
        inside = token[1:-1].replace("\\", "\\\\").replace("[", "\\[")
        inside = f"^/{inside[1:]}" if inside.startswith("!") else inside
        return f"[{inside}]"
    if len(token) == 2 and token.startswith("\\"):
        return re.escape(token[1])
    return re.escape(token)
