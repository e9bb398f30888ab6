"""Writes a new repository: all of it, or nothing."""

import shutil
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from pipeline.errors import BadInput, PipelineError

# What may be in a directory that counts as empty: a repository that was just made or cloned.
_WELCOME = {".git"}


def check_free(directory: Path) -> None:
    """BadInput unless the directory is missing or empty; names what is in the way."""
    try:
        there = sorted(entry.name for entry in directory.iterdir() if entry.name not in _WELCOME)
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise BadInput(f"{directory} is a file", hint="name a directory that is not there yet") from None
    if there:
        shown = ", ".join(there[:5]) + (f" and {len(there) - 5} more" if len(there) > 5 else "")
        raise BadInput(f"{directory} is not empty: {shown}", hint="name a directory that is not there yet")


def write(directory: Path, files: Mapping[str, str | bytes], executable: Iterable[str] = ()) -> None:
    """Writes `files` (path -> content) into a free directory. It is made beside it first, and only then moved."""
    check_free(directory)
    made = _parents(directory)
    try:
        with tempfile.TemporaryDirectory(dir=directory.parent, prefix=f".{directory.name or 'init'}-") as temporary:
            _fill(Path(temporary), files, executable)
            _move(Path(temporary), directory)
    except OSError as error:
        for parent in made:
            with suppress(OSError):  # somebody else put something there meanwhile
                parent.rmdir()
        raise PipelineError(
            f"writing {directory}: {error.strerror}", hint="name a directory that you may write to"
        ) from error


def _parents(directory: Path) -> list[Path]:
    """Makes the directories around `directory`; those that were not there, innermost first."""
    missing = [parent for parent in directory.parents if not parent.exists()]
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"making {directory.parent}: {error.strerror}", hint="name a directory that you may write to"
        ) from error
    return missing


def _fill(root: Path, files: Mapping[str, str | bytes], executable: Iterable[str]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(0o755 if name in executable else 0o644)


def _move(source: Path, directory: Path) -> None:
    """Moves what is in `source`; on an error what was moved goes back, and with it away."""
    directory.mkdir(exist_ok=True)
    moved: list[Path] = []
    try:
        for entry in sorted(source.iterdir()):
            target = directory / entry.name
            entry.rename(target)
            moved.append(target)
    except OSError:
        for target in moved:
            shutil.move(target, source / target.name)
        raise
