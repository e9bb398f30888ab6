"""Dependencies, built once per lock and target, and kept for every checkout of this machine.

In the cache: `locks/<requirements and target>.txt`, what unlocked requirements were resolved to;
`dependencies/<lock and target>.json`, which archive a lock gave; `dependencies/<sha256>.zip`, the archives, whose
entries are in normal form and ready to be the first of a bundle.

Everything is written beside its place and renamed, so a reader never sees a part. Two processes that want the same
build wait for each other; if one dies, or locks do not work (some network drives), both build the same bytes.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.packaging.index import write_atomically
from pipeline.packaging.requirements import Requirements
from pipeline.packaging.store import intact, keep, scratch, sweep, used
from pipeline.packaging.targets import BuildTarget

if TYPE_CHECKING:
    from pipeline.packaging.uv import Uv

# Part of every key: to be raised when the normal form of an installed package changes.
_FORMAT = 1
_KEPT_DAYS = 60.0


@dataclass(frozen=True)
class Lock:
    """Exact versions and hashes for a target. `key` is the same for locks that give the same files."""

    text: str
    requirements: Requirements
    target: BuildTarget

    @property
    def key(self) -> str:
        """SHA-256 (hex) of the lock and the target."""
        return _key(self.text, self.target)


@dataclass(frozen=True)
class Dependencies:
    """The shared cache of locks and builds. `uv` is asked for only when something has to be resolved or installed."""

    cache: Path
    uv: "Callable[[], Uv]"
    progress: Callable[[str], None]
    stopping: Callable[[], bool] = lambda: False

    def lock(self, requirements: Requirements, target: BuildTarget) -> Lock:
        """The lock of `requirements`: they themselves where they have hashes, else what they were first resolved to.

        Raises what `Uv.compile` raises.
        """
        if requirements.locked:
            return Lock(requirements.text, requirements, target)
        folder = self.cache / "locks"
        place = folder / f"{_key(requirements.text + chr(0) + requirements.constraints, target)}.txt"
        with contextlib.suppress(OSError):
            return Lock(place.read_text(encoding="utf-8"), requirements, target)
        self.progress(f"resolving {requirements.file} for {target}")
        with scratch(folder) as made:
            text = self.uv().compile(requirements, target, made)
            fresh = made / "lock.txt"
            fresh.write_text(text, encoding="utf-8")
            # A link, unlike a renaming, does not replace: of two processes at once the first one's answer holds.
            with contextlib.suppress(FileExistsError):
                os.link(fresh, place)
        return Lock(place.read_text(encoding="utf-8"), requirements, target)

    def build(self, lock: Lock) -> Path:
        """The archive of what `lock` names, built where it is missing or damaged. Raises what `Uv.install` raises."""
        folder = self.cache / "dependencies"
        note = folder / f"{lock.key}.json"
        if (place := _kept(folder, note)) is not None:
            return place
        from pipeline.packaging.children import only_one  # noqa: PLC0415 - as in _make

        with only_one(folder / f"{lock.key}.lock", self.stopping):
            return _kept(folder, note) or self._make(lock, folder, note)

    def _make(self, lock: Lock, folder: Path, note: Path) -> Path:
        # Imported here: a run that changes nothing needs none of it.
        from pipeline.packaging.archive import write_archive  # noqa: PLC0415 - only when something has to be built
        from pipeline.packaging.installed import members  # noqa: PLC0415 - only when something has to be built

        self.progress(f"installing {lock.requirements.file} for {lock.target}")
        with scratch(folder) as made:
            tree = self.uv().install(lock.text, lock.requirements, lock.target, made)
            written = write_archive(made / "tree.zip", members(tree))
            place = keep(made / "tree.zip", folder, written.digest)
        write_atomically(note, json.dumps({"archive": written.digest}).encode())
        sweep(folder, _KEPT_DAYS)
        return place


def _key(text: str, target: BuildTarget) -> str:
    return hashlib.sha256(f"{_FORMAT}\0{target.key}\0{text}".encode()).hexdigest()


def _kept(folder: Path, note: Path) -> Path | None:
    """The archive that a note names, if its bytes are still those of its name."""
    try:
        digest = str(json.loads(note.read_bytes())["archive"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    place = folder / f"{digest}.zip"
    if not intact(place, digest):
        return None
    used(note)
    used(place)
    return place
