"""Requests over HTTP to deployed REST APIs."""

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipeline.resources import _rest_errors as rest_errors
from tests.local.support import ACCOUNT, REGION, Account, http, mock, openapi, proxy

pytestmark = pytest.mark.emulator

Unique = Callable[[str], str]


@pytest.fixture(scope="module")
def function(account: Account) -> str:
    """The name of a function that echoes its event, with an alias `live`."""
    account.function("echo")
    account.alias("echo")
    return "echo"


def deploy(account: Account, name: str, paths: dict[str, Any], function: str = "echo", **more: Any) -> tuple[str, str]:
    """An API that may invoke the function: its id, and where its stage `dev` answers."""
    api = account.api(name, openapi(paths, title=name, **more))
    account.allow(api, function)
    return api, account.url(api)


def total(account: Account, namespace: str, metric: str, **dimensions: str) -> float:
    """The sum of a metric over the last hour."""
    now = datetime.now(UTC)
    points = account.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points))


def test_a_request_reaches_its_function_through_the_alias(account: Account, function: str, unique: Unique) -> None:
    arn = account.arn("echo:live")
    _, url = deploy(account, unique("api"), {"/orders/{id}": {"post": proxy(arn)}})
    answer = http(f"{url}/orders/7?a=1", "POST", headers={"content-type": "application/json"}, body=b'{"x": 1}')
    assert answer.status == 200
    body = answer.json()
    assert (body["version"], body["arn"]) == ("1", arn)
    event = body["event"]
    assert (event["httpMethod"], event["resource"], event["path"]) == ("POST", "/orders/{id}", "/orders/7")
    assert (event["pathParameters"], event["body"]) == ({"id": "7"}, '{"x": 1}')
    assert event["requestContext"]["requestId"] == answer.headers["x-amzn-requestid"]


def test_what_does_not_exist_is_answered_as_on_aws(account: Account, function: str, unique: Unique) -> None:
    api, url = deploy(account, unique("api"), {"/orders": {"get": proxy(account.arn("echo:live"))}})
    for path, method in (("/nothing", "GET"), ("/orders", "PUT"), ("", "GET")):
        answer = http(url + path, method)
        assert (answer.status, answer.json()) == (403, {"message": "Missing Authentication Token"})
        assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
    answer = http(account.url(api, "none") + "/orders")
    assert (answer.status, answer.json()) == (403, {"message": "Forbidden"})


def test_the_host_names_an_api_too(account: Account, function: str, unique: Unique) -> None:
    api, _ = deploy(account, unique("api"), {"/orders": {"get": proxy(account.arn("echo:live"))}})
    answer = http(f"{account.aws.endpoint}/dev/orders", headers={"host": f"{api}.execute-api.localhost"})
    assert answer.json()["event"]["requestContext"]["apiId"] == api


@pytest.mark.parametrize(
    ("qualifier", "path", "status"),
    [("live", "/dev/GET/orders", 200), ("live", "/*/POST/*", 500), (None, "/*/*/*", 500), ("live", "/prod/*/*", 500)],
)
def test_a_function_is_reached_with_its_own_permission_only(
    account: Account, unique: Unique, qualifier: str | None, path: str, status: int
) -> None:
    name = unique("fn")
    account.function(name)
    account.alias(name)
    api = account.api(unique("api"), openapi({"/orders": {"get": proxy(account.arn(f"{name}:live"))}}))
    account.allow(api, name, qualifier, path)
    answer = http(f"{account.url(api)}/orders")
    assert answer.status == status
    if status == 500:
        assert answer.json() == {"message": "Internal server error"}


def test_a_preflight_is_answered_without_a_function(account: Account, unique: Unique) -> None:
    headers = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "GET,OPTIONS"}
    api = account.api(unique("api"), openapi({"/orders": {"options": mock("", "204", headers)}}))
    answer = http(f"{account.url(api)}/orders", "OPTIONS", headers={"origin": "https://example.com"})
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "GET,OPTIONS"


def test_a_preflight_of_an_api_for_binary_media_must_convert_to_text(account: Account, unique: Unique) -> None:
    operation = mock("", "204")
    document = openapi({"/a": {"options": operation}})
    document["x-amazon-apigateway-binary-media-types"] = ["*/*"]
    assert http(account.url(account.api(unique("api"), document)) + "/a", "OPTIONS").status == 500
    operation["x-amazon-apigateway-integration"]["contentHandling"] = "CONVERT_TO_TEXT"
    assert http(account.url(account.api(unique("api"), document)) + "/a", "OPTIONS").status == 204


