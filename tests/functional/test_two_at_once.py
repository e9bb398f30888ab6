"""Two runs that start at the same moment: one environment is changed by one of them at a time."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import groupby

import pytest

from pipeline.applying.operations import operations
from tests.functional.support import LEDGER, Service, ledger_document, ledger_keys, world
from tests.support.fault_proxy import FaultProxy

pytestmark = pytest.mark.slow

ROUNDS = 10 if os.environ.get("SOAK") else 2
ENDS_WITHIN = 90  # seconds; one waits for a heartbeat of the other at most


class Watch:
    """Two processes over one service, each with a proxy of its own; `changes` tells who changed AWS, in order."""

    def __init__(self, shop: Service, proxies: dict[str, FaultProxy]) -> None:
        self.changes: list[tuple[str, str]] = []
        self.shop = shop
        self.services = {name: Service(shop.root, proxy.url) for name, proxy in proxies.items()}
        for name, proxy in proxies.items():
            proxy.rewrite("*:*", self._noting(name, proxy), times=None)

    def _noting(self, name: str, proxy: FaultProxy) -> Callable[[bytes], bytes]:
        def note(body: bytes) -> bytes:
            call = proxy.carried_out[-1]
            if operations().get(call.service, call.operation).mutating and call.service != "s3":
                self.changes.append((name, call.name))
            return body

        return note

    def run(self) -> dict[str, tuple[int, str]]:
        """Both at once; (exit code, standard error) of each."""
        self.changes.clear()
        started: dict[str, subprocess.Popen[str]] = {name: s.start("deploy") for name, s in self.services.items()}
        ended = {}
        for name, process in started.items():
            _, err = process.communicate(timeout=ENDS_WITHIN)
            ended[name] = (process.returncode, err)
        return ended


@pytest.fixture
def watch(shop: Service, moto: str) -> Iterator[Watch]:
    with ExitStack() as stack:
        proxies = {name: stack.enter_context(FaultProxy(moto, latency=0.01)) for name in ("one", "other")}
        yield Watch(shop, proxies)


def test_one_changes_the_environment_at_a_time(watch: Watch) -> None:
    shop, releases = watch.shop, 0
    for round_ in range(ROUNDS):
        if round_:
            shop.replace("aws/lambda/functions.yaml", f"timeout: {9 + round_}", f"timeout: {10 + round_}")
            shop.replace("code/handlers/stock.py", f'"stock": {2 + round_}', f'"stock": {3 + round_}')
        ended = watch.run()
        assert {code for code, _ in ended.values()} <= {0, 4}, ended
        assert 0 in {code for code, _ in ended.values()}, ended
        assert all("holds the lock" in err for code, err in ended.values() if code == 4), ended
        assert len([name for name, _ in groupby(name for name, _ in watch.changes)]) == 1, watch.changes
        releases += 1
        assert ledger_document(shop, "current.json")["release"] == releases
        assert ledger_document(shop, "lock.json")["held"] is False
    assert shop.run("deploy").json["changed"] is False
    there = world(shop)
    assert {len(there[kind]) for kind in ("apis", "roles", "tables")} == {1}
    assert there["buckets"] == [LEDGER, "shop-test-receipts-123456789012"]
    assert there["functions"]["shop-stock"]["versions"] == ROUNDS + 1
    assert [key for key in ledger_keys(shop) if key.startswith("releases/")] == [
        f"releases/{number:06d}.json" for number in range(1, releases + 1)
    ]
