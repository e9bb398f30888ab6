"""The comment on a pull request from its plan to what serves, and all else that GitHub is told on the way."""

from typing import Any

import pytest

from tests.github.service import Service
from tests.support.fake_github import REPO, FakeGitHub


def comment(github: FakeGitHub, number: int = 1) -> str:
    (body,) = [body for body in github.bodies(number) if "pipeline:plan" in body]
    return body


def test_a_pull_request_gets_its_plan(service: Service, github: FakeGitHub) -> None:
    sha = service.commit("orders")
    result = service.opened(1, sha)
    assert result.code == 0, result.err
    body = comment(github)
    assert body.splitlines()[0] == f"### 🟢 `production` at `{sha[:7]}`: +2"
    assert "**planned** in [run 1](https://github.example/acme/infra/actions/runs/5001)" in body
    (check,) = github.checks.values()
    assert (check["name"], check["head_sha"], check["conclusion"]) == ("plan production", sha, "success")
    assert github.deployments == {}
    assert "```mermaid\ngraph LR" in service.summary()
    assert service.outputs()["changes"] == "2"
    assert (service.root.parent / "temp/pipeline-report/production.json").is_file()


def test_the_same_comment_follows_the_change_until_it_serves(service: Service, github: FakeGitHub) -> None:
    head = service.commit("orders")
    service.opened(1, head)
    merge = service.commit("orders", "pay")
    result = service.merged(1, head, merge)
    assert result.code == 0, result.err
    body = comment(github)
    assert body.splitlines()[0] == f"### 🟢 `production` at `{merge[:7]}`: +3"
    assert "**live** as release 1 since [run 2]" in body
    (deployment,) = github.deployments.values()
    assert (deployment["environment"], deployment["sha"]) == ("production", merge)
    assert github.statuses[deployment["id"]][-1]["state"] == "success"
    assert service.outputs()["release"] == "1"


def test_a_merge_with_nothing_to_do_keeps_the_plan(service: Service, github: FakeGitHub) -> None:
    sha = service.commit("orders")
    service.pushed(sha)
    assert (github.comments, len(github.deployments)) == ({}, 1)
    head = service.commit("orders")
    service.opened(1, head)
    service.merged(1, head, service.commit("orders"))
    assert comment(github).splitlines()[0].endswith("no changes")
    assert "**live** as release 1: nothing had to be done in [run 3]" in comment(github)


def test_labels_and_annotations_of_what_destroys_something(service: Service, github: FakeGitHub) -> None:
    service.pushed(service.commit("orders"))
    service.opened(1, service.commit())
    assert comment(github).splitlines()[0].endswith(": -1 · destroys 1")
    assert "- delete sns.topic/tiny-production-orders" in comment(github)
    assert github.labels[1] == ["production: destructive"]
    assert [check["conclusion"] for check in github.checks.values()] == ["neutral"]
    service.opened(1, service.commit("orders"))
    assert github.labels[1] == []


def test_a_plan_for_a_base_that_was_left_says_so(service: Service, github: FakeGitHub) -> None:
    service.pushed(service.commit("orders"))
    head = service.commit()
    service.opened(1, head)
    assert github.labels[1] == ["production: destructive"]
    assert service.opened(1, head, "dev", before="main").code == 0
    old, new = sorted(github.bodies(1), key=lambda body: "pipeline:plan dev" in body)
    assert "⚪ **not planned any more**, since [run 3]" in old
    assert "**planned** in [run 3]" in new
    assert not [label for label in github.labels[1] if "production" in label]


def test_a_plan_for_a_branch_without_environments_is_marked(service: Service, github: FakeGitHub) -> None:
    """A job of its own says it, as the one that validates has no token: it builds what the pull request proposes."""
    service.pushed(service.commit("orders"))
    head = service.commit()
    service.opened(1, head)
    assert service.opened(1, head, "wip", before="main", options=("--conclude",)).code == 0
    assert "⚪ **not planned any more**, since [run 3]" in comment(github)
    assert github.labels[1] == []
    service.opened(1, head)
    result = service.opened(1, head, "wip", before="main")
    assert result.code == 0, result.err
    assert "valid" in result.err + result.out
    assert "⚪ **not planned any more**, since [run 5]" in comment(github)


@pytest.mark.parametrize(
    ("merged", "says"),
    [
        (True, "🔀 **merged**, says [run 2](https://github.example/acme/infra/actions/runs/5002): the run of its push"),
        (False, "⚪ **not deployed**: closed by `ada` without being merged, says [run 2]"),
    ],
)
def test_a_plan_of_a_pull_request_that_is_closed_says_what_came_of_it(
    service: Service, github: FakeGitHub, merged: bool, says: str
) -> None:
    head = service.commit("orders")
    service.opened(1, head)
    before = comment(github)
    assert service.closed(1, head, merged=merged, options=("--conclude",)[:merged]).code == 0
    assert says in comment(github)
    assert comment(github).splitlines()[0] == before.splitlines()[0], "what was planned can still be read"
    assert service.closed(2, head, merged=merged).code == 0
    assert github.bodies(2) == []


