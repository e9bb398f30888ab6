"""What a repository is told and asked: found over all pages, written once, by the right author."""

import pytest

from pipeline.errors import Diagnostic
from pipeline.github.checks import Check, Checks
from pipeline.github.client import Client
from pipeline.github.deployments import Deployments, Target
from pipeline.github.repository import Repository
from tests.support.fake_github import BOT, REPO, FakeGitHub

MARK = "<!-- pipeline plan dev -->"
SHA = "a" * 40
CHECKS = rf"/repos/{REPO}/check-runs"


def put(repository: Repository, body: str) -> None:
    repository.put_comment(1, MARK, lambda _: f"{body} {MARK}")


def test_one_comment_is_made_and_then_edited(repository: Repository, github: FakeGitHub) -> None:
    for body in ("one", "two", "two"):
        put(repository, body)
    assert github.bodies(1) == [f"two {MARK}"]
    assert [verb for verb, _ in github.requests].count("PATCH") == 1


def test_a_comment_is_looked_for_once_in_a_run(repository: Repository, github: FakeGitHub) -> None:
    for body in ("one", "two", "three"):
        put(repository, body)
    assert [verb for verb, path in github.requests if path.endswith("/issues/1/comments")] == ["GET", "POST"]


def test_a_comment_that_somebody_deleted_is_made_anew(repository: Repository, github: FakeGitHub) -> None:
    put(repository, "one")
    github.comments.clear()
    put(repository, "two")
    assert github.bodies(1) == [f"two {MARK}"]


def test_a_comment_is_found_over_all_pages(repository: Repository, client: Client, github: FakeGitHub) -> None:
    github.per_page = 2
    put(repository, "one")
    for number in range(5):
        github.comments = {number: {**github.comments[1001], "body": "x", "id": number}, **github.comments}
    put(Repository(client, REPO), "two")
    assert [body for body in github.bodies(1) if MARK in body] == [f"two {MARK}"]


def test_a_marker_that_somebody_else_wrote_is_left_alone(repository: Repository, github: FakeGitHub) -> None:
    forged = [github.add_comment(1, MARK, login, kind) for login, kind in (("mallory", "User"), ("evil[bot]", "Bot"))]
    put(repository, "ours")
    assert [github.comments[number]["body"] for number in forged] == [MARK, MARK]
    assert github.bodies(1) == [f"ours {MARK}"]


def test_who_we_are_is_asked_in_two_ways(repository: Repository, github: FakeGitHub) -> None:
    github.login = "ada"
    github.fail("POST", "/graphql", 404, body={"message": "Not Found"})
    assert repository.login == "ada"


def test_where_github_does_not_tell_who_we_are_programs_are_believed(
    repository: Repository, github: FakeGitHub
) -> None:
    github.fail("POST", "/graphql", 404, 9, body={"message": "Not Found"})
    github.add_comment(1, MARK, "mallory")
    put(repository, "one")
    put(repository, "two")
    assert github.bodies(1) == [f"two {MARK}"]


def test_a_comment_may_be_left_as_it_is(repository: Repository, github: FakeGitHub) -> None:
    assert repository.put_comment(1, MARK, lambda _: None) is None
    assert github.comments == {}


def test_labels_of_others_stay(repository: Repository, github: FakeGitHub) -> None:
    github.labels[1] = ["bug", "dev: drift"]
    ours = ("dev: drift", "dev: destructive")
    repository.set_labels(1, ["dev: destructive"], ours)
    repository.set_labels(1, ["dev: destructive"], ours)
    assert github.labels[1] == ["bug", "dev: destructive"]


@pytest.mark.parametrize(
    ("role", "level"),
    [
        (("write", "maintain"), "maintain"),
        (("admin", "admin"), "admin"),
        (("read", "triage"), "triage"),
        (("write", "release-managers"), "write"),
        (("none", ""), "none"),
    ],
)
def test_permissions(repository: Repository, github: FakeGitHub, role: tuple[str, str], level: str) -> None:
    github.roles["ada"] = role
    assert repository.permission("ada") == level
    assert repository.permission("../nobody") == "none"


