"""The digest of every file, without reading those that have not changed since the last run.

Works as git's index does: a file whose size, times, inode and mode are those of the last run is the same, unless it
was changed so shortly before it was read that its times could not show another change ("racily clean").
https://git-scm.com/docs/racy-git
"""

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

# File systems keep times in steps of up to 2 s (FAT). A file younger than this when it was read is read again.
_STEP_NS = 2_000_000_000
_FORMAT = 1


class FileIndex:
    """Digests of files by a name of the caller's choice, kept in the file `place`."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._known: dict[str, list[Any]] = _load(place)
        self._used: dict[str, list[Any]] = {}
        self._now_ns: int | None = None
        self._changed = False

    def digest(self, name: str, path: str, status: os.stat_result) -> str:
        """The SHA-256 (hex) of the file at `path`, whose metadata are `status`. OSError when it cannot be read."""
        signature = _signature(status)
        known = self._known.get(name)
        if known is not None and known[1:] == signature:
            self._used[name] = known
            return str(known[0])
        now_ns = self._clock()
        digest = file_digest(path)
        if max(status.st_mtime_ns, status.st_ctime_ns) + _STEP_NS < now_ns:
            self._used[name] = [digest, *signature]
            self._changed = True
        return digest

    def save(self) -> None:
        """Writes what was asked for in this run, for the next; does nothing when nothing is new."""
        if self._changed:
            write_atomically(self._place, json.dumps({"format": _FORMAT, "files": self._used}).encode())
            self._changed = False

    def _clock(self) -> int:
        """Now by the clock of the file system, which may be that of another machine; taken before anything is read."""
        if self._now_ns is None:
            self._place.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self._place.parent) as probe:
                probe.write(b"0")
                probe.flush()
                self._now_ns = os.fstat(probe.fileno()).st_mtime_ns
        return self._now_ns


def _signature(status: os.stat_result) -> list[int]:
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_mode]


def _load(place: Path) -> dict[str, list[Any]]:
    """What the last run left; nothing when that cannot be read."""
    try:
        data = json.loads(place.read_bytes())
        return dict(data["files"]) if data["format"] == _FORMAT else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def file_digest(path: str | Path) -> str:
    """The SHA-256 (hex) of a file's bytes."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_atomically(place: Path, content: bytes) -> None:
    """Writes a file so that readers see the old content or the new, never a part of it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        Path(name).replace(place)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
