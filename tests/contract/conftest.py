"""An account that can be emptied, for tests that begin again and again."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from pipeline.applying.aws_client import AwsClient
from pipeline.clients import BotoTransport
from tests.contract.moto_gaps import MotoGaps
from tests.contract.prerequisites import archive_place
from tests.support import moto_extension
from tests.support.aws import CREDENTIALS, REGION, SCOPE, FakeClock
from tests.support.edge import Edge
from tests.support.strict_transport import StrictTransport


def new_transport() -> BotoTransport:
    """Clients of moto."""
    return BotoTransport(REGION, threads=4, environment=CREDENTIALS)


class Account:
    """An AWS account played by moto. `process` is a new run in it, `empty` an account without anything."""

    def __init__(self, mock: object, transport: BotoTransport | None = None) -> None:
        self._mock = mock
        self.edge = Edge()
        self._transport = StrictTransport(transport or new_transport(), self.edge.services)

    def process(self) -> MotoGaps:
        """A new process: it remembers nothing of what others did."""
        client = AwsClient(self._transport, FakeClock(), threads=4)
        client.scope = SCOPE
        client.artifacts = archive_place
        return MotoGaps(client)

    def empty(self) -> None:
        """Removes everything."""
        self._mock.reset()  # type: ignore[attr-defined]  # moto carries no types
        self.edge.empty()


@pytest.fixture(scope="session")
def transport() -> BotoTransport:
    """Clients hold no state of an account, so one set of them serves all tests."""
    return new_transport()


@pytest.fixture
def account(aws_environment: None, transport: BotoTransport) -> Iterator[Account]:
    moto_extension.register()
    mock = mock_aws()
    with mock:
        yield Account(mock, transport)
