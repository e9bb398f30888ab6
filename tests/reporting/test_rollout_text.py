"""What people read of a rollout: while it goes on, at its end, and beside the list of releases."""

from dataclasses import replace

import pytest

from pipeline.model.release import Release
from pipeline.model.report import Canary, RolloutReport
from pipeline.model.rollout import Figures, Measurement, Outcome, Result, RolloutStatus
from pipeline.model.shift import Rollout, Shift, Way
from pipeline.model.strategy import Step, Strategy
from pipeline.reporting.rollout_text import (
    awaited,
    duration,
    happened,
    how,
    now_lines,
    render_rollout,
    rollout_note,
    strategy_line,
)
from pipeline.reporting.style import Style

PLAIN = Style(False)
RELEASE = Release(42, "shop", "production", "eu-west-1", "123456789012", "c0ffee12345", "", "ada", "run-42")
STEPS = Strategy("steps", (Step(5, 120), Step(25, 600, gate=True)))
SHIFT = Shift("lambda.function/orders", "alias", "orders", "live", "6", "7", Way.WEIGHTS)
BAD = Measurement(
    0, 5, 1180.0, 1000.0, 1060.0, Result.FAILED,
    "orders: 3 errors in 41 requests, stable 2 in 380: worse with 97 % confidence", 0.97,
    Figures(41, 3, latency={"p99": 250.0}), Figures(380, 2, latency={"p99": 240.0}), ("stock: 2 requests throttled",),
)  # fmt: skip


def rollout(**status: object) -> Rollout:
    return Rollout(RELEASE, STEPS, (SHIFT,), "", 1000.0, base=41, status=replace(RolloutStatus(), **status))  # type: ignore[arg-type]  # any of its fields


def test_everything_that_happens_is_a_line() -> None:
    set_ = rollout(weight=5, since=1000.0)
    assert happened(RolloutStatus(), set_, PLAIN) == ["    5 %  set, watched for 2 min"]
    looked = rollout(weight=5, since=1000.0, measurements=(BAD,), outcome=Outcome.ABORTED, reason=BAD.reason)
    figures, aborted = happened(set_.status, looked, PLAIN)
    assert figures.splitlines() == [
        f"    5 %  1 min of 2 min  {BAD.reason}, p99 250 ms, stable 240 ms: failed",
        "        stock: 2 requests throttled",
    ]
    assert aborted == f"  aborted: {BAD.reason}"
    gone = rollout(outcome=Outcome.REVERTED, measurements=(BAD,))
    assert happened(looked.status, gone, PLAIN) == ["    0 %  reverted: the release before has all traffic"]


def test_people_are_named() -> None:
    before = RolloutStatus(step=1, weight=25, since=1000.0)
    opened = rollout(step=1, weight=25, since=1000.0, approved="eve")
    assert happened(before, opened, PLAIN) == ["   25 %  gate opened by eve"]
    paused = rollout(step=1, weight=25, since=1000.0, paused=True, reason="paused by eve: lunch")
    assert happened(before, paused, PLAIN) == ["   25 %  paused by eve: lunch"]
    assert happened(paused.status, rollout(step=1, weight=25, since=1000.0), PLAIN) == ["   25 %  goes on"]
    stopped = rollout(step=1, weight=25, since=1000.0, outcome=Outcome.ABORTED, reason="aborted by eve")
    assert happened(before, stopped, PLAIN) == ["  aborted by eve"]


def test_a_live_display_tells_elapsed_and_left_and_the_last_figures() -> None:
    assert now_lines(rollout(weight=5, since=1000.0), 1060.0) == ["step 1 of 2 at 5 %: 1 min, 3 min left"]
    late = now_lines(rollout(weight=5, since=1000.0, measurements=(BAD,)), 1300.0)
    assert late == [
        "step 1 of 2 at 5 %: 5 min, waiting for figures",
        f"{BAD.reason}, p99 250 ms, stable 240 ms: failed",
    ]
    assert now_lines(rollout(), 1000.0) == ["shifting to 5 %"]
    assert now_lines(rollout(step=2), 1000.0) == ["promoting"]
    assert now_lines(rollout(outcome=Outcome.ABORTED), 1000.0) == ["giving everything back to release 41"]
    assert now_lines(rollout(outcome=Outcome.REVERTED), 1000.0) == []


