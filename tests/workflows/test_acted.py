"""What the workflows make of events: which jobs there are, with which credentials, and what becomes of AWS."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.clients import AwsClient, connect
from tests.docs.markdown import document
from tests.intake.support import payload
from tests.support import fake_github
from tests.support.fake_github import FakeGitHub
from tests.workflows.acting import ACT, Repository, Runner, tool

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(ACT is None, reason="act is not installed; it is among the developers' tools"),
]

ENVIRONMENT = "SERVICE_NAME=tiny\nENVIRONMENT={0}\nAWS_REGION=us-east-1\nAWS_ACCOUNT_ID=123456789012\n"
SERVICE = {
    "pipeline.yaml": "environments:\n  dev: dev\n  live: main\n",
    "environments/dev.env": ENVIRONMENT.format("dev"),
    "environments/live.env": ENVIRONMENT.format("live"),
    "aws/logs.yaml": "log_groups:\n  - name: /tiny/${ENVIRONMENT}/audit\n",
}
TOKEN = "token-of-the-job"
ROLE = "arn:aws:iam::123456789012:role/tiny"


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(Repository(tmp_path / "repository", {**SERVICE, **tool()}), tmp_path)


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with fake_github.running() as fake:
        yield fake


@pytest.fixture
def aws(moto: str) -> AwsClient:
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    return connect("us-east-1", environment={"AWS_ENDPOINT_URL": moto, **keys})


def groups(aws: AwsClient) -> list[str]:
    return [group["logGroupName"] for group in aws.pages("logs", "DescribeLogGroups", "logGroups")]


def comment(github: FakeGitHub) -> str:
    """The comment with the plan of the pull request."""
    (found,) = [body for body in github.bodies(1) if "pipeline:plan" in body]
    return found


def push(commit: str, branch: str = "main") -> dict[str, Any]:
    return payload("push.branch_existing", {"ref": f"refs/heads/{branch}", "after": commit})


def test_the_life_of_a_change(runner: Runner, aws: AwsClient, moto: str, github: FakeGitHub) -> None:
    repository = runner.repository
    about = {
        "AWS_ENDPOINT_URL": moto, "AWS_ROLE_ARN": ROLE, "GITHUB_API_URL": github.url, "GITHUB_TOKEN": TOKEN,
        # GitHub sets it; act does not.
        "GITHUB_WORKFLOW_REF": "acme/infra/.github/workflows/pipeline.yml@refs/heads/main",
    }  # fmt: skip
    first = runner.act("push", push(repository.commit), **about)
    assert (first.code, first.jobs) == (0, {"decide": "success", "deploy live": "success"}), first.text
    assert first.called("deploy live")["configure-aws-credentials"] == {
        "role-to-assume": ROLE, "role-session-name": "pipeline-1-1", "aws-region": "us-east-1",
        "allowed-account-ids": "123456789012",
    }  # fmt: skip
    assert "configure-aws-credentials" not in first.called("decide")

    repository.write("aws/logs.yaml", SERVICE["aws/logs.yaml"] + "  - name: /tiny/${ENVIRONMENT}/more\n")
    head = repository.committed()
    github.add_pull(1, head)
    opened = runner.act("pull_request", payload("pull_request.opened_here", {"pull_request.head.sha": head}), **about)
    assert (opened.code, opened.jobs) == (0, {"decide": "success", "preview live": "success"}), opened.text
    assert "**planned**" in comment(github)
    assert groups(aws) == ["/tiny/live/audit"]

    github.add_pull(1, head, merge=head)
    merged = runner.act("push", push(head), **about)
    assert merged.code == 0, merged.text
    assert "**live** as release 2" in comment(github)
    assert groups(aws) == ["/tiny/live/audit", "/tiny/live/more"]

    github.roles = {"dev": ("write", "write")}
    asked = payload("issue_comment.created_on_pr", {"comment.body": "/rollback live"})
    github.comments[asked["comment"]["id"]] = {**asked["comment"], "issue": 1}
    answered = runner.act("issue_comment", asked, **about)
    assert (answered.code, answered.jobs) == (0, {"command": "success"}), answered.text
    (started,) = github.dispatches
    sender = {"login": "github-actions[bot]", "type": "Bot"}
    dispatch = {"inputs": started["inputs"], "ref": f"refs/heads/{started['ref']}", "sender": sender}
    back = runner.act("workflow_dispatch", dispatch, **about)
    assert (back.code, back.jobs) == (0, {"decide": "success", "rollback live": "success"}), back.text
    assert "reverted" in comment(github)


def test_a_tag_rolls_back_and_a_schedule_compares(runner: Runner, aws: AwsClient, moto: str) -> None:
    about = {"AWS_ENDPOINT_URL": moto, "AWS_ROLE_ARN": ROLE}
    for more in ("", "  - name: /tiny/${ENVIRONMENT}/dev-only\n"):
        runner.repository.write("aws/logs.yaml", SERVICE["aws/logs.yaml"] + more)
        assert runner.act("push", push(runner.repository.committed(), "dev"), **about).code == 0
    tag = payload("push.rollback_tag_created", {"ref": "refs/tags/rollback/dev/1"})
    back = runner.act("push", tag, **about)
    assert (back.code, back.jobs) == (0, {"decide": "success", "rollback dev": "success"}), back.text
    aws.call("logs", "DeleteLogGroup", logGroupName="/tiny/dev/audit")
    scheduled = runner.act("schedule", {"schedule": "23 5 * * *"}, **about)
    assert scheduled.code == 0, scheduled.text
    assert scheduled.jobs == dict.fromkeys(
        ["decide", "detect-drift dev", "detect-drift live", "resume dev", "resume live"], "success"
    )
    assert "1 drifted" in scheduled.printed("detect-drift dev")
    assert scheduled.called("detect-drift dev")["checkout"]["ref"] == "dev"
    assert "nothing to resume" in scheduled.printed("resume dev")


def test_a_fork_gets_no_credentials(runner: Runner, moto: str) -> None:
    about = {"AWS_ENDPOINT_URL": moto, "AWS_ROLE_ARN": ROLE}
    fork = runner.act("pull_request", payload("pull_request.opened_from_fork"), **about)
    assert (fork.code, fork.jobs) == (0, {"decide": "success", "validate": "success"}), fork.text
    assert {name for job in fork.jobs for name in fork.called(job)} <= {"checkout", "setup-python"}
    assert "valid" in fork.printed("validate")


@pytest.mark.parametrize(
    ("event", "name", "changes", "jobs"),
    [
        ("push", "push.branch_deleted", {}, set()),
        ("issue_comment", "issue_comment.created_on_pr", {"comment.body": "/help"}, {"command"}),
        ("issue_comment", "issue_comment.created_by_bot", {}, set()),
        ("issue_comment", "issue_comment.created_on_issue", {}, set()),
        ("push", "push.release_tag_by_us", {}, {"decide"}),
        ("merge_group", "merge_group.checks_requested", {"merge_group.base_ref": "other"}, {"decide", "validate"}),
    ],
)  # fmt: skip
def test_events_that_need_no_credentials(
    runner: Runner, event: str, name: str, changes: dict[str, Any], jobs: set[str]
) -> None:
    acted = runner.act(event, payload(name, changes))
    assert (acted.code, set(acted.jobs)) == (0, jobs), acted.text
    assert not any("configure-aws-credentials" in acted.called(job) for job in acted.jobs)


def test_what_is_wrong_stops_before_there_are_credentials(runner: Runner, tmp_path: Path) -> None:
    evil = f"live; touch {tmp_path}/evil $(touch {tmp_path}/evil) `touch {tmp_path}/evil`"
    inputs = {"action": "deploy", "environment": evil, "release": evil}
    acted = runner.act("workflow_dispatch", payload("workflow_dispatch.rollback", {"inputs": inputs}))
    assert (acted.code, acted.jobs) == (1, {"decide": "failure"}), acted.text
    assert "input environment is" in acted.text
    assert not (tmp_path / "evil").exists()
    unready = runner.act("push", push(runner.repository.commit))
    assert unready.jobs == {"decide": "success", "deploy live": "failure"}
    assert "pipeline bootstrap --env live" in unready.text
    assert "configure-aws-credentials" not in unready.called("deploy live")


def test_services_of_one_repository_each_have_their_jobs(tmp_path: Path, moto: str) -> None:
    files = {
        f"services/{name}/{path}": text.replace("tiny", name) for name in ("a", "b") for path, text in SERVICE.items()
    }
    runner = Runner(Repository(tmp_path / "repository", {**files, **tool()}), tmp_path)
    acted = runner.act("push", push(runner.repository.commit, "dev"), AWS_ENDPOINT_URL=moto, AWS_ROLE_ARN=ROLE)
    assert acted.jobs == dict.fromkeys(["decide", "deploy services/a/dev", "deploy services/b/dev"], "success"), (
        acted.text
    )
    assert "release 1 is live in dev" in acted.printed("deploy services/b/dev")


def test_another_repository_needs_only_what_the_documentation_shows(tmp_path: Path, moto: str) -> None:
    pin = "1" * 40
    (block,) = [block for block in document("docs/github-actions.md").blocks if block.language == "yaml"]
    workflow = block.text
    assert len(workflow.splitlines()) <= 12
    caller = re.sub(r"OWNER/pipeline(\S*)@\S+", rf"acme/pipeline\1@{pin}", workflow)
    assert caller != workflow
    theirs = Repository(tmp_path / "theirs", {**SERVICE, ".github/workflows/pipeline.yml": caller})
    ours = Repository(tmp_path / "ours", tool(f"acme/pipeline@{pin}"))
    acted = Runner(theirs, tmp_path, {f"acme/pipeline@{pin}": ours.root}).act(
        "push", push(theirs.commit), AWS_ENDPOINT_URL=moto, AWS_ROLE_ARN=ROLE
    )
    assert (acted.code, acted.jobs) == (0, {"decide": "success", "deploy live": "success"}), acted.text
    assert "live in live" in acted.printed("deploy live") or "should be" in acted.printed("deploy live")
