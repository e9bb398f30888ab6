"""`pipeline run` over a small service: what it explains, what it carries out, and what it refuses."""

import json
import signal
import subprocess
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import main
from pipeline.clients import connect
from pipeline.commands.carrying_out import explanation
from pipeline.errors import BadInput
from tests.functional.support import Result
from tests.intake.support import PAYLOADS, PUSHED, intent, payload

Run = Callable[..., Result]
EVENT = ("GITHUB_EVENT_NAME", "GITHUB_EVENT_PATH", "GITHUB_REF", "GITHUB_SHA", "GITHUB_ACTOR", "GITHUB_RUN_ATTEMPT")

PROJECT = "environments:\n  dev: dev\n  blue: main\n  green: main\n"
ENVIRONMENT = "SERVICE_NAME=tiny\nENVIRONMENT={0}\nAWS_REGION=us-east-1\nAWS_ACCOUNT_ID=123456789012\n"
GROUPS = "log_groups:\n  - name: /tiny/${ENVIRONMENT}/audit\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A service with one log group and no code, in a git repository of its own; two environments share a branch."""
    found = tmp_path / "tiny"
    files = {"pipeline.yaml": PROJECT, "aws/logs.yaml": GROUPS, ".gitignore": ".pipeline/\n"}
    files |= {f"environments/{name}.env": ENVIRONMENT.format(name) for name in ("dev", "blue", "green")}
    for name, text in files.items():
        (found / name).parent.mkdir(parents=True, exist_ok=True)
        (found / name).write_text(text)
    identity = ["-c", "user.name=dev", "-c", "user.email=dev@example.com", "-c", "commit.gpgsign=false"]
    for command in (["init", "--quiet"], ["add", "."], [*identity, "commit", "--quiet", "--message", "start"]):
        subprocess.run(["git", "-C", str(found), *command], check=True)
    return found


def commit_of(root: Path) -> str:
    return subprocess.run(
        ["git", "-C", str(root), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()  # fmt: skip


@pytest.fixture
def run(
    root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """`pipeline run OPTIONS` in the service, for a recorded event with changes made to it."""

    def call(name: str | None, *options: str, environ: Mapping[str, str] | None = None, **changes: Any) -> Result:
        for variable in (*EVENT, "GITHUB_ACTIONS"):
            monkeypatch.delenv(variable, raising=False)
        if name is not None:
            path = tmp_path / "event.json"
            path.write_text(json.dumps(payload(name, changes)))
            monkeypatch.setenv("GITHUB_EVENT_NAME", name.partition(".")[0])
            monkeypatch.setenv("GITHUB_EVENT_PATH", str(path))
        for variable, value in (environ or {}).items():
            monkeypatch.setenv(variable, value)
        code = main(["run", "--root", str(root), *options])
        return Result(code, *capsys.readouterr())

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield call
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def account(moto_server: str, aws_environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """An AWS that starts without our log groups and ledgers, whatever tests of this process left there."""
    with urllib.request.urlopen(urllib.request.Request(f"{moto_server}/moto-api/reset", method="POST"), timeout=30):
        pass
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_server)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    return connect("us-east-1", environment={"AWS_ENDPOINT_URL": moto_server, **keys})


def groups(aws: Any) -> list[str]:
    """Our log groups."""
    found = aws.pages("logs", "DescribeLogGroups", "logGroups")
    return sorted(group["logGroupName"] for group in found if group["logGroupName"].startswith("/tiny/"))


# --explain


def test_the_document_of_an_explanation(run: Run) -> None:
    result = run("push.branch_existing", "--explain", "--format", "json")
    assert (result.code, result.err) == (0, "")
    assert result.json == {
        "intent": "deploy",
        "environments": ["blue", "green"],
        "sha": PUSHED,
        "target": None,
        "pull_request": None,
        "reason": "push to main by dev",
    }


def test_an_explanation_for_people(run: Run) -> None:
    result = run("push.rollback_tag_created", "--explain", ref="refs/tags/rollback/blue/41")
    assert result.out == (
        "rollback blue to release 41 at 064041a0a530\n  tag rollback/blue/41 pushed by dev\n"
    )  # fmt: skip


@pytest.mark.parametrize("path", sorted(PAYLOADS.glob("*.json")), ids=lambda path: path.stem)
def test_every_explanation_is_short(path: Path) -> None:
    with suppress(BadInput):
        lines = explanation(intent(path.stem)).splitlines()
        assert len(lines) == 2
        assert max(len(line) for line in lines) <= 120


def test_a_mistake_is_explained_without_an_error(run: Run) -> None:
    result = run("push.rollback_tag_created", "--explain", "--format", "json")
    assert (result.code, result.json["intent"]) == (0, "ignore")
    assert "has to be dev, blue or green" in result.json["reason"]


def test_the_run_tells_what_the_payload_does_not(run: Run) -> None:
    environ = {"GITHUB_REF": "refs/heads/dev", "GITHUB_SHA": PUSHED, "GITHUB_ACTOR": "ops", "GITHUB_RUN_ATTEMPT": "2"}
    result = run("schedule", "--explain", "--format", "json", environ=environ)
    assert (result.json["sha"], result.json["environments"]) == (PUSHED, ["dev", "blue", "green"])
    assert result.json["reason"].endswith("(run again, attempt 2)")


def test_explaining_for_one_environment(run: Run) -> None:
    result = run("push.branch_existing", "--explain", "--format", "json", "--env", "green")
    assert result.json["environments"] == ["green"]
    other = run("push.branch_existing", "--explain", "--format", "json", "--env", "dev")
    assert (other.code, other.json["intent"], other.json["environments"]) == (0, "ignore", [])


# bad input


def test_without_an_event_it_says_how_to_try_it(run: Run) -> None:
    result = run(None, "--explain")
    assert (result.code, result.out) == (2, "")
    assert "no GITHUB_EVENT_NAME and no GITHUB_EVENT_PATH" in result.err
    assert "GITHUB_EVENT_NAME=push GITHUB_EVENT_PATH=event.json pipeline run --explain" in result.err


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "No such file"),
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('"text"', "a JSON object is wanted"),
        ("{}", "reading the push event: ref is missing"),
    ],
)
def test_a_payload_that_is_none(run: Run, tmp_path: Path, text: str | None, complaint: str) -> None:
    path = tmp_path / "broken.json"
    if text is not None:
        path.write_text(text)
    result = run(None, environ={"GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": str(path)})
    assert result.code == 2
    assert complaint in result.err
    assert "Traceback" not in result.err


