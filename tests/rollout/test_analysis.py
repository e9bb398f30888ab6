"""Verdicts: what is said of which figures."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.rollout import Figures, Result
from pipeline.model.strategy import Analysis
from pipeline.rollout.alarms import Alarm
from pipeline.rollout.analysis import Sample, Verdict, judge, outage

SETTINGS = Analysis()
GOOD = {"p50": 100.0, "p90": 150.0, "p99": 203.0}
SLOW = {"p25": 700.0, "p50": 812.0, "p90": 900.0, "p99": 1200.0}


Latency = Mapping[str, float]


def sample(
    canary: tuple[int, int], stable: tuple[int, int], name: str = "usage", latency: tuple[Latency, Latency] = ({}, {})
) -> Sample:
    """Errors in requests, and latencies, of the canary and of the stable release."""
    return Sample(
        name,
        Figures(canary[1], canary[0], latency=latency[0]),
        Figures(stable[1], stable[0], latency=latency[1]),
    )


def said(samples: Sequence[Sample], settings: Analysis = SETTINGS, share: float = 1.0, **more: object) -> str:
    return str(judge(samples, settings, share=share, **more))  # type: ignore[arg-type] # each by its name


# --- errors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("canary", "stable", "share", "text"),
    [
        ((3, 41), (2, 380), 0.25, "3 errors in 41 requests, stable 2 in 380: worse with 97 % confidence: failed"),
        ((3, 41), (2, 380), 1.0, "3 errors in 41 requests, stable 2 in 380: worse with 99.2 % confidence: failed"),
        ((3, 3), (0, 30), 0.16, "3 errors in 3 requests, stable 0 in 30: worse with 99.8 % confidence: failed"),
        (
            (20, 20),
            (0, 180),
            0.16,
            "20 errors in 20 requests, stable 0 in 180: worse with more than 99.9 % confidence: failed",
        ),
        (
            (1, 1),
            (0, 999),
            1.0,
            "1 error in 1 request, stable 0 in 999: at least 50 requests of each are wanted: inconclusive",
        ),
        ((1, 120), (9, 1080), 0.16, "1 error in 120 requests, stable 9 in 1080: no worse: successful"),
        ((0, 50), (0, 50), 0.16, "0 errors in 50 requests, stable 0 in 50: no worse: successful"),
        ((50, 100), (450, 900), 0.16, "50 errors in 100 requests, stable 450 in 900: no worse: successful"),
        (
            (0, 49),
            (0, 441),
            0.16,
            "0 errors in 49 requests, stable 0 in 441: at least 50 requests of each are wanted: inconclusive",
        ),
        (
            (9, 500),
            (1, 49),
            0.16,
            "9 errors in 500 requests, stable 1 in 49: at least 50 requests of each are wanted: inconclusive",
        ),
        ((0, 0), (0, 400), 0.16, "no requests reached the canary: inconclusive"),
        ((0, 0), (0, 0), 0.16, "no requests reached the canary: inconclusive"),
        (
            (100, 100),
            (0, 0),
            0.16,
            "100 errors in 100 requests, stable 0 in 0: at least 50 requests of each are wanted: inconclusive",
        ),
    ],
)
def test_one_function(canary: tuple[int, int], stable: tuple[int, int], share: float, text: str) -> None:
    assert said([sample(canary, stable)], share=share) == text


def test_no_functions_at_all_are_no_success() -> None:
    assert judge([sample((0, 0), (0, 9))], SETTINGS).notes == ()
    assert said([]) == "no requests reached the canary: inconclusive"


def test_the_confidence_that_is_wanted_decides() -> None:
    figures = [sample((3, 41), (2, 380))]
    assert judge(figures, Analysis(confidence=0.99)).result is Result.FAILED
    assert judge(figures, Analysis(confidence=0.995)).result is Result.INCONCLUSIVE
    assert judge(figures, Analysis(confidence=0.995)).confidence == pytest.approx(0.9925, abs=1e-4)


@pytest.mark.parametrize(
    ("canary", "text"),
    [
        ((7, 100), "7 errors in 100 requests, 5 % is allowed: not certain yet: inconclusive"),
        ((5, 100), "5 errors in 100 requests, stable 50 in 900: no worse: successful"),
        (
            (15, 100),
            (
                "15 errors in 100 requests, 5 % is allowed: too many with more than 99.9 % confidence; "
                "15 errors in 100 requests, stable 50 in 900: worse with 99.7 % confidence: failed"
            ),
        ),
    ],
)
def test_an_absolute_limit_holds_whatever_the_stable_release_does(canary: tuple[int, int], text: str) -> None:
    assert said([sample(canary, (50, 900))], Analysis(errors=5)) == text


def test_an_absolute_limit_needs_no_stable_figures_to_fail() -> None:
    assert judge([sample((60, 100), (0, 0))], Analysis(errors=5)).result is Result.FAILED


# --- latency -------------------------------------------------------------------------------------------------------


def test_a_slow_handler_fails() -> None:
    assert said([sample((0, 120), (0, 1080), latency=(SLOW, GOOD))], share=0.16) == (
        "at least 90 of 120 requests took more than 225 ms, stable at most 108 of 1080: "
        "slower with more than 99.9 % confidence: failed"
    )


def test_an_absolute_p99() -> None:
    figures = [sample((0, 120), (0, 1080), latency=(SLOW, SLOW))]
    assert said(figures, Analysis(p99=800)) == (
        "at least 60 of 120 requests took more than 800 ms, 1 % is allowed: "
        "too slow with more than 99.9 % confidence: failed"
    )
    assert said(figures, Analysis(p99=1100)) == "p99 1200 ms, 1100 ms is allowed: not certain yet: inconclusive"
    assert said(figures, Analysis(p99=1200)) == "0 errors in 120 requests, stable 0 in 1080: no worse: successful"


def test_a_suspicious_p99_is_looked_at_again() -> None:
    figures = [sample((0, 1000), (0, 9000), latency=({**GOOD, "p99": 900}, GOOD))]
    assert said(figures) == "p99 900 ms, stable 203 ms: 304 ms is tolerated: not certain yet: inconclusive"


# --- a whole release -----------------------------------------------------------------------------------------------


def release(*bad: Sample, others: int = 5) -> list[Sample]:
    return [*(sample((0, 200), (3, 1800), f"other-{number}") for number in range(others)), *bad]


def test_one_bad_function_fails_the_release_and_is_named() -> None:
    verdict = judge(release(sample((9, 40), (1, 360), "usage")), SETTINGS, share=0.16)
    assert (
        str(verdict)
        == "usage: 9 errors in 40 requests, stable 1 in 360: worse with more than 99.9 % confidence: failed"
    )
    assert (verdict.canary.requests, verdict.canary.errors) == (1040, 9)
    assert (verdict.stable.requests, verdict.stable.errors) == (9360, 16)
    assert len(verdict.samples) == 6


def test_what_no_function_shows_alone_their_sum_may_show() -> None:
    verdict = judge([sample((2, 100), (0, 900), f"f{number}") for number in range(6)], SETTINGS, share=0.16)
    assert str(verdict) == (
        "all together: 12 errors in 600 requests, stable 0 in 5400: worse with more than 99.9 % confidence: failed"
    )


def test_many_bad_functions_are_counted() -> None:
    bad = [sample((50, 100), (0, 900), f"f{number}") for number in range(6)]
    verdict = judge(bad, SETTINGS)
    assert verdict.reason.count("worse with") == 3
    assert verdict.reason.endswith("; and 3 more")


def test_a_route_that_fails_in_a_handler_that_answers_500_is_seen_by_the_api() -> None:
    function = sample((0, 300), (0, 2700), "usage")
    api = Sample("orders-api", Figures(300, 12), Figures(2700, 2), kind="api")
    assert judge([function, api], SETTINGS).canary.requests == 300, "each request counts once"
    assert said([function, api], share=0.16) == (
        "orders-api: 12 5xx answers in 300 requests, stable 2 in 2700: worse with more than 99.9 % confidence: failed"
    )


def test_an_api_that_cannot_tell_its_versions_apart_is_compared_with_its_past() -> None:
    function = sample((0, 300), (0, 2700), "usage")
    api = Sample("orders-api", Figures(3000, 40), Figures(3000, 4), kind="api", against="before")
    verdict = judge([function, api], SETTINGS, share=0.16)
    assert str(verdict).startswith("orders-api: 40 5xx answers in 3000 requests, before 4 in 3000: worse with")
    assert verdict.canary.requests == 300


@pytest.mark.parametrize(
    ("now", "before", "result"),
    [
        (Figures(170, 60), Figures(), Result.INCONCLUSIVE),
        (Figures(170, 8), Figures(3, 0), Result.INCONCLUSIVE),
        (Figures(170, 60), Figures(40, 0), Result.FAILED),
        (Figures(170, 8), Figures(20, 1), Result.SUCCESSFUL),  # no oftener than before
        (Figures(170, 1), Figures(), Result.SUCCESSFUL),
        (Figures(170, 0), Figures(), Result.SUCCESSFUL),
        (Figures(170, 8), Figures(120, 4), Result.SUCCESSFUL),  # enough to tell that it may be chance
    ],
)
def test_5xx_answers_without_minutes_to_compare_with_are_no_success(
    now: Figures, before: Figures, result: Result
) -> None:
    api = Sample("orders-api", now, before, kind="api", against="before")
    verdict = judge([sample((0, 60), (0, 110)), api], SETTINGS)
    assert verdict.result is result, str(verdict)
    if result is Result.INCONCLUSIVE:
        counts = f"{now.errors} 5xx answers in 170 requests, before {before.errors} in {before.requests}"
        assert verdict.reason == f"orders-api: {counts}: too few to compare with"


def test_a_definition_that_lacks_a_path_is_seen_by_the_requests_that_are_refused() -> None:
    """Limits for errors are not for them: what clients do wrong is refused by a good release, too."""
    api = Sample("orders-api", Figures(3000, 0), Figures(3000, 0), kind="api", against="before")
    worse = Sample("orders-api", Figures(3000, 190), Figures(3000, 90), kind="definition", against="before")
    usual = replace(worse, canary=Figures(3000, 93))
    function, limited = sample((0, 300), (0, 2700)), replace(SETTINGS, errors=1.0)
    counts = "orders-api: 190 4xx answers in 3000 requests, before 90 in 3000"
    assert said([function, api, worse], limited, 0.16) == f"{counts}: worse with more than 99.9 % confidence: failed"
    verdict = judge([function, api, usual], limited, share=0.16)
    assert (verdict.result, verdict.canary.requests) == (Result.SUCCESSFUL, 300)
    assert judge([api, usual], SETTINGS).canary.requests == 3000, "each request counts once"
    quiet = replace(worse, stable=Figures(3, 0))
    assert judge([function, api, quiet], SETTINGS).result is Result.INCONCLUSIVE


def test_where_only_an_api_changed_its_figures_are_the_releases() -> None:
    api = Sample("orders-api", Figures(60, 0), Figures(540, 1), kind="api")
    verdict = judge([api], SETTINGS)
    assert str(verdict) == "0 5xx answers in 60 requests, stable 1 in 540: no worse: successful"


def test_a_function_without_requests_is_noted_and_does_not_hold_up_the_others() -> None:
    verdict = judge(release(sample((0, 0), (0, 3), "nightly")), SETTINGS)
    assert verdict.result is Result.SUCCESSFUL
    assert verdict.notes == ("no requests yet: nightly",)


def test_throttled_requests_reached_no_version() -> None:
    verdict = judge([Sample("usage", Figures(60, 0, throttles=9), Figures(540, 0, throttles=1))], SETTINGS)
    assert (verdict.result, verdict.notes) == (Result.SUCCESSFUL, ("usage: 10 requests throttled",))


# --- alarms and outages --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("alarm", "text"),
    [
        (Alarm("a", "OK"), "0 errors in 100 requests, stable 0 in 900: no worse: successful"),
        (Alarm("a", "ALARM"), "alarm a went red: failed"),
        (Alarm("a", "INSUFFICIENT_DATA"), "alarm a has no data any more: inconclusive"),
        (Alarm("a", None), "there is no alarm a: error"),
        (Alarm("old", "ALARM"), "0 errors in 100 requests, stable 0 in 900: no worse: successful"),
    ],
)
def test_alarms(alarm: Alarm, text: str) -> None:
    verdict = judge([sample((0, 100), (0, 900))], SETTINGS, alarms=[alarm], before={"old": "ALARM"})
    assert str(verdict) == text


def test_a_red_alarm_needs_no_traffic() -> None:
    verdict = judge([], SETTINGS, alarms=[Alarm("a", "ALARM"), Alarm("old", "ALARM")], before={"old": "ALARM"})
    assert str(verdict) == "alarm a went red: failed"
    assert verdict.notes == ("alarm old is red, and was no better before this release: ignored",)
    assert verdict.alarms == {"old": "ALARM", "a": "OK"}


def test_what_is_surely_bad_counts_before_what_is_not_known() -> None:
    alarms = [Alarm("gone", None), Alarm("mute", "INSUFFICIENT_DATA")]
    assert judge([sample((9, 10), (0, 90))], SETTINGS, alarms=alarms).result is Result.FAILED
    assert judge([sample((0, 0), (0, 90))], SETTINGS, alarms=alarms).result is Result.ERROR


def test_an_outage_is_an_error() -> None:
    assert str(outage("throttled")) == "asking for metrics: throttled: error"


def test_a_verdict_is_kept_as_a_measurement() -> None:
    verdict = judge([sample((3, 41), (2, 380))], SETTINGS)
    found = verdict.measurement(step=1, weight=25, at=500.0, window=(0.0, 380.0))
    assert (found.step, found.weight, found.at, found.start, found.end) == (1, 25, 500.0, 0.0, 380.0)
    assert (found.verdict, found.reason, found.confidence) == (Result.FAILED, verdict.reason, verdict.confidence)
    assert (found.canary, found.stable) == (Figures(41, 3), Figures(380, 2))


# --- properties ----------------------------------------------------------------------------------------------------


@st.composite
def figures(draw: st.DrawFn) -> Figures:
    requests = draw(st.integers(0, 400))
    names = ("p50", "p90", "p99")
    latency = dict(zip(names, sorted(draw(st.integers(1, 5000)) for _ in names), strict=True))
    return Figures(requests, draw(st.integers(0, requests)), 0, dict(latency) if requests else {})


samples = st.lists(st.builds(Sample, st.sampled_from("abc"), figures(), figures()), max_size=4)
settings = st.builds(
    Analysis,
    errors=st.none() | st.floats(0, 50),
    p99=st.none() | st.integers(1, 5000),
    min_requests=st.integers(1, 100),
    confidence=st.sampled_from([0.8, 0.95, 0.999]),
)


@given(samples, settings, st.floats(0.001, 1))
def test_every_verdict_is_sound(given_samples: list[Sample], analysis: Analysis, share: float) -> None:
    verdict = judge(given_samples, analysis, share=share)
    assert 0 <= verdict.confidence <= 1
    assert verdict.reason
    if verdict.result is Result.SUCCESSFUL:
        assert verdict.canary.requests >= analysis.min_requests
        assert verdict.stable.requests >= analysis.min_requests
    if abs(verdict.confidence - analysis.confidence) > 1e-9:
        assert (verdict.result is Result.FAILED) == (verdict.confidence > analysis.confidence)


@given(samples, st.integers(0, 3), st.floats(0.01, 1))
def test_the_order_of_functions_does_not_matter(given_samples: list[Sample], shift: int, share: float) -> None:
    turned = given_samples[shift:] + given_samples[:shift]
    one, other = judge(given_samples, SETTINGS, share=share), judge(turned, SETTINGS, share=share)
    assert (one.result, one.confidence, one.canary) == (other.result, other.confidence, other.canary)


@given(st.integers(0, 100), st.integers(1, 100), st.integers(0, 900), st.floats(0.01, 1))
def test_an_error_more_never_helps(errors: int, more: int, stable: int, share: float) -> None:
    """A release that failed with some errors fails with more."""
    less = judge([sample((errors, 200), (stable, 1800))], SETTINGS, share=share)
    worse = judge([sample((min(errors + more, 200), 200), (stable, 1800))], SETTINGS, share=share)
    if less.result is Result.FAILED:
        assert worse.result is Result.FAILED


def test_the_whole_verdict_is_a_value() -> None:
    assert judge([sample((1, 60), (2, 540))], SETTINGS) == judge([sample((1, 60), (2, 540))], SETTINGS)
    assert Verdict(Result.ERROR, "x") == Verdict(Result.ERROR, "x")
