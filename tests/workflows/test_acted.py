"""What the workflows make of events: which jobs there are, with which credentials, and what becomes of AWS."""

import json
import re
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import yaml

from tests.docs.markdown import document
from tests.intake.support import payload
from tests.support import fake_github
from tests.support.fake_github import FakeGitHub
from tests.support.fault_proxy import FaultProxy
from tests.workflows.acting import ACT, ROOT, Acted, Repository, Runner, tool
from tests.workflows.conftest import REGION, Cloud

pytestmark = [
    pytest.mark.slow,
    pytest.mark.emulator,
    pytest.mark.skipif(ACT is None, reason="act is not installed; it is among the developers' tools"),
]

ENVIRONMENT = "SERVICE_NAME=tiny\nENVIRONMENT={0}\nAWS_REGION=us-east-1\nAWS_ACCOUNT_ID={1}\n"
BRANCHES = {"dev": "dev", "staging": "staging", "live": "main"}
FUNCTION = """
roles:
  - {name: "${SERVICE_NAME}-${ENVIRONMENT}", trust: lambda.amazonaws.com, policies: {}}
functions:
  - name: ${SERVICE_NAME}-${ENVIRONMENT}
    runtime: python3.12
    handler: handlers.hello.handle
    role: ${SERVICE_NAME}-${ENVIRONMENT}
"""
HANDLER = "def handle(event, context):\n    return {0!r}\n"
TOKEN = "token-of-the-job"
PATIENCE = 90.0
# Who looks at the lock so often waits for it.
WAITING = 3


def service(account: str) -> dict[str, str]:
    """A service with one group of logs in each of its environments."""
    return {
        "pipeline.yaml": "environments:\n" + "".join(f"  {name}: {branch}\n" for name, branch in BRANCHES.items()),
        **{f"environments/{name}.env": ENVIRONMENT.format(name, account) for name in BRANCHES},
        "aws/logs.yaml": "log_groups:\n  - name: /tiny/${ENVIRONMENT}/audit\n",
    }


@pytest.fixture
def runner(tmp_path: Path, cloud: Cloud) -> Runner:
    return Runner(Repository(tmp_path / "repository", {**service(cloud.account), **tool()}), tmp_path)


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with fake_github.running() as fake:
        yield fake


def surroundings(cloud: Cloud, github: FakeGitHub | None = None) -> dict[str, str]:
    """What GitHub has for the workflows of the repository."""
    found = {"AWS_ENDPOINT_URL": cloud.endpoint, "AWS_ROLE_ARN": role(cloud)}
    if github is not None:
        found |= {
            "GITHUB_API_URL": github.url, "GITHUB_TOKEN": TOKEN,
            # GitHub sets it; act does not.
            "GITHUB_WORKFLOW_REF": "acme/infra/.github/workflows/pipeline.yml@refs/heads/main",
        }  # fmt: skip
    return found


def role(cloud: Cloud) -> str:
    return f"arn:aws:iam::{cloud.account}:role/tiny"


def push(commit: str, branch: str = "main") -> dict[str, Any]:
    return payload("push.branch_existing", {"ref": f"refs/heads/{branch}", "after": commit})


def opened(number: int, commit: str, branch: str) -> dict[str, Any]:
    changes = {"number": number, "pull_request.number": number, "pull_request.head.sha": commit}
    return payload("pull_request.opened_here", changes | {"pull_request.base.ref": branch})


def token_of(*names: str) -> dict[str, str]:
    """What the token may in these jobs of our workflows."""
    found: dict[str, str] = {}
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        for name, job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].items():
            for permission, access in (job.get("permissions", {}) if name in names else {}).items():
                found[permission] = max(access, found.get(permission, ""))
    return found


def went(acted: Acted, *jobs: str) -> Acted:
    """The run went well, and these are its jobs."""
    assert (acted.code, acted.jobs) == (0, dict.fromkeys(jobs, "success")), acted.text
    return acted


def comment(github: FakeGitHub, number: int) -> str:
    """The one comment with the plan of a pull request."""
    (found,) = [body for body in github.bodies(number) if "pipeline:plan" in body]
    return found


def answer(cloud: Cloud, environment: str) -> str:
    """What callers of the deployed function get."""
    found = cloud.aws.call("lambda", "Invoke", FunctionName=f"tiny-{environment}", Qualifier="live")
    return str(json.loads(found["Payload"].read()))


REVERT = """
  revert:
    needs: deliver
    if: needs.deliver.outputs.reverted != ''
    permissions: { contents: write, pull-requests: write }
    uses: OWNER/pipeline/.github/workflows/revert.yml@SHA
    with: { pull-request: "${{ needs.deliver.outputs.reverted }}" }
"""


def with_revert(repository: Repository) -> None:
    """Has pull requests opened that revert, by the job that the documentation shows."""
    assert textwrap.indent(REVERT.strip("\n"), "    ") in (ROOT / "docs" / "github.md").read_text(encoding="utf-8")
    path = ".github/workflows/pipeline.yml"
    job = re.sub(r"OWNER/pipeline(\S*)@\S+", r"./\1", REVERT).replace(".//", "./")
    repository.write(path, (repository.root / path).read_text(encoding="utf-8") + job)
    project = (repository.root / "pipeline.yaml").read_text(encoding="utf-8")
    repository.write("pipeline.yaml", project + "github: {revert_pull_request: true}\n")


