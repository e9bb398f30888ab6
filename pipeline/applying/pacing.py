"""Keeps a parallel run within what AWS admits: token buckets by operation class, and one writer per object.

The numbers are `pacing.json`, each with its source. A bucket starts full, so a run of a few calls never waits; a
throttled answer empties it, because somebody else is using the same account. May not call AWS or sleep by itself:
it says how long to wait.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import resources as package_files
from threading import Event, Lock
from typing import Any, Self

from pipeline.applying.waiting import Clock, check_stop

LAG = 0.2  # seconds added to a period: AWS counts arrivals, and the call before may still have been connecting
_TICK = 0.25  # seconds between looks at the stop flag while another thread writes to the same object


@dataclass(frozen=True)
class Rate:
    """One operation class: `rate` calls a second in the long run, `burst` at once.

    `everywhere`: one bucket for all regions (a global service). `per`: a parameter whose values have a bucket each.
    """

    services: tuple[str, ...]
    operations: tuple[str, ...]
    rate: float
    burst: float
    everywhere: bool = False
    per: str | None = None
    excluding: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """Reads a row of `rates`; without a burst, one second's worth."""
        return cls(
            services=tuple(row["services"]),
            operations=tuple(row["operations"]),
            rate=1 / row["every"] if "every" in row else row["rate"],
            burst=row.get("burst", max(1.0, row.get("rate", 0.0))),
            everywhere=row.get("everywhere", False),
            per=row.get("per"),
            excluding=tuple(row.get("excluding", ())),
        )

    @property
    def used(self) -> float:
        """The rate that is kept to: a little less than allowed where calls come one at a time."""
        return self.rate if self.burst > 1 else 1 / (1 / self.rate + LAG)

    def covers(self, service: str, operation: str) -> bool:
        """True when calls of this operation draw from this class."""
        return service in self.services and _matches(operation, self.operations, self.excluding)


@dataclass(frozen=True)
class Serial:
    """Operations that AWS wants one at a time per object; `by` names parameters, the first one present counts."""

    service: str
    operations: tuple[str, ...]
    by: tuple[str, ...]
    excluding: tuple[str, ...] = ()

    def key(self, operation: str, params: Mapping[str, Any]) -> str | None:
        """The object that a call writes to; None when this rule does not speak of the call."""
        if not _matches(operation, self.operations, self.excluding):
            return None
        if not self.by:
            return self.service
        value = next((params[name] for name in self.by if isinstance(params.get(name), str)), None)
        return value and f"{self.service}/{bare_name(value)}"


def _matches(operation: str, patterns: tuple[str, ...], excluding: tuple[str, ...]) -> bool:
    return any(fnmatchcase(operation, p) for p in patterns) and not any(fnmatchcase(operation, p) for p in excluding)


def bare_name(value: str) -> str:
    """The object's own name: `arn:aws:lambda:R:A:function:NAME:live` and `.../table/NAME` are NAME."""
    if not value.startswith("arn:"):
        return value
    parts = value.split(":")
    return parts[6] if len(parts) > 6 else parts[-1].rpartition("/")[2]


class Bucket:
    """A token bucket that may go into debt: callers get a place in the queue and wait for it."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate, self.burst = rate, burst
        self._tokens, self._at = float(burst), now

    def take(self, now: float) -> float:
        """Takes one token; the seconds until it is there."""
        self._refill(now)
        self._tokens -= 1
        return max(0.0, -self._tokens / self.rate)

    def empty(self, now: float) -> None:
        """Forgets what was saved up."""
        self._refill(now)
        self._tokens = min(self._tokens, 0.0)

    def _refill(self, now: float) -> None:
        self._tokens = min(self.burst, self._tokens + max(0.0, now - self._at) * self.rate)
        self._at = now


class Pacer:
    """The buckets and the locks of one run."""

    def __init__(self, rates: tuple[Rate, ...], serials: tuple[Serial, ...], clock: Clock) -> None:
        self._rates = rates
        self._serials = serials
        self._clock = clock
        self._guard = Lock()
        self._classes: dict[tuple[str, str], tuple[tuple[int, Rate], ...]] = {}
        self._buckets: dict[tuple[int, str, str], Bucket] = {}
        self._locks: dict[str, Lock] = {}

    @classmethod
    def load(cls, clock: Clock, *, rationed: bool = True) -> Self:
        """With the packaged numbers; without `rationed` only what concerns one writer at a time."""
        text = package_files.files("pipeline.applying").joinpath("pacing.json").read_text(encoding="utf-8")
        data = json.loads(text)
        serials = tuple(
            Serial(row["service"], tuple(row["operations"]), tuple(row["by"]), tuple(row.get("excluding", ())))
            for row in data["serial"]
        )
        return cls(tuple(Rate.from_json(row) for row in data["rates"]) if rationed else (), serials, clock)

    def delay(self, service: str, operation: str, region: str, params: Mapping[str, Any]) -> float:
        """Takes a place for one call in every bucket it draws from; the seconds to wait before making it."""
        if not self._of(service, operation):
            return 0.0
        with self._guard:
            now = self._clock.monotonic()
            return max(bucket.take(now) for bucket in self._drawn(service, operation, region, params, now))

    def throttled(self, service: str, operation: str, region: str, params: Mapping[str, Any]) -> None:
        """AWS said that it is too much: the buckets of the call are empty."""
        with self._guard:
            now = self._clock.monotonic()
            for bucket in self._drawn(service, operation, region, params, now):
                bucket.empty(now)

    @contextmanager
    def alone(
        self, service: str, operation: str, region: str, params: Mapping[str, Any], stop: Event | None
    ) -> Iterator[None]:
        """Holds the object that the call writes to, where AWS wants one writer at a time. Raises Interrupted."""
        lock = self._lock(service, operation, region, params)
        if lock is None:
            yield
            return
        while not lock.acquire(timeout=_TICK):
            check_stop(stop, f"{service}:{operation}")
        try:
            yield
        finally:
            lock.release()

    def minimum_seconds(self, operations: Mapping[tuple[str, str], int]) -> float:
        """The least time that AWS's rates allow for these numbers of (service, operation) calls in one region.

        Classes drain side by side, so the slowest one counts. Limits per object are left out: objects are unknown.
        """
        slowest = 0.0
        for rate in self._rates:
            if rate.per is None:
                calls = sum(count for (service, name), count in operations.items() if rate.covers(service, name))
                slowest = max(slowest, (calls - rate.burst) / rate.rate)
        return slowest

    def _of(self, service: str, operation: str) -> tuple[tuple[int, Rate], ...]:
        found = self._classes.get((service, operation))
        if found is None:
            found = tuple((i, rate) for i, rate in enumerate(self._rates) if rate.covers(service, operation))
            self._classes[service, operation] = found
        return found

    def _drawn(
        self, service: str, operation: str, region: str, params: Mapping[str, Any], now: float
    ) -> Iterator[Bucket]:
        for index, rate in self._of(service, operation):
            which = str(params.get(rate.per, "")) if rate.per else ""
            key = (index, "" if rate.everywhere else region, which)
            bucket = self._buckets.get(key)
            if bucket is None:
                bucket = self._buckets[key] = Bucket(rate.used, rate.burst, now)
            yield bucket

    def _lock(self, service: str, operation: str, region: str, params: Mapping[str, Any]) -> "Lock | None":
        for serial in self._serials:
            if serial.service == service and (key := serial.key(operation, params)) is not None:
                with self._guard:
                    return self._locks.setdefault(f"{region}/{key}", Lock())
        return None
