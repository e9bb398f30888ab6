"""Imports handlers as Lambda would. Run as a program of its own, by the Python of the functions' version.

`python -I -S -B import_probe.py JOB RESULTS`: the file JOB says what to import, and each step is one JSON line in
RESULTS, so that it is known how far a process got that died. Uses the standard library of Python 3.8 alone, and nothing
of this package: neither may be on the path of the code that is imported.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import json
import os
import sys
import traceback
from typing import Any, TextIO


class RuntimeFinder:
    """Finds the packages that Lambda's runtime brings, and no other package of the folder that they are in."""

    def __init__(self, folder: str, names: list[str]) -> None:
        self.folder = folder
        self.names = frozenset(names)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The spec of a top-level package of the runtime; its submodules are found by its own path."""
        if path is None and name in self.names:
            return importlib.machinery.PathFinder.find_spec(name, [self.folder], target)
        return None


class KeepingLoader(importlib.machinery.SourceFileLoader):
    """Keeps what it compiles in the folder `kept`, and finds it there.

    `-X pycache_prefix` would do that for the standard library, too, and compile all of it anew, though it has its own.
    """

    kept: str

    def get_code(self, fullname: str) -> Any:
        """The code of a module, compiled at most once."""
        sys.pycache_prefix, sys.dont_write_bytecode = self.kept, False
        try:
            return super().get_code(fullname)
        finally:
            sys.pycache_prefix, sys.dont_write_bytecode = None, True


def keep_bytecode(kept: str, folders: list[str]) -> None:
    """From now on, what is imported from below `folders` is compiled once."""
    KeepingLoader.kept = kept
    find = importlib.machinery.FileFinder.path_hook(
        (importlib.machinery.ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES),
        (KeepingLoader, importlib.machinery.SOURCE_SUFFIXES),
        (importlib.machinery.SourcelessFileLoader, importlib.machinery.BYTECODE_SUFFIXES),
    )

    def hook(path: str) -> Any:
        if not any(path == folder or path.startswith(folder + os.sep) for folder in folders):
            raise ImportError(path)
        return find(path)

    sys.path_hooks.insert(0, hook)
    sys.path_importer_cache.clear()


def main(job_file: str, results_file: str) -> None:
    """Imports every handler of the job in turn."""
    with open(job_file, encoding="utf-8") as stream:  # noqa: PTH123 - the fewest imports before the code's own
        job = json.load(stream)
    sys.path[:0] = job["paths"]
    if job["bytecode"]:
        keep_bytecode(job["bytecode"], [folder for folder in (*job["paths"], job["runtime_folder"]) if folder])
    if job["runtime_folder"]:
        sys.meta_path.append(RuntimeFinder(job["runtime_folder"], job["runtime_names"]))
    with open(results_file, "a", encoding="utf-8") as results:  # noqa: PTH123 - as above
        for entry in job["handlers"]:
            os.environ.clear()
            os.environ.update(entry["environment"])
            outcome, message, name = tried(entry["handler"], job)
            say(results, address=entry["address"], outcome=outcome, message=message, name=name)


def say(results: TextIO, **line: Any) -> None:
    """Writes one line, at once."""
    results.write(json.dumps(line) + "\n")
    results.flush()


def tried(handler: str, job: dict[str, Any]) -> tuple[str, str, str | None]:
    """`ok`, `failed` or `unknown` (broken inside the runtime's packages), why, and the module that is missing."""
    module_name, _, attribute = handler.rpartition(".")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except BaseException as error:  # noqa: BLE001 - whatever the code raises, SystemExit included, is the finding
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
        runtime = job["runtime_folder"]
        lost = bool(frames and runtime and frames[-1].filename.startswith(runtime + os.sep))
        return "unknown" if lost else "failed", worded(error, frames, job["paths"]), missing
    found = getattr(module, attribute, None)
    if found is None:
        return "failed", f"module {module_name} has no {attribute}", None
    if not callable(found):
        return "failed", f"{attribute} of {module_name} cannot be called", None
    return "ok", "", None


def worded(error: BaseException, frames: list[traceback.FrameSummary], paths: list[str]) -> str:
    """The last line of a traceback, and the last place in the bundle that it went through."""
    text = traceback.format_exception_only(type(error), error)[-1].strip()
    for frame in reversed(frames):
        for path in paths:
            if frame.filename.startswith(path + os.sep):
                return f"{text} ({os.path.relpath(frame.filename, path)}:{frame.lineno})"
    return text


if __name__ == "__main__":
    main(*sys.argv[1:])