def test_the_life_of_a_change(runner: Runner, cloud: Cloud, github: FakeGitHub) -> None:
    """Planned and merged to every branch, rolled back by a tag, deployed again by a command."""
    repository, about = runner.repository, surroundings(cloud, github)
    with_revert(repository)
    repository.write("aws/function.yaml", FUNCTION)
    repository.write("backend/handlers/hello.py", HANDLER.format("first"))
    first = repository.committed()
    for number, (environment, branch) in enumerate(BRANCHES.items(), start=1):
        github.add_pull(number, first, branch)
        github.granted = token_of("read")
        planned = went(
            runner.act("pull_request", opened(number, first, branch), **about), "decide", f"preview {environment}"
        )
        assert planned.called(f"preview {environment}")["checkout"].get("ref", "") == ""
        assert "**planned**" in comment(github, number)
        github.add_pull(number, first, branch, merge=first)
        github.commits, github.granted = {first: [number]}, token_of("write")
        merged = went(runner.act("push", push(first, branch), **about), "decide", f"deploy {environment}")
        assert "**live** as release 1" in comment(github, number)
        assert answer(cloud, environment) == "first"
        assert merged.called(f"deploy {environment}")["configure-aws-credentials"] == {
            "role-to-assume": role(cloud), "role-session-name": "pipeline-1-1", "aws-region": REGION,
            "allowed-account-ids": cloud.account,
        }  # fmt: skip
        assert "configure-aws-credentials" not in merged.called("decide")

    repository.write("backend/handlers/hello.py", HANDLER.format("second"))
    second = repository.committed()
    github.add_pull(4, second, merge=second)
    github.history = [first, second]
    went(runner.act("push", push(second), **about), "decide", "deploy live")
    assert (answer(cloud, "live"), "**live** as release 2" in comment(github, 4)) == ("second", True)

    github.roles = {"dev": ("write", "write")}
    rolled_back(runner, cloud, github, about)
    deployed_again(runner, cloud, github, about)
    assert github.refused == [], "what a job's token may is enough for what it does"


def rolled_back(runner: Runner, cloud: Cloud, github: FakeGitHub, about: dict[str, str]) -> None:
    """The tag does it, and the pull request of release 2 is told and reverted."""
    github.granted = token_of("write", "revert")
    tag = payload("push.rollback_tag_created", {"ref": "refs/tags/rollback/live/previous", "sender.login": "dev"})
    went(runner.act("push", tag, **about), "decide", "rollback live", "revert pull request 4")
    assert (answer(cloud, "live"), answer(cloud, "dev")) == ("first", "first")
    assert "**reverted**" in comment(github, 4)
    assert "reverted" not in comment(github, 3)
    assert github.reverted == ["PR_4"]
    assert [body for body in github.bodies(4) if "pipeline:rollback" in body and "a pull request that reverts" in body]


def deployed_again(runner: Runner, cloud: Cloud, github: FakeGitHub, about: dict[str, str]) -> None:
    """A command in a comment starts the workflow that does it."""
    asked = payload("issue_comment.created_on_pr", {"comment.body": "/deploy live --clear-hold", "issue.number": 4})
    github.comments[asked["comment"]["id"]] = {**asked["comment"], "issue": 4}
    github.granted = token_of("command")
    answered = went(runner.act("issue_comment", asked, **about), "command")
    assert "configure-aws-credentials" not in answered.called("command")
    (started,) = github.dispatches
    sender = {"login": "github-actions[bot]", "type": "Bot"}
    dispatch = {"inputs": started["inputs"], "ref": f"refs/heads/{started['ref']}", "sender": sender}
    github.granted = token_of("write")
    went(runner.act("workflow_dispatch", dispatch, **about), "decide", "deploy live")
    assert answer(cloud, "live") == "second"
    assert any("as release 4" in body for body in github.bodies(4))


def looks_at_the_lock(proxy: FaultProxy) -> int:
    return sum(request.method == "GET" and request.path.endswith("/lock.json") for request in list(proxy.requests))


