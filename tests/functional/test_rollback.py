"""An old release serves again: traffic first, from the ledger alone, and ended by the next run wherever it died."""

import os
import shutil
from typing import Any

import pytest

from tests.functional.killing import Killer
from tests.functional.support import Service, changing, ledger_document, ledger_keys
from tests.support.fault_proxy import FaultProxy

pytestmark = pytest.mark.slow

EVERY = bool(os.environ.get("SOAK"))
API = "apigateway.rest_api/shop-test"
MOVES = ["lambda:UpdateAlias", "lambda:UpdateAlias", "apigateway:UpdateStage"]


@pytest.fixture
def two(shop: Service) -> Service:
    """Release 1, and release 2 with other code, another timeout and an API without one of its methods."""
    assert shop.run("deploy").code == 0
    shop.replace("code/handlers/stock.py", '"stock": 3', '"stock": 4')
    shop.replace("aws/lambda/functions.yaml", "timeout: 10", "timeout: 11")
    shop.replace("aws/api-gateway/api.yml", "methods: [GET, POST, OPTIONS]", "methods: [GET, OPTIONS]")
    assert shop.run("deploy").code == 0
    return shop


def rollback(shop: Service, to: str, *options: str) -> Any:
    result = shop.run("rollback", "--to", to, *options)
    assert result.code == 0, result.err
    return result.json


def served(shop: Service) -> dict[str, str]:
    """The versions and the api deployment that callers get."""
    aws, release = shop.aws(), ledger_document(shop, "releases/000001.json")
    found = {
        name: aws.call("lambda", "GetAlias", FunctionName=name, Name="live")["FunctionVersion"]
        for name in ("shop-orders", "shop-stock")
    }
    api = release["outputs"][API]["id"]
    return {**found, "api": aws.call("apigateway", "GetStage", restApiId=api, stageName="test")["deploymentId"]}


def recorded(shop: Service, number: int) -> dict[str, str]:
    """What served under a release, as it says itself."""
    release = ledger_document(shop, f"releases/{number:06d}.json")
    functions = {name: entry["version"] for name, entry in release["functions"].items()}
    return {**functions, "api": release["apis"]["shop-test"]["deployment"]}


def check_rolled_back(shop: Service, number: int, restored: int = 1) -> None:
    """Release `number` restores `restored`, serves, is on hold, and nothing is left to do."""
    assert served(shop) == recorded(shop, restored)
    current = ledger_document(shop, "current.json")
    assert (current["release"], current["restores"]) == (number, restored)
    assert current["hold"]["reason"].endswith(f"was rolled back to release {restored}")
    assert ledger_document(shop, "lock.json")["outcome"] == "succeeded"
    configuration = shop.aws().call("lambda", "GetFunctionConfiguration", FunctionName="shop-stock")
    assert configuration["Timeout"] == 10


def test_the_plan_comes_first_and_says_what_is_not_reverted(two: Service, proxy: FaultProxy) -> None:
    shutil.rmtree(two.root / "code")
    shutil.rmtree(two.root / "aws")
    proxy.reset()
    plan = rollback(two, "1", "--dry-run")
    assert changing(proxy) == []
    moves = {move["address"]: (move["from"], move["to"]) for move in plan["moves"]}
    now, then = recorded(two, 2), recorded(two, 1)
    assert moves == {
        "lambda.function/shop-orders": (now["shop-orders"], then["shop-orders"]),
        "lambda.function/shop-stock": (now["shop-stock"], then["shop-stock"]),
        API: (now["api"], then["api"]),
    }
    assert {"address": "dynamodb.table/shop-orders", "what": "data"}.items() <= plan["not_reverted"][0].items()


def test_traffic_moves_before_anything_else_without_the_checkout(two: Service, proxy: FaultProxy) -> None:
    shutil.rmtree(two.root / "code")
    shutil.rmtree(two.root / "aws")
    proxy.reset()
    document = rollback(two, "previous")
    made = [name for name in changing(proxy) if not name.startswith("s3:")]
    assert sorted(made[:3]) == sorted(MOVES)
    assert not [name for name in made if "PublishVersion" in name or "CreateDeployment" in name], (
        "no build, nothing new"
    )
    assert (document["release"], document["restores"], document["from"]) == (3, 1, 2)
    check_rolled_back(two, 3)
    aliases = two.aws().pages("lambda", "ListAliases", "Aliases", FunctionName="shop-stock")
    assert {alias["Name"]: alias["FunctionVersion"] for alias in aliases} == {"live": "1", "previous": "2"}


