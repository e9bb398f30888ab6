"""Drift as an issue of its environment: opened, brought up to date, closed, and never a second one."""

from typing import Any

import pytest

from pipeline.clients import connect
from pipeline.github.issues import Issues, Text
from pipeline.github.repository import Repository
from tests.functional.support import Result
from tests.github.service import Service
from tests.support.fake_github import REPO, FakeGitHub

MARKER = "<!-- pipeline:drift production -->"


@pytest.fixture
def aws(moto_server: str) -> Any:
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    return connect("us-east-1", environment={"AWS_ENDPOINT_URL": moto_server, **keys})


def compared(service: Service) -> Result:
    return service.run("schedule", {"schedule": "23 5 * * *"}, "--env", "production")


def delete(aws: Any, name: str) -> None:
    aws.call("sns", "DeleteTopic", TopicArn=f"arn:aws:sns:us-east-1:123456789012:{name}")


def test_an_issue_is_opened_brought_up_to_date_and_closed(service: Service, github: FakeGitHub, aws: Any) -> None:
    service.pushed(service.commit("orders"))
    assert compared(service).code == 0
    assert github.issues == {}
    delete(aws, "tiny-production-orders")
    assert compared(service).code == 0
    (issue,) = github.issues.values()
    assert (issue["title"], issue["state"]) == ("drift in production", "open")
    assert issue["labels"] == [{"name": "drift"}]
    assert "- `+ sns.topic/tiny-production-orders` **drift**" in issue["body"]
    assert "Compared by [run 3](https://github.example/acme/infra/actions/runs/5003)" in issue["body"]
    delete(aws, "tiny-production-audit")
    compared(service)
    assert list(github.issues) == [issue["number"]]
    assert "sns.topic/tiny-production-audit" in issue["body"]
    service.pushed(service.git("rev-parse", "HEAD"))
    compared(service)
    assert (issue["state"], issue["state_reason"]) == ("closed", "completed")
    assert "It is as it was released again." in issue["body"]
    delete(aws, "tiny-production-audit")
    compared(service)
    assert [each["state"] for each in github.issues.values()] == ["closed", "open"]


def test_a_github_that_is_broken_hides_no_drift(service: Service, github: FakeGitHub, aws: Any) -> None:
    service.pushed(service.commit("orders"))
    delete(aws, "tiny-production-orders")
    github.denied.add("issues")
    result = compared(service)
    assert result.code == 0
    assert "production has drifted" in result.err
    assert "telling GitHub: the drift issue of production" in result.err


def test_issues_of_others_are_left_alone(github: FakeGitHub, repository: Repository) -> None:
    theirs = {"title": "x", "body": MARKER, "labels": [{"name": "drift"}], "state": "open"}
    github.issues = {
        1: {"id": 1, "number": 1, "user": {"login": "mallory", "type": "User"}, **theirs},
        2: {
            "id": 2,
            "number": 2,
            "user": {"login": github.login, "type": "Bot"},
            "pull_request": {"url": "x"},
            **theirs,
        },
    }
    issues = Issues(repository, "drift")
    issues.revise(MARKER, "drift in production", lambda _: Text("done", open=False))
    issues.revise(MARKER, "drift in production", lambda _: Text("text", open=True))
    assert [(number, each["state"], each["title"]) for number, each in github.issues.items()][:2] == [
        (1, "open", "x"),
        (2, "open", "x"),
    ]
    assert len(github.issues) == 3


def test_a_lost_answer_leaves_no_second_issue(github: FakeGitHub, repository: Repository) -> None:
    github.fail("POST", f"/repos/{REPO}/issues", 0)
    Issues(repository, "drift").revise(MARKER, "drift in production", lambda _: Text("text", open=True))
    (issue,) = github.issues.values()
    assert issue["body"] == f"text\n\n{MARKER}"
