"""Rollback tags: who may push one, and who is told what came of it."""

import pytest

from tests.github.service import PROJECT, Service
from tests.support.fake_github import REPO, FakeGitHub

GRAPHQL = "/graphql"


@pytest.fixture
def live(service: Service, github: FakeGitHub) -> str:
    """Release 2 in production, which pull request 2 brought: its commit."""
    github.roles = {"ada": ("write", "write"), "grace": ("write", "maintain"), "eve": ("read", "read")}
    service.pushed(service.commit("orders"))
    head = service.commit("orders", "pay")
    service.opened(2, head)
    merge = service.commit("orders", "pay")
    assert service.merged(2, head, merge).code == 0
    return merge


def test_the_pull_request_of_what_was_reverted_is_told(service: Service, github: FakeGitHub, live: str) -> None:
    result = service.tagged("rollback/production/previous", "f" * 40)
    assert result.code == 0, result.err
    plan, notice = github.bodies(2)
    for body in (plan, notice):
        assert "⏪ **reverted**: release 2 was rolled back to release 1 by `ada` in [run 4]" in body
        assert "`production` is on hold" in body
    assert plan.splitlines()[0].startswith("### 🟢 `production`")
    assert github.reverted == []
    deployment = list(github.deployments.values())[-1]
    assert deployment["task"] == "rollback"
    assert github.statuses[deployment["id"]][-1]["description"] == "release 3 restores 1"


def test_the_same_tag_again_tells_nothing_new(service: Service, github: FakeGitHub, live: str) -> None:
    for _ in range(2):
        assert service.tagged("rollback/production/1", "f" * 40).code == 0
    assert len(github.bodies(2)) == 2


def test_who_may_not_roll_back(service: Service, github: FakeGitHub, live: str) -> None:
    result = service.tagged("rollback/production/previous", "f" * 40, by="eve")
    assert result.code == 4
    assert "eve has the permission read here, and write is needed" in result.err
    assert len(service.cli("releases", "--env", "production", "--format", "json").json["releases"]) == 2


def test_an_environment_may_demand_more(service: Service, github: FakeGitHub, live: str) -> None:
    service.write("pipeline.yaml", PROJECT.replace("main", "{branch: main, permission: maintain}"))
    tag = ("rollback/production/previous", "f" * 40)
    assert service.tagged(*tag, by="ada").code == 4
    assert service.tagged(*tag, by="ada", GITHUB_TOKEN="").code == 4
    assert service.tagged(*tag, by="release-bot[bot]").code == 4
    assert service.tagged(*tag, by="grace").code == 0


@pytest.mark.slow
def test_a_github_that_is_down_keeps_nobody_from_rolling_back(
    service: Service, github: FakeGitHub, live: str
) -> None:  # fmt: skip
    github.fail("*", f"/repos/{REPO}/.*", 503, 999)
    result = service.tagged("rollback/production/previous", "f" * 40)
    assert result.code == 0
    assert "what ada may do could not be asked" in result.err
    assert "pushing the tag took write" in result.err


@pytest.mark.parametrize("lost", [False, True])
def test_a_pull_request_that_reverts_is_opened_where_that_is_wanted(
    service: Service, github: FakeGitHub, live: str, lost: bool
) -> None:
    service.write("pipeline.yaml", f"{PROJECT}github: {{revert_pull_request: true}}\n")
    if lost:
        # The first asks who we are; the second is the mutation.
        github.fail("POST", GRAPHQL, 404, body={"message": "Not Found"})
        github.fail("POST", GRAPHQL, 0)
    assert service.tagged("rollback/production/previous", "f" * 40).code == 0
    assert github.reverted == ["PR_2"]
    url = f"https://github.example/{REPO}/pull/99"
    assert f"There is [a pull request that reverts this one]({url})." in github.bodies(2)[1]


def test_what_hinders_the_revert_is_reported(service: Service, github: FakeGitHub, live: str) -> None:
    service.write("pipeline.yaml", f"{PROJECT}github: {{revert_pull_request: true}}\n")
    github.denied = {"contents"}
    result = service.tagged("rollback/production/previous", "f" * 40)
    assert result.code == 0
    assert "reverting pull request 2: Resource not accessible by integration" in result.err


def test_a_tag_that_cannot_be_carried_out_is_an_error(service: Service, github: FakeGitHub, live: str) -> None:
    assert service.tagged("rollback/production/latest", "f" * 40).code == 2
    assert service.tagged("rollback/production/9", "f" * 40).code == 2