def test_a_login_is_one_part_of_a_path(repository: Repository, github: FakeGitHub) -> None:
    repository.permission("a/../../user?x=1#")
    assert github.requests == [("GET", f"/repos/{REPO}/collaborators/a%2F..%2F..%2Fuser%3Fx%3D1%23/permission")]


def test_the_pull_requests_of_a_commit(repository: Repository, github: FakeGitHub) -> None:
    github.add_pull(7, "b" * 40, merge=SHA)
    (found,) = repository.pulls_of(SHA)
    assert (found.number, found.head, found.base, found.merged, found.from_fork) == (7, "b" * 40, "main", True, False)
    assert repository.pulls_of("c" * 40) == []


def test_a_fork_that_is_gone_is_a_fork(repository: Repository, github: FakeGitHub) -> None:
    github.add_pull(7, SHA)
    github.pulls[7]["head"]["repo"] = None
    pull = repository.pull(7)
    assert pull is not None
    assert pull.from_fork


def test_branches_with_slashes(repository: Repository, github: FakeGitHub) -> None:
    github.branches["team/dev"] = SHA
    assert repository.head_of("team/dev") == SHA
    assert repository.head_of("other") is None


def test_a_workflow_is_started(repository: Repository, github: FakeGitHub) -> None:
    repository.dispatch("pipeline.yml", "main", {"action": "deploy"})
    assert github.dispatches == [{"workflow": "pipeline.yml", "ref": "main", "inputs": {"action": "deploy"}}]


def check(findings: int) -> Check:
    found = tuple(Diagnostic(f"finding {n}", "aws/x.yaml", n + 1, 3, hint="mend it") for n in range(findings))
    return Check("plan dev", SHA, "success", "+1", "text", (*found, Diagnostic("without a place")))


@pytest.mark.parametrize("lost", [None, "POST", "PATCH"])
def test_annotations_come_in_fifties_and_once(client: Client, github: FakeGitHub, lost: str | None) -> None:
    if lost:
        github.fail(lost, f"{CHECKS}.*", 0)
    Checks(client, REPO, "services/a/").put(check(120), "run-1")
    (made,) = github.checks.values()
    assert [each["start_line"] for each in made["annotations"]] == list(range(1, 121))
    assert made["annotations"][0] == {
        "path": "services/a/aws/x.yaml", "start_line": 1, "end_line": 1, "start_column": 3, "end_column": 3,
        "annotation_level": "failure", "message": "finding 0\ntry: mend it",
    }  # fmt: skip


def test_a_check_of_the_same_run_is_not_made_again(client: Client, github: FakeGitHub) -> None:
    checks = Checks(client, REPO)
    for run in ("run-1", "run-1", "run-2"):
        checks.put(check(60), run)
    assert [len(made["annotations"]) for made in github.checks.values()] == [60, 60]


@pytest.mark.parametrize("lost", [None, "deployments", r"deployments/\d+/statuses"])
def test_one_deployment_for_a_run_and_its_statuses(client: Client, github: FakeGitHub, lost: str | None) -> None:
    if lost:
        github.fail("POST", f"/repos/{REPO}/{lost}", 0)
    deployments, target = Deployments(client, REPO), Target("production", SHA, "run-1")
    deployments.put(target, "in_progress", "deploying", log_url="https://x/1")
    deployments.put(target, "success", "live as release 42" * 20, log_url="https://x/1", url="https://live")
    deployments.put(target, "success", "live as release 42" * 20, log_url="https://x/1", url="https://live")
    (made,) = github.deployments.values()
    statuses = github.statuses[made["id"]]
    assert [status["state"] for status in statuses] == ["in_progress", "success"]
    assert statuses[-1]["environment_url"] == "https://live"


def test_another_run_has_a_deployment_of_its_own(client: Client, github: FakeGitHub) -> None:
    for run in ("run-1", "run-2"):
        Deployments(client, REPO).put(Target("dev", SHA, run), "in_progress", "", log_url=None)
    assert len(github.deployments) == 2


def test_the_author_is_the_tokens(repository: Repository, github: FakeGitHub) -> None:
    put(repository, "x")
    assert github.comments[1001]["user"] == {"login": BOT, "type": "Bot"}
