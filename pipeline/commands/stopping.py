"""SIGINT, SIGTERM and a terminal that is closed ask the run to stop; a second signal, or 6.5 s, end it in any case.

GitHub Actions sends SIGINT, SIGTERM after 7.5 s and kills after 10:
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-cancellation
"""

import os
import signal
import threading
from types import FrameType

from pipeline.errors import Interrupted

EXIT_CODE = 130
# A stopped run has to be gone within 7 s, even when a call hangs and cannot be ended.
PATIENCE_SECONDS = 6.5


class Stop:
    """Whether this process was asked to stop. `event` is what everything that waits looks at."""

    _instance: "Stop | None" = None

    def __init__(self) -> None:
        self.event = threading.Event()
        self._watchdog: threading.Timer | None = None

    @classmethod
    def current(cls) -> "Stop":
        """The one of this process."""
        cls._instance = cls._instance or cls()
        return cls._instance

    def install(self) -> None:
        """Takes over the signals; only the main thread may."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._on_signal)
            signal.signal(signal.SIGTERM, self._on_signal)
            if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup wants it
                signal.signal(signal.SIGHUP, self._on_signal)

    def sleep(self, seconds: float) -> None:
        """Sleeps, or until the run should stop; then Interrupted."""
        if self.event.wait(seconds):
            raise Interrupted("stopped while waiting")

    def reset(self) -> None:
        """A fresh start, for several runs in one process."""
        self.event.clear()
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.event.is_set():
            if number == signal.SIGHUP:  # the shell tells of a closed terminal, and so does the system
                return
            os._exit(EXIT_CODE)
        self.event.set()
        self._watchdog = threading.Timer(PATIENCE_SECONDS, _give_up)
        self._watchdog.daemon = True
        self._watchdog.start()


def _give_up() -> None:
    """Ends the process though something in it hangs."""
    os.write(
        2, b"error: stopped, though something did not end in time\ntry: run the same command again: it continues\n"
    )
    os._exit(EXIT_CODE)
