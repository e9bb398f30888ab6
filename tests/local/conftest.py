"""Every test makes things under names of its own in the one embedded AWS of its process."""

import itertools
from collections.abc import Callable

import pytest

from pipeline.local.supervisor import LocalAws
from tests.local.support import Account

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def account(embedded_aws: LocalAws) -> Account:
    """The account 123456789012 of a running embedded AWS."""
    return Account(embedded_aws)


@pytest.fixture
def unique() -> Callable[[str], str]:
    """Makes a name that no other test has."""
    return lambda start: f"{start}-{next(_numbers)}"
