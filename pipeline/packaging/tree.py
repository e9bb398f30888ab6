"""The files of a folder as they may go into a bundle: named, checked, and never outside the project.

Walking looks at names and metadata only; nothing is opened. What is not allowed becomes an entry with a `problem`,
because it matters only if it is selected.
"""

import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import Diagnostic
from pipeline.packaging.patterns import Patterns

# Never part of a bundle, whatever the patterns say: made by tools, different on every machine.
ALWAYS_EXCLUDED = Patterns.of(
    (
        *("__pycache__/", "*.pyc", "*.pyo", ".DS_Store", "*.swp"),
        *(".git", ".hg/", ".svn/", ".pipeline/", ".venv/", ".tox/", ".nox/", "node_modules/"),
        *(".mypy_cache/", ".pytest_cache/", ".ruff_cache/", ".hypothesis/", ".idea/", ".vscode/"),
    )
)


@dataclass(frozen=True)
class Entry:
    """One file. `path` is where it will be, relative with POSIX separators; `place` where it is, links followed.

    `problem` says why it cannot be packaged.
    """

    path: str
    place: str
    status: os.stat_result | None = None
    problem: str | None = None
    hint: str | None = None

    @property
    def executable(self) -> bool:
        """The bit that git keeps; the rest of the mode depends on the umask."""
        return self.status is not None and bool(self.status.st_mode & stat.S_IXUSR)


def scan(folder: Path, boundary: Path) -> tuple[Entry, ...]:
    """Every file below `folder`, sorted by path; symbolic links are followed as long as they stay within `boundary`."""
    walk = _Walk(os.path.realpath(boundary))
    return tuple(sorted(walk.below(str(folder), "", (os.path.realpath(folder),)), key=lambda entry: entry.path))


@dataclass(frozen=True)
class _Walk:
    boundary: str

    def below(self, folder: str, prefix: str, trail: tuple[str, ...]) -> Iterator[Entry]:
        """`trail`: the real folders on the way here, to notice a link that leads back."""
        try:
            children = list(os.scandir(folder))
        except OSError as error:
            yield Entry(prefix.rstrip("/") or ".", folder, problem=f"cannot be read: {_words(error)}")
            return
        for child in children:
            path = prefix + text_of(child.name)
            folder_like = child.is_dir(follow_symlinks=False)
            if ALWAYS_EXCLUDED.match(path, folder=folder_like):
                continue
            if problem := _bad_name(child.name):
                yield Entry(path, child.path, problem=problem, hint="rename it")
            elif folder_like:
                yield from self.below(child.path, f"{path}/", (*trail, os.path.realpath(child.path)))
            elif child.is_symlink():
                yield from self._linked(child.path, path, trail)
            else:
                yield _file(path, child.path)

    def _linked(self, place: str, path: str, trail: tuple[str, ...]) -> Iterator[Entry]:
        target = os.path.realpath(place)
        if problem := self._bad_link(place, target, trail):
            yield Entry(path, place, problem=problem, hint="copy what it points to, or exclude it")
        elif Path(target).is_dir():
            if not ALWAYS_EXCLUDED.match(path, folder=True):
                yield from self.below(target, f"{path}/", (*trail, target))
        else:
            yield _file(path, target)

    def _bad_link(self, place: str, target: str, trail: tuple[str, ...]) -> str | None:
        if os.path.commonpath((self.boundary, target)) != self.boundary:
            return f"symbolic link leaves the project: it points to {_pointed(place)}"
        inside = os.path.relpath(target, self.boundary).replace(os.sep, "/")
        if inside != "." and ALWAYS_EXCLUDED.match(inside, folder=True):
            return f"symbolic link into {inside}, which is never packaged"
        if not Path(target).exists():
            return f"symbolic link to {_pointed(place)}, which does not exist"
        if any(step == target or step.startswith(target + os.sep) for step in trail):
            return f"symbolic link to {_pointed(place)}, a folder that it is in"
        return None


def _pointed(place: str) -> str:
    return text_of(str(Path(place).readlink()))


def _file(path: str, place: str) -> Entry:
    try:
        status = Path(place).stat()
    except OSError as error:
        return Entry(path, place, problem=f"cannot be read: {_words(error)}")
    if not stat.S_ISREG(status.st_mode):
        return Entry(path, place, problem="neither a file nor a folder (a pipe, socket or device)", hint="exclude it")
    return Entry(path, place, status)


def _bad_name(name: str) -> str | None:
    try:
        os.fsencode(name).decode()
    except UnicodeDecodeError:
        return "name is not UTF-8"
    if "\\" in name or any(unicodedata.category(character) == "Cc" for character in name):
        return "name has a backslash or a control character"
    return None


def text_of(path: str) -> str:
    """A path of this machine as UTF-8 says it, whatever its locale; other bytes are escaped, so that it prints."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def select(entries: Iterable[Entry], include: Patterns, exclude: Patterns) -> tuple[Entry, ...]:
    """The entries that `include` matches (all, where it has no rules) and `exclude` does not."""
    everything = not include.rules
    return tuple(e for e in entries if (everything or include.match(e.path)) and not exclude.match(e.path))


def problems(entries: Iterable[Entry], folder: str) -> list[Diagnostic]:
    """A finding for each entry that cannot be packaged. `folder` is where they are, relative to the root."""
    return [
        Diagnostic(f"packaging: {entry.problem}", file=located(folder, entry.path), hint=entry.hint)
        for entry in entries
        if entry.problem
    ]


def located(folder: str, path: str) -> str:
    """A path in `folder` relative to the root, as diagnostics say it."""
    return path if folder in {"", "."} else f"{folder}/{path}"


def collisions(names: Mapping[str, str]) -> list[Diagnostic]:
    """Names that are one where upper and lower case, or ways of writing an accent, are not told apart.

    `names` maps a name in the bundle to where it comes from. Such a bundle would unpack differently on macOS.
    """
    found = []
    seen: dict[str, str] = {}
    for name in sorted(names):
        parts = name.split("/")
        for depth in range(1, len(parts) + 1):
            part = "/".join(parts[:depth])
            same = unicodedata.normalize("NFC", part).casefold()
            other = seen.setdefault(same, part)
            if other != part:
                seen[same] = part  # a folder is told once, not for each of its files
                message = f"packaging: the names {other} and {part} differ only in case or accents"
                found.append(Diagnostic(message, file=names[name], hint="rename one of them"))
                break
    return found
