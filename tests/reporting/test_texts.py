"""What people read: plans, deploys, releases, in golden files; and what machines read."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import BadInput, ChangesFailed, Diagnostic, PipelineError
from pipeline.model.access import Widening
from pipeline.model.plan import Action, Change, FieldChange, Origin, Plan
from pipeline.model.release import Release
from pipeline.model.report import DeployReport
from pipeline.reporting.console import Console
from pipeline.reporting.deploy_text import release_row, render_deploy, render_destroy, render_releases
from pipeline.reporting.diagnostics import annotations, diagnostics_json, diagnostics_text, workflow_command
from pipeline.reporting.plan_text import render_plan
from pipeline.reporting.style import Style, seconds, size, table
from tests.support.golden import check_golden

GOLDEN = Path(__file__).parent / "golden"
PLAIN = Style(colour=False)

CHANGES = (
    Change("iam.role/shop-role", Action.CREATE, Origin.GIT,
           (FieldChange("name", None, "shop-role"), FieldChange("description", None, "x" * 150)), reason="is new"),
    Change("lambda.function/shop-orders", Action.UPDATE, Origin.GIT,
           (FieldChange("memory", 512, 1024), FieldChange("environment.TOKEN", "(sensitive)", "(sensitive) ssm:/t@2"),
            FieldChange("role", "arn:old", "(known after apply)", known=False))),
    Change("dynamodb.table/shop-orders", Action.UPDATE, Origin.DRIFT,
           (FieldChange("billing_mode", "PROVISIONED", "PAY_PER_REQUEST", origin=Origin.DRIFT),)),
    Change("dynamodb.table/shop-log", Action.REPLACE, Origin.GIT,
           (FieldChange("sort_key", None, "time", forces_replacement=True), FieldChange("tags.team", "a", None)),
           destructive=True, reason="AWS cannot change sort_key in place"),
    Change("lambda.permission/shop-old:shop", Action.DELETE, Origin.GIT, destructive=True, reason="no longer declared"),
    Change("s3.bucket/shop-old", Action.RETAIN, Origin.GIT, reason="no longer declared, kept because it holds data"),
    Change("logs.log_group/shop", Action.FORGET, Origin.GIT, reason="is gone from AWS already"),
)  # fmt: skip
PLAN = Plan("shop", "dev", "eu-west-1", "123456789012", "c0ffee" * 6 + "abcd", CHANGES, 12,
            (Diagnostic("the role may do anything", address="iam.role/shop-role", severity="warning"),),
            (Diagnostic("dynamodb.table/shop-log: replacing it loses its data", address="dynamodb.table/shop-log",
                        file="aws/t.yaml", line=3, hint="agree with --include-data"),),
            (Widening("iam.role/shop-role", "arn:role/shop-role", "sqs:SendMessage", "arn:queue", None, "allowed"),
             Widening("iam.role/shop-role", "arn:role/shop-role", "sqs:ReceiveMessage", "arn:queue", None, "allowed"),
             Widening("s3.bucket/shop", "*", "s3:*", "arn:bucket/*", "denied unless TLS", None)))  # fmt: skip
EMPTY = replace(PLAN, changes=(), warnings=(), blockers=(), access=(), unchanged=20)
RELEASE = Release(
    42, "shop", "dev", "eu-west-1", "123456789012", "c0ffee" * 6 + "abcd", "2026-03-04T05:06:07Z", "ada", "run-1",
    functions={"shop-orders": {"version": "7", "previous": "6", "code_sha256": "x"}},
    plan={"digest": PLAN.digest, "summary": PLAN.summary}, outputs={"iam.role/shop-role": {"arn": "arn:role"}},
)  # fmt: skip
REPORT = DeployReport(
    42, "dev", "shop", RELEASE.commit, PLAN, True,
    functions={"shop-orders": {"version": "7", "previous": "6"}, "shop-pay": {"version": "1", "previous": None}},
    apis={"shop": {"deployment": "d2", "previous": "d1"}},
    outputs={"apigateway.rest_api/shop.url": "https://x.example/dev", "iam.role/shop-role.arn": "arn:role"},
    seconds={"plan": 0.4, "apply": 1.25}, aws_calls=61, kept=("s3.bucket/shop-old",),
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("plan", render_plan(PLAN, PLAIN)),
        ("plan-details", render_plan(PLAN, PLAIN, details=True)),
        ("plan-empty", render_plan(EMPTY, PLAIN)),
        ("plan-colours", render_plan(PLAN, Style(colour=True))),
        ("deploy", render_deploy(REPORT, PLAIN)),
        ("deploy-backup", render_deploy(
            replace(REPORT, outputs={"dynamodb.table/shop-log.backup": "arn:backup/1"}), PLAIN)),
        ("deploy-nothing", render_deploy(replace(REPORT, plan=EMPTY, changed=False, kept=()), PLAIN)),
        ("destroy", render_destroy(REPORT, PLAIN)),
        ("destroy-nothing", render_destroy(replace(REPORT, changed=False, kept=()), PLAIN)),
        ("releases", render_releases(
            [replace(RELEASE, number=44, destroyed=True), replace(RELEASE, number=43, restores=41), RELEASE],
            PLAIN, "dev", "--env dev")),
        ("releases-none", render_releases([], PLAIN, "dev", "--env dev")),
    ],
)  # fmt: skip
def test_texts(name: str, text: str) -> None:
    check_golden(GOLDEN / f"{name}.txt", text + "\n")


def test_the_plan_document_has_the_agreed_shape() -> None:
    document = PLAN.to_json()
    assert list(document) == [
        "format", "service", "environment", "region", "account", "commit", "digest", "summary", "changes", "access",
        "warnings",
    ]  # fmt: skip
    assert set(document["summary"]) == {"create", "update", "replace", "delete", "unchanged", "drift"}
    assert set(document["changes"][0]) == {"address", "action", "origin", "fields", "destructive", "reason"}
    assert json.loads(json.dumps(document)) == document


def test_the_deploy_document_has_the_agreed_parts() -> None:
    document = REPORT.to_json()
    for key in ("release", "environment", "commit", "plan", "functions", "apis", "outputs", "canary", "seconds"):
        assert key in document
    assert document["aws_calls"] == 61
    assert set(document["plan"]) == {"digest", "summary"}


def test_a_release_row_leaves_the_declared_state_out() -> None:
    assert "desired" not in release_row(RELEASE)


def console(**more: Any) -> tuple[Console, io.StringIO, io.StringIO]:
    out, err = io.StringIO(), io.StringIO()
    return Console(out, err, **more), out, err


def test_json_mode_prints_one_document_and_people_read_the_other_stream() -> None:
    voice, out, err = console(format="json")
    voice.say("working")
    voice.warn(Diagnostic("careful", severity="warning"))
    voice.result({"a": 1}, "text")
    assert json.loads(out.getvalue()) == {"a": 1}
    assert err.getvalue() == "working\nwarning: careful\n"


def test_errors_say_everything_that_is_known() -> None:
    voice, _, err = console()
    voice.error(BadInput.of([Diagnostic("no such key", "a.yaml", 3, 5, hint="did you mean b?")]))
    inner = PipelineError("creating x: denied", hint="ask")
    voice.error(ChangesFailed([("x", inner)], skipped=2))
    text = err.getvalue()
    assert "a.yaml:3:5: no such key; try: did you mean b?" in text
    assert "creating x: denied; try: ask" in text
    assert "2 that depend on them not tried" in text


def test_in_github_actions_findings_are_annotations_and_work_is_grouped() -> None:
    voice, _, err = console(github=True)
    voice.warn(Diagnostic("50% of\nit", "a,b.yaml", 3, 5, severity="warning"))
    with voice.working("applying"):
        voice.say("line")
    voice.mask("hunter2")
    assert err.getvalue() == (
        "::warning file=a%2Cb.yaml,line=3,col=5::50%25 of%0Ait\n::group::applying\nline\n::endgroup::\n"
        "::add-mask::hunter2\n"
    )


def test_a_log_gets_plain_lines() -> None:
    voice, _, err = console()
    with voice.working("applying") as live:
        live.begun("a", "creating a")
        live.ended("a", "  + a")
    assert err.getvalue() == "  + a\n"


def test_what_is_under_way_changes_its_words_and_goes_when_it_has_none() -> None:
    voice, _, err = console()
    with voice.working("shifting") as live:
        live.shown(("a", "b"), ["step 1", "3 errors"])
        live.shown(("a", "b"), ["step 2"])
        assert "step 2" in str(live._block())
        assert "step 1" not in str(live._block())
        assert "3 errors" not in str(live._block())
    assert err.getvalue() == "", "a log gets what happens, not how far it is"


def test_workflow_commands_without_a_place() -> None:
    assert workflow_command("error", Diagnostic("x", hint="y")) == "::error::x; try: y"


def test_diagnostics_as_text_and_as_annotations() -> None:
    found = [
        Diagnostic("100% bad,\nreally", "b:c.yaml", 3, 5, hint="x: y"),
        Diagnostic("no place"),
        Diagnostic("old", "a.yaml", 1, severity="warning"),
    ]
    assert diagnostics_text(found) == (
        "error: no place\na.yaml:1: warning: old\nb:c.yaml:3:5: error: 100% bad,\nreally\n  try: x: y"
    )
    assert annotations(found, "services/a,b/").splitlines() == [
        "::error::no place",
        "::warning file=services/a%2Cb/a.yaml,line=1::old",
        "::error file=services/a%2Cb/b%3Ac.yaml,line=3,col=5::100%25 bad,%0Areally; try: x: y",
    ]


def test_diagnostics_are_sorted_and_split() -> None:
    found = [Diagnostic("b", "b.yaml", 1), Diagnostic("w", "a.yaml", severity="warning"), Diagnostic("a", "a.yaml", 9)]
    document = diagnostics_json(found)
    assert [d["message"] for d in document["errors"]] == ["a", "b"]
    assert [d["message"] for d in document["warnings"]] == ["w"]
    assert set(document["errors"][0]) == {"file", "line", "column", "address", "message", "hint"}


@pytest.mark.parametrize(
    ("value", "text"), [(0.0851, "85 ms"), (0.9949, "995 ms"), (1.239, "1.24 s"), (200.4, "3 min 20 s")]
)
def test_durations(value: float, text: str) -> None:
    assert seconds(value) == text


@pytest.mark.parametrize(("value", "text"), [(812, "812 B"), (3_300_000, "3.3 MB"), (1500, "1.5 kB")])
def test_sizes(value: int, text: str) -> None:
    assert size(value) == text


def test_tables_do_not_pad_the_end_of_lines() -> None:
    assert table([("a", "bb"), ("ccc", "")]) == "a    bb\nccc"


def test_a_function_that_is_declared_again_counts_on() -> None:
    """A rollback kept it and its versions: it is new to the release alone."""
    first = {"version": "1", "previous": None}
    entries = {"a": first, "b": first}
    assert "2 new functions at version 1" in render_deploy(replace(REPORT, functions=entries), PLAIN)
    again = render_deploy(replace(REPORT, functions={**entries, "b": {"version": "3", "previous": None}}), PLAIN)
    assert "2 new functions\n" in again
