"""A clock that never waits, and clients of the AWS that moto plays."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from threading import Event, Lock
from typing import Any

from pipeline.applying.aws_client import AwsClient, Observer
from pipeline.clients import BotoTransport
from pipeline.model.scope import Scope

ACCOUNT = "123456789012"
REGION = "us-east-1"
SCOPE = Scope(service="orders", environment="dev", account=ACCOUNT, region=REGION)
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


class FakeClock:
    """Time that passes only by sleeping; `slept` holds every pause in seconds.

    `on_sleep` is called with the seconds of each pause, before it: a place to change the world meanwhile.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []
        self.on_sleep: Callable[[float], None] = lambda seconds: None
        self._lock = Lock()

    def now(self) -> datetime:
        return datetime(2026, 11, 24, 9, 0, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float, stop: Event | None = None) -> None:
        self.on_sleep(seconds)
        if stop is None or not stop.is_set():
            with self._lock:
                self.slept.append(seconds)
                self.seconds += seconds


def local_client(
    clock: FakeClock,
    *,
    endpoint: str | None = None,
    stop: Event | None = None,
    on_event: Observer | None = None,
    threads: int = 8,
) -> AwsClient:
    """A real client with invented credentials: to moto in this process, or to `endpoint`."""
    return AwsClient(_transport(endpoint, threads), clock, stop=stop, on_event=on_event, threads=threads)


def _transport(endpoint: str | None, threads: int) -> BotoTransport:
    """To moto in this process one for all tests: making clients takes longer than most tests do."""
    return _to_moto(threads) if endpoint is None else _new_transport(endpoint, threads)


@cache
def _to_moto(threads: int) -> BotoTransport:
    return _new_transport(None, threads)


def _new_transport(endpoint: str | None, threads: int) -> BotoTransport:
    environment: Mapping[str, str] = CREDENTIALS | ({"AWS_ENDPOINT_URL": endpoint} if endpoint else {})
    return BotoTransport(REGION, threads=threads, environment=environment)


def names(calls: Mapping[tuple[str, str], int]) -> dict[str, int]:
    """Counted calls as `service:Operation`, for readable assertions."""
    return {f"{service}:{operation}": count for (service, operation), count in sorted(calls.items())}


Params = Mapping[str, Any]
