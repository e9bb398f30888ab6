"""`pipeline drift`: what was changed in AWS, what was edited in git, and what a schedule continues."""

import json
import time
from typing import Any

import pytest

from pipeline.applying.aws_client import AwsClient
from tests.functional.support import LEDGER, Service, actions, changing, ledger_document
from tests.support.fault_proxy import FaultProxy

ORDERS, STOCK, TABLE = "lambda.function/shop-orders", "lambda.function/shop-stock", "dynamodb.table/shop-orders"
GROUP = "logs.log_group//aws/lambda/shop-stock"


def by_address(document: Any) -> dict[str, Any]:
    return {change["address"]: change for change in document["changes"]}


def paths(change: Any) -> set[str]:
    return {field["path"] for field in change["fields"]}


def settle(aws: AwsClient, function: str) -> None:
    """Waits for the end of an update by hand, of which a report would warn."""

    def look() -> bool | None:
        found = aws.call("lambda", "GetFunctionConfiguration", FunctionName=function)
        return None if found.get("LastUpdateStatus") == "InProgress" else True

    aws.wait(f"an update of {function}", look, every=0.1, budget=30.0)


def test_what_was_changed_in_aws_is_told_apart_from_what_was_edited_in_git(shop: Service, proxy: FaultProxy) -> None:
    before = shop.run("drift")
    assert (before.code, before.json["summary"]["drift"]) == (0, 0), before.err
    assert set(actions(before.json).values()) == {"create"}
    assert shop.run("deploy").code == 0

    # Code that cannot be built shows that nothing is.
    shop.edit("code/handlers/stock.py", "def handle(event, context):\n    return 4\nimport not_there\n")
    proxy.reset()
    result = shop.run("drift", "--detailed-exitcode")
    assert (result.code, result.json["changes"], result.json["warnings"]) == (0, [], []), result.err
    assert result.json["summary"]["unchanged"] == 12

    aws = shop.aws()
    aws.call("lambda", "UpdateFunctionConfiguration", FunctionName="shop-orders", MemorySize=1024)
    settle(aws, "shop-orders")
    aws.call("logs", "DeleteLogGroup", logGroupName="/aws/lambda/shop-stock")
    aws.call("dynamodb", "UpdateTable", TableName="shop-orders", DeletionProtectionEnabled=True)
    shop.replace("aws/lambda/functions.yaml", "timeout: 10", "timeout: 11")
    shop.replace("aws/dynamodb/tables.yaml", "deletion_protection: false", "deletion_protection: true")
    # What no function has in AWS is not compared: that of its log group is.
    shop.replace(
        "aws/lambda/functions.yaml",
        "handler: handlers.orders.handle",
        "handler: handlers.orders.handle\n    log_retention_days: 7",
    )
    shop.edit("aws/dynamodb/more.yaml", "tables:\n  - name: shop-new\n    partition_key: id\n")
    proxy.reset()
    result = shop.run("drift", "--detailed-exitcode")
    assert (result.code, result.json["format"]) == (3, 1)
    changes = by_address(result.json)
    assert {address: (c["action"], c["origin"]) for address, c in changes.items()} == {
        ORDERS: ("update", "drift"),
        GROUP: ("create", "drift"),
        GROUP.replace("stock", "orders"): ("update", "git"),
        STOCK: ("update", "both"),  # its time-out was edited, and its log group is gone
        "dynamodb.table/shop-new": ("create", "git"),
    }
    assert {"path": "memory", "before": 1024, "after": 256, "known": True} in changes[ORDERS]["fields"]
    assert result.json["summary"]["drift"] == 3
    overtaken = "deletion_protection: in AWS as declared here, though release 1 declared otherwise"
    assert result.json["warnings"] == [{"address": TABLE, "message": overtaken}]
    assert changing(proxy) == []
    assert shop.run("drift").code == 0, "3 only where it was asked for"


PERMISSION = """\
permissions:
  - name: partner
    function: ${SERVICE_NAME}-stock
    principal: "210987654321"
"""


