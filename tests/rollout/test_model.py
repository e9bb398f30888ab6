"""The values of a rollout: they survive the ledger, and add up."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.rollout import Figures, Measurement, Outcome, Result, RolloutStatus

numbers = st.integers(0, 10**9)
times = st.floats(0, 4e9)
figures = st.builds(
    Figures, numbers, numbers, numbers, st.dictionaries(st.sampled_from(["p50", "p99", "p99.9"]), st.floats(0, 1e6))
)
measurements = st.builds(
    Measurement,
    st.integers(0, 100),
    st.floats(0, 100),
    times,
    times,
    times,
    st.sampled_from(Result),
    st.text(),
    st.floats(0, 1),
    figures,
    figures,
    st.tuples(st.text()),
)
statuses = st.builds(
    RolloutStatus,
    step=st.integers(0, 100),
    weight=st.floats(0, 100),
    since=st.none() | times,
    judged=st.booleans(),
    approved=st.none() | st.text(),
    paused=st.booleans(),
    reason=st.text(),
    outcome=st.sampled_from(Outcome),
    looks=numbers,
    failures=numbers,
    inconclusive=numbers,
    errors=numbers,
    alarms=st.dictionaries(st.text(), st.sampled_from(["OK", "ALARM"])),
    measurements=st.lists(measurements, max_size=2).map(tuple),
)


@given(statuses)
def test_what_is_kept_can_be_read_back(status: RolloutStatus) -> None:
    assert RolloutStatus.from_json(json.loads(json.dumps(status.to_json()))) == status


@pytest.mark.parametrize("document", [{}, {"format": 1, "release": 3}, {**RolloutStatus().to_json(), "more": 1}])
def test_another_kind_of_document_is_refused(document: dict[str, object]) -> None:
    with pytest.raises((TypeError, KeyError)):
        RolloutStatus.from_json(document)


def test_the_shape_of_a_new_one() -> None:
    found = RolloutStatus().to_json()
    assert found["format"] == 1
    assert (found["outcome"], found["weight"], found["since"], found["measurements"]) == ("running", 0, None, [])


def test_figures_add_up_but_percentiles_do_not() -> None:
    total = Figures.total(
        [Figures(10, 1, 2, {"p50": 5, "p99": 80}), Figures(), Figures(30, 2, 0, {"p50": 9, "p99": 70, "p90": 60})]
    )
    assert total == Figures(40, 3, 2, {"p50": 9, "p99": 80, "p90": 60})
    assert (total.p50, total.p99, total.error_rate) == (9, 80, 7.5)
    assert Figures.total([]) == Figures()
    assert (Figures().p50, Figures().p99, Figures().error_rate) == (None, None, None)


@pytest.mark.parametrize(
    ("outcome", "finished"),
    [(Outcome.RUNNING, False), (Outcome.ABORTED, False), (Outcome.REVERTED, True), (Outcome.PROMOTED, True)],
)
def test_finished_means_that_one_release_has_all_traffic(outcome: Outcome, finished: bool) -> None:
    assert outcome.finished is finished


def test_the_latest_measurement_is_that_of_this_step() -> None:
    one = Measurement(0, 10, 5, 0, 5, Result.SUCCESSFUL, "")
    assert RolloutStatus(step=0, since=1, measurements=(one,)).last == one
    assert RolloutStatus(step=1, since=1, measurements=(one,)).last is None
    assert RolloutStatus(step=0, since=None, measurements=(one,)).last is None
    assert RolloutStatus(step=0, since=1).last is None
