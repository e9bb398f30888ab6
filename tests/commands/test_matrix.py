"""`pipeline matrix` over a repository with several services: which of them, where, with which credentials."""

import io
import json
import subprocess
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import main
from tests.functional.support import Result
from tests.intake.support import payload

PROJECT = "environments:\n  dev: dev\n  live: main\n"
FILE = "SERVICE_NAME={0}\nENVIRONMENT={1}\nAWS_REGION={2}\nAWS_ACCOUNT_ID=123456789012\n"
IDENTITY = ["-c", "user.name=dev", "-c", "user.email=dev@example.com", "-c", "commit.gpgsign=false"]
REGIONS = {"dev": "us-east-1", "live": "eu-west-1"}


class Repository:
    """A git repository with two services; each commit writes files by path. `first` is the commit of all of them."""

    def __init__(self, path: Path, files: Mapping[str, str]) -> None:
        self.path = path
        path.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.first = self.commit(files)

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(self.path), *arguments], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str]) -> str:
        for name, text in files.items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_text(text)
        self.git("add", ".")
        self.git(*IDENTITY, "commit", "--quiet", "--message", "change")
        return self.git("rev-parse", "HEAD")


def service(root: str, name: str, project: str = PROJECT) -> dict[str, str]:
    found = {f"{root}/environments/{env}.env": FILE.format(name, env, region) for env, region in REGIONS.items()}
    return {f"{root}/pipeline.yaml": project, **found}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Two services, a fixture inside one of them that looks like one, and one that is not in git."""
    files = {
        **service("services/orders", "orders"),
        **service("services/stock", "stock"),
        "services/orders/tests/fixture/pipeline.yaml": PROJECT,
        ".gitignore": "/scratch/\n",
        "scratch/pipeline.yaml": PROJECT,
    }
    return Repository(tmp_path / "repository", files)


@pytest.fixture
def run(repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """`pipeline matrix OPTIONS` for a payload; standard output, and what was written to GITHUB_OUTPUT."""

    def call(event: str, document: Mapping[str, Any], *options: str, root: str = "") -> tuple[Result, dict[str, Any]]:
        output = tmp_path / "output"
        output.unlink(missing_ok=True)
        (tmp_path / "event.json").write_text(json.dumps(document))
        for name in ("GITHUB_REF", "GITHUB_SHA", "GITHUB_ACTIONS", "GITHUB_RUN_ATTEMPT"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("GITHUB_EVENT_NAME", event)
        monkeypatch.setenv("GITHUB_EVENT_PATH", str(tmp_path / "event.json"))
        monkeypatch.setenv("GITHUB_OUTPUT", str(output))
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main(["matrix", "--root", str(repository.path / root), *options])
        lines = [line.partition("=") for line in output.read_text().splitlines()] if output.exists() else []
        return Result(code, out.getvalue(), err.getvalue()), {k: json.loads(v) if v else None for k, _, v in lines}

    return call


def push(before: str, after: str, branch: str = "main", **more: Any) -> dict[str, Any]:
    return {"ref": f"refs/heads/{branch}", "before": before, "after": after, "sender": {"login": "dev"}, **more}


def places(found: Any) -> list[tuple[str, str, str]]:
    return [(job["root"], job["environment"], job["intent"]) for job in found["include"]]


def test_a_push_is_for_the_services_that_it_changes(run: Any, repository: Repository) -> None:
    after = repository.commit({"services/stock/aws/x.yaml": "", "README.md": "more"})
    result, output = run("push", push(repository.first, after))
    assert result.code == 0, result.err
    assert result.json == {
        "include": [
            {
                "root": "services/stock", "service": "stock", "environment": "live", "region": "eu-west-1",
                "account": "123456789012", "intent": "deploy", "access": "write", "ref": "",
                "target": "services/stock/live", "place": "services/stock/live", "after": "",
                "slug": "services-stock-live", "scheduled": "",
            }
        ]
    }  # fmt: skip
    empty = dict.fromkeys(("none", "tell", "read", "later"))
    assert output == {"matrix": result.json, "write": result.json, **empty}
    assert "services/orders: unchanged" in result.err


def test_what_a_pull_request_leaves_has_a_job_without_credentials_of_aws(run: Any, repository: Repository) -> None:
    repo = {"full_name": "acme/infra"}
    pull = {"number": 1, "head": {"sha": "a" * 40, "repo": repo}, "base": {"ref": "main", "repo": repo}}
    result, output = run("pull_request", {"action": "closed", "pull_request": pull})
    assert result.code == 0, result.err
    assert {(job["root"], job["intent"], job["access"], job["environment"]) for job in output["tell"]["include"]} == {
        ("services/orders", "conclude", "tell", ""), ("services/stock", "conclude", "tell", ""),
    }  # fmt: skip
    assert output["matrix"] == output["tell"]


def test_what_cannot_be_compared_is_for_all_services(run: Any, repository: Repository) -> None:
    after = repository.commit({"services/stock/aws/x.yaml": ""})
    both = [("services/orders", "live", "deploy"), ("services/stock", "live", "deploy")]
    for before in ("0" * 40, "a" * 40):
        assert places(run("push", push(before, after))[0].json) == both
    dispatch = {"inputs": {"action": "deploy", "environment": "live"}, "ref": "refs/heads/main", "sender": {}}
    assert places(run("workflow_dispatch", dispatch)[0].json) == both


def test_a_push_that_changes_no_service_has_no_jobs(run: Any, repository: Repository) -> None:
    after = repository.commit({"README.md": "more"})
    result, output = run("push", push(repository.first, after))
    assert (result.code, result.json) == (0, {"include": []})
    assert set(output.values()) == {None}


def test_a_pull_request_is_compared_from_where_it_went_apart(run: Any, repository: Repository) -> None:
    repository.git("checkout", "--quiet", "-b", "topic")
    head = repository.commit({"services/orders/aws/x.yaml": ""})
    repository.git("checkout", "--quiet", "main")
    base = repository.commit({"services/stock/aws/y.yaml": ""})
    changes = {"pull_request.base.sha": base, "pull_request.base.ref": "main", "pull_request.head.sha": head}
    result, output = run("pull_request", payload("pull_request.opened_here", changes))
    assert places(result.json) == [("services/orders", "live", "preview")]
    assert (output["read"], output["write"]) == (result.json, None)
    result, output = run("pull_request", payload("pull_request.opened_from_fork", changes))
    assert places(result.json) == [("services/orders", "", "validate")]
    assert (output["none"], output["read"], output["write"]) == (result.json, None, None)


def test_a_schedule_is_for_every_environment_at_its_branch(run: Any, repository: Repository) -> None:
    found = run("schedule", {"schedule": "0 5 * * *"})[0].json["include"]
    read = [job for job in found if job["access"] == "read"]
    assert [(job["service"], job["environment"], job["region"], job["ref"]) for job in read] == [
        ("orders", "dev", "us-east-1", "dev"),
        ("orders", "live", "eu-west-1", "main"),
        ("stock", "dev", "us-east-1", "dev"),
        ("stock", "live", "eu-west-1", "main"),
    ]
    assert {job["scheduled"] for job in read} == {""}
    write = [job for job in found if job["access"] == "write"]
    assert [(job["environment"], job["intent"], job["scheduled"]) for job in write] == [
        (job["environment"], "resume", "resume") for job in read
    ]
    assert places(run("schedule", {}, "--env", "live", root="services/orders")[0].json) == [
        ("services/orders", "live", "detect-drift"),
        ("services/orders", "live", "resume"),
    ]


def test_a_folder_says_of_which_service_a_rollback_is(run: Any) -> None:
    tag = payload("push.rollback_tag_created", {"ref": "refs/tags/rollback/services/stock/live/41"})
    assert places(run("push", tag)[0].json) == [("services/stock", "live", "rollback")]
    inputs = {"action": "rollback", "environment": "services/orders/live", "release": "previous"}
    assert places(run("workflow_dispatch", {"inputs": inputs})[0].json) == [("services/orders", "live", "rollback")]


def test_a_rollback_is_of_the_one_service_that_has_the_environment(run: Any, repository: Repository) -> None:
    changes = {"ref": "refs/tags/rollback/live/41"}
    tag = payload("push.rollback_tag_created", changes)
    result, output = run("push", tag)
    assert result.code == 2
    assert "a rollback is of one service, but services/orders, services/stock all have this environment" in result.err
    assert output == {}
    own = PROJECT.replace("live", "stock-live")
    repository.commit({"services/stock/pipeline.yaml": own})
    assert places(run("push", tag)[0].json) == [("services/orders", "live", "rollback")]
    result, _ = run("push", payload("push.rollback_tag_created", {"ref": "refs/tags/rollback/nowhere/41"}))
    assert result.code == 2
    assert "its environment has to be dev or live" in result.err


def test_an_environment_that_is_not_what_it_should_be_is_bad_input(run: Any, repository: Repository) -> None:
    repository.commit({"services/stock/environments/live.env": "SERVICE_NAME=stock\n"})
    result, output = run("push", push("0" * 40, repository.first), "--format", "json")
    assert (result.code, output) == (2, {})
    assert {error["file"] for error in result.json["errors"]} == {"environments/live.env"}
    assert run("push", push("0" * 40, repository.first), "--env", "dev")[0].json == {"include": []}
    assert run("push", push("0" * 40, repository.first), "--env", "nowhere")[0].code == 2


def test_a_matrix_holds_no_more_than_github_takes(run: Any, repository: Repository) -> None:
    many = "environments:\n" + "".join(f"  e{number}: main\n" for number in range(257))
    files = {f"services/stock/environments/e{n}.env": FILE.format("stock", f"e{n}", "eu-west-1") for n in range(257)}
    repository.commit({**files, "services/stock/pipeline.yaml": many})
    result, _ = run("push", push("0" * 40, repository.first), root="services/stock")
    assert result.code == 2
    assert "257 jobs, and a matrix holds 256" in result.err


def test_two_services_in_two_regions_are_four_jobs_and_home_regions_go_first(run: Any, repository: Repository) -> None:
    several = FILE.replace("AWS_REGION=", "AWS_REGIONS=")
    files = {
        f"services/{n}/environments/live.env": several.format(n, "live", "eu-west-1,us-east-1")
        for n in ("orders", "stock")
    }
    repository.commit(files)
    result, output = run("push", push("0" * 40, repository.first))
    assert [(job["place"], job["target"], job["after"]) for job in result.json["include"]] == [
        ("services/orders/live/eu-west-1", "services/orders/live", ""),
        ("services/orders/live/us-east-1", "services/orders/live", "eu-west-1"),
        ("services/stock/live/eu-west-1", "services/stock/live", ""),
        ("services/stock/live/us-east-1", "services/stock/live", "eu-west-1"),
    ]
    assert [job["region"] for job in output["write"]["include"]] == ["eu-west-1"] * 2
    assert [job["region"] for job in output["later"]["include"]] == ["us-east-1"] * 2
    assert len({job["slug"] for job in result.json["include"]}) == 4
    read = [job for job in run("schedule", {})[0].json["include"] if job["access"] == "read"]
    assert [(job["region"], job["after"]) for job in read if job["environment"] == "live"] == [
        ("eu-west-1", ""), ("us-east-1", ""),
    ] * 2  # fmt: skip


def test_nothing_but_events_and_services_will_do(run: Any, repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result, _ = run("push", push("0" * 40, repository.first), root="../empty")
    assert result.code == 2
    assert "none below it is in git" in result.err
    comment = payload("issue_comment.created_on_pr", {"comment.body": "/deploy live"})
    assert run("issue_comment", comment)[0].json == {"include": []}, "a command is for one job, which asks who gave it"
