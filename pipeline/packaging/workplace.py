"""Where bundles are unpacked to be imported, and where Python keeps what it compiled of them until the next time."""

import fcntl
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_MTIME_BITS = 0x7FFFFFFF  # the largest time that every file system can store


@dataclass(frozen=True)
class Workplace:
    """`folder` is empty and gone afterwards; `bytecode` stays, or is None where nothing can be kept."""

    folder: Path
    bytecode: Path | None = None


@contextmanager
def workplace(kept: Path | None) -> Iterator[Workplace]:
    """A folder below `kept`, always of the same name, so that Python finds again what it compiled of it.

    Without `kept`, and while another process works there, a folder of its own in which nothing is kept.
    """
    with tempfile.TemporaryDirectory(prefix="pipeline-import-") as place:
        if kept is None:
            yield Workplace(Path(place).resolve())
            return
        kept.mkdir(parents=True, exist_ok=True)
        with (kept / "lock").open("w", encoding="utf-8") as handle:
            if not _locked(handle.fileno()):
                yield Workplace(Path(place).resolve())
                return
            folder = kept.resolve() / "unpacked"
            shutil.rmtree(folder, ignore_errors=True)  # of a process that was killed
            folder.mkdir()
            try:
                yield Workplace(folder, kept.resolve() / "bytecode")
            finally:
                shutil.rmtree(folder, ignore_errors=True)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def unpack(archive: Path, folder: Path) -> None:
    """The files of an archive, each dated by its content.

    By date and size Python tells whether what it compiled is still of the same source; the dates in our archives are
    all the same. https://docs.python.org/3/reference/import.html#cached-bytecode-invalidation
    """
    with zipfile.ZipFile(archive) as files:
        files.extractall(folder)
        for entry in files.infolist():
            if entry.filename.endswith(".py"):
                date = entry.CRC & _MTIME_BITS
                os.utime(folder / entry.filename, (date, date))
