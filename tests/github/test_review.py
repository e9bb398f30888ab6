"""The reviewed plan: what a merge may do that its pull request did not show."""

import pytest

from tests.github.service import PROJECT, Service
from tests.support.fake_github import REPO, FakeGitHub


@pytest.fixture
def released(service: Service, github: FakeGitHub) -> str:
    """Release 1, with the topics orders and pay: the commit."""
    sha = service.commit("orders", "pay")
    assert service.pushed(sha).code == 0
    github.history = [sha]
    return sha


def comment(github: FakeGitHub, number: int = 1) -> str:
    (body,) = [body for body in github.bodies(number) if "pipeline:plan" in body]
    return body


def policy(service: Service, word: str) -> None:
    service.write("pipeline.yaml", f"{PROJECT}review: {{policy: {word}}}\n")


def test_the_plan_that_was_shown_is_carried_out(service: Service, github: FakeGitHub, released: str) -> None:
    policy(service, "exact")
    head = service.commit("orders")
    service.opened(1, head)
    result = service.merged(1, head, service.commit("orders"))
    assert result.code == 0, result.err
    assert "is not the one that was reviewed" not in result.err


def test_a_deletion_that_nobody_saw_is_refused_and_named(service: Service, github: FakeGitHub, released: str) -> None:
    head = service.commit("orders", "pay", "new")
    service.opened(1, head)
    merge = service.commit("orders", "new")
    result = service.merged(1, head, merge)
    assert result.code == 4
    body = comment(github)
    assert body.splitlines()[0] == f"### 🔴 `production` at `{merge[:7]}`: +1 -1 · destroys 1"
    assert "✋ **refused** in [run 3]" in body
    assert "- `sns.topic/tiny-production-pay: delete destroys what is there`" in body
    assert "comment /deploy production" in body
    assert service.dispatched({"action": "deploy", "environment": "production"}, GITHUB_SHA=merge).code == 0


def test_what_harms_nobody_may_differ(service: Service, github: FakeGitHub, released: str) -> None:
    head = service.commit("orders", "pay", "new")
    service.opened(1, head)
    result = service.merged(1, head, service.commit("orders", "pay", "new", "newer"))
    assert result.code == 0
    assert "nothing unseen destroys or opens anything" in result.err


def test_a_pull_request_that_was_never_planned_may_not_destroy(
    service: Service, github: FakeGitHub, released: str
) -> None:
    merge = service.commit("orders")
    assert service.merged(1, "a" * 40, merge).code == 4
    assert "the plan was never reviewed, and it destroys something" in comment(github)


def test_a_push_without_a_pull_request_has_no_review(service: Service, github: FakeGitHub, released: str) -> None:
    sha = service.commit("orders")
    policy(service, "exact")
    assert service.pushed(sha).code == 4
    assert service.pushed(sha, GITHUB_TOKEN="").code == 4
    policy(service, "safe")
    result = service.pushed(sha)
    assert result.code == 0
    assert "it came without a pull request" in result.err


def test_what_an_earlier_merge_showed_was_seen(service: Service, github: FakeGitHub, released: str) -> None:
    first = service.commit("orders")
    service.opened(1, first)
    github.add_pull(1, first, merge=first)
    second = service.commit("orders", "new")
    github.add_pull(2, "d" * 40, merge=second)
    github.history += [first, second]
    assert service.pushed(second).code == 0


@pytest.mark.slow
def test_while_github_is_down_the_parent_of_the_merge_tells(
    service: Service, github: FakeGitHub, released: str
) -> None:
    service.git("checkout", "--quiet", "-b", "topic")
    head = service.commit("orders", "pay", "new")
    service.opened(1, head)
    service.git("checkout", "--quiet", "main")
    service.git("merge", "--quiet", "--no-ff", "topic")
    github.fail("*", f"/repos/{REPO}/.*", 503, 999)
    result = service.pushed(service.git("rev-parse", "HEAD"))
    assert result.code == 0, result.err
    assert "compared with none" not in result.err
