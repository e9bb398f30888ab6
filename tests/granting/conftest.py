"""The account of the contract tests, one for all of a module: models of services are read once."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests.contract.conftest import Account
from tests.support import moto_extension
from tests.support.aws import CREDENTIALS


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    moto_extension.register()
    mock = mock_aws()
    with pytest.MonkeyPatch.context() as patch, mock:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        yield Account(mock)
