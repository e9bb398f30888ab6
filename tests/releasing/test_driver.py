"""The driver of rollouts: killed at every single call, steered from elsewhere, without metrics, without the lock."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from pipeline.errors import AwsError, FailedCall, PipelineError, Refused
from pipeline.model.release import Release
from pipeline.model.rollout import Figures, Outcome
from pipeline.model.shift import Rollout
from pipeline.model.strategy import Analysis, Step, Strategy
from pipeline.releasing.driver import Driver, Surroundings
from pipeline.releasing.rollouts import ROLLOUT, Rollouts
from pipeline.releasing.store import Ledger, LostRace
from pipeline.rollout.alarms import Alarm
from pipeline.rollout.analysis import Sample
from pipeline.rollout.events import AbortRequested, Approved, Event, PauseRequested

BEGIN = 1_000_000.0
ANALYSIS = Analysis(metric_delay=10, interval=30, min_requests=10, inconclusive_limit=2)
TWO = Strategy("steps", (Step(10, 60), Step(50, 60)), ANALYSIS)
GATED = Strategy("steps", (Step(10, 60, gate=True),), ANALYSIS)


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


def begun(world: World, strategy: Strategy = TWO) -> World:
    rollouts(world).begin(Rollout(release(), strategy, (), "sha256:1", BEGIN, base=1))
    return world


def drive(world: World, *, attended: bool = True, guard: Callable[[], None] = lambda: None) -> Rollout:
    around = Surroundings(lambda: world.now, world.sleep, guard, lambda *_: None, lambda *_: None)
    return Driver(rollouts(world), Traffic(world), world, around).drive(attended=attended)


def happens(world: World, event: Event) -> None:
    """Somebody else says something, in another process."""
    rollouts(world).report(event)


def test_a_good_release_gets_step_after_step_and_then_all() -> None:
    world = begun(World())
    assert drive(world).status.outcome is Outcome.PROMOTED
    assert world.shares == [10, 50, 100]
    assert world.now - BEGIN == pytest.approx(2 * 70, abs=5)


def test_a_bad_one_never_gets_more_and_gives_everything_back() -> None:
    world = begun(World(errors=0.2))
    ended = drive(world)
    assert ended.status.outcome is Outcome.REVERTED
    assert world.shares == [10, 0]
    assert "worse with" in ended.status.reason


def test_without_requests_it_is_looked_at_again_and_then_taken_back() -> None:
    world = begun(World(requests=0))
    assert "no requests" in drive(world).status.reason
    assert world.shares == [10, 0]


def test_without_metrics_it_is_held_for_a_person_and_no_process_waits() -> None:
    world = begun(World(outage=True))
    held = drive(world).status
    assert (held.outcome, held.paused, world.share) == (Outcome.RUNNING, True, 10)
    assert "CloudWatch does not answer" in held.reason


def test_an_abort_from_elsewhere_is_seen_within_seconds() -> None:
    world = begun(World())
    world.meanwhile = lambda passed: happens(world, AbortRequested("eve", "enough")) if passed == 20 else None
    ended = drive(world)
    assert ended.status.reason == "aborted by eve: enough"
    assert (world.shares, world.now - BEGIN) == ([10, 0], 20)


def test_a_pause_ends_the_run_and_a_promotion_from_elsewhere_goes_on_from_there() -> None:
    world = begun(World())
    world.meanwhile = lambda passed: happens(world, PauseRequested("eve")) if passed == 20 else None
    assert drive(world).status.paused
    happens(world, Approved("eve", 0, everything=True))
    assert drive(world).status.outcome is Outcome.PROMOTED
    assert world.shares == [10, 100]


def test_nobody_waits_at_a_gate() -> None:
    world = begun(World(), GATED)
    assert drive(world).status.judged
    assert world.now - BEGIN < 75
    happens(world, Approved("eve", 0))
    assert drive(world).status.outcome is Outcome.PROMOTED


def test_unattended_it_does_what_is_due_and_returns() -> None:
    world, ran = begun(World()), 0
    while drive(world, attended=False).status.outcome is Outcome.RUNNING:
        world.now += 25
        ran += 1
    assert world.shares == [10, 50, 100]
    assert ran >= 6


def test_where_only_a_part_can_shift_all_is_taken_back() -> None:
    world = begun(World(refuses="share"))
    ended = drive(world)
    assert (ended.status.outcome, world.share) == (Outcome.REVERTED, 0)
    assert "AccessDenied" in ended.status.reason


def test_a_promotion_that_breaks_is_taken_back() -> None:
    world = begun(World(refuses="promote"))
    assert drive(world).status.outcome is Outcome.REVERTED
    assert world.shares == [10, 50, 0]


def test_who_lost_the_lock_records_nothing() -> None:
    world = begun(World())

    def lost() -> None:
        raise Refused("the lock was lost")

    before = world.documents[ROLLOUT]
    with pytest.raises(Refused):
        drive(world, guard=lost)
    assert world.documents[ROLLOUT] == before


def test_who_was_overtaken_by_another_rollout_stops() -> None:
    world = begun(World())

    def overtaken(passed: float) -> None:
        if passed == 20:
            other = rollouts(world)
            other.begin(Rollout(release("run-3"), TWO, (), "sha256:2", BEGIN, base=1))

    world.meanwhile = overtaken
    with pytest.raises(Refused, match="another run"):
        drive(world)
    assert world.shares == [10]


@pytest.mark.parametrize("errors", [0.0, 0.2])
@pytest.mark.parametrize("again", [1, 2])
def test_killed_at_every_call_it_comes_to_the_same_end(errors: float, again: int) -> None:
    """`again` kills in a row at the same distance; whoever drives next finds the truth and goes on."""
    undisturbed = begun(World(errors=errors))
    expected = drive(undisturbed).status.outcome
    for fuse in range(2, undisturbed.calls + 1):
        world = begun(World(errors=errors))
        for _ in range(again):
            world.calls, world.fuse = 0, fuse
            try:
                drive(world)
            except Killed:
                world.now += 40
        world.fuse = None
        ended = drive(world)
        assert ended.status.outcome is expected, fuse
        assert world.share == (100 if expected is Outcome.PROMOTED else 0)
        growing = [share for share in world.shares if share]
        assert growing == sorted(growing), fuse


def test_an_event_that_another_process_writes_at_the_same_moment_is_not_lost() -> None:
    world = begun(World())
    one, other = rollouts(world), rollouts(world)
    one.report(PauseRequested("ada"))
    assert other.report(AbortRequested("eve")).status.outcome is Outcome.ABORTED
    assert one.look_again().status.reason == "aborted by eve"
