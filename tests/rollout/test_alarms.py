"""Alarms beside the figures: only what changed since the release began counts."""

from collections.abc import Mapping

import pytest

from pipeline.rollout.alarms import Alarm, judge_alarms

NO_DATA = "INSUFFICIENT_DATA"


@pytest.mark.parametrize(
    ("before", "state", "kind", "remembered"),
    [
        ("OK", "OK", None, "OK"),
        ("OK", "ALARM", "red", "OK"),
        ("OK", NO_DATA, "silent", "OK"),
        ("ALARM", "ALARM", "notes", "ALARM"),
        ("ALARM", "OK", None, "OK"),
        ("ALARM", NO_DATA, "notes", "ALARM"),
        (NO_DATA, NO_DATA, "notes", NO_DATA),
        (NO_DATA, "ALARM", "red", NO_DATA),
        (NO_DATA, "OK", None, "OK"),
        (None, "ALARM", "red", "OK"),
        (None, NO_DATA, "silent", "OK"),
        (None, "OK", None, "OK"),
    ],
)
def test_each_change(before: str | None, state: str, kind: str | None, remembered: str) -> None:
    found = judge_alarms([Alarm("a", state)], {"a": before} if before else {})
    told = {name: getattr(found, name) for name in ("red", "missing", "silent", "notes")}
    assert [name for name, texts in told.items() if texts] == ([kind] if kind else [])
    assert found.before == {"a": remembered}


def test_an_alarm_that_recovered_may_not_go_red_again() -> None:
    before: Mapping[str, str] = {"a": "ALARM"}
    kinds = []
    for state in ("ALARM", "OK", "ALARM"):
        found = judge_alarms([Alarm("a", state)], before)
        before = found.before
        kinds.append(bool(found.red))
    assert kinds == [False, False, True]


def test_words() -> None:
    alarms = [Alarm("old", "ALARM"), Alarm("new", "ALARM"), Alarm("gone", None), Alarm("mute", NO_DATA)]
    found = judge_alarms(alarms, {"old": "ALARM"})
    assert found.red == ("alarm new went red",)
    assert found.missing == ("there is no alarm gone",)
    assert found.silent == ("alarm mute has no data any more",)
    assert found.notes == ("alarm old is red, and was no better before this release: ignored",)
