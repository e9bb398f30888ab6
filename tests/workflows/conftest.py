"""An AWS for whole workflow runs."""

import itertools
from dataclasses import dataclass

import pytest

from pipeline.clients import AwsClient, connect
from pipeline.local.supervisor import LocalAws

_numbers = itertools.count(200_000_000_001)
REGION = "us-east-1"


@dataclass(frozen=True)
class Cloud:
    """An account of the embedded AWS."""

    endpoint: str
    account: str

    @property
    def keys(self) -> dict[str, str]:
        """Credentials of the account: the embedded AWS takes a key of twelve digits for its number."""
        return {"AWS_ACCESS_KEY_ID": self.account, "AWS_SECRET_ACCESS_KEY": "test"}

    @property
    def aws(self) -> AwsClient:
        """The way to it."""
        return connect(REGION, environment={"AWS_ENDPOINT_URL": self.endpoint, **self.keys})


@pytest.fixture
def cloud(embedded_aws: LocalAws) -> Cloud:
    """An account that nothing was made in."""
    return Cloud(embedded_aws.endpoint, str(next(_numbers)))
