"""A GitHub of its own for every test, and the way to it."""

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.clients import GitHubTransport
from pipeline.github.client import Client
from pipeline.github.repository import Repository
from tests.github.service import Service
from tests.support import fake_github
from tests.support.fake_github import REPO, FakeGitHub, Ticks


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with fake_github.running() as fake:
        yield fake


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def client(github: FakeGitHub, ticks: Ticks) -> Client:
    return Client(GitHubTransport("token-of-the-job", github.url), ticks)


@pytest.fixture
def repository(client: Client) -> Repository:
    return Repository(client, REPO)


@pytest.fixture
def service(
    moto_server: str, aws_environment: None, github: FakeGitHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Service:
    """The service, in an AWS that has nothing of it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_server)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with urllib.request.urlopen(urllib.request.Request(f"{moto_server}/moto-api/reset", method="POST"), timeout=30):
        pass
    found = Service(tmp_path / "tiny", github, monkeypatch)
    found.root.mkdir()
    found.setup()
    return found
