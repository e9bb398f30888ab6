"""Exact tests against exact arithmetic, published values, and the properties that they must have."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.rollout.exact import accusers, binomial, fisher, spending


def exactly(bad: int, of: int, bad_stable: int, of_stable: int) -> Fraction:
    """Fisher's one-sided p in whole numbers: the share of all tables with the same sums that are as bad or worse."""
    total = bad + bad_stable
    ways = sum(math.comb(of, k) * math.comb(of_stable, total - k) for k in range(bad, min(total, of) + 1))
    return Fraction(ways, math.comb(of + of_stable, total))


@pytest.mark.parametrize(
    ("table", "p"),
    [
        # The lady tasting tea: R. A. Fisher, The Design of Experiments (1935); all right, three of four, two of four.
        ((4, 4, 0, 4), 1 / 70),
        ((3, 4, 1, 4), 17 / 70),
        ((2, 4, 2, 4), 53 / 70),
        # The example of https://en.wikipedia.org/wiki/Fisher%27s_exact_test: 9 of 12 against 1 of 12.
        ((9, 12, 1, 12), 0.001379728092),
        ((0, 10, 5, 90), 1.0),
        ((5, 5, 0, 0), 1.0),
        ((3, 3, 0, 30), 1 / 5456),
    ],
)
def test_fisher_known_values(table: tuple[int, int, int, int], p: float) -> None:
    assert fisher(*table).p == pytest.approx(p, rel=1e-6)


counts = st.integers(0, 60)


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, int, int, int]:
    of, of_stable = draw(counts), draw(counts)
    return draw(st.integers(0, of)), of, draw(st.integers(0, of_stable)), of_stable


@given(tables())
def test_fisher_is_exact(table: tuple[int, int, int, int]) -> None:
    found = fisher(*table)
    assert found.p == pytest.approx(float(exactly(*table)), rel=1e-9)
    assert 0 <= found.least <= found.p * (1 + 1e-9)
    assert found.p <= 1


@given(tables())
def test_fisher_least_is_what_the_worst_table_with_these_sums_has(table: tuple[int, int, int, int]) -> None:
    bad, of, bad_stable, of_stable = table
    worst = min(bad + bad_stable, of)
    assert fisher(*table).least == pytest.approx(float(exactly(worst, of, bad + bad_stable - worst, of_stable)))


@given(tables())
def test_more_bad_requests_never_look_better(table: tuple[int, int, int, int]) -> None:
    bad, of, bad_stable, of_stable = table
    if bad < of:
        assert fisher(bad + 1, of, bad_stable, of_stable).p <= fisher(*table).p * (1 + 1e-9)
    if bad_stable < of_stable:
        assert fisher(bad, of, bad_stable + 1, of_stable).p >= fisher(*table).p * (1 - 1e-9)


def test_fisher_is_quick_and_right_for_large_counts() -> None:
    """Beside the normal distribution, which is right there: 51,000 in a million against 450,000 in nine are 4.35 sd."""
    expected = 0.5 * math.erfc(4.349 / math.sqrt(2))
    assert fisher(51_000, 1_000_000, 450_000, 9_000_000).p == pytest.approx(expected, rel=0.1)
    assert fisher(50_000, 1_000_000, 450_000, 9_000_000).p == pytest.approx(0.5, abs=0.01)
    assert fisher(10, 1_000_000, 900_000, 9_000_000).p == 1
    assert fisher(900_000, 1_000_000, 10, 9_000_000).p == 0


def test_more_bad_requests_than_requests_are_all_of_them() -> None:
    assert fisher(7, 5, 4, 3) == fisher(5, 5, 3, 3)


@pytest.mark.parametrize(
    ("bad", "of", "rate", "p"),
    [
        (0, 10, 0.1, 1.0),
        (10, 10, 0.5, 1 / 1024),
        (9, 10, 0.5, 11 / 1024),
        (5, 10, 0.5, 638 / 1024),
        (1, 100, 0.01, 1 - 0.99**100),
        (0, 0, 0.3, 1.0),
        (3, 2, 0.5, 0.25),
        (0, 10, 0.0, 1.0),
        (1, 10, 0.0, 0.0),
    ],
)
def test_binomial_known_values(bad: int, of: int, rate: float, p: float) -> None:
    assert binomial(bad, of, rate).p == pytest.approx(p)


@given(st.integers(0, 80), st.integers(0, 80), st.fractions(Fraction(1, 100), Fraction(99, 100)))
def test_binomial_is_exact(bad: int, of: int, rate: Fraction) -> None:
    bad = min(bad, of)
    expected = sum(math.comb(of, k) * rate**k * (1 - rate) ** (of - k) for k in range(bad, of + 1))
    assert binomial(bad, of, float(rate)).p == pytest.approx(float(expected), rel=1e-9)


# --- many tests ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("least", "divisor"),
    [
        ([], 1),
        ([1.0], 1),
        ([1.0] * 60, 1),
        ([1.0] * 59 + [0.001], 1),
        ([0.0] * 6, 6),
        ([0.0] * 6 + [0.5] * 54, 6),
        # 0.04 and 0.02 can be below 0.05, but only 0.001 below 0.05 / 3: two tests share.
        ([0.001, 0.02, 0.04], 1 + 1),
        ([0.02, 0.02, 0.02], 3),
    ],
)
def test_only_tests_that_can_accuse_share(least: list[float], divisor: int) -> None:
    assert accusers(least, 0.05) == divisor


@given(st.lists(st.floats(0, 1), max_size=80), st.floats(1e-6, 0.5))
def test_what_all_tests_may_claim_by_chance_is_at_most_the_level(least: list[float], level: float) -> None:
    """A test is wrong with at most the probability level / divisor, and not at all when it cannot become so small."""
    divisor = accusers(least, level)
    able = sum(1 for each in least if each <= level / divisor)
    assert able * level / divisor <= level * (1 + 1e-9)


@pytest.mark.parametrize("planned", [0, 1, 5, 45])
def test_the_shares_of_all_looks_add_up_to_one(planned: int) -> None:
    shares = [spending(look, planned) for look in range(1, 100_000)]
    whole = 1 if planned else 0.2  # without planned looks four fifths are never used
    assert sum(shares) == pytest.approx(whole, abs=1e-4)
    assert sum(shares) <= whole
