"""Rollback tags: who may push one, and who is told what came of it."""

import pytest

from tests.github.service import PROJECT, Service
from tests.support.fake_github import REPO, FakeGitHub

TAG = ("rollback/production/previous", "f" * 40)
# What comes after the permission: nothing was released in this account.
ALLOWED = 2


@pytest.fixture
def people(github: FakeGitHub) -> None:
    """Who may what: ada writes, grace maintains, eve reads."""
    github.roles = {"ada": ("write", "write"), "grace": ("write", "maintain"), "eve": ("read", "read")}


@pytest.fixture
def live(service: Service, github: FakeGitHub, people: None) -> str:
    """Release 2 in production, which pull request 2 brought: its commit."""
    service.pushed(service.commit("orders"))
    merge = service.commit("orders", "pay")
    assert service.merged(2, "b" * 40, merge).code == 0
    return merge


def test_the_pull_request_of_what_was_reverted_is_told(service: Service, github: FakeGitHub, live: str) -> None:
    for _ in range(2):
        result = service.tagged(*TAG, GITHUB_RUN_ID="77")
        assert result.code == 0, result.err
    plan, notice = github.bodies(2)
    for body in (plan, notice):
        assert "⏪ **reverted**: release 2 was rolled back to release 1 by `ada` in [run 3]" in body
        assert "`production` is on hold" in body
    assert plan.splitlines()[0].startswith("### 🟢 `production`")
    assert github.reverted == []
    deployment = list(github.deployments.values())[-1]
    assert deployment["task"] == "rollback"
    assert github.statuses[deployment["id"]][-1]["description"] == "release 3 restores 1"


def test_all_pull_requests_whose_changes_serve_no_more_are_told(
    service: Service, github: FakeGitHub, people: None
) -> None:
    first = service.commit("orders")
    service.pushed(first)
    queued, last, newer = (
        service.commit(*names) for names in (["orders", *"a"], ["orders", *"ab"], ["orders", *"abc"])
    )
    github.history = [first, queued, last, newer]
    for number, commit in ((2, queued), (3, last), (4, newer)):
        github.add_pull(number, f"{number}" * 40, merge=commit)
    for commit in (last, newer):
        service.git("checkout", "--quiet", commit)
        assert service.pushed(commit).code == 0
    assert service.tagged("rollback/production/1", "f" * 40).code == 0
    told = [sum("⏪ **reverted**: release 3" in body for body in github.bodies(number)) for number in (2, 3, 4)]
    assert told == [1, 2, 2], "of the first there was no comment to edit"


def test_the_same_run_once_more_does_not_roll_back_what_came_since(
    service: Service, github: FakeGitHub, live: str
) -> None:
    assert service.tagged(*TAG, GITHUB_RUN_ID="77").code == 0
    service.commit("orders", "pay", "refund")
    assert service.cli("deploy", "--env", "production", "--clear-hold").code == 0
    again = service.tagged(*TAG, GITHUB_RUN_ID="77", GITHUB_RUN_ATTEMPT="2")
    assert again.code == 0, again.err
    assert "this run has rolled production back before, as release 3" in again.out
    assert "release 4 serves since" in again.out
    assert github.statuses[list(github.deployments)[-1]][-1]["state"] == "inactive"
    assert service.tagged(*TAG, GITHUB_RUN_ID="78").code == 0
    assert '"release": 5' in service.cli("releases", "--env", "production", "--format", "json").out


def test_who_may_not_roll_back(service: Service, people: None) -> None:
    result = service.tagged(*TAG, by="eve")
    assert result.code == 4
    assert "eve has the permission read here, and write is needed" in result.err
    assert service.tagged(*TAG, by="ada").code == ALLOWED


def test_an_environment_may_demand_more(service: Service, people: None) -> None:
    service.write("pipeline.yaml", PROJECT.replace("main", "{branch: main, permission: maintain}"))
    assert service.tagged(*TAG, by="ada").code == 4
    assert service.tagged(*TAG, by="ada", GITHUB_TOKEN="").code == 4
    assert service.tagged(*TAG, by="release-bot[bot]").code == 4
    assert service.tagged(*TAG, by="grace").code == ALLOWED


@pytest.mark.slow
def test_a_github_that_is_down_keeps_nobody_from_rolling_back(
    service: Service, github: FakeGitHub, people: None
) -> None:
    github.fail("*", f"/repos/{REPO}/.*", 503, 999)
    result = service.tagged(*TAG)
    assert result.code == ALLOWED
    assert "what ada may do could not be asked" in result.err
    assert "pushing the tag took write" in result.err


def test_a_pull_request_that_reverts_is_opened_once_where_that_is_wanted(
    service: Service, github: FakeGitHub, live: str
) -> None:
    service.write("pipeline.yaml", f"{PROJECT}github: {{revert_pull_request: true}}\n")
    github.denied = {"contents:write"}
    assert service.tagged(*TAG).code == 0
    assert (service.outputs()["reverted"], github.reverted) == ("2", [])
    github.denied.clear()
    github.fail("POST", "/graphql", 0)
    for _ in range(2):
        assert service.cli_on_github("run", "--revert", "2").code == 0
    assert github.reverted == ["PR_2"]
    url = f"https://github.example/{REPO}/pull/99"
    (told,) = [body for body in github.bodies(2) if "a pull request that reverts" in body]
    assert told.count(f"There is [a pull request that reverts this one]({url}).") == 1
    assert "⏪ **reverted**" in told


def test_what_hinders_the_revert_is_an_error_of_its_own_job(service: Service, github: FakeGitHub, live: str) -> None:
    github.denied = {"contents"}
    result = service.cli_on_github("run", "--revert", "2")
    assert result.code == 1
    assert "reverting pull request 2: Resource not accessible by integration" in result.err
    github.add_pull(5, "a" * 40)
    for number in ("5", "6"):
        assert "no such pull request was merged" in service.cli_on_github("run", "--revert", number).err
    service.patch.setenv("GITHUB_TOKEN", "")
    assert service.cli("run", "--revert", "2").code == 2


def test_without_the_setting_nothing_is_to_be_reverted(service: Service, github: FakeGitHub, live: str) -> None:
    assert service.tagged(*TAG).code == 0
    assert "reverted" not in service.outputs()


def test_a_tag_that_cannot_be_carried_out_is_an_error(service: Service) -> None:
    assert service.tagged("rollback/production/latest", "f" * 40).code == 2
