"""Requests at a steady pace, and what became of each. Goes to http addresses of 127.0.0.1 alone."""

import http.client
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from pipeline.errors import PipelineError

RATE = 15.0  # requests a second, all addresses together
_WORKERS = 6
_TIMEOUT = 35.0  # API Gateway answers within 29 s
_SLOW = 1.0


@dataclass(frozen=True)
class Answer:
    """One request: when it was sent (Unix seconds), to which address, its status (0: none) and how long it took."""

    at: float
    url: str
    status: int
    seconds: float


@dataclass(frozen=True)
class Tally:
    """Requests of a time: how many, how many got an answer that is not 2xx or 3xx, how many took over a second."""

    sent: int = 0
    failed: int = 0
    slow: int = 0

    @classmethod
    def of(cls, answers: Sequence[Answer], start: float, end: float) -> "Tally":
        """Those that were sent from `start` until before `end`."""
        chosen = [answer for answer in answers if start <= answer.at < end]
        failed = sum(not 200 <= answer.status < 400 for answer in chosen)
        return cls(len(chosen), failed, sum(answer.seconds > _SLOW for answer in chosen))

    def to_json(self) -> dict[str, int]:
        """As reported."""
        return {"sent": self.sent, "failed": self.failed, "slow": self.slow}


def ask(url: str) -> Answer:
    """One request. PipelineError for an address that is not of this machine."""
    place = urlsplit(url)
    if place.scheme != "http" or place.hostname != "127.0.0.1":
        raise PipelineError(f"sending requests to {url}: only this machine is asked")
    began, at = time.monotonic(), time.time()
    connection = http.client.HTTPConnection("127.0.0.1", place.port, timeout=_TIMEOUT)
    try:
        connection.request("GET", place.path + (f"?{place.query}" if place.query else ""))
        answer = connection.getresponse()
        answer.read()
        status = answer.status
    except (OSError, http.client.HTTPException):
        status = 0
    finally:
        connection.close()
    return Answer(at, url, status, time.monotonic() - began)


@dataclass
class Load:
    """Asks the addresses in turn, `rate` times a second, while its block runs."""

    urls: Sequence[str]
    rate: float = RATE
    _answers: list[Answer] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)
    _over: Event = field(default_factory=Event)
    _threads: list[Thread] = field(default_factory=list)
    _sent: int = 0

    @property
    def answers(self) -> list[Answer]:
        """All that came back so far."""
        with self._lock:
            return list(self._answers)

    def __enter__(self) -> Self:
        began = time.monotonic()
        self._threads = [Thread(target=self._work, args=(began,), daemon=True) for _ in range(_WORKERS)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(timeout=_TIMEOUT)

    def _work(self, began: float) -> None:
        while True:
            with self._lock:
                number, self._sent = self._sent, self._sent + 1
            if self._over.wait(max(0.0, began + number / self.rate - time.monotonic())):
                return
            answer = ask(self.urls[number % len(self.urls)])
            with self._lock:
                self._answers.append(answer)
