"""Inputs of workflow_dispatch and repository_dispatch."""

from dataclasses import replace
from typing import Any

import pytest

from pipeline.errors import BadInput
from pipeline.model.intent import Intent, Kind
from tests.intake.support import ALL, FACTS, TIP, intent


def asked(**inputs: Any) -> Intent:
    found = intent("workflow_dispatch.rollback", {"inputs": inputs})
    return replace(found, reason="")


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"action": "deploy", "environment": "dev"}, Intent(Kind.DEPLOY, ("dev",), TIP)),
        ({"action": "deploy", "environment": "sandbox", "release": ""}, Intent(Kind.DEPLOY, ("sandbox",), TIP)),
        ({"action": "plan", "environment": "production"}, Intent(Kind.PREVIEW, ("production",), TIP)),
        ({"action": "plan"}, Intent(Kind.PREVIEW, ALL, TIP)),
        ({"action": "rollback", "environment": "dev", "release": "7"}, Intent(Kind.ROLLBACK, ("dev",), TIP, "7")),
        ({"action": "rollback", "environment": "dev", "release": 7}, Intent(Kind.ROLLBACK, ("dev",), TIP, "7")),
        (
            {"action": "rollback", "environment": "dev", "release": " previous\n"},
            Intent(Kind.ROLLBACK, ("dev",), TIP, "previous"),
        ),
        ({"action": "promote", "environment": "dev"}, Intent(Kind.PROMOTE, ("dev",), TIP)),
        ({"action": "abort", "environment": "dev"}, Intent(Kind.ABORT, ("dev",), TIP)),
        ({"action": "resume", "environment": "dev"}, Intent(Kind.RESUME, ("dev",), TIP)),
        ({"action": "resume", "environment": ""}, Intent(Kind.RESUME, ALL, TIP)),
        ({"action": "drift"}, Intent(Kind.DETECT_DRIFT, ALL, TIP)),
        ({"action": "drift", "log_level": "debug"}, Intent(Kind.DETECT_DRIFT, ALL, TIP)),
    ],
)
def test_what_inputs_ask_for(inputs: dict[str, Any], expected: Intent) -> None:
    assert asked(**inputs) == expected


ENVIRONMENTS = "dev, staging, production or sandbox"


@pytest.mark.parametrize(
    ("inputs", "complaints"),
    [
        (
            {"environment": "dev"},
            ["input action is missing: allowed is deploy, plan, rollback, promote, abort, unlock, resume or drift"],
        ),
        ({"action": "destroy"}, ["input action is destroy: allowed is deploy, plan, "]),
        ({"action": "Deploy", "environment": "dev"}, ["input action is Deploy"]),
        ({"action": ["deploy"]}, ["input action is 'neither text nor number'"]),
        ({"action": "deploy"}, [f"input environment is missing: allowed is {ENVIRONMENTS}"]),
        ({"action": "deploy", "environment": "prod"}, [f"input environment is prod: allowed is {ENVIRONMENTS}"]),
        ({"action": "drift", "environment": "all"}, [f"input environment is all: allowed is {ENVIRONMENTS}"]),
        ({"action": "rollback", "environment": "dev"}, ["input release is missing: allowed is a release number or"]),
        ({"action": "rollback", "environment": "dev", "release": True}, ["input release is True"]),
        ({"action": "rollback", "environment": "dev", "release": 4.5}, ["input release is 4.5"]),
        ({"action": "rollback", "environment": "dev", "release": {"n": 4}}, ["input release is 'neither text nor"]),
        ({"action": "deploy", "environment": "dev", "release": "7"}, ["input release is 7: allowed is nothing"]),
        (
            {"action": "rollback", "environment": "x;rm -rf", "release": "\u202e14"},
            [f"input environment is 'x;rm -rf': allowed is {ENVIRONMENTS}", r"input release is '\u202e14': allowed"],
        ),
    ],
)
def test_wrong_inputs_are_listed_with_what_is_allowed(inputs: dict[str, Any], complaints: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        asked(**inputs)
    error = caught.value
    assert error.exit_code == 2
    found = [diagnostic.message for diagnostic in error.diagnostics] or [str(error)]
    assert len(found) == len(complaints)
    for complaint, text in zip(complaints, found, strict=True):
        assert complaint in text
        assert text.isprintable()


def test_a_workflow_without_inputs_says_what_is_wanted() -> None:
    found = intent("workflow_dispatch.no_inputs")
    assert (found.kind, found.mistake) == (Kind.IGNORE, True)
    assert found.reason.startswith("workflow_dispatch without inputs: action has to be deploy, plan,")


def test_deploying_from_another_branch_is_said() -> None:
    inputs = {"inputs": {"action": "deploy", "environment": "dev"}}
    elsewhere = intent("workflow_dispatch.rollback", inputs)
    assert elsewhere.reason == "workflow_dispatch by dev from main, which is not dev's branch dev"
    at_home = intent("workflow_dispatch.rollback", inputs, replace(FACTS, ref="refs/heads/dev"))
    assert at_home.reason == "workflow_dispatch by dev from dev"


def test_the_event_type_is_the_action_of_a_repository_dispatch() -> None:
    found = intent("repository_dispatch.deploy", {"action": "drift", "client_payload": {}})
    assert (found.kind, found.environments) == (Kind.DETECT_DRIFT, ALL)
