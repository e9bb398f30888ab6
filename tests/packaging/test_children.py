import fcntl
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.errors import Interrupted
from pipeline.packaging.children import ended, only_one


def child(program: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-S", "-c", program])


def test_the_status_of_a_child_is_told() -> None:
    assert ended(child("raise SystemExit(3)"), lambda: False) == 3


def test_a_child_that_takes_too_long_is_killed() -> None:
    slow = child("import time; time.sleep(600)")
    assert ended(slow, lambda: False, time.monotonic() + 0.2) is None
    assert slow.returncode is not None


def test_a_run_that_was_asked_to_stop_leaves_no_child() -> None:
    slow = child("import time; time.sleep(600)")
    with pytest.raises(Interrupted):
        ended(slow, lambda: True)
    assert slow.returncode is not None


def test_a_lock_is_held_alone_and_let_go(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "a.lock"
    with only_one(place, lambda: False), place.open() as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with only_one(place, lambda: False):
        pass


def test_who_waits_for_a_lock_can_be_stopped(tmp_path: Path) -> None:
    with only_one(tmp_path / "a.lock", lambda: False), pytest.raises(Interrupted):  # noqa: SIM117 - one waits for the other
        with only_one(tmp_path / "a.lock", lambda: True):
            pass
