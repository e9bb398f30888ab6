"""What is compared when nothing is built, and what a reader of drift is told beside the differences."""

import pytest

from pipeline.model.plan import Action, Change, FieldChange, Origin, Plan
from pipeline.model.release import LedgerHead, LockState, Release
from pipeline.model.resource import DesiredState, Resource
from pipeline.model.type_spec import TypeSpec
from pipeline.planning.drift import drifted, remarks, with_released_code

SPECS = {"test.thing": TypeSpec("test.thing", {}, (), ("name",))}


@pytest.mark.parametrize(
    ("type_", "code"),
    [
        ("lambda.function", {"code": "sha256:1"}),
        ("lambda.layer", {"code": "sha256:1"}),
        ("s3.site", {"files": {"index.html": "sha256:1"}, "etags": {"index.html": "x"}}),
    ],
)
def test_code_is_compared_as_it_was_released(type_: str, code: dict[str, object]) -> None:
    declared = Resource(type_, "x", {"name": "x", "memory": 2})
    released = {declared.address: Resource(type_, "x", {"name": "x", "memory": 1, **code})}
    (found,) = with_released_code(DesiredState((declared,)), released)
    assert found.properties == {"name": "x", "memory": 2, **code}
    assert with_released_code(DesiredState((declared,)), {}).resources == (declared,)


def test_a_property_of_that_name_elsewhere_is_no_code() -> None:
    declared = Resource("test.thing", "x", {"name": "x"})
    released = {declared.address: Resource("test.thing", "x", {"name": "x", "code": 1})}
    assert with_released_code(DesiredState((declared,)), released).resources == (declared,)


def plan(*changes: Change) -> Plan:
    return Plan("shop", "dev", "eu-west-1", "123456789012", None, changes)


def test_what_git_alone_changed_is_no_drift() -> None:
    changes = [Change(f"test.thing/{origin}", Action.UPDATE, origin) for origin in Origin]
    assert [change.origin for change in drifted(plan(*changes))] == [Origin.DRIFT, Origin.BOTH]


def head(*released: Resource, outcome: str | None = "succeeded") -> LedgerHead:
    release = Release(7, "shop", "dev", "eu-west-1", "123456789012", None, "", "ada", "run-1", desired=released)
    return LedgerHead(True, release, "e", LockState(3, outcome is None, "run-2", actor="ada", outcome=outcome), "e")


def test_what_aws_had_before_git_is_named_and_what_it_has_not_is_a_change_anyway() -> None:
    declared, released = Resource("test.thing", "x", {"a": 2, "b": 2}), Resource("test.thing", "x", {"a": 1, "b": 1})
    change = Change("test.thing/x", Action.UPDATE, Origin.GIT, (FieldChange("b", 1, 2),))
    (remark,) = remarks(DesiredState((declared,)), head(released), plan(change), SPECS)
    assert (remark.address, remark.severity) == ("test.thing/x", "warning")
    assert remark.message == "a: in AWS as declared here, though release 7 declared otherwise"
    assert remarks(DesiredState((declared,)), LedgerHead(False), plan(change), SPECS) == []
    assert remarks(DesiredState((declared,)), head(declared), plan(), SPECS) == []


@pytest.mark.parametrize("outcome", ["failed", "interrupted", None])
def test_a_run_that_did_not_end_well_is_named(outcome: str | None) -> None:
    (remark,) = remarks(DesiredState(()), head(outcome=outcome), plan(), SPECS)
    how = "did not end well" if outcome else "has not ended"
    assert remark.message == f"run run-2 of ada {how}: what it meant to change is no drift"
