"""The GitHub of the tests is as strict as GitHub's description, and says all that it says."""

import re
from typing import Any

import pytest

from tests.support import fake_github
from tests.support.fake_github import OPERATIONS, ROUTES
from tests.support.github_api.description import Operation
from tests.support.github_api.extract import extract

ROOT = "/repos/{owner}/{repo}"
PLACE = {"owner": "acme", "repo": "infra"}


@pytest.mark.parametrize(
    ("verb", "path", "match", "query", "body", "wrong"),
    [
        ("POST", "/issues/{issue_number}/comments", {"issue_number": "1"}, {}, {"body": "x"}, None),
        ("POST", "/issues/{issue_number}/comments", {"issue_number": "1"}, {}, {}, "'body' is a required"),
        ("POST", "/issues/{issue_number}/comments", {"issue_number": "one"}, {}, {"body": "x"}, "issue_number"),
        ("POST", "/issues/{issue_number}/comments", {"issue_number": "1"}, {}, {"body": "x", "text": "y"}, "body.text"),
        ("POST", "/issues/{issue_number}/labels", {"issue_number": "1"}, {}, {"labels": ["x" * 51]}, "labels[0]: 'xxx"),
        ("GET", "/issues", {}, {"state": "all", "per_page": "100"}, None, None),
        ("GET", "/issues", {}, {"state": "shut"}, None, "query state"),
        ("GET", "/issues", {}, {"status": "open"}, None, "no status"),
        ("GET", "/issues", {}, {"per_page": "many"}, None, "query per_page"),
        ("GET", "/issues", {}, {}, {"state": "open"}, "body: there is none"),
        ("GET", "/pulls/{pull_number}", {}, {}, None, "pull_number is missing"),
        ("POST", "/check-runs", {}, {}, {"name": "x", "head_sha": "y", "output": {"summary": "z"}}, "'title'"),
        ("POST", "/deployments", {}, {}, {"ref": "x", "description": "d" * 141}, "too long"),
        ("POST", "/actions/workflows/{workflow_id}/dispatches", {"workflow_id": "x.yml"}, {},
         {"ref": "main", "inputs": {str(n): "" for n in range(26)}}, "maxProperties 25"),
        ("POST", "/actions/workflows/{workflow_id}/dispatches", {"workflow_id": "x.yml"}, {},
         {"ref": "main", "inputs": {"comment": 7}}, "not of type 'string'"),
    ],
)  # fmt: skip
def test_requests(
    verb: str, path: str, match: dict[str, str], query: dict[str, str], body: Any, wrong: str | None
) -> None:
    found = Operation(verb, ROOT + path).wrong_request(PLACE | match, query, body)
    assert (found == []) if wrong is None else [each for each in found if wrong in each], found


@pytest.mark.parametrize(
    "route",
    [route for route in ROUTES if route.operation],
    ids=lambda route: f"{route.verb} {route.path.removeprefix(ROOT)}",
)
def test_answers_are_complete_and_keep_to_the_description(route: fake_github.Route) -> None:
    operation = route.operation
    assert operation is not None
    empty: Any = None if route.status == 204 else {route.lists: [{}]} if route.lists else [{}]
    if route.lists is None and route.status != 204 and not route.path.endswith(("/labels", "/labels/{name}")):
        empty = {}
    full, wrong = operation.answer(route.status, empty)
    assert wrong == []
    assert full is None or full != empty
    assert operation.answer(418, {"message": "x"})[1] == []
    assert operation.answer(299, {})[1] != []


def test_what_github_never_says_is_noticed() -> None:
    pull = Operation("GET", f"{ROOT}/pulls/{{pull_number}}")
    assert pull.answer(200, {"number": "1"})[1] == ["answer 200.number: '1' is not of type 'integer'"]
    assert pull.answer(200, {"head": {"sha": "x", "commit": "y"}})[1] == [
        "answer 200.head.commit: GitHub knows no such field"
    ]


def test_a_test_fails_for_a_mistake() -> None:
    with pytest.raises(AssertionError, match="POST /x: no such thing"), fake_github.running() as github:
        github.mistakes.append("POST /x: no such thing")


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        ({"action": "plan", "evil": "x"}, r'Unexpected inputs provided: \["evil"\]'),
        ({"environment": "dev"}, "Required input 'action' not provided"),
        ({"action": "destroy"}, "'destroy' for input 'action' not in the list"),
    ],
)
def test_a_workflow_takes_only_the_inputs_that_it_declares(inputs: dict[str, str], why: str) -> None:
    github, match = fake_github.FakeGitHub(), re.match("(.+)", "pipeline.yml")
    assert match
    with pytest.raises(fake_github.Refuse, match=why):
        github.dispatch(match, {}, {"ref": "main", "inputs": inputs})
    assert github.dispatches == []


def test_schemas_become_json_schema() -> None:
    schema = {
        "type": "object",
        "description": "prose",
        "required": ["a"],
        "properties": {
            "description": {"type": "string", "example": "x"},
            "a": {"type": "string", "nullable": True, "enum": ["x"]},
            "b": {"$ref": "#/components/schemas/b"},
        },
    }
    answers = {"200": {"content": {"application/json": {"schema": schema}}}, "204": {}}
    description = {
        "info": {"version": "1"},
        "paths": {"/x": {"get": {"responses": answers}}},
        "components": {"schemas": {"b": {"allOf": [{"type": "integer"}], "nullable": True}, "unused": {}}},
    }
    found = extract(description, [("GET", "/x")])
    assert found["paths"]["/x"]["GET"]["responses"] == {
        "200": {
            "type": "object",
            "required": ["a"],
            "properties": {
                "description": {"type": "string"},
                "a": {"type": ["string", "null"], "enum": ["x", None]},
                "b": {"$ref": "#/$defs/b"},
            },
        },
        "204": None,
    }
    assert found["$defs"] == {"b": {"anyOf": [{"allOf": [{"type": "integer"}]}, {"type": "null"}]}}
    assert len(OPERATIONS) == len(set(OPERATIONS))