def test_who_was_let_in_by_hand_is_named_and_shut_out_unless_the_specs_say_so(shop: Service) -> None:
    assert shop.run("deploy").code == 0
    aws, everybody = shop.aws(), {"Action": "lambda:InvokeFunction", "Principal": "*"}
    aws.call("lambda", "AddPermission", FunctionName="shop-orders", StatementId="AllowEverybody", **everybody)
    partner = {"FunctionName": "shop-stock", "Qualifier": "live"}
    aws.call("lambda", "AddPermission", StatementId="partner", **partner, **everybody | {"Principal": "210987654321"})
    found = shop.run("drift", "--detailed-exitcode")
    assert (found.code, actions(found.json)) == (3, {ORDERS: "update", STOCK: "update"}), found.err
    assert {address: change["fields"] for address, change in by_address(found.json).items()} == {
        address: [{"path": "foreign_permissions", "before": [text], "after": None, "known": True}]
        for address, text in (
            (ORDERS, "* may lambda:InvokeFunction on the unqualified function (AllowEverybody)"),
            (STOCK, "210987654321 may lambda:InvokeFunction on live (partner)"),
        )
    }
    assert all(one["message"].endswith("declare it under permissions:") for one in found.json["warnings"])
    assert len(found.json["warnings"]) == 2

    shop.edit("aws/lambda/partners.yaml", PERMISSION)
    plan = shop.run("plan").json
    assert actions(plan) == {ORDERS: "update", STOCK: "update", "lambda.permission/partner": "create"}
    assert [(one["principal"], one["address"]) for one in plan["access"]] == [
        ("210987654321", "lambda.permission/partner")
    ]
    done = shop.run("deploy")
    assert done.code == 0, done.err
    assert aws.found("lambda", "GetPolicy", FunctionName="shop-orders") is None
    statements = json.loads(aws.call("lambda", "GetPolicy", **partner)["Policy"])["Statement"]
    assert all(statement["Sid"].startswith("pipeline-") for statement in statements)
    assert {"AWS": "arn:aws:iam::210987654321:root"} in [statement["Principal"] for statement in statements]
    assert shop.run("drift", "--detailed-exitcode").code == 0
    assert shop.run("deploy").json["changed"] is False


def test_what_serves_is_compared_too_and_a_run_that_died_is_named(shop: Service, proxy: FaultProxy) -> None:
    assert shop.run("deploy").code == 0
    shop.replace("aws/lambda/functions.yaml", "timeout: 10", "timeout: 11")
    assert shop.run("deploy").code == 0
    aws = shop.aws()
    aws.call("lambda", "UpdateAlias", FunctionName="shop-stock", Name="live", FunctionVersion="1")
    aws.call("lambda", "UpdateFunctionCode", FunctionName="shop-orders", ZipFile=b"PK\x05\x06" + bytes(18))
    settle(aws, "shop-orders")
    document = shop.run("drift").json
    assert {address: paths(change) for address, change in by_address(document).items()} == {
        STOCK: {"live"},
        ORDERS: {"code"},
    }
    assert document["summary"]["drift"] == 2
    assert document["warnings"] == []

    shop.replace("aws/lambda/functions.yaml", "timeout: 11", "timeout: 12")
    proxy.fail("lambda:UpdateFunctionConfiguration", "InvalidParameterValueException", "no", times=None)
    assert shop.run("deploy").code == 1
    (warning,) = shop.run("drift").json["warnings"]
    assert warning["message"].endswith("did not end well: what it meant to change is no drift")


@pytest.mark.slow
def test_a_schedule_continues_a_run_whose_machine_died_and_no_other(shop: Service, proxy: FaultProxy) -> None:
    assert shop.run("deploy").code == 0
    shop.replace("aws/lambda/functions.yaml", "timeout: 10", "timeout: 11")
    proxy.reset()
    proxy.hang("lambda:UpdateFunctionConfiguration")
    process = shop.start("deploy")
    deadline = time.monotonic() + 60
    while not proxy.counts["lambda:UpdateFunctionConfiguration"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.communicate()
    proxy.reset()
    left = shop.run("resume", "--due")
    assert (left.code, left.json["changed"]) == (0, False), left.err
    assert "did not end well, and is left as it is" in left.err
    lock = ledger_document(shop, "lock.json") | {"expires": 0.0}
    shop.aws().call("s3", "PutObject", Bucket=LEDGER, Key="lock.json", Body=json.dumps(lock).encode())
    done = shop.run("resume", "--due")
    assert (done.code, done.json["release"], done.json["resumed"]["kind"]) == (0, 2, "deploy"), done.err
    assert shop.run("resume", "--due").json["resumed"] is None
