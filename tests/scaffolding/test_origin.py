"""Where a new repository fetches the pipeline: from where others can fetch it, too, or it is said that they cannot."""

import subprocess
from pathlib import Path

import pytest

from pipeline.scaffolding.answers import Tool
from pipeline.scaffolding.origin import published
from tests.repository.files import ROOT
from tests.scaffolding.support import init

URL = "https://github.com/acme/pipeline"


def git(place: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=x", "-c", "user.email=x@e.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(place), *identity, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """A clone of a repository on the web, with one commit of it."""
    place = tmp_path / "upstream"
    subprocess.run(["git", "init", "-q", str(place)], check=True)
    git(place, "commit", "-q", "--allow-empty", "-m", "first")
    git(place, "remote", "add", "origin", f"https://x-access-token:s3cret@{URL.removeprefix('https://')}")
    git(place, "update-ref", "refs/remotes/origin/main", "HEAD")
    return place


def test_a_clone_of_a_clone_leads_to_where_both_are_from(upstream: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(upstream), str(clone)], check=True)
    commit = git(clone, "rev-parse", "HEAD")
    assert published(upstream, commit) == published(clone, commit) == URL, "and no token comes along"
    git(upstream, "commit", "-q", "--allow-empty", "-m", "second")
    git(clone, "pull", "-q")
    assert published(clone, git(clone, "rev-parse", "HEAD")) is None, "nobody pushed that one"


def test_clones_of_each_other_lead_nowhere(upstream: Path) -> None:
    git(upstream, "remote", "set-url", "origin", str(upstream))
    assert published(upstream, git(upstream, "rev-parse", "HEAD")) is None


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("/srv/pipeline", True),
        ("../pipeline", True),
        ("file:///srv/pipeline", True),
        (URL, False),
        ("ssh://git@example.com/pipeline", False),
        ("git@github.com:acme/pipeline.git", False),
        ("", False),
    ],
)
def test_which_origins_only_this_machine_has(url: str, local: bool) -> None:
    assert Tool(url).is_local is local


@pytest.mark.parametrize("manual", [[], ["--from-manual", str(ROOT / "tests/fixtures/manual")]])
def test_what_only_this_machine_has_is_told_with_what_to_edit(tmp_path: Path, manual: list[str]) -> None:
    done = init(str(tmp_path / "orders"), *manual, "--tool", "/srv/pipeline@abc", form="text")
    assert "url in ./run: it is /srv/pipeline" in done.out
    assert ".github/workflows/pipeline.yml" in done.out
    elsewhere = init(str(tmp_path / "shop"), *manual, "--tool", f"{URL}@abc", form="text")
    assert "./run:" not in elsewhere.out
