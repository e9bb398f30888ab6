"""Questions on a terminal: asked again until the answer can be right, ended at once by Ctrl-C."""

import os
import pty
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # each is a process of its own


class Terminal:
    """`pipeline` on a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        self.mine, theirs = pty.openpty()
        command = [sys.executable, "-m", "pipeline", *arguments]
        self.process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        self.shown = ""

    def answer(self, question: str, keys: str) -> None:
        """Waits for the question, which ends what was shown so far, and types."""
        self.until(question)
        os.write(self.mine, keys.encode())

    def interrupt(self) -> None:
        """Ctrl-C until it is over: readline misses one that comes just before it waits."""
        while self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=2)

    def end(self) -> int:
        """Waits until it is over; the exit code."""
        self.until(None)
        os.close(self.mine)
        return self.process.wait(timeout=5)

    def until(self, text: str | None) -> None:
        """Reads until the text was shown, or to the end."""
        start = len(self.shown)
        while text is None or text not in self.shown[start:]:
            ready, _, _ = select.select([self.mine], [], [], 30)
            assert ready, f"waited for {text!r}: {self.shown}"
            try:
                read = os.read(self.mine, 4096)
            except OSError:  # Linux says so when the other end is closed
                read = b""
            if not read:
                assert text is None, self.shown
                return
            self.shown += read.decode()


def test_what_cannot_be_right_is_asked_again(tmp_path: Path) -> None:
    terminal = Terminal("init", str(tmp_path / "orders"))
    terminal.answer("service [orders]: ", "Bad Name\n")
    terminal.answer("service [orders]: ", "\n")
    terminal.answer("region [us-east-1]: ", "mars\n")
    terminal.answer("region [us-east-1]: ", "eu-west-1\n")
    terminal.answer("production=main]: ", "dev,live=main\n")
    terminal.answer("none yet): ", "12\n")
    terminal.answer("none yet): ", "111122223333\n")
    terminal.answer("live [111122223333]: ", "444455556666\n")
    assert terminal.end() == 0, terminal.shown
    assert '"Bad Name" is no name for a service' in terminal.shown
    assert '"12" is no account' in terminal.shown
    found = {name: (tmp_path / f"orders/environments/{name}.env").read_text() for name in ("dev", "live")}
    assert "AWS_ACCOUNT_ID=111122223333" in found["dev"]
    assert "AWS_ACCOUNT_ID=444455556666" in found["live"]
    assert "AWS_REGION=eu-west-1" in found["dev"]


def test_without_an_account_none_is_asked_for_again(tmp_path: Path) -> None:
    terminal = Terminal("init", str(tmp_path / "orders"), "--service", "orders", "--region", "us-east-1")
    terminal.answer("production=main]: ", "\n")
    terminal.answer("dev (empty: none yet): ", "\n")
    assert terminal.end() == 0, terminal.shown
    assert "AWS account of staging" not in terminal.shown


def test_ctrl_c_ends_a_question_at_once_and_nothing_is_written(tmp_path: Path) -> None:
    terminal = Terminal("init", str(tmp_path / "orders"))
    terminal.until("service [orders]: ")
    terminal.interrupt()
    assert terminal.end() == 130
    assert "did not end in time" not in terminal.shown
    assert not list(tmp_path.iterdir())
