"""What is kept between commands about the embedded AWS of one checkout: a record of the process, and a lock.

Everything lies in `<root>/.pipeline/local/`. The record says which process was started; whether it still runs and
still is ours is for `process` to find out.
"""

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_LOCK = "lock"
_KEEP = frozenset({_LOCK, ".gitignore"})


@dataclass(frozen=True)
class Record:
    """One started process: its pid, its port, the random name it answers with, and what it runs on.

    `started` is the wall clock's time in seconds since the epoch.
    """

    pid: int
    port: int
    instance: str
    account: str
    python: tuple[int, int]
    python_executable: str
    started: float


@dataclass(frozen=True)
class Folder:
    """The private folder of one checkout's embedded AWS."""

    path: Path

    @classmethod
    def of(cls, root: Path) -> "Folder":
        """`<root>/.pipeline/local`, not made yet."""
        return cls(root.resolve() / ".pipeline" / "local")

    @property
    def log(self) -> Path:
        """What the process writes to stdout and stderr."""
        return self.path / "log"

    @property
    def _record(self) -> Path:
        return self.path / "record.json"

    def make(self) -> None:
        """The folder, readable by its owner alone and ignored by git."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        ignore = self.path / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")

    def room(self, name: str) -> Path:
        """An empty folder of this name within, made anew."""
        path = self.path / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(mode=0o700)
        return path

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One command at a time: two starts at once make one process."""
        self.make()
        with (self.path / _LOCK).open("w", encoding="utf-8") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def read(self) -> Record | None:
        """The record, None when there is none that can be understood."""
        try:
            document: dict[str, Any] = json.loads(self._record.read_text(encoding="utf-8"))
            document["python"] = tuple(document["python"])
            return Record(**document)
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write(self, record: Record) -> None:
        """Replaces the record in one step."""
        draft = self._record.with_suffix(".new")
        draft.write_text(json.dumps(asdict(record), indent=1), encoding="utf-8")
        draft.replace(self._record)

    def forget_process(self) -> None:
        """Drops the record of a dead process; its log stays to be read, and that there was one is remembered."""
        self._lost.touch()
        self._record.unlink(missing_ok=True)

    @property
    def lost(self) -> bool:
        """True when a process died with all that it held, and nobody was told yet."""
        return self._lost.exists()

    def forget_lost(self) -> None:
        """It was told."""
        self._lost.unlink(missing_ok=True)

    @property
    def _lost(self) -> Path:
        return self.path / "lost"

    def clear(self) -> None:
        """Removes everything but the lock, which another command may be waiting for."""
        if not self.path.is_dir():
            return
        for entry in self.path.iterdir():
            if entry.name in _KEEP:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)
