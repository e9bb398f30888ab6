"""With which minutes the answers of an API are compared: those in which nothing but the stable release served."""

from dataclasses import replace

import pytest

from pipeline.model.release import Release
from pipeline.model.rollout import Measurement, Outcome, Result, RolloutStatus
from pipeline.model.shift import Rollout
from pipeline.model.strategy import Step, Strategy
from pipeline.rollout.baseline import Interval, alone, latest

NOON = 1_795_953_600.0
UNTIL = NOON + 3600


def release(number: int) -> Release:
    return Release(number, "shop", "dev", "eu-west-1", "1" * 12, None, "2026-11-29T12:00:00Z", "ada", "run")


def rollout(number: int, base: int, status: RolloutStatus, began: float = NOON + 600) -> Rollout:
    return Rollout(release(number), Strategy("canary", (Step(10, 60),)), (), "", began, base, status)


REVERTED = RolloutStatus(outcome=Outcome.REVERTED, ended=NOON + 900)
LOOK = Measurement(0, 10, NOON + 800, NOON + 700, NOON + 800, Result.FAILED, "bad")


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (None, [(NOON, UNTIL)]),
        (rollout(3, 2, REVERTED), [(NOON, NOON + 600), (NOON + 900, UNTIL)]),
        (rollout(3, 2, replace(REVERTED, ended=None, measurements=(LOOK,))), [(NOON, NOON + 600), (NOON + 800, UNTIL)]),
        (rollout(3, 2, replace(REVERTED, ended=None)), [(NOON, NOON + 600), (NOON + 600, UNTIL)]),
        (rollout(2, 1, RolloutStatus(outcome=Outcome.PROMOTED, ended=NOON + 1200)), [(NOON + 1200, UNTIL)]),
        (rollout(2, 1, RolloutStatus(outcome=Outcome.PROMOTED)), [(NOON, UNTIL)]),
        (rollout(9, 8, REVERTED), [(NOON, UNTIL)]),
        (rollout(3, 2, REVERTED, began=NOON - 60), [(NOON + 900, UNTIL)]),
    ],
)
def test_the_stable_release_was_alone_but_for_the_rollout_before(
    last: Rollout | None, expected: list[Interval]
) -> None:
    """What was promoted serves alone from then on, not from when its rollout began."""
    assert list(alone(release(2), last, UNTIL)) == expected


def test_what_began_to_serve_just_now_was_never_alone() -> None:
    assert alone(release(2), None, NOON) == ()
    assert alone(release(1), None, NOON) == ((0.0, NOON),), "nothing served before a first release"


@pytest.mark.parametrize(
    ("intervals", "seconds", "expected"),
    [
        ([(0.0, 1_000.0)], 300, [(660, 960)]),
        ([(0.0, 1_000.0)], 301, [(600, 960)]),
        ([(800.0, 1_000.0)], 300, [(840, 960)]),
        ([(10.0, 400.0), (700.0, 850.0)], 300, [(720, 840), (180, 360)]),
        ([(10.0, 400.0), (700.0, 730.0)], 120, [(240, 360)]),
        ([(0.0, 50.0)], 300, []),
        ([], 300, []),
    ],
)
def test_the_latest_whole_minutes_are_taken(
    intervals: list[Interval], seconds: float, expected: list[tuple[int, int]]
) -> None:
    """Minutes in which anything else had traffic, if only for a moment, are none of them."""
    assert list(latest(intervals, seconds)) == expected


def test_a_rollout_is_kept_with_them() -> None:
    known = replace(rollout(3, 2, REVERTED), alone=((NOON, UNTIL),))
    for one in (known, rollout(3, 2, REVERTED), replace(known, alone=())):
        assert Rollout.from_json(one.to_json()) == one
    old = {key: value for key, value in known.to_json().items() if key != "alone"}
    assert Rollout.from_json(old).alone is None