def test_changes_are_live_with_a_deployment_and_gone_with_the_one_before(account: Account, unique: Unique) -> None:
    gateway = account.client("apigateway")
    api = account.api(unique("api"), openapi({"/a": {"get": mock("first")}}))
    url = f"{account.url(api)}/a"
    stage = {"restApiId": api, "stageName": "dev"}
    before = gateway.get_stage(**stage)["deploymentId"]
    gateway.put_rest_api(
        restApiId=api, mode="overwrite", body=json.dumps(openapi({"/a": {"get": mock("second")}})).encode()
    )
    assert http(url).body == b"first"
    gateway.create_deployment(**stage)
    assert http(url).body == b"second"
    gateway.update_stage(**stage, patchOperations=[{"op": "replace", "path": "/deploymentId", "value": before}])
    assert http(url).body == b"first"


def test_a_change_by_hand_is_live_after_its_deployment(account: Account, unique: Unique) -> None:
    gateway = account.client("apigateway")
    api = account.api(unique("api"), openapi({"/a": {"get": mock("mine")}}))
    resources = {item["path"]: item["id"] for item in gateway.get_resources(restApiId=api)["items"]}
    gateway.update_integration_response(
        restApiId=api,
        resourceId=resources["/a"],
        httpMethod="GET",
        statusCode="200",
        patchOperations=[{"op": "replace", "path": "/responseTemplates/application~1json", "value": "theirs"}],
    )
    assert http(f"{account.url(api)}/a").body == b"mine"
    gateway.create_deployment(restApiId=api, stageName="dev")
    assert http(f"{account.url(api)}/a").body == b"theirs"


def test_a_stage_canary_takes_its_share_until_it_is_promoted(account: Account, unique: Unique) -> None:
    gateway = account.client("apigateway")
    text = '{"who": "%s", "mode": "$stageVariables.mode", "canary": "$context.isCanaryRequest"}'
    api = account.api(unique("api"), openapi({"/a": {"get": mock(text % "stable")}}))
    stage, url = {"restApiId": api, "stageName": "dev"}, f"{account.url(api)}/a"
    gateway.update_stage(**stage, patchOperations=[{"op": "replace", "path": "/variables/mode", "value": "old"}])
    gateway.put_rest_api(
        restApiId=api, mode="overwrite", body=json.dumps(openapi({"/a": {"get": mock(text % "new")}})).encode()
    )
    gateway.create_deployment(
        **stage, canarySettings={"percentTraffic": 50, "stageVariableOverrides": {"mode": "fresh"}}
    )
    found = Counter(http(url).body.decode() for _ in range(60))
    stable = '{"who": "stable", "mode": "old", "canary": "false"}'
    canary = '{"who": "new", "mode": "fresh", "canary": "true"}'
    assert set(found) == {stable, canary}
    gateway.update_stage(
        **stage, patchOperations=[{"op": "replace", "path": "/canarySettings/percentTraffic", "value": "0"}]
    )
    assert {http(url).body.decode() for _ in range(10)} == {stable}
    gateway.update_stage(
        **stage,
        patchOperations=[
            {"op": "copy", "from": "/canarySettings/deploymentId", "path": "/deploymentId"},
            {"op": "copy", "from": "/canarySettings/stageVariableOverrides", "path": "/variables"},
            {"op": "remove", "path": "/canarySettings"},
        ],
    )
    assert http(url).body.decode() == '{"who": "new", "mode": "fresh", "canary": "false"}'


def test_stage_variables_choose_the_alias(account: Account, function: str, unique: Unique) -> None:
    operation = proxy(account.arn("echo:${stageVariables.alias}"))
    api, url = deploy(account, unique("api"), {"/a": {"get": operation}})
    assert http(f"{url}/a").status == 500
    patch = [{"op": "replace", "path": "/variables/alias", "value": "live"}]
    account.client("apigateway").update_stage(restApiId=api, stageName="dev", patchOperations=patch)
    assert http(f"{url}/a").json()["event"]["stageVariables"] == {"alias": "live"}


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("def handler(event, context):\n    raise ValueError('no')\n", 502),
        ("def handler(event, context):\n    return {'message': 'no proxy answer'}\n", 502),
        ("def handler(event, context):\n    return 'text'\n", 502),
        ("import time\ndef handler(event, context):\n    time.sleep(3)\n", 504),
    ],
)
def test_a_function_that_fails_is_a_bad_gateway(account: Account, unique: Unique, code: str, status: int) -> None:
    name = unique("fn")
    account.function(name, code)
    account.alias(name)
    operation = proxy(account.arn(f"{name}:live"), timeoutInMillis=1000 if status == 504 else 29_000)
    _, url = deploy(account, unique("api"), {"/a": {"get": operation}}, name)
    answer = http(f"{url}/a")
    text = "Endpoint request timed out" if status == 504 else "Internal server error"
    assert (answer.status, answer.json()) == (status, {"message": text})


