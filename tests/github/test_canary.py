"""A release that gets its traffic in steps, as its pull request is told of it."""

import os
from dataclasses import replace

import pytest

from pipeline.commands.delivering import deploy
from pipeline.commands.following import Following
from pipeline.commands.hub import hub_of, run_of
from pipeline.commands.requesting import DeployRequest
from pipeline.config.loaded import GitHubSettings
from pipeline.model.intent import Intent, Kind
from tests.functional.canary import Rig
from tests.functional.conftest import moto, proxy, shop
from tests.functional.support import Service
from tests.functional.test_canary import CANARY
from tests.support.fake_github import REPO, FakeGitHub

__all__ = ["moto", "proxy", "shop"]

COMMIT = "a" * 40


class Ears:
    """A follower that keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def planned(self, plan: object) -> None:
        self.heard.append("planned")

    def progress(self, commit: str | None, text: str) -> None:
        self.heard.append(text)


@pytest.mark.slow
def test_a_canary_is_followed_to_its_end(shop: Service, github: FakeGitHub) -> None:
    rig, ears = Rig.of(shop, CANARY), Ears()
    deploy(rig.workspace(), DeployRequest())
    rig.change(4)
    rig.visitors.errors["shop-orders", "2"] = 0.5
    report = deploy(replace(rig.workspace(), follower=ears), DeployRequest())
    assert ears.heard == ["planned", "canary 0 %", "canary 10 %", "canary 0 %"]

    github.add_pull(1, "b" * 40, merge=COMMIT)
    environ = {"GITHUB_TOKEN": "token-of-the-job", "GITHUB_REPOSITORY": REPO, "GITHUB_API_URL": github.url}
    space = replace(rig.workspace(), environ={**os.environ, **environ, "GITHUB_RUN_NUMBER": "7"})
    hub = hub_of(space)
    assert hub is not None
    assert report.canary is not None
    following = Following(space, Intent(Kind.DEPLOY, ("test",), COMMIT), hub, run_of(space), GitHubSettings())
    following.begins()
    following.planned(report.plan)
    following.shifted(report.canary, report)
    hub.close(space.console, stopped=False)
    (body,) = github.bodies(1)
    assert "⏪ **reverted**: release 2 was taken back in run 7, and the release before serves: `" in body
    (deployment,) = github.deployments.values()
    assert github.statuses[deployment["id"]][-1] | {"id": 0} == {
        "id": 0, "state": "failure", "description": "release 2 is reverted", "log_url": "", "environment_url": "",
    }  # fmt: skip
