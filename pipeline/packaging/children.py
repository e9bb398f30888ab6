"""Waiting for child processes and locks in short steps, so that a run that is asked to stop does."""

import contextlib
import fcntl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline.errors import Interrupted

_TICK = 0.1  # seconds between two looks at whether the run was asked to stop

Stopping = Callable[[], bool]


def ended(child: "subprocess.Popen[bytes]", stopping: Stopping, ends: float | None = None) -> int | None:
    """The exit status; None when `ends` (by the monotonic clock) came first: then the child was killed.

    Raises Interrupted when `stopping` says so. The child is gone in every case.
    """
    # A thread waits, because `wait` with a time limit looks in steps and would notice the end up to 50 ms late.
    waiter = threading.Thread(target=child.wait, daemon=True)
    with child:
        try:
            waiter.start()
            while True:
                waiter.join(_TICK)
                if not waiter.is_alive():
                    return child.returncode
                if stopping():
                    raise Interrupted("packaging: the run was asked to stop")
                if ends is not None and time.monotonic() >= ends:
                    return None
        finally:
            child.kill()


@contextlib.contextmanager
def only_one(place: Path, stopping: Stopping) -> Iterator[None]:
    """Holds an exclusive lock on the file `place`; a process that dies lets go of it.

    Raises Interrupted when `stopping` says so while another process holds it. Where the file system knows no locks,
    nothing is held.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("w", encoding="utf-8") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if stopping():
                    raise Interrupted("packaging: the run was asked to stop") from None
                time.sleep(_TICK)
            except OSError:
                break
        yield
