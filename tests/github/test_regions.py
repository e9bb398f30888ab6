"""An environment in several regions: one comment, one check run, one issue, whoever writes them, and when."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from pipeline.clients import connect
from pipeline.commands.hub import Hub
from pipeline.errors import Diagnostic
from pipeline.github.checks import Check, Checks
from pipeline.github.client import Client
from pipeline.github.issues import Issues, Text
from pipeline.github.repository import Repository
from pipeline.reporting.console import Console
from pipeline.reporting.parts import Part, joined, parts_in, with_part
from pipeline.reporting.regional import Judged, Regional
from pipeline.reporting.status_text import Run
from tests.github.service import ENVIRONMENT, Service
from tests.support.fake_github import REPO, FakeGitHub

HOME, AWAY = REGIONS = ("us-east-1", "eu-west-1")
MARK, SHA = "<!-- mark -->", "a" * 40


def comment(github: FakeGitHub, number: int = 1) -> str:
    (body,) = [body for body in github.bodies(number) if "pipeline:plan" in body]
    return body


def grow(service: Service) -> None:
    text = ENVIRONMENT.format("production").replace("AWS_REGION=us-east-1", f"AWS_REGIONS={HOME},{AWAY}")
    service.write("environments/production.env", text)


def delete(moto_server: str, region: str, name: str) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    aws = connect(region, environment={"AWS_ENDPOINT_URL": moto_server, **keys})
    aws.call("sns", "DeleteTopic", TopicArn=f"arn:aws:sns:{region}:123456789012:{name}")


@pytest.mark.slow
def test_one_comment_one_check_and_one_issue_for_all_regions(
    service: Service, github: FakeGitHub, moto_server: str
) -> None:
    """It grew: what was written while it had one region is gone on with."""
    first = service.commit("orders")
    service.merged(9, first, first)
    delete(moto_server, HOME, "tiny-production-orders")
    schedule: tuple[Any, ...] = ("schedule", {"schedule": "23 5 * * *"}, "--env", "production")
    service.run(*schedule)
    (issue,) = github.issues.values()
    service.opened(1, first)
    assert comment(github).startswith("### 🟡 `production` at")

    grow(service)
    head = service.commit("orders", "pay")
    assert service.opened(1, head).code == 0
    body = comment(github)
    assert body.splitlines()[0] == f"### 🟡 `production` in 2 regions at `{head[:7]}`: +5 · 1 undoes drift"
    assert list(parts_in(body)) == [HOME, AWAY]
    assert f"#### 🟡 `{HOME}` at `{head[:7]}`: +2 · 1 undoes drift" in body
    assert f"#### 🟢 `{AWAY}` at `{head[:7]}`: +3" in body
    assert github.labels[1] == ["production: drift"]
    check = list(github.checks.values())[-1]
    assert (check["name"], check["status"], check["conclusion"]) == ("plan production", "completed", "success")
    assert len(github.checks) == 2

    merged = service.merged(1, head, head)
    assert merged.code == 0, merged.err
    body = comment(github)
    assert (body.count("**live** as release 2"), body.count("**live** as release 1")) == (1, 1)
    delete(moto_server, AWAY, "tiny-production-pay")
    service.run(*schedule)
    assert (list(github.issues), issue["state"]) == ([issue["number"]], "open")
    assert [part.about for part in parts_in(issue["body"]).values()] == [{"drifted": False}, {"drifted": True}]
    assert f"### ⚠️ `production` in `{AWAY}`: 1 drifted" in issue["body"]
    service.pushed(head)
    service.run(*schedule)
    assert (issue["state"], len(github.issues)) == ("closed", 1)


@pytest.mark.slow
def test_regions_on_runners_of_their_own_write_parts_of_the_same(service: Service, github: FakeGitHub) -> None:
    grow(service)
    head = service.commit("orders")
    about = {"GITHUB_RUN_ID": "77"}
    assert service.opened(1, head, **about, options=("--env", "production", "--region", AWAY)).code == 0
    (check,) = github.checks.values()
    assert check["status"] == "in_progress", "a check that is required lets nothing through that was half looked at"
    assert comment(github).splitlines()[0] == f"### 🟢 `production` in 2 regions at `{head[:7]}`: +2 · without `{HOME}`"
    again = {**about, "GITHUB_RUN_ATTEMPT": "2"}
    assert service.opened(1, head, **again, options=("--env", "production", "--region", HOME)).code == 0
    assert comment(github).splitlines()[0] == f"### 🟢 `production` in 2 regions at `{head[:7]}`: +4"
    assert [(each["status"], each["conclusion"]) for each in github.checks.values()] == [("completed", "success")]


# Two runs at the same time: what one of them does between the reading and the writing of the other.


def writer(region: str, meanwhile: Callable[[], object] | None = None) -> Callable[[str | None], str]:
    left = [meanwhile]

    def write(old: str | None) -> str:
        if (act := left.pop() if left else None) is not None:
            act()
        return f"{joined(with_part(old, region, Part(region), REGIONS))}\n\n{MARK}"

    return write


@pytest.fixture
def hubs(repository: Repository, client: Client) -> tuple[Hub, Hub]:
    one, other = (Hub(each, Run(), "7.1", beside=True) for each in (repository, Repository(client, REPO)))
    return one, other


@pytest.mark.parametrize("there", [True, False], ids=["edited", "made"])
def test_a_comment_loses_no_part(hubs: tuple[Hub, Hub], github: FakeGitHub, there: bool) -> None:
    one, other = hubs
    if there:
        github.add_comment(1, MARK, github.login, "Bot")
    quick = writer(HOME)
    slow = writer(AWAY, lambda: one.repository.revise_comment(1, MARK, quick))
    other.repository.revise_comment(1, MARK, slow)
    assert [list(parts_in(body)) for body in github.bodies(1)] == ([[AWAY]] if there else [[HOME], [AWAY]])
    for hub, write in ((other, slow), (one, quick)):
        hub.put("the comment", partial(hub.repository.revise_comment, 1, MARK, write), shared=True)
        hub.close(Console.of_process("text"), stopped=False)
        assert hub.outbox.problems == []
    (body,) = github.bodies(1)
    assert list(parts_in(body)) == [HOME, AWAY]


def test_a_comment_is_read_anew_before_it_is_written_again(repository: Repository, github: FakeGitHub) -> None:
    made = github.add_comment(1, MARK, github.login, "Bot")
    github.fail("PATCH", f"/repos/{REPO}/issues/comments/{made}", 502)
    quick = writer(HOME)
    calls: list[str | None] = []

    def write(old: str | None) -> str:
        calls.append(old)
        if len(calls) == 1:
            Repository(repository.client, REPO).revise_comment(2, MARK, quick)
            github.comments[made]["body"] = quick(github.comments[made]["body"])
        return writer(AWAY)(old)

    assert repository.revise_comment(1, MARK, write)
    assert list(parts_in(github.comments[made]["body"])) == [HOME, AWAY]
    assert len(calls) == 2


def test_a_comment_that_somebody_deleted_meanwhile_is_made_anew(repository: Repository, github: FakeGitHub) -> None:
    made = github.add_comment(1, MARK, github.login, "Bot")
    github.fail("GET", f"/repos/{REPO}/issues/comments/{made}", 404, body={"message": "Not Found"})
    assert repository.revise_comment(1, MARK, writer(HOME))
    assert [list(parts_in(body)) for body in github.bodies(1)] == [[], [HOME]]


FINDING = Diagnostic("it is wide", "aws/a.yaml", 3, severity="warning")


def test_a_check_run_is_as_bad_as_the_worst_region(client: Client, github: FakeGitHub) -> None:
    """Made twice at the same time: the newer one is the check, and the other one says so."""
    checks = Checks(client, REPO)

    def put(region: str, conclusion: str, meanwhile: Callable[[], object] | None = None) -> bool:
        left = [meanwhile]

        def write(old: str | None) -> Check:
            if (act := left.pop() if left else None) is not None:
                act()
            now = Regional("dev", region, REGIONS).check(old, Judged(conclusion, f"of {region}", "text"))
            return Check("plan dev", SHA, now.conclusion, now.title, now.summary, (FINDING,))

        return checks.revise("plan dev", SHA, "7", write)

    put(AWAY, "neutral", lambda: put(HOME, "success"))
    assert [check["status"] for check in github.checks.values()] == ["in_progress", "in_progress"]
    assert [put(HOME, "success"), put(AWAY, "neutral"), put(HOME, "success")] == [True, False, False]
    old, new = github.checks.values()
    assert (old["conclusion"], new["conclusion"]) == ("skipped", "neutral")
    assert new["output"]["title"] == f"{HOME}: of {HOME}; {AWAY}: of {AWAY}"
    assert [each["message"] for each in new["annotations"]] == ["it is wide"], "both regions found it"
    put(HOME, "failure")
    assert new["conclusion"] == "failure"


def test_a_check_run_has_failed_as_soon_as_one_region_has() -> None:
    judged = Regional("dev", HOME, REGIONS).check(None, Judged("failure", "x", "text"))
    assert judged.conclusion == "failure"


def test_an_issue_that_was_opened_twice_is_one(repository: Repository, github: FakeGitHub) -> None:
    issues = Issues(repository, "drift")

    def put(region: str, *, drifted: bool, meanwhile: Callable[[], object] | None = None) -> bool:
        left = [meanwhile]

        def write(old: str | None) -> Text:
            if (act := left.pop() if left else None) is not None:
                act()
            return Text(*Regional("dev", region, REGIONS).issue(old, f"of {region}", drifted=drifted))

        return issues.revise(MARK, "drift in dev", write)

    put(AWAY, drifted=True, meanwhile=lambda: put(HOME, drifted=True))
    assert len(github.issues) == 2
    assert [put(AWAY, drifted=True), put(HOME, drifted=True)] == [True, False]
    first, second = github.issues.values()
    assert (first["state"], second["state"], second["state_reason"]) == ("open", "closed", "not_planned")
    assert second["body"] == f"It goes on in #{first['number']}."
    assert list(parts_in(first["body"])) == [HOME, AWAY]
    put(HOME, drifted=False)
    assert first["state"] == "open"
    put(AWAY, drifted=False)
    assert first["state"] == "closed"
