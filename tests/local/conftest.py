"""One embedded AWS for all tests of a process; every test makes things under names of its own."""

import itertools
from collections.abc import Callable, Iterator

import pytest

from pipeline.local import supervisor
from tests.local.support import Account

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """The account 123456789012 of a running embedded AWS."""
    root = tmp_path_factory.mktemp("checkout")
    yield Account(supervisor.start(root))
    supervisor.stop(root)


@pytest.fixture
def unique() -> Callable[[str], str]:
    """Makes a name that no other test has."""
    return lambda start: f"{start}-{next(_numbers)}"
