"""SIGINT and SIGTERM ask the run to stop; a second one ends it at once."""

import os
import signal
import threading

from pipeline.errors import Interrupted


class Stop:
    """Whether this process was asked to stop."""

    _instance: "Stop | None" = None

    def __init__(self) -> None:
        self.event = threading.Event()

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

    def sleep(self, seconds: float) -> None:
        """Sleeps, or until the run should stop; then Interrupted."""
        if self.event.wait(seconds):
            raise Interrupted("stopped while waiting")

    def reset(self) -> None:
        """A fresh start, for several runs in one process."""
        self.event.clear()

    def _on_signal(self, number: int, frame: object) -> None:
        if self.event.is_set():
            os._exit(130)
        self.event.set()
