"""A deploy that dies anywhere is continued by the next one; one that is asked to stop ends in time and says so."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.functional.killing import Killer
from tests.functional.support import Service, actions, changing, ledger_document, world
from tests.support.fault_proxy import FaultProxy

pytestmark = pytest.mark.slow

ENDS_WITHIN = 7.0
# Positions spread over the changing calls of a first deploy; `tox -e soak` tries every one.
EVERY = bool(os.environ.get("SOAK"))
CALLS_OF_A_FIRST_DEPLOY = 55
POSITIONS = range(1, CALLS_OF_A_FIRST_DEPLOY) if EVERY else (1, 13, 24, 37)


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    """What a deploy without any trouble makes; filled in by the first test that needs it."""
    return {}


def undisturbed(shop: Service, reference: dict[str, Any]) -> dict[str, Any]:
    if not reference:
        assert shop.run("deploy").code == 0
        reference.update(world(shop))
        assert shop.run("destroy", "--include-data").code == 0
    return reference


@pytest.mark.parametrize("n", POSITIONS)
def test_a_first_deploy_that_is_killed_is_continued(
    shop: Service, proxy: FaultProxy, reference: dict[str, Any], n: int
) -> None:
    expected = undisturbed(shop, reference)
    code = Killer(proxy, n).run(shop, "deploy")
    proxy.reset()
    again = shop.run("deploy")
    assert again.code == 0, f"killed at {n} ({code}): {again.err}"
    assert world(shop) == expected
    assert shop.run("deploy").json["changed"] is False


@pytest.mark.parametrize("n", range(1, 14) if EVERY else (2, 4, 8))
def test_an_update_that_is_killed_is_continued(shop: Service, proxy: FaultProxy, n: int) -> None:
    assert shop.run("deploy").code == 0
    shop.replace("code/handlers/stock.py", '"stock": 3', '"stock": 4')
    shop.replace("aws/lambda/functions.yaml", "timeout: 10", "timeout: 11")
    shop.replace("aws/api-gateway/api.yml", "methods: [GET, POST, OPTIONS]", "methods: [GET, OPTIONS]")
    Killer(proxy, n).run(shop, "deploy")
    proxy.reset()
    again = shop.run("deploy")
    assert again.code == 0, again.err
    there = world(shop)
    assert {f["aliases"]["live"] for f in there["functions"].values()} == {
        str(there["functions"]["shop-stock"]["versions"] - 1)
    }
    assert there["functions"]["shop-orders"]["permissions"] == 2
    assert there["apis"]["shop-test#0"]["deployments"] == 2
    assert again.json["release"] == 2
    assert shop.run("deploy").json["changed"] is False
    releases = shop.run("releases").json["releases"]
    assert [r["release"] for r in releases] == [2, 1]
    assert releases[0]["plan"]["summary"]["update"] == 4, "all of it, whoever did which part"


@pytest.mark.parametrize("n", range(1, 32) if EVERY else (9, 25))
def test_a_destroy_that_is_killed_is_continued(shop: Service, proxy: FaultProxy, n: int) -> None:
    assert shop.run("deploy").code == 0
    Killer(proxy, n).run(shop, "destroy", "--include-data")
    proxy.reset()
    assert shop.run("destroy", "--include-data").code == 0
    there = world(shop)
    assert len(there.pop("buckets")) == 1
    assert not any(there.values())
    assert ledger_document(shop, "current.json")["destroyed"] is True
    assert ledger_document(shop, "lock.json")["held"] is False


MORE = """roles:
  - {name: shop-spare, trust: lambda.amazonaws.com}
tables:
  - {name: shop-parcels, partition_key: id, deletion_protection: false}
