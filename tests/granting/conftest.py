"""The account of the contract tests, and the actions that were recorded in it."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests.contract.conftest import Account
from tests.support import moto_extension


@pytest.fixture
def account(aws_environment: None) -> Iterator[Account]:
    moto_extension.register()
    mock = mock_aws()
    with mock:
        yield Account(mock)
