"""Whole rollouts over invented traffic: how often a good release is stopped, how soon a bad one is.

Every request chooses its version by chance, as Lambda's aliases do. Seeded, so that the figures are always the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

import pytest

from pipeline.model.rollout import Figures, Outcome, Result, RolloutStatus
from pipeline.model.strategy import Analysis, Step, Strategy
from pipeline.rollout.analysis import Sample, judge
from pipeline.rollout.events import Abort, Action, Done, Measure, Measured, Promote, Promoted, Reverted, SetWeight, Wait
from pipeline.rollout.events import WeightSet as IsSet
from pipeline.rollout.latency import PERCENTILES
from pipeline.rollout.machine import after, next_action
from pipeline.rollout.strategy import parse

pytestmark = pytest.mark.slow

Duration = Callable[[Random], float]


def usual(chance: Random) -> float:
    return 80 * chance.lognormvariate(0, 0.4)


@dataclass(frozen=True)
class Function:
    """`load` requests a minute; the share of errors and the durations of the stable release and of the canary."""

    load: int
    stable: float
    canary: float
    durations: tuple[Duration, Duration] | None = None


@dataclass
class Traffic:
    """What the versions of functions did, minute by minute."""

    functions: Sequence[Function]
    chance: Random
    weight: float = 0
    minutes: list[list[tuple[list[float], list[float], int, int]]] = field(default_factory=list)

    def pass_minutes(self, count: int) -> None:
        for _ in range(count):
            self.minutes.append([self.one(function) for function in self.functions])

    def one(self, function: Function) -> tuple[list[float], list[float], int, int]:
        """The durations of the stable release and of the canary, and their errors."""
        durations: tuple[list[float], list[float]] = ([], [])
        errors = [0, 0]
        for _ in range(function.load):
            version = int(self.chance.random() * 100 < self.weight)
            errors[version] += self.chance.random() < (function.canary if version else function.stable)
            take = function.durations[version] if function.durations else None
            durations[version].append(take(self.chance) if take else 0.0)
        return durations[0], durations[1], errors[0], errors[1]

    def samples(self, start: int, end: int) -> list[Sample]:
        return [self.sample(index, start, end) for index in range(len(self.functions))]

    def sample(self, index: int, start: int, end: int) -> Sample:
        rows = [minute[index] for minute in self.minutes[start:end]]
        stable = self.figures([value for row in rows for value in row[0]], sum(row[2] for row in rows))
        canary = self.figures([value for row in rows for value in row[1]], sum(row[3] for row in rows))
        return Sample(f"f{index}", canary, stable)

    def figures(self, durations: list[float], errors: int) -> Figures:
        ordered = sorted(durations)
        latency = {}
        if ordered and ordered[-1] > 0:
            latency = {name: ordered[int(float(name[1:]) / 100 * len(ordered))] for name in PERCENTILES}
        return Figures(len(ordered), errors, 0, latency)


def rollout(strategy: Strategy, traffic: Traffic) -> RolloutStatus:
    """Drives the machine; a minute of the clock is a minute of traffic."""
    status, now = RolloutStatus(), 0.0
    while not isinstance(action := next_action(strategy, status, now), Done):
        if isinstance(action, Wait):
            traffic.pass_minutes(int((action.until - now) // 60))
            now = action.until
        else:
            status = after(strategy, status, carried_out(strategy, status, action, now, traffic))
    return status


def carried_out(
    strategy: Strategy, status: RolloutStatus, action: Action, now: float, traffic: Traffic
) -> IsSet | Measured | Promoted | Reverted:
    if isinstance(action, SetWeight):
        traffic.weight = action.weight
        return IsSet(action.weight, now)
    if isinstance(action, Measure):
        window = (action.start, action.end)
        samples = traffic.samples(int(action.start // 60), int(action.end // 60))
        verdict = judge(samples, strategy.analysis, share=action.share)
        return Measured(verdict.measurement(step=status.step, weight=status.weight, at=now, window=window))
    assert isinstance(action, (Promote, Abort))
    return Promoted(now) if isinstance(action, Promote) else Reverted(now)


CANARY = parse({"canary": {}})
LINEAR = parse({"linear": {"weight": 25, "every": "3m"}})


def outcomes(strategy: Strategy, functions: Sequence[Function], runs: int) -> list[RolloutStatus]:
    return [rollout(strategy, Traffic(functions, Random(seed))) for seed in range(runs)]


def failed(status: RolloutStatus) -> bool:
    return any(found.verdict is Result.FAILED for found in status.measurements)


# --- good releases -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("strategy", "functions", "runs"),
    [
        (CANARY, [Function(200, 0.01, 0.01)], 300),
        (CANARY, [Function(400, 0.3, 0.3)], 200),  # many errors, where the test has least to spare
        (CANARY, [Function(60, 0.02, 0.02)] * 6, 150),
        (LINEAR, [Function(150, 0.05, 0.05)] * 2, 150),
        (CANARY, [Function(120, 0.0, 0.0, (usual, usual))] * 2, 60),
    ],
)
def test_a_good_release_is_stopped_at_most_once_in_twenty(
    strategy: Strategy, functions: Sequence[Function], runs: int
) -> None:
    """Over all its looks, functions and steps. It happens even less often: whole errors leave something to spare."""
    stopped = sum(failed(status) for status in outcomes(strategy, functions, runs))
    assert stopped / runs <= 0.05


def test_a_good_release_is_promoted() -> None:
    found = outcomes(CANARY, [Function(200, 0.005, 0.005, (usual, usual)), Function(150, 0, 0)], 20)
    assert all(status.outcome is Outcome.PROMOTED for status in found)


def test_the_bound_holds_for_looks_without_end() -> None:
    """At a gate, with the shares that looks beyond the planned ones get, over the same growing figures."""
    stopped = 0
    for seed in range(100):
        traffic = Traffic([Function(100, 0.2, 0.2)], Random(seed), weight=50)
        looks = range(1, 60)
        for look in looks:
            traffic.pass_minutes(1)
            share = 0.2 / (look * (look + 1))
            stopped += judge(traffic.samples(0, look), Analysis(confidence=0.8), share=share).result is Result.FAILED
    assert stopped / 100 <= 0.2 * 0.2


# --- bad releases --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("functions", "stable_requests", "least"),
    [(1, 900, 0.95), (6, 900, 0.9), (60, 900, 0.7), (1, 100, 0.6)],
)
def test_power_at_a_hundred_requests(functions: int, stable_requests: int, least: float) -> None:
    """10 % errors instead of 0.5 %, in one of the functions, in a single of the five looks of a canary."""
    chance = Random(7)
    seen = 0
    for _ in range(300):
        samples = [
            Sample(f"f{n}", some(chance, 100, 0.1 if n == 0 else 0.005), some(chance, stable_requests, 0.005))
            for n in range(functions)
        ]
        seen += judge(samples, Analysis(), share=0.8 / 5).result is Result.FAILED
    assert seen / 300 >= least


def some(chance: Random, requests: int, rate: float) -> Figures:
    return Figures(requests, sum(chance.random() < rate for _ in range(requests)))


def slow(chance: Random) -> float:
    return usual(chance) + 400


def sometimes_slow(chance: Random) -> float:
    return usual(chance) + (3000 if chance.random() < 0.08 else 0)


@pytest.mark.parametrize(
    ("bad", "looks"),
    [
        (Function(200, 0.0, 1.0), 1),  # every request
        (Function(200, 0.005, 0.1), 3),  # one route of ten
        (Function(200, 0.0, 0.0, (usual, slow)), 1),
        (Function(300, 0.0, 0.0, (usual, sometimes_slow)), 4),
    ],
)
def test_bad_releases_are_caught_soon(bad: Function, looks: int) -> None:
    """Beside five good functions; half of the runs need no more than `looks` looks, a minute each."""
    others = [Function(60, 0.005, 0.005)] * 5
    found = outcomes(CANARY, [*others, bad], 20)
    assert all(status.outcome is Outcome.REVERTED and failed(status) for status in found)
    assert sorted(status.looks for status in found)[10] <= looks
    assert all("f5" in status.measurements[-1].reason for status in found if len(status.measurements) > looks)


def test_without_traffic_nothing_is_promoted() -> None:
    (status,) = outcomes(CANARY, [Function(0, 0, 0)], 1)
    assert status.outcome is Outcome.REVERTED
    assert status.reason == "inconclusive 6 times: no requests reached the canary"


def test_little_traffic_gets_more_time() -> None:
    """Eight requests a minute for the canary: 40 when the bake is over, 50 soon after."""
    (status,) = outcomes(CANARY, [Function(80, 0, 0)], 1)
    assert status.outcome is Outcome.PROMOTED
    assert len(status.measurements) > 5


def test_a_step_that_is_bad_only_under_load_is_caught_there() -> None:
    """The first steps pass; at half of the traffic the new release breaks down."""

    class Overloaded(Traffic):
        def one(self, function: Function) -> tuple[list[float], list[float], int, int]:
            rate = 0.2 if self.weight >= 50 else 0.0
            return super().one(Function(function.load, 0.0, rate))

    strategy = Strategy("steps", (Step(10, 300), Step(50, 300), Step(90, 300)))
    status = rollout(strategy, Overloaded([Function(150, 0, 0)], Random(1)))
    assert status.outcome is Outcome.REVERTED
    assert status.measurements[-1].step == 1
