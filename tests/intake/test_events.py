"""Payloads -> events: what is read, what is demanded, and what an older recording may lack."""

import json
from contextlib import suppress
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from pipeline.errors import BadInput
from pipeline.intake.events import RunFacts, read_event
from pipeline.model.event import (
    CommentCreated,
    Dispatched,
    MergeGroup,
    PullRequest,
    Push,
    RefDeleted,
    Scheduled,
    TagPushed,
    Unknown,
)
from tests.intake.support import FACTS, HEAD, PUSHED, TAGGED, TIP, event, names, payload

ZEROS = "0" * 40


def common(ref: str | None = "refs/heads/main", sha: str | None = TIP) -> dict[str, Any]:
    return {"repo": "acme/infra", "ref": ref, "sha": sha, "actor": "dev"}


def test_push() -> None:
    assert event("push.branch_existing") == Push(branch="main", **common(sha=PUSHED))


def test_forced_push() -> None:
    assert event("push.branch_forced") == Push(branch="staging", forced=True, **common("refs/heads/staging", PUSHED))


def test_branches_may_have_slashes() -> None:
    found = event("push.branch_existing", {"ref": "refs/heads/feat/a/b"})
    assert isinstance(found, Push)
    assert found.branch == "feat/a/b"


@pytest.mark.parametrize("name", ["push.branch_deleted", "push.tag_deleted"])
def test_deleted(name: str) -> None:
    assert event(name) == RefDeleted(**common(payload(name)["ref"], None))


def test_a_ref_without_a_commit_is_deleted_whatever_the_flag_says() -> None:
    assert isinstance(event("push.branch_deleted", {"deleted": ...}), RefDeleted)


def test_tag() -> None:
    expected = TagPushed(tag="rollback/production/41", **common("refs/tags/rollback/production/41", TAGGED))
    assert event("push.rollback_tag_created") == expected


def test_the_commit_of_an_annotated_tag_is_not_the_tag() -> None:
    found = event("push.rollback_tag_annotated")
    assert payload("push.rollback_tag_annotated")["after"] != TAGGED
    assert found.sha == TAGGED


def test_moved_tag() -> None:
    found = event("push.rollback_tag_moved")
    assert isinstance(found, TagPushed)
    assert not found.created


def test_other_refs_are_of_no_kind_we_know() -> None:
    found = event("push.branch_existing", {"ref": "refs/notes/commits"})
    assert isinstance(found, Unknown)


def test_pull_request() -> None:
    assert event("pull_request.opened_here", facts=replace(FACTS, ref="refs/pull/1/merge")) == PullRequest(
        action="opened", number=1, base="main", author="dev", **common("refs/pull/1/merge", HEAD)
    )


def test_the_run_knows_the_trial_merge_and_the_event_the_head() -> None:
    assert event("pull_request.opened_here").sha != FACTS.sha


@pytest.mark.parametrize("name", ["pull_request.opened_from_fork", "pull_request.reopened_fork_gone"])
def test_forks(name: str) -> None:
    found = event(name)
    assert isinstance(found, PullRequest)
    assert found.from_fork


def test_a_pull_request_within_a_repository_that_is_a_fork_itself_is_none() -> None:
    found = event("pull_request.opened_here", {"pull_request.head.repo.fork": True, "repository.fork": True})
    assert isinstance(found, PullRequest)
    assert not found.from_fork


def test_where_the_code_lies_cannot_be_told_then_it_counts_as_a_fork() -> None:
    found = event("pull_request.opened_here", {"pull_request.head.repo": ...})
    assert isinstance(found, PullRequest)
    assert found.from_fork


@pytest.mark.parametrize(("name", "changed"), [("edited_base", True), ("edited_title", False), ("labeled", False)])
def test_whether_the_base_changed(name: str, changed: bool) -> None:
    found = event(f"pull_request.{name}")
    assert isinstance(found, PullRequest)
    assert found.base_changed is changed


def test_comment() -> None:
    expected = CommentCreated(number=1, on_pull_request=True, body="/plan", comment=1025, **common(sha=None))
    assert event("issue_comment.created_on_pr") == expected