def test_a_release_that_was_taken_back_says_why_and_where_to_look() -> None:
    ended = rollout(outcome=Outcome.REVERTED, reason=BAD.reason, measurements=(BAD,))
    links = {"orders logs": "https://logs", "stock logs": "https://other"}
    text = render_rollout(RolloutReport("production", 41, Canary(ended, links=links)), PLAIN)
    assert text.splitlines() == [
        "✗ release 42 was taken back: release 41 has all traffic in production (0 ms, 0 AWS calls)",
        f"  5 %: {BAD.reason}: failed",
        f"  why: {BAD.reason}",
        "",
        "  orders logs  https://logs",
    ]


def test_one_that_waits_says_for_what() -> None:
    waiting = Canary(rollout(step=1, weight=25, since=1000.0), waiting="its gate is closed")
    text = render_rollout(RolloutReport("production", 41, waiting), PLAIN)
    assert "release 42 has 25 % of the traffic in production, release 41 the rest" in text
    assert "waiting: its gate is closed" in text


def test_the_document_has_every_step_with_its_figures() -> None:
    document = Canary(rollout(weight=5, since=1000.0, measurements=(BAD,))).to_json()
    first, second = document["steps"]
    assert (first["verdict"], first["confidence"], first["canary"]["errors"], first["looks"]) == ("failed", 0.97, 3, 1)
    assert (second["weight"], second["gate"], second["verdict"]) == (25, True, None)
    assert document["shifts"][0]["way"] == "weights"


@pytest.mark.parametrize(
    ("outcome", "current", "expected"),
    [
        (Outcome.RUNNING, 41, "release 42 has 5 % of the traffic"), (Outcome.PROMOTED, 41, "being rolled out"),
        (Outcome.PROMOTED, 42, None), (Outcome.REVERTED, 41, "commit c0ffee1 was taken back: it failed"),
        (Outcome.REVERTED, 42, None),
    ],
)  # fmt: skip
def test_the_list_of_releases_tells_what_it_cannot_show(outcome: Outcome, current: int, expected: str | None) -> None:
    found = rollout_note(
        Canary(rollout(outcome=outcome, weight=5, reason="it failed")),
        "production",
        [replace(RELEASE, number=current)],
        PLAIN,
    )
    assert (expected in found[0]) if expected else found == []


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (
            {"paused": True, "reason": "paused by eve: lunch"},
            "paused by eve: lunch; pipeline resume --env dev lets it go on",
        ),
        ({"step": 1, "since": 1000.0, "judged": True}, "its gate is closed; pipeline promote --env dev lets it go on"),
        ({"since": 1000.0}, "it is looked at next in 130 s, by pipeline resume --env dev"),
        ({"outcome": Outcome.ABORTED}, "pipeline resume --env dev goes on"),
    ],
)
def test_what_waits_says_for_whom_and_what_to_do_then(status: dict[str, object], expected: str) -> None:
    found = rollout(weight=5, **status)
    waiting = awaited(found, "dev", 1050.0)
    assert expected in waiting
    (note,) = rollout_note(Canary(found, waiting), "dev", [], PLAIN)
    assert note.splitlines()[1] == f"  waiting: {waiting}"
    (driven,) = rollout_note(Canary(found), "dev", [], PLAIN)
    assert "a run sees to it; pipeline promote --env dev, pipeline pause --env dev" in driven
    by_codedeploy = replace(found, strategy=Strategy("canary", (Step(10, 60),), engine="codedeploy"))
    assert awaited(by_codedeploy, "dev", 1050.0).startswith("CodeDeploy is at work")


def test_a_note_is_told_once_while_it_stays_the_same() -> None:
    again = replace(BAD, at=1240.0)
    first, both = rollout(since=1000.0, measurements=(BAD,)), rollout(since=1000.0, measurements=(BAD, again))
    assert "stock: 2 requests throttled" not in happened(first.status, both, PLAIN)[0]
    changed = rollout(since=1000.0, measurements=(BAD, replace(again, notes=("stock: 3 requests throttled",))))
    assert "stock: 3 requests throttled" in happened(first.status, changed, PLAIN)[0]


def test_strategies_in_words() -> None:
    assert strategy_line(STEPS) == "steps: 5 % for 2 min, 25 % for 10 min and a gate, then all"
    linear = Strategy("linear", tuple(Step(10.0 * n, 120) for n in range(1, 10)))
    assert strategy_line(linear).endswith("30 % for 2 min, … up to 90 % in 9 steps, then all")
    assert how(Way.WEIGHTS, "", ("a.queue",)) == "by weights of its alias, fed by a.queue alone"


def test_durations() -> None:
    assert [duration(value) for value in (0, 20, 300, 5400)] == ["0 s", "20 s", "5 min", "1 h 30 min"]
