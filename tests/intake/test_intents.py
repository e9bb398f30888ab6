"""Events -> intents: one row for every payload, and for every change to one that leads elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from pipeline.intake.intents import decide
from pipeline.model.event import PullRequest, Unknown
from pipeline.model.intent import Intent, Kind
from tests.intake.support import ALL, BRANCHES, FACTS, HEAD, PUSHED, TAGGED, TIP, intent, names


@dataclass(frozen=True)
class Row:
    """A payload and what it leads to; `says` has to be in the reason."""

    payload: str
    kind: Kind
    environments: tuple[str, ...] = ()
    sha: str | None = None
    target: str | None = None
    number: int | None = None
    says: str = ""
    mistake: bool = False
    changes: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.payload} {' '.join(f'{k}={v}' for k, v in self.changes.items())}".strip()


K = Kind
ROWS = [
    # branches
    Row("push.branch_existing", K.DEPLOY, ("production",), PUSHED, says="push to main by dev"),
    Row("push.branch_forced", K.DEPLOY, ("staging",), PUSHED, says="forced push to staging"),
    Row("push.branch_created", K.DEPLOY, ("dev",), PUSHED),
    Row("push.branch_existing", K.IGNORE, sha=PUSHED, says="no environment is deployed from it",
        changes={"ref": "refs/heads/feat/new"}),
    Row("push.branch_existing", K.IGNORE, sha=PUSHED, changes={"ref": "refs/heads/Main"}),
    Row("push.branch_existing", K.IGNORE, sha=PUSHED, changes={"ref": "refs/heads/origin/main"}),
    Row("push.branch_deleted", K.IGNORE, says="refs/heads/main was deleted"),
    Row("push.merge_queue", K.IGNORE, sha=PUSHED, says="merge queue"),
    Row("push.branch_existing", K.IGNORE, sha=TIP, says="nothing follows", changes={"ref": "refs/notes/main"}),
    Row("push.branch_existing", K.DEPLOY, ("production",), PUSHED, says="'renovate[bot]'",
        changes={"sender.login": "renovate[bot]", "sender.type": "Bot"}),
    # tags
    Row("push.rollback_tag_created", K.ROLLBACK, ("production",), TAGGED, "41", says="rollback/production/41"),
    Row("push.rollback_tag_annotated", K.ROLLBACK, ("production",), TAGGED, "previous"),
    Row("push.rollback_tag_moved", K.IGNORE, sha=PUSHED, says="delete it first", mistake=True),
    Row("push.tag_deleted", K.IGNORE, says="was deleted"),
    Row("push.release_tag_by_us", K.IGNORE, sha=PUSHED, says="it mirrors a release"),
    Row("push.rollback_tag_created", K.IGNORE, sha=TAGGED, says="only rollback/",
        changes={"ref": "refs/tags/v1.2.0"}),
    # pull requests
    Row("pull_request.opened_here", K.PREVIEW, ("production",), HEAD, number=1, says="pull request 1 to main: opened"),
    Row("pull_request.opened_here", K.PREVIEW, ("production",), HEAD, number=1, says="new commits",
        changes={"action": "synchronize"}),
    Row("pull_request.opened_here", K.PREVIEW, ("production",), HEAD, number=1, changes={"action": "reopened"}),
    Row("pull_request.opened_here", K.PREVIEW, ("production",), HEAD, number=1, says="ready for review",
        changes={"action": "ready_for_review"}),
    Row("pull_request.edited_base", K.PREVIEW, ("staging",), HEAD, number=12, says="base changed"),
    Row("pull_request.edited_title", K.IGNORE, sha=HEAD, number=12),
    Row("pull_request.labeled", K.IGNORE, sha=HEAD, number=12, says="labeled"),
    Row("pull_request.opened_here", K.IGNORE, sha=HEAD, number=1, changes={"action": "converted_to_draft"}),
    Row("pull_request.opened_here", K.IGNORE, sha=HEAD, number=1, changes={"action": "review_requested"}),
    Row("pull_request.closed_merged", K.IGNORE, sha="ba2721af25aaeeace7af5205d57b66e9afc59f02", number=1,
        says="merged: its push deploys"),
    Row("pull_request.closed_unmerged", K.IGNORE, sha=HEAD, number=12, says="without being merged"),
    Row("pull_request.opened_draft", K.VALIDATE, ALL, HEAD, number=12, says="draft"),
    Row("pull_request.opened_from_fork", K.VALIDATE, ALL, HEAD, number=12, says="fork"),
    Row("pull_request.opened_from_fork", K.IGNORE, sha=HEAD, number=12, changes={"action": "labeled"}),
    Row("pull_request.reopened_fork_gone", K.VALIDATE, ALL, HEAD, number=12, says="fork"),
    Row("pull_request.opened_by_dependabot", K.VALIDATE, ALL, HEAD, number=12, says="Dependabot"),
    Row("pull_request.opened_by_dependabot", K.VALIDATE, ALL, HEAD, number=12, says="Dependabot",
        changes={"action": "reopened", "sender.login": "dev"}),
    Row("pull_request.opened_here", K.VALIDATE, ALL, HEAD, number=1, says="Dependabot",
        changes={"action": "synchronize", "sender.login": "dependabot[bot]"}),
    Row("pull_request.opened_to_other_branch", K.VALIDATE, ALL, HEAD, number=12, says="no environment"),
    # the merge queue
    Row("merge_group.checks_requested", K.PREVIEW, ("production",), PUSHED, says="merge queue of main"),
    Row("merge_group.checks_requested", K.VALIDATE, ALL, PUSHED,
        changes={"merge_group.base_ref": "refs/heads/feat"}),
    Row("merge_group.destroyed", K.IGNORE, sha=PUSHED),
    # time, and what people ask for
    Row("schedule", K.DETECT_DRIFT, ALL, TIP, says="'17 5 * * *'"),
    Row("workflow_dispatch.rollback", K.ROLLBACK, ("production",), TIP, "41", says="workflow_dispatch by dev"),
    Row("workflow_dispatch.no_inputs", K.IGNORE, sha=TIP, mistake=True, says="without inputs"),
    Row("repository_dispatch.deploy", K.IGNORE, sha=TIP, says="nothing follows",
        changes={"action": "nightly", "client_payload": {}}),
    Row("repository_dispatch.deploy", K.DEPLOY, ("staging",), TIP, says="which is not staging's branch staging"),
    Row("issue_comment.created_on_pr", K.PREVIEW, number=1, says="/plan on pull request 1 by dev"),
    Row("issue_comment.created_on_issue", K.IGNORE, says="no pull request"),
    Row("issue_comment.edited_on_pr", K.IGNORE, sha=TIP, says="issue_comment.edited"),
    Row("issue_comment.created_by_bot", K.IGNORE, number=12, says="bot"),
    Row("delete.branch", K.IGNORE, sha=TIP, says="the push that deleted the ref"),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_an_event_leads_to(row: Row) -> None:
    found = intent(row.payload, row.changes)
    assert replace(found, reason="", command=None) == Intent(
        row.kind, row.environments, row.sha, row.target, row.number, mistake=row.mistake
    )
    assert row.says in found.reason


@pytest.mark.parametrize(
    ("name", "changes", "left", "merged"),
    [
        ("pull_request.closed_merged", {}, ("production",), True),
        ("pull_request.closed_unmerged", {}, ("production",), False),
        ("pull_request.closed_unmerged", {"pull_request.base.ref": "feat"}, (), False),
        ("pull_request.closed_unmerged", {"pull_request.head.repo": None}, (), False),
        ("pull_request.closed_unmerged", {"sender.login": "dependabot[bot]"}, (), False),
        ("pull_request.edited_base", {"pull_request.base.ref": "feat"}, ("production",), None),
        ("pull_request.edited_base", {"pull_request.draft": True}, ("production",), None),
        ("pull_request.labeled", {}, (), None),
    ],
)
def test_which_plans_stand_for_nothing_any_more(
    name: str, changes: dict[str, Any], left: tuple[str, ...], merged: bool | None
) -> None:
    found = intent(name, changes)
    assert (found.left, found.merged) == (left, merged)


def test_every_payload_has_its_row() -> None:
    assert {row.payload for row in ROWS} == set(names())


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_running_again_changes_the_reason_alone(row: Row) -> None:
    once, again = intent(row.payload, row.changes), intent(row.payload, row.changes, replace(FACTS, attempt=2))
    assert replace(again, reason="") == replace(once, reason="")
    assert again.reason == f"{once.reason} (run again, attempt 2)"
    assert (once.again, again.again) == (False, True)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_every_reason_is_one_printable_line(row: Row) -> None:
    reason = intent(row.payload, row.changes).reason
    assert reason
    assert reason.isprintable()


def test_a_branch_may_deploy_several_environments() -> None:
    found = intent("push.branch_existing", branches={"blue": "main", "dev": "dev", "green": "main"})
    assert found.environments == ("blue", "green")


def test_an_environment_without_a_branch_is_never_deployed_by_a_push() -> None:
    for ref in ("refs/heads/None", "refs/heads/sandbox", "refs/heads/"):
        assert intent("push.branch_existing", {"ref": ref}).kind is Kind.IGNORE


def test_an_environment_without_a_branch_can_be_rolled_back() -> None:
    found = intent("push.rollback_tag_created", {"ref": "refs/tags/rollback/sandbox/3"})
    assert (found.kind, found.environments, found.target) == (Kind.ROLLBACK, ("sandbox",), "3")


@pytest.mark.parametrize("action", ["opened", "synchronize", "reopened", "ready_for_review", "edited"])
@pytest.mark.parametrize("branch", ["main", "feat"])
@pytest.mark.parametrize("draft", [True, False])
@pytest.mark.parametrize(
    ("from_fork", "actor", "author"),
    [(True, "dev", "stranger"), (False, "dependabot[bot]", "dev"), (False, "dev", "dependabot[bot]")],
)
def test_code_of_strangers_is_never_planned(
    action: str, branch: str, draft: bool, from_fork: bool, actor: str, author: str
) -> None:
    found = PullRequest(
        action=action, number=3, base=branch, draft=draft, from_fork=from_fork, base_changed=True,
        actor=actor, author=author,
    )  # fmt: skip
    assert decide(found, BRANCHES).kind is Kind.VALIDATE


@pytest.mark.parametrize("name", ["create", "delete", "pull_request_target", "workflow_run", "watch", "we\nird::"])
def test_other_events_are_ignored_with_a_reason(name: str) -> None:
    found = decide(Unknown(name=name), BRANCHES)
    assert found.kind is Kind.IGNORE
    assert not found.mistake
    assert found.reason.isprintable()


def test_the_document() -> None:
    assert intent("pull_request.opened_here").to_json() == {
        "intent": "preview",
        "environments": ["production"],
        "sha": HEAD,
        "target": None,
        "pull_request": 1,
        "reason": "pull request 1 to main: opened",
    }


def test_only_one_of_its_environments() -> None:
    assert intent("schedule").only("staging").environments == ("staging",)
    assert intent("push.branch_existing").only("production") == intent("push.branch_existing")


def test_nothing_to_do_for_other_environments() -> None:
    found = intent("push.rollback_tag_created").only("dev")
    assert (found.kind, found.environments, found.target) == (Kind.IGNORE, (), None)
    assert found.reason.startswith("rollback is for production, not for dev (tag ")


def test_an_intent_for_no_environment_stays_as_it_is() -> None:
    assert intent("issue_comment.created_on_pr").only("dev") == intent("issue_comment.created_on_pr")