def test_a_function_that_is_gone_is_an_internal_error(account: Account, unique: Unique) -> None:
    name = unique("fn")
    account.function(name)
    account.alias(name)
    _, url = deploy(account, unique("api"), {"/a": {"get": proxy(account.arn(f"{name}:live"))}}, name)
    assert http(f"{url}/a").status == 200
    account.client("lambda").delete_alias(FunctionName=name, Name="live")
    assert http(f"{url}/a").status == 500


def test_gateway_responses_of_the_api_are_used(account: Account, unique: Unique) -> None:
    document = openapi({"/a": {"get": mock("")}})
    document["x-amazon-apigateway-gateway-responses"] = {
        "DEFAULT_4XX": {"responseParameters": {"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"}},
        "MISSING_AUTHENTICATION_TOKEN": {
            "statusCode": 404,
            "responseTemplates": {"application/json": '{"error": $context.error.messageString, "at": "$context.path"}'},
        },
    }
    api = account.api(unique("api"), document)
    answer = http(f"{account.url(api)}/b")
    assert (answer.status, answer.json()) == (404, {"error": "Missing Authentication Token", "at": "/dev/b"})


def test_errors_of_the_api_are_for_pages_of_other_origins_too(account: Account, unique: Unique) -> None:
    """As the pipeline asks for it: a fixed origin, or the one that asks."""
    paths = {"/a": {"get": proxy(account.arn("nobody:live")) | {"security": [{"pool": []}]}}}
    scheme = {
        "type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "cognito_user_pools",
        "x-amazon-apigateway-authorizer": {
            "type": "cognito_user_pools", "providerARNs": [f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/x"],
        },
    }  # fmt: skip
    allowed = "access-control-allow-origin"
    for origins, expected in (
        (["https://one.example"], "https://one.example"),
        (["https://a", "https://b"], "https://b"),
    ):
        found = rest_errors.responses({"OPTIONS /a": {"cors": {"origins": origins, "credentials": False}}})
        document = openapi(paths, components={"securitySchemes": {"pool": scheme}})
        document[rest_errors.EXTENSION] = rest_errors.extension(found)
        answer = http(f"{account.url(account.api(unique('api'), document))}/a", headers={"origin": "https://b"})
        assert (answer.status, answer.headers[allowed]) == (401, expected)


def test_a_token_must_be_there_where_one_is_asked_for(account: Account, function: str, unique: Unique) -> None:
    scheme = {
        "type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "cognito_user_pools",
        "x-amazon-apigateway-authorizer": {
            "type": "cognito_user_pools", "providerARNs": [f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/x"],
        },
    }  # fmt: skip
    paths = {"/a": {"get": proxy(account.arn("echo:live")) | {"security": [{"pool": []}]}}}
    _, url = deploy(account, unique("api"), paths, components={"securitySchemes": {"pool": scheme}})
    answer = http(f"{url}/a")
    assert (answer.status, answer.json()) == (401, {"message": "Unauthorized"})
    assert http(f"{url}/a", headers={"authorization": "of nobody"}).status == 401


def test_a_key_must_be_sent_where_one_is_asked_for(account: Account, function: str, unique: Unique) -> None:
    scheme = {"type": "apiKey", "name": "x-api-key", "in": "header"}
    paths = {"/a": {"get": proxy(account.arn("echo:live")) | {"security": [{"api_key": []}]}}}
    _, url = deploy(account, unique("api"), paths, components={"securitySchemes": {"api_key": scheme}})
    answer = http(f"{url}/a")
    assert (answer.status, answer.json()) == (403, {"message": "Forbidden"})
    key = account.client("apigateway").create_api_key(name=unique("key"), enabled=True)
    assert http(f"{url}/a", headers={"x-api-key": key["value"]}).status == 200
    assert http(f"{url}/a", headers={"x-api-key": "guessed"}).status == 403


def test_binary_goes_both_ways(account: Account, unique: Unique) -> None:
    code = (
        "def handler(event, context):\n"
        "    return {'statusCode': 200, 'headers': {'content-type': 'image/png'},"
        " 'body': event['body'], 'isBase64Encoded': event['isBase64Encoded']}\n"
    )
    name = unique("fn")
    account.function(name, code)
    account.alias(name)
    document = openapi({"/a": {"put": proxy(account.arn(f"{name}:live"))}})
    document["x-amazon-apigateway-binary-media-types"] = ["image/png"]
    api = account.api(unique("api"), document)
    account.allow(api, name)
    payload = bytes(range(256))
    headers = {"content-type": "image/png", "accept": "image/png"}
    assert http(f"{account.url(api)}/a", "PUT", headers=headers, body=payload).body == payload


def test_slow_functions_do_not_hold_up_others(account: Account, function: str, unique: Unique) -> None:
    code = (
        "import threading, json, os, time\n"
        "def handler(event, context):\n"
        "    time.sleep(1)\n"
        "    return {'statusCode': 200, 'body': 'slow'}\n"
    )
    name = unique("fn")
    account.function(name, code)
    account.alias(name)
    _, slow = deploy(account, unique("api"), {"/a": {"get": proxy(account.arn(f"{name}:live"))}}, name)
    _, fast = deploy(account, unique("api"), {"/a": {"get": proxy(account.arn("echo:live"))}})
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(http, f"{slow}/a")
        assert http(f"{fast}/a").status == 200
        assert not waiting.done()
        assert waiting.result().body == b"slow"


def test_requests_are_counted_by_api_and_stage(account: Account, unique: Unique) -> None:
    name = unique("api")
    api = account.api(name, openapi({"/a": {"get": mock("")}}, title=name))
    for path in ("/a", "/a", "/none"):
        http(account.url(api) + path)
    counted = {
        m: total(account, "AWS/ApiGateway", m, ApiName=name, Stage="dev") for m in ("Count", "4XXError", "5XXError")
    }
    assert counted == {"Count": 3.0, "4XXError": 1.0, "5XXError": 0.0}
    assert total(account, "AWS/ApiGateway", "Latency", ApiName=name, Stage="dev") > 0


def test_access_logs_go_to_their_group(account: Account, unique: Unique) -> None:
    api = account.api(unique("api"), openapi({"/a": {"get": mock("")}}))
    form = '{"id":"$context.requestId","status":$context.status,"path":"$context.resourcePath"}'
    logged = access_log(account, api, unique("access"), form)
    answer = http(f"{account.url(api)}/a")
    assert logged() == [{"id": answer.headers["x-amzn-requestid"], "status": 200, "path": "/a"}]


def test_access_logs_tell_what_lambda_said_of_an_answer_that_is_none(account: Account, unique: Unique) -> None:
    name = unique("fn")
    account.function(name, "def handler(event, context):\n    return {'items': []}\n")
    account.alias(name)
    methods = {"get": proxy(account.arn(f"{name}:live")), "post": proxy(account.arn("gone:live"))}
    api, url = deploy(account, unique("api"), {"/a": methods}, name)
    form = '{"id":"$context.requestId","status":"$context.status","lambda":"$context.integrationStatus"}'
    logged = access_log(account, api, unique("access"), form)
    assert (http(f"{url}/a").status, http(f"{url}/a", "POST").status) == (502, 500)
    assert [(line["status"], line["lambda"]) for line in logged()] == [("502", "200"), ("500", "-")]


def access_log(account: Account, api: str, group: str, form: str) -> Callable[[], list[Any]]:
    """Has the stage write an access log; what gives its lines."""
    gateway, logs = account.client("apigateway"), account.client("logs")
    logs.create_log_group(logGroupName=group)
    role = {"op": "replace", "path": "/cloudwatchRoleArn", "value": f"arn:aws:iam::{ACCOUNT}:role/logs"}
    gateway.update_account(patchOperations=[role])
    settings = {"destinationArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}", "format": form}
    operations = [{"op": "replace", "path": f"/accessLogSettings/{key}", "value": settings[key]} for key in settings]
    gateway.update_stage(restApiId=api, stageName="dev", patchOperations=operations)
    return lambda: [json.loads(event["message"]) for event in logs.filter_log_events(logGroupName=group)["events"]]
