"""The world around the driver of a rollout: the ledger, the traffic, the metrics, the time. It kills at any call."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from pipeline.errors import AwsError, FailedCall, PipelineError
from pipeline.model.release import Release
from pipeline.model.rollout import Figures
from pipeline.releasing.rollouts import Rollouts
from pipeline.releasing.store import Ledger, LostRace
from pipeline.rollout.alarms import Alarm
from pipeline.rollout.analysis import Sample
from pipeline.rollout.events import Event

BEGIN = 1_000_000.0


class Killed(BaseException):
    """The process is gone: nothing catches it."""


@dataclass
class World:
    """Everything outside of a driver: the ledger, the traffic, the metrics, the time. `fuse` kills at the nth call."""

    now: float = BEGIN
    documents: dict[str, tuple[str, int]] = field(default_factory=dict)
    share: float = 0.0  # of the canary; 100 once it is the stable release
    shares: list[float] = field(default_factory=list)
    errors: float = 0.0
    requests: int = 100
    outage: bool = False
    refuses: str = ""
    fuse: int | None = None
    calls: int = 0
    meanwhile: Callable[[float], None] | None = None

    def spend(self) -> None:
        self.calls += 1
        if self.fuse is not None and self.calls >= self.fuse:
            raise Killed

    # the ledger

    def document(self, key: str) -> tuple[dict[str, Any], str] | None:
        self.spend()
        found = self.documents.get(key)
        return (json.loads(found[0]), str(found[1])) if found else None

    def put(self, key: str, document: Mapping[str, Any], *, if_match: str | None = None) -> str:
        found = self.documents.get(key)
        if (str(found[1]) if found else None) != if_match:
            raise LostRace("somebody else wrote it")
        number = found[1] + 1 if found else 1
        self.documents[key] = (json.dumps(document), number)
        self.spend()
        return str(number)

    # the traffic

    def move(self, percent: float, what: str) -> None:
        if what == self.refuses:
            self.share = percent  # only a part of it, but nobody knows
            raise AwsError(FailedCall("lambda", "UpdateAlias", "AccessDenied", "no"))
        self.share = percent
        self.shares.append(percent)
        self.spend()

    # the metrics

    def samples(self, start: float, end: float) -> Sequence[Sample]:
        self.spend()
        if self.outage:
            raise PipelineError("CloudWatch does not answer")
        bad = round(self.requests * self.errors)
        return [Sample("orders", Figures(self.requests, bad), Figures(self.requests * 9, 0))]

    def alarms(self, names: Sequence[str]) -> Sequence[Alarm]:
        return [Alarm(name, "OK") for name in names]

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.meanwhile is not None:
            self.meanwhile(self.now - BEGIN)


@dataclass(frozen=True)
class Traffic:
    """The port of the traffic."""

    world: World

    def share(self, percent: float) -> None:
        self.world.move(percent, "share")

    def promote(self) -> None:
        self.world.move(100, "promote")

    def revert(self) -> None:
        self.world.move(0, "revert")


def release(run: str = "run-2") -> Release:
    return Release(2, "shop", "test", "eu-west-1", "123456789012", "c0ffee", "2026-11-29T10:00:00Z", "ada", run)


def rollouts(world: World) -> Rollouts:
    found = Rollouts(cast("Ledger", world))
    found.look()
    return found


def happens(world: World, event: Event) -> None:
    """Somebody else says something, in another process."""
    rollouts(world).report(event)
