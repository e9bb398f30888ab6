"""Reads the files of a project: regular ones inside its root, bounded in size, UTF-8. The only I/O of this room."""

import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from pipeline.config.findings import Findings, Place
from pipeline.config.loaded import FILE, Module
from pipeline.errors import NoProject

ENVIRONMENTS = "environments"  # the directory of environment files
MAX_BYTES = 1_000_000
_MAX_ENTRIES = 10_000
_MAX_DEPTH = 16


class Files:
    """The files below `root`; every path is relative to it, with `/`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._resolved = root.resolve()

    def exists(self, relative: str) -> bool:
        """True when something is there, of whatever kind."""
        try:
            return (self.root / relative).exists() or (self.root / relative).is_symlink()
        except (OSError, ValueError):  # a name that is too long, or with a NUL
            return False

    def is_file(self, relative: str) -> bool:
        """True for a regular file that lies inside the root."""
        return self._refusal(self.root / relative) is None

    def is_directory(self, relative: str) -> bool:
        """True for a directory."""
        return (self.root / relative).is_dir()

    def names(self, relative: str) -> list[str]:
        """The names in a directory, sorted; empty when there is none."""
        return self._names(relative)

    def _names(self, relative: str) -> list[str]:
        try:
            return sorted(entry.name for entry in (self.root / relative).iterdir())
        except OSError:
            return []

    def text(self, relative: str, findings: Findings, at: Place | None = None) -> str | None:
        """The file's text, or None with an error at `at` (by default, the file itself)."""
        place = at or Place(relative)
        name = f"{relative}: " if at else ""
        path = self.root / relative
        refusal = self._refusal(path)
        if refusal:
            findings.error(name + refusal[0], place, hint=refusal[1])
            return None
        try:
            with path.open("rb") as stream:
                data = stream.read(MAX_BYTES + 1)
        except OSError as error:
            findings.error(f"{name}reading the file: {error.strerror}", place)
            return None
        if len(data) > MAX_BYTES:
            findings.error(
                f"{name}the file is larger than {MAX_BYTES:,} bytes", place, hint="split it into smaller files"
            )
            return None
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
            findings.error(
                f"{name}the file is not UTF-8 text (byte {data[error.start]:#04x})",
                at or Place(relative, line, column),
                hint="save it as UTF-8",
            )
            return None

    def module(self, relative: str, findings: Findings) -> Module:
        """What a Python source has at its top; open, with an error, when it cannot be read."""
        from pipeline.config.modules import parsed  # noqa: PLC0415 - comes with `ast`; sources rarely have to be parsed

        text = self.text(relative, findings)
        return Module(relative, open=True) if text is None else parsed(text, relative, findings)

    def below(self, relative: str, suffixes: tuple[str, ...], findings: Findings) -> list[str]:
        """All files below a directory whose name ends with one of `suffixes`, sorted; hidden ones are left out."""
        found: list[str] = []
        for path in self._walk(PurePosixPath(relative), findings):
            if len(found) >= _MAX_ENTRIES:
                findings.error(f"there are more than {_MAX_ENTRIES:,} files below {relative}/", Place(relative))
                break
            if path.suffix.lower() in suffixes:
                found.append(str(path))
        return sorted(found)

    def _walk(self, directory: PurePosixPath, findings: Findings, depth: int = 0) -> Iterator[PurePosixPath]:
        for name in self._names(str(directory)):
            entry = directory / name
            path = self.root / entry
            if name.startswith("."):
                continue
            if path.is_symlink() and path.is_dir():
                findings.error(
                    "a symbolic link to a directory is not followed", Place(str(entry)), hint="put the files here"
                )
            elif path.is_dir():
                if depth == _MAX_DEPTH:
                    findings.error(f"directories are nested deeper than {_MAX_DEPTH}", Place(str(entry)))
                else:
                    yield from self._walk(entry, findings, depth + 1)
            else:
                yield entry

    def _refusal(self, path: Path) -> tuple[str, str | None] | None:
        """Why a path is not read, with a hint; None when it may be."""
        try:
            resolved = path.resolve(strict=True)
            mode = resolved.stat().st_mode
        except FileNotFoundError:
            return "there is no such file", None
        except (OSError, RuntimeError, ValueError):  # a loop of links, no permission, a name that is too long
            return "the file cannot be reached", None
        if not resolved.is_relative_to(self._resolved):
            return "the file lies outside of the project", "put a copy into the project"
        if not stat.S_ISREG(mode):
            return "this is no regular file", "put a text file here"
        return None


def joined(base: str, relative: str) -> str | None:
    """`relative` as seen from the directory of the file `base`, or None when it leaves the root or is absolute."""
    path = PurePosixPath(relative)
    if path.is_absolute() or "\\" in relative or "\0" in relative:
        return None
    parts: list[str] = list(PurePosixPath(base).parent.parts)
    for part in path.parts:
        if part != "..":
            parts.append(part)
        elif parts:
            parts.pop()
        else:
            return None
    return "/".join(parts)


def find_root(start: Path) -> Path:
    """The nearest directory from `start` upwards that holds a pipeline.yaml. BadInput when there is none."""
    start = start.absolute()
    for directory in (start, *start.parents):
        if (directory / FILE).is_file():
            return directory
    raise NoProject(
        f"looking for the project: neither {start} nor a directory above it has a {FILE}",
        hint="change into the service's repository, or name it with --root",
    )
