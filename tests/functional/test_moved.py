"""A resource with another name is the same one where AWS can rename it: in place, killed or not, and rolled back."""

from typing import Any

import pytest

from tests.functional.killing import Killer
from tests.functional.support import Service, actions, ledger_document
from tests.support.fault_proxy import FaultProxy

OLD, NEW = "apigateway.rest_api/shop-test", "apigateway.rest_api/storefront"
SPEC = "aws/api-gateway/api.yml"


def rename(shop: Service) -> None:
    shop.replace(SPEC, "name: ${SERVICE_NAME}-${ENVIRONMENT}", "name: storefront")
    shop.edit(SPEC, lambda text: f"{text}\nmoved:\n  - {{from: {OLD}, to: {NEW}}}\n")


def apis(shop: Service) -> dict[str, dict[str, Any]]:
    return {api["id"]: api for api in shop.aws().pages("apigateway", "GetRestApis", "items")}


def check_moved(shop: Service, identifier: str) -> None:
    """The one API has its new name and mark, the ledger knows it so, and nothing is left to do."""
    found = apis(shop)
    assert {i: (a["name"], a["tags"]["pipeline:address"]) for i, a in found.items()} == {
        identifier: ("storefront", NEW)
    }
    current = ledger_document(shop, "current.json")
    assert current["outputs"][NEW]["id"] == identifier
    assert (current["formers"], OLD in current["outputs"]) == ({NEW: [OLD]}, False)
    assert shop.run("deploy").json["changed"] is False
    assert shop.run("drift").code == 0


@pytest.mark.slow
def test_renamed_rolled_back_and_reverted(shop: Service) -> None:
    assert shop.run("deploy").code == 0
    (identifier,) = apis(shop)
    before = (shop.root / SPEC).read_text(encoding="utf-8")
    rename(shop)
    plan = shop.run("plan").json
    change = next(change for change in plan["changes"] if change["address"] == NEW)
    assert (change["action"], change["origin"], change["reason"]) == ("update", "git", f"moved from {OLD}")
    assert {"path": "name", "before": "shop-test", "after": "storefront", "known": True} in change["fields"]
    assert OLD not in actions(plan)
    moved = shop.run("deploy")
    assert moved.code == 0, moved.err
    check_moved(shop, identifier)

    assert shop.run("rollback", "--to", "1").code == 0
    assert {i: a["name"] for i, a in apis(shop).items()} == {identifier: "storefront"}
    current = ledger_document(shop, "current.json")
    assert (current["restores"], current["outputs"][NEW]["id"]) == (1, identifier)
    assert shop.run("deploy", "--clear-hold").code == 0
    check_moved(shop, identifier)

    shop.edit(SPEC, before)
    assert actions(shop.run("plan").json)[OLD] == "update"
    assert shop.run("deploy").code == 0
    assert {i: a["name"] for i, a in apis(shop).items()} == {identifier: "shop-test"}
    assert shop.run("destroy").code == 0
    assert apis(shop) == {}


@pytest.mark.slow
@pytest.mark.parametrize("call", [6, 9])
def test_killed_while_renaming(shop: Service, proxy: FaultProxy, call: int) -> None:
    assert shop.run("deploy").code == 0
    (identifier,) = apis(shop)
    rename(shop)
    proxy.reset()
    Killer(proxy, call).run(shop, "deploy")
    proxy.reset()
    ended = shop.run("deploy")
    assert ended.code == 0, ended.err
    check_moved(shop, identifier)


def test_both_were_released(shop: Service) -> None:
    text = (shop.root / SPEC).read_text(encoding="utf-8")
    shop.edit("aws/more.yaml", text.replace("${SERVICE_NAME}-${ENVIRONMENT}", "storefront"))
    assert shop.run("deploy").code == 0
    shop.edit(SPEC, "")
    shop.edit("aws/moved.yaml", f"moved:\n  - {{from: {OLD}, to: {NEW}}}\n")
    result = shop.run("deploy")
    assert result.code == 4
    assert "so they are two resources" in result.err
