"""An AWS played by moto behind a proxy that counts and breaks, and a small service to deploy to it."""

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.support import Service
from tests.support import moto_server
from tests.support.fault_proxy import FaultProxy


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """One moto server for all tests of a process."""
    with moto_server.running() as url:
        yield url


@pytest.fixture
def proxy(moto: str) -> Iterator[FaultProxy]:
    """An empty account, behind a proxy."""
    with urllib.request.urlopen(urllib.request.Request(f"{moto}/moto-api/reset", method="POST"), timeout=30):
        pass
    with FaultProxy(moto) as found:
        yield found


@pytest.fixture
def shop(proxy: FaultProxy, tmp_path: Path, aws_environment: None, monkeypatch: pytest.MonkeyPatch) -> Service:
    """The service `shop`, which the account knows nothing of yet."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("GITHUB_ACTIONS", "GITHUB_ACTOR", "GITHUB_RUN_ID", "GITHUB_TOKEN", "GH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return Service.copy("shop", tmp_path, proxy.url)
