"""A service with all that functions may have around them: brought up, drifted, made smaller, rolled back, removed."""

import json
from typing import Any

import pytest

from tests.functional.support import Service, actions, changing, roles_of
from tests.support.fault_proxy import FaultProxy

FUNCTIONS = """
  - name: ${SERVICE_NAME}-worker
    handler: handlers.stock.handle
    role: null
    reserved_concurrency: 5
    provisioned_concurrency: 1
    dead_letter: ${SERVICE_NAME}-dead
    vpc: {subnets: [subnet-a, subnet-b], security_groups: [sg-a]}
    async: {max_retries: 0, on_failure: "${sqs.queue/${SERVICE_NAME}-dead.arn}"}
    url: {}
    access:
      - {table: "${SERVICE_NAME}-orders", allow: [read, PutItem]}
      - {stream: "${SERVICE_NAME}-orders", allow: read}
      - {queue: "${SERVICE_NAME}-jobs", allow: consume}
"""
SPECS = {
    "aws/sqs/queues.yaml": "queues:\n  - name: ${SERVICE_NAME}-jobs\n  - name: ${SERVICE_NAME}-dead\n",
    "aws/events/schedules.yaml": """\
schedules:
  - {name: "${SERVICE_NAME}-nightly", expression: rate(1 day), function: "${SERVICE_NAME}-worker"}
""",
    "aws/lambda/sources.yaml": """\
event_sources:
  - name: ${SERVICE_NAME}-jobs
    function: ${SERVICE_NAME}-worker
    source: ${sqs.queue/${SERVICE_NAME}-jobs.arn}
  - name: ${SERVICE_NAME}-changes
    function: ${SERVICE_NAME}-worker
    source: ${dynamodb.table/${SERVICE_NAME}-orders.stream_arn}
    starting_position: LATEST
    max_retries: 2
""",
    "aws/api-gateway/http.yaml": """\
http_api:
  name: ${SERVICE_NAME}-http
  endpoints:
    - {path: /jobs, methods: [GET], function: "${SERVICE_NAME}-worker"}
""",
}


@pytest.fixture
def full(shop: Service) -> Service:
    for path, text in SPECS.items():
        shop.edit(path, text)
    # Without the role that they name, the shop's functions have one of their own each.
    shop.edit(
        "aws/lambda/functions.yaml",
        lambda text: (
            text.replace("  role: ${SERVICE_NAME}-${ENVIRONMENT}-runner\n", "").rstrip()
            + FUNCTIONS.replace("    role: null\n", "")
        ),
    )
    return shop


def policy(service: Service, role: str) -> dict[str, Any]:
    aws = service.aws()
    names = aws.pages("iam", "ListRolePolicies", "PolicyNames", RoleName=role)
    return {n: aws.call("iam", "GetRolePolicy", RoleName=role, PolicyName=n)["PolicyDocument"] for n in names}


@pytest.mark.slow
def test_the_life_of_a_service(full: Service, proxy: FaultProxy) -> None:
    """In one, because bringing it up takes longest."""
    plan = full.run("plan").json
    assert "iam.role/shop-worker-eu-west-1" in {one["address"] for one in plan["access"]}
    first = full.run("deploy")
    assert first.code == 0, first.err
    proxy.reset()
    assert full.run("deploy").json["changed"] is False
    assert changing(proxy) == []
    _allows_what_is_declared(full)
    _drifts_and_is_put_right(full)
    _loses_what_it_asks_for_no_more(full)
    assert full.run("destroy", "--include-data").code == 0
    aws = full.aws()
    assert aws.pages("lambda", "ListFunctions", "Functions") == []
    assert aws.pages("lambda", "ListEventSourceMappings", "EventSourceMappings") == []
    assert aws.pages("apigatewayv2", "GetApis", "Items") == []
    assert roles_of(aws) == []


def _allows_what_is_declared(full: Service) -> None:
    allowed = policy(full, "shop-worker-eu-west-1")["Access"]["Statement"]
    assert {one["Sid"] for one in allowed} >= {"TableShopOrders", "StreamShopOrders", "QueueShopJobs", "OnFailure"}
    table = next(one for one in allowed if one["Sid"] == "TableShopOrders")
    assert table["Resource"] == ["arn:aws:dynamodb:eu-west-1:123456789012:table/shop-orders"]


def _drifts_and_is_put_right(full: Service) -> None:
    aws = full.aws()
    where = {"FunctionName": "shop-worker", "Qualifier": "live"}
    role = "shop-worker-eu-west-1"
    wide = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
    aws.call("iam", "PutRolePolicy", RoleName=role, PolicyName="more", PolicyDocument=wide)
    aws.call("lambda", "PutFunctionConcurrency", FunctionName="shop-worker", ReservedConcurrentExecutions=50)
    aws.call("lambda", "UpdateFunctionUrlConfig", AuthType="NONE", **where)
    aws.call("lambda", "DeleteFunctionEventInvokeConfig", **where)
    plan = full.run("plan").json
    assert actions(plan) == {
        "iam.role/shop-worker-eu-west-1": "update",
        "lambda.function/shop-worker": "update",
        "lambda.function_url/shop-worker:live": "update",
        "lambda.event_invoke_config/shop-worker:live": "create",
    }
    assert plan["access"] == []  # undoing it narrows
    assert full.run("deploy").code == 0


def _loses_what_it_asks_for_no_more(full: Service) -> None:
    for gone in ("    url: {}\n", "    provisioned_concurrency: 1\n", "    reserved_concurrency: 5\n"):
        full.replace("aws/lambda/functions.yaml", gone, "")
    assert full.run("deploy").code == 0
    where = {"FunctionName": "shop-worker", "Qualifier": "live"}
    assert full.aws().found("lambda", "GetFunctionUrlConfig", **where) is None
    assert full.aws().found("lambda", "GetProvisionedConcurrencyConfig", **where) is None
    assert "Concurrency" not in full.aws().call("lambda", "GetFunction", FunctionName="shop-worker")


@pytest.mark.slow
def test_a_route_that_moved_is_rolled_back_with_its_release(full: Service) -> None:
    first = full.run("deploy").json
    full.replace("aws/api-gateway/http.yaml", "path: /jobs", "path: /work")
    second = full.run("deploy").json
    assert second["apis"]["shop-http"]["previous"] == first["apis"]["shop-http"]["deployment"]
    back = full.run("rollback", "--to", "previous")
    assert back.code == 0, back.err
    assert back.json["apis"]["shop-http"]["deployment"] == first["apis"]["shop-http"]["deployment"]
