"""GitHub as a run knows it: who it is there, where it stands, and that nothing waits for it for long."""

import io
import subprocess
from pathlib import Path
from threading import Event

import pytest

from pipeline.commands.hub import Hub, answer, attempt_of, hub_of, key_of
from pipeline.commands.workspace import Clock, Workspace
from pipeline.errors import GitHubError
from pipeline.github.repository import Repository
from pipeline.reporting.answer_text import answer_marker
from pipeline.reporting.console import Console
from pipeline.reporting.plan_comment import marker
from pipeline.reporting.status_text import Run
from tests.support.fake_github import REPO, FakeGitHub, Ticks

TOKEN = {"GITHUB_TOKEN": "token-of-the-job", "GITHUB_REPOSITORY": REPO}


def space(root: Path, environ: dict[str, str]) -> Workspace:
    ticks = Ticks()
    return Workspace(
        root=root, environment_name=None, local=False, console=Console(io.StringIO(), io.StringIO()),
        clock=Clock(ticks.now, ticks.monotonic, ticks.sleep), stop=Event(), environ=environ,
    )  # fmt: skip


@pytest.mark.parametrize("missing", sorted(TOKEN))
def test_without_a_token_or_a_repository_there_is_nobody_to_tell(tmp_path: Path, missing: str) -> None:
    assert hub_of(space(tmp_path, {**TOKEN, missing: ""})) is None


def test_a_service_in_a_folder_has_places_of_its_own(tmp_path: Path) -> None:
    root = tmp_path / "services" / "größe -->"
    root.mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    hub = hub_of(space(root, TOKEN))
    assert hub is not None
    assert hub.place("dev") == "services/größe -->/dev"
    for hidden in (marker(hub.place("dev")), answer_marker(7, "", hub.place("dev"))):
        assert hidden.endswith(" services/gr%C3%B6%C3%9Fe%20--%3E/dev -->")
        assert hidden.isascii()


def test_a_run_that_was_started_again_is_another_one() -> None:
    assert key_of({"GITHUB_RUN_ID": "7", "GITHUB_RUN_ATTEMPT": "2"}) == "7.2"
    assert key_of({}) == "local.1"
    assert attempt_of({"GITHUB_RUN_ATTEMPT": "many"}) == 1


def test_an_answer_that_does_not_come_is_not_waited_for(repository: Repository) -> None:
    hub, never = Hub(repository, Run(), "7.1"), Event()
    with pytest.raises(GitHubError, match=r"no answer within 0\.01 s"):
        answer(hub.ask(lambda: never.wait(30)), 0.01)
    never.set()
    assert answer(hub.ask(lambda: 42)) == 42


def test_what_went_wrong_is_raised_where_it_is_asked_for(repository: Repository, github: FakeGitHub) -> None:
    hub = Hub(repository, Run(), "7.1")
    github.denied = {"pull-requests"}
    with pytest.raises(GitHubError, match="403"):
        answer(hub.ask(lambda: hub.pulls_of("a" * 40)))


def test_the_pull_requests_of_a_commit_are_asked_for_once_and_merged_ones_come_first(
    repository: Repository, github: FakeGitHub
) -> None:
    hub = Hub(repository, Run(), "7.1")
    github.add_pull(1, "b" * 40)
    github.add_pull(2, "c" * 40, merge="a" * 40)
    github.commits["a" * 40] = [1, 2]
    assert [[pull.number for pull in hub.pulls_of("a" * 40)] for _ in range(2)] == [[2, 1]] * 2
    assert len(github.requests) == 1


def test_what_could_not_be_told_is_said_once_at_the_end(
    repository: Repository, github: FakeGitHub, tmp_path: Path
) -> None:
    hub, around = Hub(repository, Run(), "7.1"), space(tmp_path, {})
    for _ in range(2):
        hub.outbox.put("the labels", lambda: repository.set_labels(1, ["x" * 51], []))
        hub.close(around.console, stopped=False)
    err = around.console.err
    assert isinstance(err, io.StringIO)
    assert "telling GitHub: the labels: GitHub: POST" in err.getvalue()
    assert "nothing else depends on it" in err.getvalue()
    assert [mistake.endswith("is too long") for mistake in github.mistakes] == [True, True]
    github.mistakes.clear()
