"""Checks are found, run side by side, and broken ones stop nobody; all of them are documented."""

import re

import pytest

from pipeline.diagnosing.examination import all_checks, examine
from pipeline.diagnosing.finding import Check, Finding
from pipeline.diagnosing.patient import Patient
from pipeline.errors import PipelineError
from tests.diagnosing.support import patient
from tests.docs.markdown import document
from tests.support.fake_transport import refused


def fails(_who: Patient) -> list[Finding]:
    raise KeyError("a bug")


def test_one_that_breaks_stops_no_other() -> None:
    def says(_who: Patient) -> list[Finding]:
        return [Finding("wrong")]

    def cannot(who: Patient) -> list[Finding]:
        who.aws.call("iam", "GetRole", RoleName="x")
        return []

    def refuses(_who: Patient) -> list[Finding]:
        raise PipelineError("no", hint="try that")

    told: list[str] = []
    checks = [Check("a", "", fails), Check("b", "", says), Check("c", "", cannot), Check("d", "", refuses)]
    who = patient(replies={"iam:GetRole": refused("iam:GetRole", "AccessDenied", "you may not")})
    results = examine(who, checks, lambda check: told.append(check.id))
    assert [(r.check.id, r.findings[0].severity) for r in results] == [
        ("b", "error"),
        ("a", "unknown"),
        ("c", "unknown"),
        ("d", "unknown"),
    ]
    by_id = {result.check.id: result.findings[0] for result in results}
    assert "iam:GetRole answered AccessDenied" in by_id["c"].message
    assert by_id["d"].fix == "try that"
    assert sorted(told) == ["a", "b", "c", "d"]


def test_ids_are_unique() -> None:
    ids = [check.id for check in all_checks()]
    assert len(ids) == len(set(ids)) > 15


@pytest.mark.parametrize("check", all_checks(), ids=lambda check: check.id)
def test_every_check_is_documented_where_its_findings_point(check: Check) -> None:
    file, _, anchor = check.docs.partition("#")
    assert re.search(rf"^### {re.escape(anchor)}$", document(file).text, re.MULTILINE)


def test_nothing_is_documented_that_there_is_not() -> None:
    headings = re.findall(r"^### (.+)$", document("docs/doctor.md").text, re.MULTILINE)
    assert headings == [check.id for check in all_checks()]
