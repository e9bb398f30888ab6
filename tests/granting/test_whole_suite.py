"""The permissions of both roles against what the whole suite asked for: nothing is missing, nothing without reason.

tests/support/recorded_actions.py records, and compares whole_suite.json with each run.
"""

from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.granting.documents import boundary
from pipeline.granting.knowledge import PHASES, knowledge
from pipeline.resources.registry import registry
from tests.granting.everything import allowed, allowed_to, everything
from tests.support.recorded_actions import (
    DEPLOY,
    PLAN,
    Recording,
    accepted,
    acting,
    held,
    lacking,
    not_allowed,
    note,
    recorded,
    superfluous,
)
from tests.support.wire import Call

KNOWN = knowledge()


def deployed() -> set[str]:
    """What the suite did, but for what takes an administrator: providers, which `bootstrap` makes, and boundaries."""
    return {action for action in held()[DEPLOY] if not KNOWN.denied(action)}


def extras() -> set[str]:
    """What rules.json names with its reason, though no recording can show it."""
    types = (KNOWN.extras(kind, phase) for kind in KNOWN.rules["extras"] for phase in PHASES)
    keys = (rule.get(phase, {}) for rule in KNOWN.rules["keys"].values() for phase in PHASES)
    more = (KNOWN.rules["unrecorded"], *KNOWN.rules["codedeploy"].values())
    return {action for found in (*types, *keys, *more) for action in found}


def test_the_role_that_plans_may_do_what_the_suite_planned_with() -> None:
    assert held()[PLAN] <= allowed(everything().reading)


def test_the_role_that_deploys_may_do_what_the_suite_did() -> None:
    assert deployed() <= allowed(everything().reading) | allowed(everything().changing)


def test_without_consent_it_may_do_all_but_delete_data() -> None:
    needs = everything(deletes_data=False)
    may = allowed(needs.reading) | allowed(needs.changing)
    assert not may & KNOWN.losing_data
    assert deployed() - may <= {
        *KNOWN.losing_data,
        *KNOWN.extras("s3.bucket", "delete"),
        "s3:ListBucketMultipartUploads",
    }


def test_both_may_do_no_more_than_that_and_what_has_a_reason() -> None:
    needs, suite = everything(), held()
    assert allowed(needs.reading) - suite[PLAN] <= extras()
    assert allowed(needs.changing) - suite[PLAN] - suite[DEPLOY] <= extras()


def test_no_extra_without_need() -> None:
    assert all(len(reason) > 7 for reason in KNOWN.rules["unrecorded"].values())
    suite = held()
    assert not set(KNOWN.rules["unrecorded"]) & (suite[PLAN] | suite[DEPLOY])


def test_the_boundary_stands_in_the_way_of_nothing_that_a_role_may() -> None:
    for deletes_data in (True, False):
        needs = everything(deletes_data=deletes_data)
        never = next(one for one in boundary(needs, ["arn"])["Statement"] if one["Sid"] == "Never")["Action"]
        assert not set(never) & (allowed(needs.reading) | allowed(needs.changing))
        assert (set(never) & KNOWN.losing_data == set()) is deletes_data


def test_what_destroys_data_is_what_deletes_types_that_hold_it() -> None:
    for name, kind in registry().items():
        deleting = KNOWN.actions(name, "delete") & KNOWN.losing_data
        assert bool(deleting) is kind.spec.data_bearing, name


def test_calls_of_commands_are_recorded_and_those_of_tests_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for role in (PLAN, DEPLOY):
        monkeypatch.setitem(recorded, role, set())
    call = Call("apigateway", "GetStages", "", "GET", "")
    for agent in ("pipeline/1.0 botocore/1", "pipeline/1.0 (bootstrap) botocore/1", "Boto3/1 (plan)", ""):
        note(call, agent)
    assert recorded == {PLAN: set(), DEPLOY: set()}
    note(call, "pipeline/1.0 (run: preview) botocore/1")
    with acting("deploy"):
        note(Call("lambda", "Invoke", "", "POST", ""), "pipeline/1.0 botocore/1")
    assert recorded == {PLAN: {"apigateway:GET"}, DEPLOY: {"lambda:InvokeFunction"}}


def test_a_part_of_the_suite_may_record_less_but_nothing_new() -> None:
    known, found = {PLAN: {"a", "b"}, DEPLOY: {"d"}}, {PLAN: {"a"}, DEPLOY: {"d", "e"}}
    (new,) = lacking(known, found)
    assert new.partition(";")[0] == "tests/granting/whole_suite.json lacks of the role deploy: e"
    (gone,) = superfluous(known, found)
    assert "of the role plan what nothing calls any more: b" in gone
    assert lacking(known, {PLAN: {"a"}, DEPLOY: {"a", "d"}}) == [], "who deploys plans, too"
    assert accepted(known, found, whole=False) == {PLAN: {"a", "b"}, DEPLOY: {"d", "e"}}
    assert accepted(known, found, whole=True) == found


def test_a_run_fails_for_what_the_policies_do_not_allow() -> None:
    (line,) = not_allowed({PLAN: {"iam:GetRole", "iam:CreateRole"}, DEPLOY: {"iam:CreateRole"}})
    assert "the role plan do not allow: iam:CreateRole" in line
    assert held()[DEPLOY] <= allowed_to(DEPLOY)


def test_what_other_processes_recorded_is_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(recorded, PLAN, {"a"})
    config: Any = SimpleNamespace()
    Recording(config).pytest_testnodedown(SimpleNamespace(workeroutput={"actions": {PLAN: ["b"]}}))
    assert recorded[PLAN] == {"a", "b"}
