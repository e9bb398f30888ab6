"""Percentiles read as counts: what is slower for sure, what is only noise."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.rollout import Figures
from pipeline.model.strategy import Analysis
from pipeline.rollout.latency import PERCENTILES, above_limit, comparisons, doubtful, milliseconds, tolerated

SETTINGS = Analysis()


def figures(durations: list[float]) -> Figures:
    """What CloudWatch would say of requests: the value that a share of them does not exceed."""
    ordered = sorted(durations)
    last = len(ordered) - 1
    latency = {}
    if ordered:
        for name in PERCENTILES:
            latency[name] = ordered[min(last, int(float(name[1:]) / 100 * len(ordered)))]
    return Figures(requests=len(ordered), latency=latency)


def least_p(canary: Figures, stable: Figures) -> float:
    return min((tail.p for tail, _ in comparisons(canary, stable, SETTINGS)), default=1.0)


def lognormal(chance: random.Random, factor: float = 1.0) -> float:
    return 100 * factor * chance.lognormvariate(0, 0.5)


def two_routes(chance: random.Random) -> float:
    """A median that jumps: half of the requests take 20 ms, half 400."""
    return chance.choice((20, 400)) * chance.lognormvariate(0, 0.1)


def heavy(chance: random.Random) -> float:
    return 50 * chance.paretovariate(1.5)


@pytest.mark.parametrize("kind", [lognormal, two_routes, heavy])
@pytest.mark.parametrize("count", [20, 60, 300])
def test_equal_latencies_hardly_ever_look_slower(kind: Callable[[random.Random], float], count: int) -> None:
    """Each of four tests may be wrong at p <= 0.01 once in 100 times; in truth they are far more careful."""
    chance = random.Random(4)
    wrong = 0
    for _ in range(300):
        canary = figures([kind(chance) for _ in range(count)])
        stable = figures([kind(chance) for _ in range(9 * count)])
        wrong += least_p(canary, stable) <= 0.01
    assert wrong / 300 <= 0.01


@pytest.mark.parametrize(
    ("count", "slow", "share", "at_least"),
    [
        (60, 3.0, 1.0, 0.95),  # everything takes three times as long
        (200, 20.0, 0.1, 0.95),  # one route of ten hangs
        (1000, 50.0, 0.03, 0.9),  # three requests in a hundred run into a time-out
    ],
)
def test_slow_canaries_are_seen(count: int, slow: float, share: float, at_least: float) -> None:
    chance = random.Random(5)
    seen = 0
    for _ in range(100):
        canary = figures([lognormal(chance, slow if chance.random() < share else 1) for _ in range(count)])
        stable = figures([lognormal(chance) for _ in range(9 * count)])
        seen += least_p(canary, stable) <= 0.001
    assert seen / 100 >= at_least


@given(
    st.lists(st.integers(1, 500), min_size=1, max_size=40),
    st.lists(st.integers(1, 500), min_size=1, max_size=40),
)
def test_counts_never_claim_more_than_there_is(canary: list[int], stable: list[int]) -> None:
    found = list(comparisons(figures([*canary]), figures([*stable]), SETTINGS))
    for tail, text in found:
        at_least, bound = int(text.split()[2]), float(text.split("more than ")[1].split(" ms")[0])
        assert at_least <= sum(1 for value in canary if value > bound - 0.5)
        assert 0 <= tail.least <= tail.p * (1 + 1e-9) <= 1 + 1e-9


def test_the_words() -> None:
    canary = Figures(120, latency={"p50": 812, "p90": 900, "p99": 1200})
    stable = Figures(1080, latency={"p50": 100, "p99": 203})
    assert [text for _, text in comparisons(canary, stable, SETTINGS)] == [
        "at least 60 of 120 requests took more than 150 ms, stable at most 540 of 1080",
        "at least 60 of 120 requests took more than 304 ms, stable at most 11 of 1080",
    ]


def test_parts_of_requests_do_not_count() -> None:
    canary = Figures(39, latency={"p90": 100, "p97": 900})
    ((_, text),) = comparisons(canary, Figures(351, latency={"p99": 100}), SETTINGS)
    assert text == "at least 1 of 39 requests took more than 150 ms, stable at most 4 of 351"


@pytest.mark.parametrize(
    ("canary", "stable"),
    [
        (Figures(), Figures(9, latency={"p99": 1})),
        (Figures(9), Figures(9, latency={"p99": 1})),
        (Figures(9), Figures()),
    ],
)
def test_where_nothing_is_known_nothing_is_compared(canary: Figures, stable: Figures) -> None:
    assert list(comparisons(canary, stable, SETTINGS)) == []
    assert above_limit(canary, 100) is None
    assert doubtful(canary, stable, SETTINGS) is None


@pytest.mark.parametrize(("stable", "bound"), [(10, 60), (100, 150), (1000, 1500)])
def test_what_nobody_notices_is_tolerated(stable: float, bound: float) -> None:
    assert tolerated(stable, SETTINGS) == bound


def test_an_absolute_limit_is_one_request_in_a_hundred() -> None:
    slow = Figures(100, latency={"p50": 100, "p90": 900, "p99": 2000})
    found = above_limit(slow, 800)
    assert found is not None
    assert found[1] == "at least 10 of 100 requests took more than 800 ms"
    assert found[0].p < 1e-6
    kept = above_limit(Figures(100, latency={"p99": 700}), 800)
    assert kept is not None
    assert kept[0].p == 1


@pytest.mark.parametrize(
    ("requests", "p99", "settings", "text"),
    [
        (500, 400, Analysis(), "p99 400 ms, stable 200 ms: 300 ms is tolerated"),
        (499, 400, Analysis(), None),
        (500, 299, Analysis(), None),
        (500, 400, Analysis(slowdown=2), None),
        (100, 400, Analysis(p99=399), "p99 400 ms, 399 ms is allowed"),
        (99, 400, Analysis(p99=399), None),
        (100, 399, Analysis(p99=399), None),
    ],
)
def test_a_suspicious_p99_with_enough_requests(requests: int, p99: float, settings: Analysis, text: str | None) -> None:
    stable = Figures(5000, latency={"p99": 200})
    assert doubtful(Figures(requests, latency={"p99": p99}), stable, settings) == text


@pytest.mark.parametrize(("value", "text"), [(0.4, "0 ms"), (812.4, "812 ms"), (9999, "9999 ms"), (12_345, "12.3 s")])
def test_latencies_as_people_write_them(value: float, text: str) -> None:
    assert milliseconds(value) == text
