"""Runs whole processes and takes their time."""

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Sample:
    """One process from its start to its end: seconds on the clock, seconds of CPU (children included), peak MiB."""

    wall: float
    cpu: float
    peak: float
    output: bytes = field(default=b"", repr=False)


def run(command: Sequence[str], where: Path, environment: Mapping[str, str]) -> Sample:
    """Runs `command` in `where` with this environment alone. SystemExit with what it said when it does not end with 0.

    The peak is that of the largest of its processes. Linux counts it in KiB.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=where, env=dict(environment), stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode != 0:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{err.read().decode()[-2000:]}")
        return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out.read())


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)