def test_a_payload_that_is_not_text(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(b"\xff\xfe\x00")
    result = run(None, environ={"GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": str(path)})
    assert result.code == 2
    assert "not JSON" in result.err


def test_an_unknown_environment(run: Run) -> None:
    result = run("schedule", "--explain", "--env", "prod")
    assert result.code == 2
    assert "there is no environment prod: allowed is dev, blue or green" in result.err


def test_wrong_inputs_of_a_dispatch(run: Run) -> None:
    result = run("workflow_dispatch.rollback", "--format", "json", inputs={"action": "rollback", "release": "x"})
    assert result.code == 2
    messages = [error["message"] for error in result.json["errors"]]
    assert messages == [
        "input environment is missing: allowed is dev, blue or green",
        "input release is x: allowed is a release number or `previous`",
    ]


# carrying out


def test_nothing_to_do_is_done(run: Run) -> None:
    result = run("push.branch_deleted", "--format", "json")
    assert result.code == 0
    assert (result.json["intent"], result.json["results"]) == ("ignore", [])
    assert "refs/heads/main was deleted" in result.err


@pytest.mark.parametrize("name", ["push.rollback_tag_created", "push.rollback_tag_moved"])
def test_a_rollback_that_cannot_be_meant_so_is_no_success(run: Run, name: str) -> None:
    result = run(name)
    assert result.code == 2
    assert "rollback/production/41" in result.err


@pytest.mark.parametrize("action", ["promote", "abort"])
def test_steering_what_does_not_move_is_refused(run: Run, account: Any, action: str) -> None:
    result = run("workflow_dispatch.rollback", "--format", "json", inputs={"action": action, "environment": "dev"})
    assert result.code == 4
    assert f"{action} in dev: no release is being rolled out" in result.json["error"]["message"]


@pytest.mark.parametrize("body", ["/plan", "/deploy dev", "/unlock", "/abort"])
def test_commands_of_comments_are_not_obeyed_before_their_author_was_asked_for(run: Run, body: str) -> None:
    result = run("issue_comment.created_on_pr", **{"comment.body": body})
    assert result.code == 2
    assert "without GITHUB_TOKEN it cannot be asked whether the author may" in result.err


def test_help(run: Run) -> None:
    result = run("issue_comment.created_on_pr", **{"comment.body": "/help"})
    assert result.code == 0
    assert "/rollback ENV [RELEASE]" in result.err


def test_a_draft_is_validated_without_any_aws(run: Run) -> None:
    result = run("pull_request.opened_draft", "--format", "json")
    assert result.code == 0
    assert result.json["intent"] == "validate"
    assert result.json["results"] == [{"errors": [], "warnings": []}]


def test_what_is_validated_is_packaged_too_without_any_credentials(run: Run, root: Path) -> None:
    (root / "aws" / "functions.yaml").write_text(
        "functions:\n  - {name: tiny-hello, runtime: python3.12, handler: handlers.hello.handle}\n"
    )
    handler = root / "backend" / "handlers" / "hello.py"
    handler.parent.mkdir(parents=True)
    handler.write_text("def handle(event, context):\n    return {}\n")
    result = run("pull_request.opened_from_fork", environ={"AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    assert result.code == 0, result.err
    assert "dev: 1 archive" in result.err
    assert "green: 1 archive" in result.err
    handler.write_text("import not_there\n\n\ndef handle(event, context):\n    return {}\n")
    broken = run("pull_request.opened_from_fork", "--env", "dev")
    assert broken.code == 2
    assert "not_there" in broken.err
    for name in ("dev", "blue", "green"):
        (root / "environments" / f"{name}.env").write_text(ENVIRONMENT.format(name).replace("AWS_ACCOUNT_ID=", "# "))
    unknown = run("pull_request.opened_from_fork", "--env", "dev")
    assert unknown.code == 0
    assert "dev: left out, as its file has no AWS_ACCOUNT_ID" in unknown.err


def test_a_fork_with_errors_is_told_all_of_them(run: Run, root: Path) -> None:
    (root / "aws" / "logs.yaml").write_text("log_groups:\n  - name: /tiny\n    retention_days: 2\n    colour: red\n")
    result = run("pull_request.opened_from_fork", "--format", "json")
    assert result.code == 2
    assert len(result.json["results"][0]["errors"]) == 2


def test_validating_for_one_environment(run: Run, root: Path) -> None:
    (root / "environments" / "blue.env").write_text("SERVICE_NAME=tiny\n")
    assert run("pull_request.opened_draft").code == 2
    assert run("pull_request.opened_draft", "--env", "green").code == 0


def test_a_pull_request_is_planned_for_every_environment_of_its_base(run: Run, account: Any) -> None:
    result = run("pull_request.opened_here", "--format", "json")
    assert result.code == 0, result.err
    assert result.json["intent"] == "preview"
    assert [plan["environment"] for plan in result.json["results"]] == ["blue", "green"]
    assert {plan["summary"]["create"] for plan in result.json["results"]} == {1}
    assert groups(account) == []


def test_a_plan_for_people(run: Run, account: Any) -> None:
    result = run("pull_request.opened_here", "--env", "green")
    assert result.code == 0, result.err
    assert "logs.log_group//tiny/green/audit" in result.out
    assert "blue" not in result.out


def test_a_push_deploys_every_environment_of_its_branch(run: Run, root: Path, account: Any) -> None:
    result = run("push.branch_existing", "--format", "json", after=commit_of(root))
    assert result.code == 0, result.err
    assert [(report["environment"], report["commit"]) for report in result.json["results"]] == [
        ("blue", commit_of(root)),
        ("green", commit_of(root)),
    ]
    assert groups(account) == ["/tiny/blue/audit", "/tiny/green/audit"]


def test_a_push_deploys_one_environment_when_asked_to(run: Run, root: Path, account: Any) -> None:
    result = run("push.branch_existing", "--env", "green", after=commit_of(root))
    assert result.code == 0, result.err
    assert "is what green should be" in result.out or "is live in green" in result.out
    assert groups(account) == ["/tiny/green/audit"]


def test_a_schedule_compares_every_environment_whatever_becomes_of_the_others(
    run: Run, root: Path, account: Any, tmp_path: Path
) -> None:
    assert run("push.branch_existing", "--env", "green", after=commit_of(root)).code == 0
    account.call("logs", "DeleteLogGroup", logGroupName="/tiny/green/audit")
    (root / "environments" / "dev.env").write_text(ENVIRONMENT.format("dev").replace("123456789012", "210987654321"))
    summary = tmp_path / "summary.md"
    result = run("schedule", "--format", "json", environ={"GITHUB_STEP_SUMMARY": str(summary)})
    assert result.code == 4
    assert (result.json["intent"], result.json["environments"]) == ("detect-drift", ["dev", "blue", "green"])
    dev, blue, green = result.json["results"]
    assert (dev["environment"], dev["error"]["exit_code"]) == ("dev", 4)
    assert (blue["environment"], "error" in blue) == ("blue", False)
    assert (green["environment"], green["summary"]["drift"]) == ("green", 1)
    assert "comparing dev: checking the account" in result.err
    assert "warning: green has drifted: 1 resource was changed outside of git" in result.err
    told = summary.read_text()
    assert "❌ `dev`" in told
    assert "`blue`" in told
    assert "- `+ logs.log_group//tiny/green/audit` **drift**" in told
    assert groups(account) == []


def test_a_schedule_may_be_for_resuming(run: Run, account: Any) -> None:
    explained = run("schedule", "--scheduled", "resume", "--explain", "--format", "json")
    assert (explained.json["intent"], explained.json["environments"]) == ("resume", ["dev", "blue", "green"])
    assert (
        run("push.branch_existing", "--scheduled", "resume", "--explain", "--format", "json").json["intent"] == "deploy"
    )
    result = run("schedule", "--scheduled", "resume", "--env", "dev")
    assert (result.code, "nothing to resume" in result.out) == (0, True)


def test_a_schedule_for_people(run: Run, root: Path, account: Any) -> None:
    assert run("push.branch_existing", "--env", "green", after=commit_of(root)).code == 0
    result = run("schedule", "--env", "green", environ={"GITHUB_ACTIONS": "true"})
    assert result.code == 0
    assert "no drift, 1 as released" in result.out
    assert "::warning" not in result.err


def test_other_files_than_the_pushed_ones_are_not_deployed(run: Run, account: Any) -> None:
    result = run("push.branch_existing")
    assert result.code == 4
    assert "the event is about commit 71535ecbe701, but" in result.err
    assert f"git checkout {PUSHED}" in result.err
    assert groups(account) == []
