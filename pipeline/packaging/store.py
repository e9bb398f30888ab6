"""Places on disk: content-addressed, renamed into place when they are whole, cleared of what is of no use."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from pipeline.packaging.index import file_digest

_DAY = 86_400.0


@contextlib.contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A folder below `folder` that is gone afterwards: what is made in it can be renamed into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(dir=folder, prefix=".tmp-"))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def keep(made: Path, folder: Path, digest: str) -> Path:
    """Moves a finished archive to its place, `<folder>/<digest>.zip`; one that is there already is replaced."""
    place = folder / f"{digest}.zip"
    made.replace(place)
    return place


def intact(place: Path, digest: str) -> bool:
    """True when the file is there and its bytes are those of its name."""
    try:
        return file_digest(place) == digest
    except OSError:
        return False


def used(place: Path) -> None:
    """Notes that a file is still of use; twice a day is enough, so that its times rarely change."""
    with contextlib.suppress(OSError):
        if place.stat().st_mtime < time.time() - _DAY / 2:
            os.utime(place)


def sweep(folder: Path, days: float) -> None:
    """Deletes what has not been of use for some days, and what killed processes left."""
    limit = time.time() - days * _DAY
    with contextlib.suppress(OSError):
        for entry in list(os.scandir(folder)):
            with contextlib.suppress(OSError):
                if entry.stat(follow_symlinks=False).st_mtime < limit:
                    _delete(Path(entry.path))


def _delete(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place, ignore_errors=True)
    else:
        place.unlink()
