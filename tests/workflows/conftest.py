"""An AWS for whole workflow runs."""

import urllib.request
from collections.abc import Iterator

import pytest

from tests.support import moto_server


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """An account that is empty for each module, and empty again after it: moto keeps one for the whole process."""
    with moto_server.running() as url:
        _reset(url)
        yield url
        _reset(url)


def _reset(url: str) -> None:
    with urllib.request.urlopen(urllib.request.Request(f"{url}/moto-api/reset", method="POST"), timeout=30):
        pass
