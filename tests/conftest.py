"""Fixtures for every test: no network but loopback, no credentials but invented ones, and an AWS in process."""

import gc
import os
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import settings

from pipeline.applying.aws_client import AwsClient
from pipeline.local import supervisor
from pipeline.local.supervisor import LocalAws
from tests.support import models, order, recorded_actions
from tests.support.aws import SCOPE, FakeClock, local_client

_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",  # invented: no account answers to it
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}

# As the program itself has it: with everything that tests import in memory, looking for garbage takes longer still.
gc.set_threshold(100_000)
# How long an example takes says more about the machine than about what is tested.
settings.register_profile("patient", settings(deadline=None))
settings.load_profile("patient")


def pytest_configure(config: pytest.Config) -> None:
    """Records what the product asks AWS for."""
    recorded_actions.listen()
    config.pluginmanager.register(recorded_actions.Recording(config))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Puts what takes long first where several processes share the tests."""
    processes = int(getattr(config, "workerinput", {}).get("workercount", 1))
    if processes > 1:
        items[:] = order.dealt(items, processes)


class NetworkBlocked(RuntimeError):
    """A test tried to leave this machine."""


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sockets reach 127.0.0.0/8, ::1 and files; anything else fails at once, names included."""
    connect, connect_ex, resolve = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def checked(address: Any) -> Any:
        if isinstance(address, tuple) and not _is_here(address[0]):
            raise NetworkBlocked(f"a test may not connect to {address[0]}")
        return address

    def getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        if host is not None and not _is_here(host):
            raise NetworkBlocked(f"a test may not look up {host}")
        return resolve(host, *args, **options)

    monkeypatch.setattr(socket.socket, "connect", lambda self, address: connect(self, checked(address)))
    monkeypatch.setattr(socket.socket, "connect_ex", lambda self, address: connect_ex(self, checked(address)))
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def _is_here(host: Any) -> bool:
    text = host.decode() if isinstance(host, bytes) else str(host)
    if text in ("", "localhost") or text.endswith(".localhost"):
        return True
    try:
        return ip_address(text.partition("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture
def aws_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of this process without any AWS_ variable of the host, with credentials of nobody."""
    models.share()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in _CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def clock() -> FakeClock:
    """A clock whose sleep returns at once, having moved time."""
    return FakeClock()


@pytest.fixture
def aws(aws_environment: None, clock: FakeClock) -> Iterator[AwsClient]:
    """The way to an empty account 123456789012 in us-east-1, played by moto in this process."""
    from moto import mock_aws

    with mock_aws():
        client = local_client(clock)
        client.scope = SCOPE
        yield client


@pytest.fixture(scope="session")
def moto_server() -> Iterator[str]:
    """The URL of a moto server on a free port of 127.0.0.1; its state is shared by the tests of a process."""
    from tests.support.moto_server import running

    with running() as url:
        yield url


@pytest.fixture(scope="session")
def embedded_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """One embedded AWS for all tests of a process, which has many accounts; tests with it are marked `emulator`."""
    root = tmp_path_factory.mktemp("checkout")
    yield supervisor.start(root)
    supervisor.stop(root)
