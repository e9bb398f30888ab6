"""A GitHub of its own for every test, and the way to it."""

from collections.abc import Iterator

import pytest

from pipeline.clients import GitHubTransport
from pipeline.github.client import Client
from pipeline.github.repository import Repository
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
