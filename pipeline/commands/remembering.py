"""Loads the configuration, or remembers what an earlier load gave, while nothing that it depended on has changed.

Reading, checking and rendering takes 0.2 s, most of which is making the checker of JSON Schema ready. It is a function
of the files' answers, the date, the arguments, our own code and the libraries; all of these are compared, the files by
their content. What has an error or comes from another edition of us is never used.

It is kept in the user's own cache and not in the checkout: a repository may not bring along what its specs mean. Like
Python's own byte code there it is trusted; still nothing but our frozen values is ever made of it.
"""

import hashlib
import io
import os
import pickle
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path, PosixPath
from typing import TYPE_CHECKING, Any

import click

from pipeline import __file__ as package_file
from pipeline.config.loaded import Loaded
from pipeline.config.tracing import TracedFiles, hold
from pipeline.packaging.index import write_atomically
from pipeline.packaging.store import sweep

if TYPE_CHECKING:
    from pipeline.resources.registry import Registry

_KEPT_DAYS = 14.0
# The rooms whose code decides what a load gives.
_ROOMS = ("config", "model", "resources", "rollout")
_VALUES = ("pipeline.config.loaded", "pipeline.config.findings", "pipeline.errors", "pipeline.model.")
# Where the class of paths lives is not the same in every Python: `pathlib`, in 3.13 `pathlib._local`.
_PLAIN = {("builtins", "frozenset"), (PosixPath.__module__, "PosixPath"), ("datetime", "date")}


def load(
    root: Path,
    names: Sequence[str] | None,
    types: "Callable[[], Registry]",
    today: date,
    *,
    account: str | None,
    region: str | None = None,
    cache: Path,
) -> Loaded:
    """What `pipeline.config.loading.load` gives; `cache` is the folder to remember it in, `types` asked if need be."""
    asked = [str(root), names, account, region]
    place = cache / f"{hashlib.sha256(repr(asked).encode()).hexdigest()[:32]}.pickle"
    edition = _edition(today)
    if (known := _remembered(place, edition, root)) is not None:
        return known
    from pipeline.config.loading import load as load_anew  # noqa: PLC0415 - what takes the time that is saved above

    files = TracedFiles(root)
    loaded = load_anew(files, names, types(), today, account=account, region=region)
    if not loaded.errors:
        _remember(place, (edition, files.answers, loaded))
    return loaded


def _remembered(place: Path, edition: str, root: Path) -> Loaded | None:
    try:
        before, answers, loaded = _Values(io.BytesIO(place.read_bytes())).load()
        return loaded if before == edition and hold(answers, root) else None
    except Exception:  # noqa: BLE001 - of what cannot be read, whatever the reason, nothing is remembered
        return None


def _remember(place: Path, what: tuple[Any, ...]) -> None:
    try:
        write_atomically(place, pickle.dumps(what))
        sweep(place.parent, _KEPT_DAYS)
    except OSError:
        return  # a cache that cannot be written costs time and nothing else


class _Values(pickle.Unpickler):
    """Makes our values and what they are made of; any other class is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _PLAIN or module.startswith(_VALUES):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no value of ours")


def _edition(today: date) -> str:
    """Changes with the date, with our code, with the Python and with where and when its libraries were installed."""
    own = Path(package_file).parent
    # An installer writes files anew; the folder around them changes for lesser reasons, such as a compiled module.
    parts = [str(today), sys.version, f"{click.__file__} {Path(click.__file__).stat().st_mtime_ns}"]
    for room in _ROOMS:
        parts += sorted(f"{room}/{entry}" for entry in _states(str(own / room)))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _states(folder: str) -> Iterator[str]:
    for entry in os.scandir(folder):
        if entry.name.endswith((".py", ".json")):
            status = entry.stat()
            yield f"{entry.name} {status.st_size} {status.st_mtime_ns}"