def test_what_serves_already_when_the_pull_request_is_closed_keeps_its_word(
    service: Service, github: FakeGitHub
) -> None:
    head = service.commit("orders")
    service.opened(1, head)
    service.merged(1, head, head)
    before = github.bodies(1)
    for merged in (True, False):
        service.closed(1, head, merged=merged)
    assert github.bodies(1) == before


def test_a_deploy_that_fails_says_so(service: Service, github: FakeGitHub) -> None:
    head = service.commit("orders")
    service.opened(1, head)
    service.write("aws/sns.yaml", "topics:\n  - nam: x`@everyone <script>\n")
    merge = service.git("rev-parse", "HEAD")
    assert service.merged(1, head, merge).code == 2
    body = comment(github)
    assert body.splitlines()[0].endswith("+2")
    assert "⚠️ **not valid** in [run 2]" in body
    (deployment,) = github.deployments.values()
    assert github.statuses[deployment["id"]][-1]["state"] == "failure"


def test_a_plan_that_fails_is_a_failed_check_with_its_findings(service: Service, github: FakeGitHub) -> None:
    service.write("aws/sns.yaml", "topics:\n  - nam: x\n")
    sha = service.git("rev-parse", "HEAD")
    assert service.opened(1, sha).code == 2
    (check,) = github.checks.values()
    assert check["conclusion"] == "failure"
    assert next((each["path"], each["start_line"]) for each in check["annotations"]) == ("aws/sns.yaml", 2)
    assert comment(github).startswith("### ⚪ `production`\n")


def test_two_environments_of_one_branch_have_a_comment_each(service: Service, github: FakeGitHub) -> None:
    service.write("pipeline.yaml", "environments:\n  dev: main\n  production: main\n")
    service.opened(1, service.commit("orders"))
    assert [body.splitlines()[0].split()[2] for body in github.bodies(1)] == ["`dev`", "`production`"]


@pytest.mark.parametrize("fault", [pytest.param(502, marks=pytest.mark.slow), 403])
def test_a_github_that_is_broken_fails_no_deploy(service: Service, github: FakeGitHub, fault: int) -> None:
    github.fail("*", f"/repos/{REPO}/.*", fault, 999, body={"message": "Resource not accessible by integration"})
    result = service.merged(1, "a" * 40, service.commit("orders"))
    assert result.code == 0
    assert "telling GitHub: the deployment of production: GitHub: GET" in result.err
    assert "nothing else depends on it" in result.err


def test_without_a_token_nothing_is_told(service: Service, github: FakeGitHub) -> None:
    assert service.opened(1, service.commit("orders"), GITHUB_TOKEN="").code == 0
    assert github.requests == []
    assert "`production`" in service.summary()


def test_starting_an_old_push_again_does_not_undo_the_newer(service: Service, github: FakeGitHub) -> None:
    """GitHub runs it with the commit of then, long after."""
    first = service.commit("orders")
    service.merged(1, first, first)
    second = service.commit("orders", "pay")
    service.merged(2, second, second)
    before = github.bodies(1), len(github.deployments)
    service.git("checkout", "--quiet", first)
    github.branches["main"] = second
    again: dict[str, Any] = {"GITHUB_RUN_ATTEMPT": "2", "GITHUB_REF": "refs/heads/main"}
    result = service.pushed(first, **again)
    assert result.code == 4
    assert f"this run is about commit {first[:12]}, and branch main is at {second[:12]} by now" in result.err
    assert (github.bodies(1), len(github.deployments)) == before
    del github.branches["main"]
    result = service.pushed(first, **again)
    assert (result.code, "branch main is gone" in result.err) == (4, True)
    service.git("checkout", "--quiet", second)
    github.branches["main"] = second
    assert service.pushed(second, **again).code == 0


@pytest.mark.parametrize("without", ["an answer", "a token"])
def test_starting_a_push_again_goes_while_nobody_can_be_asked(
    service: Service, github: FakeGitHub, without: str
) -> None:
    sha = service.commit("orders")
    more: dict[str, Any] = {"GITHUB_RUN_ATTEMPT": "2", "GITHUB_REF": "refs/heads/main"}
    if without == "an answer":
        github.denied.add("contents:read")
    else:
        more["GITHUB_TOKEN"] = ""
    result = service.pushed(sha, **more)
    assert result.code == 0, result.err
    assert f"whether main is still at {sha[:12]} could not be asked" in result.err


def test_a_push_of_a_merge_queue_is_told_on_every_pull_request_that_it_brings(
    service: Service, github: FakeGitHub
) -> None:
    first = service.commit("orders")
    service.opened(1, first)
    second = service.commit("orders", "pay")
    service.opened(2, second)
    github.add_pull(1, first, merge=first)
    # One that came to another branch first, with the same commit, is told there.
    github.add_pull(3, first, "dev", merge=first)
    result = service.merged(2, second, second, commits=(first, second))
    assert result.code == 0, result.err
    assert ["**live** as release 1 since [run 3]" in comment(github, number) for number in (1, 2)] == [True, True]
    assert github.bodies(3) == []