def test_two_merges_in_a_row_both_deploy_in_their_order(
    runner: Runner, cloud: Cloud, github: FakeGitHub, tmp_path: Path
) -> None:
    """The second run starts while the first changes AWS: the ledger's lock holds below GitHub's queue of runs."""
    repository, about = runner.repository, surroundings(cloud, github)
    begun, go_on = Event(), Event()

    def slowly(answer: bytes) -> bytes:
        begun.set()
        assert go_on.wait(PATIENCE)
        return answer

    with FaultProxy(cloud.endpoint) as first, FaultProxy(cloud.endpoint) as second, ThreadPoolExecutor(2) as pool:
        first.rewrite("logs:CreateLogGroup", slowly)
        commits = [repository.commit]
        github.add_pull(1, commits[0], merge=commits[0])
        runs = [pool.submit(runner.act, "push", push(commits[0]), **about | {"AWS_ENDPOINT_URL": first.url})]
        assert begun.wait(PATIENCE)
        repository.write("aws/more.yaml", "log_groups:\n  - name: /tiny/${ENVIRONMENT}/more\n")
        commits.append(repository.committed())
        github.add_pull(2, commits[1], merge=commits[1])
        other = Runner(repository, tmp_path / "other")
        runs.append(pool.submit(other.act, "push", push(commits[1]), **about | {"AWS_ENDPOINT_URL": second.url}))
        while looks_at_the_lock(second) < WAITING and not runs[1].done():
            time.sleep(0.05)
        go_on.set()
        acted = [went(run.result(PATIENCE), "decide", "deploy live") for run in runs]
    assert "waiting" in acted[1].printed("deploy live")
    assert [f"**live** as release {number}" in comment(github, number) for number in (1, 2)] == [True, True]
    found = cloud.aws.pages("logs", "DescribeLogGroups", "logGroups")
    assert [group["logGroupName"] for group in found] == ["/tiny/live/audit", "/tiny/live/more"]


def test_a_schedule_compares_and_continues(runner: Runner, cloud: Cloud) -> None:
    about = surroundings(cloud)
    went(runner.act("push", push(runner.repository.commit, "dev"), **about), "decide", "deploy dev")
    cloud.aws.call("logs", "DeleteLogGroup", logGroupName="/tiny/dev/audit")
    scheduled = runner.act("schedule", {"schedule": "23 5 * * *"}, **about)
    went(scheduled, "decide", *(f"{what} {name}" for what in ("detect-drift", "resume") for name in BRANCHES))
    assert "1 drifted" in scheduled.printed("detect-drift dev")
    assert scheduled.called("detect-drift dev")["checkout"]["ref"] == "dev"
    assert "nothing to resume" in scheduled.printed("resume dev")


def test_a_fork_gets_no_credentials(runner: Runner, cloud: Cloud) -> None:
    fork = runner.act("pull_request", payload("pull_request.opened_from_fork"), **surroundings(cloud))
    went(fork, "decide", "validate")
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


def test_a_pull_request_that_is_closed_says_so(runner: Runner, github: FakeGitHub) -> None:
    github.granted = token_of("tell")
    github.add_comment(12, "### x\n\n<!-- pipeline:status -->\n\n📋 planned\n\n<!-- /pipeline:status -->\n\n"
                           "<!-- pipeline:plan live -->", github.login, "Bot")  # fmt: skip
    acted = went(
        runner.act("pull_request", payload("pull_request.closed_unmerged"), GITHUB_API_URL=github.url,
                   GITHUB_TOKEN=TOKEN), "decide", "conclude",
    )  # fmt: skip
    assert "configure-aws-credentials" not in acted.called("conclude")
    assert "**not deployed**" in comment(github, 12)
    assert github.refused == []


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


def test_services_of_one_repository_each_have_their_jobs_in_each_region(tmp_path: Path, cloud: Cloud) -> None:
    files = {"pipeline.yaml": "services: [services/a, services/b]\n"}
    for name in ("a", "b"):
        for path, text in service(cloud.account).items():
            several = text.replace("AWS_REGION=us-east-1", "AWS_REGIONS=us-east-1,eu-west-1")
            files[f"services/{name}/{path}"] = several.replace("tiny", name)
    runner = Runner(Repository(tmp_path / "repository", {**files, **tool()}), tmp_path)
    acted = runner.act("push", push(runner.repository.commit, "dev"), **surroundings(cloud))
    home, away = ([f"deploy services/{name}/dev/{region}" for name in "ab"] for region in ("us-east-1", "eu-west-1"))
    assert acted.jobs == dict.fromkeys(["decide", *home, *away], "success"), acted.text
    for job in (*home, *away):
        assert "release 1 is live in dev" in acted.printed(job)


def test_another_repository_needs_only_what_the_documentation_shows(tmp_path: Path, cloud: Cloud) -> None:
    pin = "1" * 40
    (block,) = [block for block in document("docs/github-actions.md").blocks if block.language == "yaml"]
    workflow = block.text
    assert len(workflow.splitlines()) <= 12
    caller = re.sub(r"OWNER/pipeline(\S*)@\S+", rf"acme/pipeline\1@{pin}", workflow)
    assert caller != workflow
    theirs = Repository(tmp_path / "theirs", {**service(cloud.account), ".github/workflows/pipeline.yml": caller})
    ours = Repository(tmp_path / "ours", tool(f"acme/pipeline@{pin}"))
    acted = Runner(theirs, tmp_path, {f"acme/pipeline@{pin}": ours.root}).act(
        "push", push(theirs.commit), **surroundings(cloud)
    )
    assert (acted.code, acted.jobs) == (0, {"decide": "success", "deploy live": "success"}), acted.text
    assert "live in live" in acted.printed("deploy live") or "should be" in acted.printed("deploy live")
