"""The driver of rollouts: killed at every single call, steered from elsewhere, without metrics, without the lock."""

from collections.abc import Callable

import pytest

from pipeline.errors import Refused
from pipeline.model.rollout import Outcome
from pipeline.model.shift import Rollout
from pipeline.model.strategy import Analysis, Step, Strategy
from pipeline.releasing.driver import Driver, Surroundings
from pipeline.releasing.rollouts import ROLLOUT
from pipeline.rollout.events import AbortRequested, Approved, PauseRequested
from tests.support.rollout_world import BEGIN, Killed, Traffic, World, happens, release, rollouts

ANALYSIS = Analysis(metric_delay=10, interval=30, min_requests=10, inconclusive_limit=2)
TWO = Strategy("steps", (Step(10, 60), Step(50, 60)), ANALYSIS)
GATED = Strategy("steps", (Step(10, 60, gate=True),), ANALYSIS)


def begun(world: World, strategy: Strategy = TWO) -> World:
    rollouts(world).begin(Rollout(release(), strategy, (), "sha256:1", BEGIN, base=1))
    return world


def drive(world: World, *, attended: bool = True, guard: Callable[[], None] = lambda: None) -> Rollout:
    around = Surroundings(lambda: world.now, world.sleep, guard, lambda *_: None, lambda *_: None)
    return Driver(rollouts(world), Traffic(world), world, around).drive(attended=attended)


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
