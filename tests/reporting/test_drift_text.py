"""What people read of drift: on a terminal in golden files, and in the summary of a workflow's job."""

from dataclasses import replace

import pytest

from pipeline.errors import BadInput, Diagnostic
from pipeline.model.plan import Action, Change, FieldChange, Origin
from pipeline.reporting.drift_text import drift_issue, drift_summary, failure_summary, render_drift
from pipeline.reporting.markdown import units
from pipeline.reporting.plan_text import change_lines
from pipeline.reporting.status_text import Run
from tests.reporting.test_texts import EMPTY, GOLDEN, PLAIN, PLAN, RELEASE
from tests.support.golden import check_golden

BOTH = Change("lambda.function/shop-pay", Action.UPDATE, Origin.BOTH,
              (FieldChange("memory", 1024, 256, origin=Origin.DRIFT), FieldChange("timeout", 10, 11)))  # fmt: skip
GONE = Change("logs.log_group/shop-pay", Action.CREATE, Origin.DRIFT, (), reason="is gone from AWS")
DRIFTED = replace(PLAN, changes=(BOTH, GONE, *PLAN.changes[:3]), blockers=())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("drift", render_drift(DRIFTED, RELEASE, PLAIN)),
        ("drift-none", render_drift(EMPTY, RELEASE, PLAIN)),
        ("drift-destroyed", render_drift(EMPTY, replace(RELEASE, destroyed=True), PLAIN)),
        ("drift-not-released", render_drift(replace(PLAN, changes=PLAN.changes[:1]), None, PLAIN)),
        ("drift-summary", drift_summary(DRIFTED, RELEASE)),
        ("drift-summary-none", drift_summary(EMPTY, RELEASE)),
        ("drift-summary-not-released", drift_summary(PLAN, None)),
        ("drift-summary-failed", failure_summary("dev", BadInput.of([Diagnostic("no such key", "a.yaml", 3, 5)]))),
    ],
)
def test_texts(name: str, text: str) -> None:
    check_golden(GOLDEN / f"{name}.txt", text + "\n")


@pytest.mark.parametrize("wide", ["a", "\U0001f600"])
def test_an_issue_is_no_longer_than_github_takes(wide: str) -> None:
    changes = tuple(replace(PLAN.changes[0], address=f"sns.topic/{wide * 200}{number}") for number in range(900))
    body = drift_issue(replace(PLAN, changes=changes), RELEASE, Run("7"))
    assert 60_000 < units(body) < 65_000
    assert body.splitlines()[0] == drift_summary(replace(PLAN, changes=changes), RELEASE).splitlines()[0]
    assert body.endswith("… and more: see the job's summary of the run\n\n" + body.splitlines()[-1])
    assert "Compared by run 7." in body.splitlines()[-1]


def test_a_summary_shows_no_value() -> None:
    told = drift_summary(DRIFTED, RELEASE)
    assert "PROVISIONED" not in told
    assert "1024" not in told


def test_of_long_lists_what_came_and_what_left_is_shown() -> None:
    before = [f"service:Action{number}" for number in range(20)]
    after = [*before[1:], "service:Another"]

    def line(first: list[str], second: list[str]) -> str:
        field = FieldChange("actions", first, second)
        change = Change("iam.policy/a", Action.UPDATE, Origin.GIT, fields=(field,))
        return change_lines(change, PLAIN)[1].strip()

    assert line(before, after) == 'actions: added ["service:Another"], removed ["service:Action0"]'
    assert line(before, before[:-1]) == 'actions: removed ["service:Action19"]'
    assert line(["a"], ["b"]) == 'actions: ["a"] -> ["b"]'
    assert " -> " in line(before, before[::-1]), "only the order differs"
