"""An AWS played by moto behind a proxy that counts and breaks, and a small service to deploy to it."""

import json
import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.support import Service
from tests.granting.enforced import emulator
from tests.support import moto_server
from tests.support.acting import ADDRESS, acting
from tests.support.fault_proxy import FaultProxy

TABLE = Path(__file__).with_name("not_enforced.json")


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One moto server for all tests of a process; with ENFORCED an emulator in its place that enforces IAM."""
    if os.environ.get("ENFORCED"):
        with emulator(tmp_path_factory.mktemp("emulator")) as url, acting({ADDRESS: url}):
            yield url
        return
    with moto_server.running() as url:
        yield url


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What cannot be where IAM is enforced has its reason in a table, and may not be in it without need."""
    if not os.environ.get("ENFORCED"):
        return
    reasons = {
        test: reason for reason, tests in json.loads(TABLE.read_text(encoding="utf-8")).items() for test in tests
    }
    for item in items:
        for name in (item.nodeid, item.nodeid.partition("[")[0]):
            if name in reasons:
                run = "subtests" not in getattr(item, "fixturenames", ())  # whose own outcomes nothing can expect
                item.add_marker(pytest.mark.xfail(strict=True, run=run, reason=reasons[name]))


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
