"""A release that gets its traffic in steps, as its pull request is told of it."""

import io
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from pipeline.commands.following import Following
from pipeline.commands.hub import hub_of, run_of
from pipeline.commands.watching import Watching
from pipeline.commands.workspace import Clock, Workspace
from pipeline.config.loaded import GitHubSettings
from pipeline.model.intent import Intent, Kind
from pipeline.model.report import Canary
from pipeline.model.rollout import Outcome, RolloutStatus
from pipeline.model.shift import Rollout
from pipeline.model.strategy import Step, Strategy
from pipeline.reporting.console import Console
from pipeline.rollout.events import Wait
from tests.reporting.test_texts import PLAN, RELEASE
from tests.support.fake_github import REPO, FakeGitHub, Ticks

COMMIT = str(RELEASE.commit)
ROLLOUT = Rollout(RELEASE, Strategy(name="canary", steps=(Step(weight=10.0, bake=60),)), (), "sha256:x", 0.0, base=41)


class Ears:
    """A follower that keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def planned(self, plan: object) -> None:
        self.heard.append("planned")

    def progress(self, commit: str | None, text: str) -> None:
        self.heard.append(f"{text} of {(commit or '')[:7]}")


def at(weight: float, outcome: Outcome = Outcome.RUNNING, **more: object) -> Rollout:
    status = RolloutStatus(weight=weight, outcome=outcome)
    return ROLLOUT.with_status(replace(status, **more))  # type: ignore[arg-type]  # the tests name only real fields


@pytest.fixture
def space(github: FakeGitHub, tmp_path: Path) -> Workspace:
    """The surroundings of run 7; pull request 1 brought the release."""
    github.add_pull(1, "b" * 40, merge=COMMIT)
    ticks = Ticks()
    environ = {"GITHUB_TOKEN": "token-of-the-job", "GITHUB_REPOSITORY": REPO, "GITHUB_API_URL": github.url}
    return Workspace(
        root=tmp_path, environment_name="dev", local=False, console=Console(io.StringIO(), io.StringIO()),
        clock=Clock(ticks.now, ticks.monotonic, ticks.sleep), stop=Event(),
        environ={**environ, "GITHUB_RUN_NUMBER": "7", "GITHUB_RUN_ID": "5007"},
    )  # fmt: skip


def test_who_follows_hears_only_what_is_new(space: Workspace) -> None:
    ears = Ears()
    space = replace(space, follower=ears)
    with Watching(space, at(0)) as watching:
        for rollout in (at(0), at(10), at(10), at(10, paused=True, reason="look"), at(100, Outcome.PROMOTED)):
            watching.tell(rollout, Wait(1.0))
    assert ears.heard == [f"{text} of {COMMIT[:7]}" for text in
                          ("canary 0 %", "canary 10 %", "canary 10 %, paused", "canary 100 %")]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "rollout", "waiting", "text", "state"),
    [
        (Kind.DEPLOY, at(10), "the gate", "🐤 **canary** 10 % of release 42, since run 7: `the gate`",
         "in_progress"),
        (Kind.DEPLOY, at(0, Outcome.REVERTED, reason="worse"), None,
         "⏪ **reverted**: release 42 was taken back in run 7, and the release before serves: `worse`", "failure"),
        (Kind.RESUME, at(100, Outcome.PROMOTED), None, "✅ **live** as release 42 since run 7", "success"),
        (Kind.PROMOTE, at(100, Outcome.PROMOTED), None, "✅ **live** as release 42 since run 7", "success"),
        (Kind.ABORT, at(0, Outcome.REVERTED), None, "⏪ **reverted**", "failure"),
    ],
)  # fmt: skip
def test_the_pull_request_of_the_release_is_told(
    space: Workspace, github: FakeGitHub, kind: Kind, rollout: Rollout, waiting: str | None, text: str, state: str
) -> None:  # fmt: skip
    begun = hub_of(replace(space, environ={**space.environ, "GITHUB_RUN_ID": "5001"}))
    assert begun is not None
    first = Following(space, Intent(Kind.DEPLOY, ("dev",), COMMIT), begun, run_of(space), GitHubSettings())
    first.begins()
    first.planned(PLAN)
    begun.close(space.console, stopped=False)

    hub = hub_of(space) if kind is not Kind.DEPLOY else begun
    assert hub is not None
    # The commit of a dispatch is that of the branch, not that of the release which is steered.
    sha = COMMIT if kind is Kind.DEPLOY else "f" * 40
    following = first if kind is Kind.DEPLOY else Following(
        space, Intent(kind, ("dev",), sha), hub, run_of(space), GitHubSettings()
    )  # fmt: skip
    following.shifted(Canary(rollout, waiting))
    hub.close(space.console, stopped=False)
    (body,) = github.bodies(1)
    assert text in body
    (deployment,) = github.deployments.values()
    assert github.statuses[deployment["id"]][-1]["state"] == state