def test_the_environment_is_on_hold_and_can_be_rolled_back_again(two: Service) -> None:
    rollback(two, "1")
    held = two.run("deploy")
    assert held.code == 4
    assert "--clear-hold" in held.err
    assert rollback(two, "1")["changed"] is False
    assert rollback(two, "2")["restores"] == 2
    assert served(two) == recorded(two, 2)
    again = rollback(two, "3")
    assert (again["release"], served(two)) == (5, recorded(two, 1))
    assert two.run("deploy", "--clear-hold").json["release"] == 6
    assert served(two)["api"] == recorded(two, 2)["api"]


def test_what_cannot_serve_again_is_refused_with_what_can(two: Service) -> None:
    unknown = two.run("rollback", "--to", "9")
    assert unknown.code == 2
    assert "a release that can serve again: 1 (" in unknown.err
    api = ledger_document(two, "releases/000001.json")
    where = {"restApiId": api["outputs"][API]["id"], "deploymentId": api["apis"]["shop-test"]["deployment"]}
    two.aws().call("apigateway", "DeleteDeployment", **where)
    pruned = two.run("rollback", "--to", "1")
    assert pruned.code == 4
    assert "is gone" in pruned.err
    two.aws().call("dynamodb", "DeleteTable", TableName="shop-orders")
    gone = two.run("rollback", "--to", "2")
    assert gone.code == 4
    assert "dynamodb.table/shop-orders is gone, and its data with it" in gone.err
    assert served(two) == recorded(two, 2)


@pytest.mark.parametrize("n", range(1, 25) if EVERY else (4, 9))
def test_killed_anywhere_it_is_ended_by_resume(two: Service, proxy: FaultProxy, n: int) -> None:
    proxy.reset()
    Killer(proxy, n).run(two, "rollback", "--to", "1")
    proxy.reset()
    unfinished = ledger_document(two, "lock.json")["held"]
    if unfinished and f"runs/{ledger_document(two, 'lock.json')['run']}/000000.json" in ledger_keys(two):
        held = two.run("deploy")
        assert held.code == 4
        assert "--clear-hold" in held.err
        ended = two.run("resume")
    else:
        ended = two.run("rollback", "--to", "1")
    assert ended.code == 0, ended.err
    check_rolled_back(two, 3)
    assert [r["release"] for r in two.run("releases").json["releases"]] == [3, 2, 1]


LOST = [
    ("lambda:UpdateAlias", "lose"),
    ("s3:PutObject */current.json", "lose"),
    ("apigateway:UpdateStage", "break_after"),
]
LOST_TOO = [("apigateway:UpdateStage", "lose"), ("lambda:UpdateAlias", "drop")]


@pytest.mark.parametrize(("operation", "fault"), [*LOST, *LOST_TOO] if EVERY else LOST)
def test_a_lost_answer_changes_nothing(two: Service, proxy: FaultProxy, operation: str, fault: str) -> None:
    proxy.reset()
    getattr(proxy, fault)(operation)
    rollback(two, "1")
    check_rolled_back(two, 3)


def test_of_two_at_once_one_rolls_back_and_the_other_finds_it_done(two: Service) -> None:
    started = [two.start("rollback", "--to", "1") for _ in range(2)]
    told = [process.communicate(timeout=120) for process in started]
    codes = sorted(process.returncode for process in started)
    assert codes in ([0, 0], [0, 4]), told
    check_rolled_back(two, 3)


def test_what_breaks_after_the_traffic_has_moved_is_told_and_resumed(two: Service, proxy: FaultProxy) -> None:
    proxy.reset()
    proxy.fail("lambda:UpdateFunctionConfiguration", "AccessDeniedException", "you may not", times=None)
    broken = two.run("rollback", "--to", "1")
    assert broken.code == 1
    assert "release 1 serves again and is recorded as release 3; the rest" in broken.err
    assert served(two) == recorded(two, 1)
    proxy.reset()
    ended = two.run("resume")
    assert ended.code == 0, ended.err
    check_rolled_back(two, 3)


def test_what_a_deploy_left_half_done_is_rolled_back_to_what_served_before(two: Service, proxy: FaultProxy) -> None:
    """One alias of two has moved when it breaks: `previous` is release 2, not the one before it."""
    two.replace("code/handlers/stock.py", '"stock": 4', '"stock": 5')
    proxy.reset()
    proxy.fail("lambda:UpdateAlias", "AccessDeniedException", "you may not")
    assert two.run("deploy").code == 1
    proxy.reset()
    now = served(two)
    assert sorted(now[name] == recorded(two, 2)[name] for name in ("shop-orders", "shop-stock")) == [False, True]
    result = two.run("rollback", "--to", "previous")
    assert result.code == 0, result.err
    assert "back from release 3 (" in result.err
    assert "which a run left half done, to release 2 (" in result.err
    assert served(two) == recorded(two, 2)
    current = ledger_document(two, "current.json")
    assert (current["release"], current["restores"]) == (4, 2)
    assert current["hold"]["reason"] == "release 3 was rolled back to release 2"
    assert two.run("deploy").code == 4