"""


def test_what_a_run_made_before_it_broke_goes_once_nobody_declares_it(shop: Service, proxy: FaultProxy) -> None:
    """Though no release names it, and the run after that broke, too; what holds data is kept and recorded."""
    assert shop.run("deploy").code == 0
    before = world(shop)
    proxy.fail("lambda:UpdateFunctionConfiguration", "ValidationException", times=None, status=400)
    shop.replace("aws/lambda/functions.yaml", "timeout: 10", "timeout: 11")
    shop.edit("aws/more.yaml", MORE)
    assert shop.run("deploy").code == 1
    shop.edit("aws/more.yaml", "roles: []\n")
    assert shop.run("deploy").code == 1
    assert "shop-spare" in world(shop)["roles"]
    proxy.reset()
    done = shop.run("deploy")
    assert done.code == 0, done.err
    assert (done.json["plan"]["summary"]["delete"], done.json["kept"]) == (1, ["dynamodb.table/shop-parcels"])
    assert world(shop)["roles"] == before["roles"]
    assert shop.run("deploy").json["changed"] is False
    assert shop.run("destroy", "--include-data").code == 0
    assert world(shop)["tables"] == []


def killed_at(operation: str, shop: Service, proxy: FaultProxy) -> None:
    """A deploy that is killed the moment this call was carried out."""
    started: list[subprocess.Popen[str]] = []

    def kill(body: bytes) -> bytes:
        started[0].kill()
        return body

    proxy.rewrite(operation, kill)
    started.append(shop.start("deploy"))
    started[0].communicate(timeout=60)
    assert started[0].returncode == -signal.SIGKILL


def test_what_a_killed_run_changed_is_no_drift_when_the_specs_change_again(shop: Service, proxy: FaultProxy) -> None:
    """Whoever takes its lock, and dies, too; what it made goes, what it removed is back."""
    shop.edit("aws/more.yaml", "roles:\n  - {name: shop-old, trust: lambda.amazonaws.com}\n")
    assert shop.run("deploy").code == 0
    before = world(shop)
    shop.replace("aws/lambda/functions.yaml", "timeout: 10", "timeout: 11")
    shop.replace("code/handlers/stock.py", '"stock": 3', '"stock": 4')
    shop.edit("aws/more.yaml", MORE)
    killed_at("iam:DeleteRole", shop, proxy)  # what is no longer declared goes last
    shop.replace("aws/lambda/functions.yaml", "timeout: 11", "timeout: 12")
    shop.replace("code/handlers/stock.py", '"stock": 4', '"stock": 3')
    shop.edit("aws/more.yaml", "roles:\n  - {name: shop-old, trust: lambda.amazonaws.com}\n")
    assert shop.run("unlock").json["freed"] is not None
    killed_at("s3:PutObject", shop, proxy)
    for command in ("plan", "drift"):
        found = shop.run(command).json
        assert {change["origin"] for change in found["changes"]} == {"git"}, found
        assert actions(found)["iam.role/shop-old"] == "create"
    done = shop.run("deploy")
    assert done.code == 0, done.err
    assert done.json["plan"]["summary"]["drift"] == 0
    assert done.json["kept"] == ["dynamodb.table/shop-parcels"]
    assert world(shop)["roles"] == before["roles"]
    assert shop.run("deploy").json["changed"] is False


def test_the_lock_of_a_killed_run_is_given_back_though_nothing_is_left_to_do(shop: Service, proxy: FaultProxy) -> None:
    assert shop.run("deploy").code == 0
    shop.replace("aws/lambda/functions.yaml", "timeout: 10", "timeout: 11")
    killed_at("lambda:UpdateFunctionConfiguration", shop, proxy)
    shop.aws().call("lambda", "UpdateFunctionConfiguration", FunctionName="shop-stock", Timeout=10)
    shop.replace("aws/lambda/functions.yaml", "timeout: 11", "timeout: 10")
    assert ledger_document(shop, "lock.json")["held"] is True
    done = shop.run("deploy")
    assert (done.code, done.json["changed"]) == (0, False), done.err
    assert "died holding the lock: taking over" in done.err
    lock = ledger_document(shop, "lock.json")
    assert (lock["held"], lock["outcome"]) == (False, "succeeded")
    proxy.reset()
    assert shop.run("deploy").json["changed"] is False
    assert changing(proxy) == []


def test_a_destroy_takes_what_a_run_made_that_broke(shop: Service, proxy: FaultProxy) -> None:
    proxy.fail("lambda:CreateFunction", "ValidationException", times=None, status=400)
    shop.edit("aws/more.yaml", MORE)
    assert shop.run("deploy").code == 1
    shop.edit("aws/more.yaml", "roles: []\n")
    assert shop.run("destroy", "--include-data").code == 0
    there = world(shop)
    assert (there["roles"], there["tables"], there["groups"]) == ([], [], [])


@pytest.fixture
def hanging(shop: Service, proxy: FaultProxy) -> Iterator["subprocess.Popen[str]"]:
    """A deploy that hangs in the middle of applying."""
    proxy.hang("lambda:CreateFunction", times=2)
    process = shop.start("deploy")
    deadline = time.monotonic() + 30
    while not proxy.counts["lambda:CreateFunction"] and time.monotonic() < deadline:
        time.sleep(0.02)
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_asked_to_stop_ends_in_time_and_the_next_one_continues(
    shop: Service, proxy: FaultProxy, hanging: "subprocess.Popen[str]", number: int
) -> None:
    hanging.send_signal(number)
    _, err = hanging.communicate(timeout=ENDS_WITHIN)
    assert hanging.returncode == 130, err
    assert "run the same command again" in err
    again = shop.run("deploy")
    assert again.code == 0, again.err
    assert world(shop)["functions"]["shop-orders"]["aliases"] == {"live": "1"}


def test_a_lock_of_a_run_that_lives_is_respected(
    shop: Service, proxy: FaultProxy, hanging: "subprocess.Popen[str]"
) -> None:
    """The other run is alive, so after a look at its heartbeat this one gives way."""
    result = shop.run("deploy")
    assert result.code == 4
    assert "holds the lock" in result.err


# What a type does about a lost answer is the contract suite's for every type; here is what the steps of a deploy do.
LOST = [
    ("lambda:CreateFunction", "lose"), ("apigateway:CreateRestApi", "break_after"),
    ("apigateway:CreateDeployment", "lose"), ("s3:CreateBucket", "lose"), ("s3:PutObject", "lose"),
    ("iam:CreateRole", "drop"),
]  # fmt: skip
LOST_TOO = [
    ("iam:CreateRole", "lose"), ("dynamodb:CreateTable", "lose"), ("lambda:CreateAlias", "lose"),
    ("lambda:AddPermission", "lose"), ("lambda:PublishLayerVersion", "lose"), ("apigateway:CreateRestApi", "lose"),
    ("apigateway:PutRestApi", "lose"), ("apigateway:CreateStage", "lose"), ("logs:CreateLogGroup", "lose"),
    ("apigateway:CreateDeployment", "break_after"), ("lambda:CreateFunction", "drop"),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "fault"), [*LOST, *LOST_TOO] if EVERY else LOST)
def test_a_lost_answer_makes_no_duplicate(
    shop: Service, proxy: FaultProxy, reference: dict[str, Any], operation: str, fault: str
) -> None:
    expected = undisturbed(shop, reference)
    proxy.reset()
    getattr(proxy, fault)(operation)
    result = shop.run("deploy")
    assert result.code == 0, result.err
    assert world(shop) == expected
