"""Signals that ask a run to stop, in a process of its own."""

import signal
import subprocess
import sys

import pytest

RUN = """
import os, signal, sys
from pipeline.commands.stopping import Stop
from pipeline.errors import Interrupted
first, second, ignored = map(int, sys.argv[1:])
# As a terminal starts it, or nohup, whatever started these tests.
signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
stop = Stop.current()
stop.install()
os.kill(os.getpid(), first)
if second:
    os.kill(os.getpid(), second)
try:
    stop.sleep(0.01)
    print("goes on")
except Interrupted:
    print("stops in order")
finally:
    stop.reset()
"""


@pytest.mark.parametrize(
    ("first", "second", "ignored", "said", "code"),
    [
        (signal.SIGHUP, signal.SIGHUP, False, "stops in order", 0),
        (signal.SIGHUP, 0, True, "goes on", 0),
        (signal.SIGHUP, signal.SIGTERM, False, "", 130),
        (signal.SIGTERM, signal.SIGINT, False, "", 130),
    ],
)
def test_a_closed_terminal_asks_to_stop_however_often_it_is_told(
    first: int, second: int, ignored: bool, said: str, code: int
) -> None:
    """What was started has to be ended; under nohup nothing is asked."""
    arguments = [str(int(one)) for one in (first, second, ignored)]
    done = subprocess.run([sys.executable, "-c", RUN, *arguments], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == (said, code), done.stderr
