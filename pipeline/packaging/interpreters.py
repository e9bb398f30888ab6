"""Pythons of this machine, by version; nothing is ever downloaded."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_PROBE = "import sys; print('%d.%d' % sys.version_info[:2])"
_PATIENCE = 10.0  # seconds


def find_interpreter(version: str) -> str | None:
    """The path of a working Python `version` (major.minor): our own, one on PATH, of pyenv or of uv; or None."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    seen: set[str] = set()
    for place in _candidates(version):
        if place not in seen and os.access(place, os.X_OK) and _works(place, version):
            return place
        seen.add(place)
    return None


def _candidates(version: str) -> Iterator[str]:
    name = f"python{version}"
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        if Path(folder).name != "shims":  # pyenv's stand-ins: they only work where a version is switched on
            yield str(Path(folder) / name)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    managed = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python")
    for base, pattern in ((pyenv / "versions", f"{version}*"), (managed, f"cpython-{version}*")):
        yield from (str(place / "bin" / name) for place in sorted(base.glob(pattern), reverse=True))


def _works(place: str, version: str) -> bool:
    try:
        done = subprocess.run(
            [place, "-I", "-S", "-c", _PROBE], capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and done.stdout.strip() == version
