"""Checks are found, run side by side, and broken ones stop nobody; all of them are documented."""

import re
from dataclasses import replace

import pytest

from pipeline.diagnosing.examination import all_checks, examine, hindered, unexamined
from pipeline.diagnosing.explaining import explanation
from pipeline.diagnosing.finding import Check, Finding
from pipeline.diagnosing.patient import Condition, Patient
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
    assert [(r.check.id, r.hindrance is None) for r in results] == [
        ("b", True),
        ("a", False),
        ("c", False),
        ("d", False),
    ]
    by_id = {result.check.id: result.hindrance for result in results if result.hindrance}
    assert (by_id["c"].cause, by_id["c"].evidence) == ("iam:GetRole answered AccessDenied", "you may not")
    assert (by_id["d"].cause, by_id["d"].fix) == ("no", "try that")
    assert "KeyError" in by_id["a"].evidence
    assert sorted(told) == ["a", "b", "c", "d"]


def test_what_hinders_several_is_told_once() -> None:
    reads: list[str] = []

    def fails_to_read() -> Condition:
        reads.append("read")
        raise PipelineError("the ledger may not be read", hint="bootstrap")

    def asks(who: Patient) -> list[Finding]:
        return [Finding(change.address) for change in who.condition.plan.changes]

    who = replace(patient(), examine=fails_to_read)
    results = examine(who, [Check("a", "", asks), Check("b", "", fails), Check("c", "", asks)], lambda _check: None)
    assert [(one.cause, checks) for one, checks in hindered(results).items()] == [
        ("the ledger may not be read", ["a", "c"]),
        ("a bug in the check", ["b"]),
    ]
    assert reads == ["read"]


@pytest.mark.parametrize(
    ("code", "message"),
    [("ExpiredToken", "the credentials have expired"), ("InvalidClientTokenId", "AWS does not take these credentials")],
)
def test_without_credentials_that_is_the_one_finding_and_nothing_else_is_asked(code: str, message: str) -> None:
    who = patient(replies={"sts:GetCallerIdentity": refused("sts:GetCallerIdentity", code, "no")}, environ={})
    results = examine(who, [one for one in all_checks() if one.id != "credentials"], lambda _check: None)
    (credentials,) = (finding for result in results for finding in result.findings)
    assert (credentials.message, credentials.severity) == (message, "error")
    ((hindrance, checks),) = hindered(results).items()
    assert "credentials" in hindrance.cause
    assert {"account", "drift", "permissions", "stale-lock"} <= set(checks)
    assert who.aws.total_calls == 1


def test_where_not_even_the_account_is_known_the_credentials_say_so() -> None:
    checks = all_checks()
    results = unexamined(PipelineError("no AWS credentials were found", hint="sign in"), checks)
    (finding,) = (finding for result in results for finding in result.findings)
    assert (finding.message, finding.fix) == ("there are no credentials that could be used", "sign in")
    ((_hindrance, others),) = hindered(results).items()
    assert others == [check.id for check in checks if check.id != "credentials"]


def test_ids_are_unique() -> None:
    ids = [check.id for check in all_checks()]
    assert len(ids) == len(set(ids)) > 15


@pytest.mark.parametrize("check", all_checks(), ids=lambda check: check.id)
def test_every_check_is_documented_where_its_findings_point(check: Check) -> None:
    file, _, anchor = check.docs.partition("#")
    assert re.search(rf"^### {re.escape(anchor)}$", document(file).text, re.MULTILINE)
    told = explanation(check)
    assert told.startswith(f"{check.id}: ")
    assert "- to mend it: " in told
    assert not re.search(r"\]\(|^#", told, re.MULTILINE), "it is read in a terminal"


def test_nothing_is_documented_that_there_is_not() -> None:
    headings = re.findall(r"^### (.+)$", document("docs/doctor.md").text, re.MULTILINE)
    assert headings == [check.id for check in all_checks()]


def test_what_is_to_be_typed_is_about_the_same_region() -> None:
    who = replace(patient(), region="eu-west-1", local=True)
    assert who.command("deploy") == "pipeline deploy --env dev --region eu-west-1 --local"
    assert who.command("bootstrap", "--repo a/b") == "pipeline bootstrap --env dev --local --repo a/b"