def test_comment_on_an_issue() -> None:
    found = event("issue_comment.created_on_issue")
    assert isinstance(found, CommentCreated)
    assert not found.on_pull_request


@pytest.mark.parametrize(
    "changes",
    [
        {"comment.user.type": "Bot"},
        {"sender.type": "Bot"},
        {"comment.user.login": "helper[bot]"},
        {"comment.user": ..., "sender.login": "helper[bot]"},
    ],
)
def test_comments_of_bots(changes: dict[str, Any]) -> None:
    found = event("issue_comment.created_on_pr", changes)
    assert isinstance(found, CommentCreated)
    assert found.by_bot


def test_a_comment_without_text() -> None:
    found = event("issue_comment.created_on_pr", {"comment.body": ""})
    assert isinstance(found, CommentCreated)
    assert found.body == ""


def test_edited_comments_are_not_read() -> None:
    assert event("issue_comment.edited_on_pr") == Unknown(name="issue_comment", action="edited", **common())


def test_workflow_dispatch() -> None:
    inputs = {"action": "rollback", "environment": "production", "release": "41"}
    assert event("workflow_dispatch.rollback") == Dispatched(name="workflow_dispatch", inputs=inputs, **common())


def test_a_workflow_without_inputs() -> None:
    found = event("workflow_dispatch.no_inputs")
    assert isinstance(found, Dispatched)
    assert found.inputs == {}


def test_repository_dispatch_has_its_action_as_an_input() -> None:
    found = event("repository_dispatch.deploy")
    assert isinstance(found, Dispatched)
    assert found.inputs == {"action": "deploy", "environment": "staging"}
    assert found.actor == "release-bot[bot]"


def test_the_payload_of_the_sender_comes_before_its_event_type() -> None:
    found = event("repository_dispatch.deploy", {"action": "nightly", "client_payload.action": "drift"})
    assert isinstance(found, Dispatched)
    assert found.inputs["action"] == "drift"


def test_schedule() -> None:
    assert event("schedule") == Scheduled(cron="17 5 * * *", **common())


def test_merge_group() -> None:
    assert event("merge_group.checks_requested") == MergeGroup(
        action="checks_requested", base="main", **common(sha=PUSHED)
    )


def test_an_event_that_nothing_is_read_from() -> None:
    assert read_event("watch", {"action": "started"}, RunFacts()) == Unknown(name="watch", action="started")
    assert read_event("gollum", {}, RunFacts()) == Unknown(name="gollum")


OPTIONAL = [
    ("push.branch_existing", ["forced", "created", "deleted", "base_ref", "head_commit", "sender", "repository"]),
    ("push.rollback_tag_created", ["created", "head_commit", "pusher", "sender"]),
    ("pull_request.opened_here", ["number", "sender", "pull_request.draft", "pull_request.merged"]),
    ("issue_comment.created_on_pr", ["repository", "sender", "comment.user", "comment.author_association"]),
    ("schedule", ["repository", "workflow"]),
    ("workflow_dispatch.rollback", ["ref", "sender", "workflow"]),
    ("merge_group.checks_requested", ["merge_group.head_ref", "merge_group.base_sha", "merge_group.head_commit"]),
]


@pytest.mark.parametrize(("name", "paths"), OPTIONAL)
def test_an_older_recording_may_lack_it(name: str, paths: list[str]) -> None:
    assert event(name, dict.fromkeys(paths, ...)) == event(name)


def test_what_only_the_payload_tells_may_be_unknown() -> None:
    assert event("schedule", {"schedule": ...}) == Scheduled(**common())
    found = event("pull_request.opened_here", {"pull_request.user": ..., "sender": ...}, RunFacts())
    assert isinstance(found, PullRequest)
    assert (found.author, found.actor) == (None, None)


DEMANDED = [
    ("push.branch_existing", ["ref", "after"]),
    ("pull_request.opened_here", ["action", "pull_request.number", "pull_request.base.ref", "pull_request.head.sha"]),
    ("issue_comment.created_on_pr", ["action", "issue.number"]),
    ("merge_group.checks_requested", ["action", "merge_group.base_ref", "merge_group.head_sha"]),
]


