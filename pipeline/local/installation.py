"""The environment that the emulator runs in: one per set of requirements and interpreter, shared by all checkouts.

The emulator pins botocore, so it never shares an environment with the product. Functions run in the emulator's own
interpreter whatever their `runtime` says; therefore it is made from the Python that runs us, and what is reported as
`python` is what their compiled dependencies have to be built for.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uv

from pipeline.errors import PipelineError

_REQUIREMENTS = Path(__file__).with_name("requirements.txt")
_MARKER = "complete"

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Installation:
    """An environment that is ready: its interpreter's path and version."""

    executable: Path
    python: tuple[int, int]


def installed(progress: Progress) -> Installation:
    """The environment, made on first use (a few seconds, from the package index that uv is configured for).

    Raises PipelineError when uv cannot make it; its own words are in the message.
    """
    place = _cache() / _key()
    found = Installation(place / "bin" / "python", sys.version_info[:2])
    if not (place / _MARKER).exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.with_suffix(".lock").open("w", encoding="utf-8") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if not (place / _MARKER).exists():
                progress("installing the embedded AWS (once per machine and Python)")
                _build(place)
    return found


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or ""
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "pipeline" / "local"


def _key() -> str:
    """Changes with the requirements, the interpreter's exact version and the place it is installed in."""
    parts = (_REQUIREMENTS.read_bytes(), sys.version.encode(), sys.base_prefix.encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _build(place: Path) -> None:
    """A virtual environment cannot be moved, so it is made where it stays; the marker comes last."""
    shutil.rmtree(place, ignore_errors=True)
    uv = _uv()
    _run([uv, "venv", "--quiet", "--no-project", "--no-config", "--python", sys.executable, str(place)])
    python = str(place / "bin" / "python")
    exact = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--compile-bytecode"]
    _run([uv, "pip", "install", "--quiet", "--python", python, *exact, "--requirement", str(_REQUIREMENTS)])
    (place / _MARKER).touch()


def _uv() -> str:
    try:
        return str(uv.find_uv_bin())
    except FileNotFoundError as missing:
        elsewhere = shutil.which("uv")
        if elsewhere is None:
            raise PipelineError(
                f"installing the embedded AWS: no uv program: {missing}", hint="install the package `uv` again"
            ) from missing
        return elsewhere


def _run(command: list[str]) -> None:
    inherited = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    environment = {"UV_SYSTEM_CERTS": "true"} | inherited
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise PipelineError(
            f"installing the embedded AWS: uv {command[1]} ended with {done.returncode}: {done.stderr.strip()}",
            hint="check that the package index can be reached, then run the same command again",
        )
