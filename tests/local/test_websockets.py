"""WebSocket APIs on the embedded AWS: made by the resource type, and talked to by a real client."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from pipeline.local.urls import public_url
from pipeline.model.resource import Resource
from pipeline.model.scope import Scope
from pipeline.model.values import reveal
from pipeline.releasing.publisher import Publisher
from pipeline.resources.base import Aws
from tests.local.support import Account
from tests.resources import websockets
from tests.support.aws import FakeClock, local_client
from tests.support.websocket import Refused, WebSocket

pytestmark = pytest.mark.emulator

Unique = Callable[[str], str]

# Answers through the connection's own address, as an answer that is written piece by piece has to.
ANSWER = """
import boto3, json, os
def handler(event, context):
    about = event["requestContext"]
    if about["eventType"] == "CONNECT":
        return {"statusCode": 403 if (event.get("queryStringParameters") or {}).get("no") else 200}
    if about["eventType"] == "MESSAGE":
        base = os.environ["AWS_ENDPOINT_URL"] + f"/_aws/execute-api/{about['apiId']}/{about['stage']}"
        gateway = boto3.client("apigatewaymanagementapi", endpoint_url=base)
        said = {"mark": MARK, "route": about["routeKey"], "body": event["body"]}
        gateway.post_to_connection(ConnectionId=about["connectionId"], Data=json.dumps(said).encode())
    return {"statusCode": 200}
"""


@pytest.fixture
def aws(account: Account) -> Aws:
    """The product's own way to the embedded AWS."""
    client = local_client(FakeClock(), endpoint=account.aws.endpoint)
    client.scope = Scope("orders", "dev", account.account, "us-east-1")
    return client


@pytest.fixture
def function(account: Account, unique: Unique) -> tuple[Account, str]:
    """A function with its alias, in the region of `aws`."""
    there = Account(account.aws, account.account, "us-east-1")
    name = unique("talk")
    there.function(name, ANSWER)
    there.alias(name)
    return there, name


def declared(aws: Aws, name: str, routes: Mapping[str, str], **properties: Any) -> Resource:
    properties = {"access_logs": False, **properties}
    wanted = websockets.api(dict(routes), aws.scope, **properties)
    return Resource(wanted.type, name, {**reveal(wanted.properties), "name": name})


def address(account: Account, outputs: Mapping[str, Any]) -> str:
    return public_url(str(outputs["url"]), account.aws.endpoint)


def ask(socket: WebSocket, **message: Any) -> dict[str, Any]:
    socket.send(json.dumps(message))
    return dict(json.loads(socket.receive()))


def test_a_client_connects_sends_and_is_answered(aws: Aws, function: tuple[Account, str], unique: Unique) -> None:
    account, name = function
    wanted = declared(aws, unique("live"), {"$connect": name, "$default": name, "say": name, "$disconnect": name})
    outputs = websockets.bring(aws, wanted)
    with WebSocket(address(account, outputs)) as socket:
        assert ask(socket, action="say", text="hello")["route"] == "say"
        assert ask(socket, text="x" * 300)["route"] == "$default"
    with pytest.raises(Refused):
        WebSocket(address(account, outputs) + "?no=1")


def test_nothing_differs_after_it_was_made_changed_and_tagged(
    aws: Aws, function: tuple[Account, str], unique: Unique
) -> None:
    _, name = function
    called = unique("live")
    for wanted in (
        declared(aws, called, {"$connect": name, "$default": name}, tags={"team": "orders"}),
        declared(aws, called, {"$default": name}, tags={"team": "shop"}, throttling={"rate": 5, "burst": 7}),
    ):
        outputs = websockets.bring(aws, wanted)
        Publisher(aws).release([wanted], {wanted.address: outputs}, {wanted.address}, None)
        assert websockets.differing(wanted, websockets.read(aws, wanted, recorded=outputs)) == set()
    observed = websockets.read(aws, wanted)
    websockets.kind().delete(aws, observed)
    websockets.kind().delete(aws, observed)
    assert websockets.find(aws, wanted) is None


def test_messages_reach_the_version_that_the_alias_serves(
    aws: Aws, function: tuple[Account, str], unique: Unique
) -> None:
    account, name = function
    outputs = websockets.bring(aws, declared(aws, unique("live"), {"$connect": name, "$default": name}))
    with WebSocket(address(account, outputs)) as socket:
        assert ask(socket)["mark"] == 1
        version = account.publish(name, ANSWER)
        assert ask(socket)["mark"] == 1
        account.client("lambda").update_alias(FunctionName=name, Name="live", FunctionVersion=version)
        assert ask(socket)["mark"] == 2
        account.client("lambda").update_alias(FunctionName=name, Name="live", FunctionVersion="1")
        assert ask(socket)["mark"] == 1


@pytest.mark.parametrize("stage", ["dev", "$default"])
def test_a_stage_whose_access_logs_are_switched_off_goes_on(account: Account, unique: Unique, stage: str) -> None:
    gateway = account.client("apigatewayv2")
    api = gateway.create_api(Name=unique("api"), ProtocolType="HTTP")["ApiId"]
    logs = {"DestinationArn": "arn:aws:logs:eu-west-1:123456789012:log-group:l", "Format": "$context.requestId"}
    gateway.create_stage(ApiId=api, StageName=stage, AccessLogSettings=logs)
    gateway.delete_access_log_settings(ApiId=api, StageName=stage)
    assert "DestinationArn" not in gateway.get_stage(ApiId=api, StageName=stage).get("AccessLogSettings", {})
    with pytest.raises(gateway.exceptions.NotFoundException):
        gateway.delete_access_log_settings(ApiId=api, StageName="another")