@pytest.mark.parametrize(("name", "path"), [(name, path) for name, paths in DEMANDED for path in paths])
def test_what_is_missing_is_named(name: str, path: str) -> None:
    with pytest.raises(BadInput, match=rf"reading the {name.partition('.')[0]} event: .*{path} is missing") as caught:
        event(name, {path: ...})
    assert caught.value.hint


def test_everything_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(BadInput) as caught:
        read_event("pull_request", {}, FACTS)
    for path in ("action", "pull_request.number", "pull_request.base.ref", "pull_request.head.sha"):
        assert f"{path} is missing" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "changes", "complaint"),
    [
        ("push.branch_existing", {"after": "main"}, "after is not a commit id"),
        ("push.branch_existing", {"after": PUSHED + "\n"}, "after is not a commit id"),
        ("push.branch_existing", {"ref": ["refs/heads/main"]}, "ref is not a text"),
        ("pull_request.opened_here", {"pull_request.number": "1"}, "pull_request.number is not a positive number"),
        ("pull_request.opened_here", {"pull_request.number": True}, "pull_request.number is not a positive number"),
        ("pull_request.opened_here", {"pull_request.number": 0}, "pull_request.number is not a positive number"),
        ("workflow_dispatch.rollback", {"inputs": "action"}, "inputs is not an object"),
    ],
)
def test_what_is_of_another_kind_is_named(name: str, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint):
        event(name, changes)


@pytest.mark.parametrize("name", names())
def test_no_payload_is_misread_when_its_parts_are_of_other_kinds(name: str) -> None:
    """Every top-level part replaced by every kind of value: an event or BadInput, never another error."""
    others: list[Any] = [None, 7, "", [], {}, [{}], {"x": None}]
    for key, value in product(payload(name), others):
        with suppress(BadInput):
            event(name, {key: value})


def test_the_facts_of_a_run() -> None:
    environ = {
        "GITHUB_REPOSITORY": "acme/infra",
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_SHA": TIP,
        "GITHUB_ACTOR": "dev",
        "GITHUB_RUN_ATTEMPT": "3",
    }
    assert RunFacts.of(environ) == replace(FACTS, attempt=3)
    assert RunFacts.of({}) == RunFacts()
    assert RunFacts.of(dict.fromkeys(environ, "")) == RunFacts()


@pytest.mark.parametrize(
    "environ",
    [
        {"GITHUB_SHA": "main"},
        {"GITHUB_SHA": ZEROS},
        {"GITHUB_RUN_ATTEMPT": "0"},
        {"GITHUB_RUN_ATTEMPT": "two"},
        {"GITHUB_RUN_ATTEMPT": "²"},
        {"GITHUB_RUN_ATTEMPT": "-1"},
    ],
)
def test_facts_that_cannot_be_right(environ: dict[str, str]) -> None:
    with pytest.raises(BadInput, match=next(iter(environ))):
        RunFacts.of(environ)


def test_attempts_are_counted() -> None:
    assert event("schedule", facts=replace(FACTS, attempt=2)).attempt == 2


@pytest.mark.parametrize("name", names())
def test_payload_files_are_small_and_plain(name: str) -> None:
    text = json.dumps(payload(name))
    assert len(text) < 30_000
    assert "github.com/" not in text, "payloads are of nobody's real repository"


@pytest.mark.parametrize("type_", [[], {}, 7, None])
def test_a_user_of_an_odd_type_is_a_person(type_: Any) -> None:
    found = event("issue_comment.created_on_pr", {"comment.user.type": type_})
    assert isinstance(found, CommentCreated)
    assert not found.by_bot


@pytest.mark.parametrize("commits", [None, [], 7, [None, {"id": 7}, {"id": "x"}, {}]])
def test_a_push_that_does_not_tell_its_commits_is_one_all_the_same(commits: Any) -> None:
    found = event("push.branch_existing", {"commits": commits})
    assert isinstance(found, Push)
    assert found.commits == ()


def test_a_push_tells_its_commits() -> None:
    found = event("push.branch_existing", {"commits": [{"id": HEAD}, {"id": PUSHED}]})
    assert isinstance(found, Push)
    assert found.commits == (HEAD, PUSHED)
