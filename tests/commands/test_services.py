"""A repository whose pipeline.yaml lists its services: what is checked of the list, and who uses it."""

import io
import json
import subprocess
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.config.project import load_project
from pipeline.errors import BadInput
from tests.functional.support import Result
from tests.intake.support import payload

PROJECT = "environments:\n  dev: dev\n  live: main\n"
FILE = "SERVICE_NAME={0}\nENVIRONMENT={1}\nAWS_REGION=eu-west-1\nAWS_ACCOUNT_ID=123456789012\n"
# Of a fork, so that nothing is asked of AWS.
FORK = payload("pull_request.opened_from_fork", {"pull_request.base.ref": "main"})
LIST = "services:\n  - services/orders\n  - services/stock\n"
GIT = ["git", "-c", "user.name=dev", "-c", "user.email=dev@example.com", "-c", "commit.gpgsign=false"]


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """The top of a repository with two services in its list, and one that is not."""
    write(tmp_path, {"pipeline.yaml": LIST})
    for name in ("orders", "stock", "draft"):
        files = {f"environments/{env}.env": FILE.format(name, env) for env in ("dev", "live")}
        queues = {"aws/queues.yaml": "queues:\n  - name: ${SERVICE_NAME}-${ENVIRONMENT}\n"}
        write(tmp_path / "services" / name, {"pipeline.yaml": PROJECT, **queues, **files})
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    commit(tmp_path)
    return tmp_path


def write(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run([*GIT, "-C", str(root), *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(root: Path) -> str:
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "change")
    return git(root, "rev-parse", "HEAD")


def run(command: str, top: Path, *options: str) -> Result:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main([command, "--root", str(top), "--format", "json", *options])
    return Result(code, out.getvalue(), err.getvalue())


def happened(monkeypatch: pytest.MonkeyPatch, top: Path, event: str, document: Mapping[str, object]) -> None:
    (top.parent / "event.json").write_text(json.dumps(document))
    for name in ("GITHUB_REF", "GITHUB_SHA", "GITHUB_ACTIONS", "GITHUB_RUN_ATTEMPT", "GITHUB_OUTPUT", "GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_EVENT_NAME", event)
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(top.parent / "event.json"))


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("services: [services/ordres]", 1, 'no service services/ordres: it has no pipeline.yaml: did you mean "serv'),
        ("services:\n  - services/stock\n  - ../other", 3, 'services[1] is "../other": a folder inside the repository'),
        ("services:\n  - .", 2, 'services[0] is "."'),
        (f"{LIST}code:\n  root: src\n", 4, "code is of one service, and this file lists several"),
        ("services: []", 1, "services has 0 items"),
        ("services: services/orders", 1, 'services is "services/orders": a list is wanted'),
    ],
)
def test_a_list_that_is_wrong_is_told_where_it_stands(top: Path, text: str, line: int, told: str) -> None:
    (top / "pipeline.yaml").write_text(text)
    with pytest.raises(BadInput) as raised:
        load_project(top)
    (found,) = raised.value.diagnostics
    assert (found.file, found.line) == ("pipeline.yaml", line)
    assert told in found.message
    assert run("validate", top).code == 2


def test_all_services_of_the_list_are_validated(top: Path) -> None:
    assert run("validate", top).json == {"errors": [], "warnings": []}
    with (top / "services/stock/environments/live.env").open("a") as stream:
        stream.write("TOKEN=\n")
    wrong = run("validate", top)
    assert wrong.code == 2
    assert {error["file"] for error in wrong.json["errors"]} == {"services/stock/environments/dev.env"}
    assert run("validate", top, "--env", "dev").code == 0
    assert "no service has an environment prod" in run("validate", top, "--env", "prod").err


def test_a_matrix_is_over_the_services_of_the_list(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    happened(monkeypatch, top, "push", {"ref": "refs/heads/main", "before": "0" * 40, "after": "a" * 40})
    found = run("matrix", top).json["include"]
    assert [job["place"] for job in found] == ["services/orders/live", "services/stock/live"], "without the draft"
    inside = run("matrix", top / "services" / "draft").json["include"]
    assert [job["place"] for job in inside] == ["services/draft/live"]


def test_a_run_is_for_the_services_that_the_event_changes(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = git(top, "rev-parse", "HEAD")
    write(top, {"services/stock/aws/x.yaml": "", "services/draft/aws/x.yaml": ""})
    push = {"ref": "refs/heads/main", "before": before, "after": commit(top), "sender": {"login": "dev"}}
    happened(monkeypatch, top, "push", push)
    explained = run("run", top, "--explain")
    assert explained.code == 0, explained.err
    (stock,) = explained.json["services"]
    assert (stock["root"], stock["intent"], stock["environments"]) == ("services/stock", "deploy", ["live"])

    happened(monkeypatch, top, "pull_request", FORK)
    checked = run("run", top)
    assert checked.code == 0, checked.err
    assert [(each["root"], each["intent"]) for each in checked.json["services"]] == [
        ("services/orders", "validate"),
        ("services/stock", "validate"),
    ]


def test_one_service_that_fails_keeps_no_other_back(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (top / "services/orders/environments/live.env").write_text("SERVICE_NAME=orders\n")
    happened(monkeypatch, top, "pull_request", FORK)
    result = run("run", top)
    assert result.code == 2
    assert [each["root"] for each in result.json["services"]] == ["services/orders", "services/stock"]


def test_what_is_about_one_service_asks_for_its_name(top: Path) -> None:
    refused = run("plan", top, "--env", "live")
    assert refused.code == 2
    assert "lists 2 services, and this is about one" in refused.err
    assert f"--root {top / 'services/orders'}" in refused.err
