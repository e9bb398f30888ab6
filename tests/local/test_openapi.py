"""Documents become definitions; those that cannot be right are refused with all that is wrong."""

import json
from typing import Any

import pytest

from pipeline.local.plane.refusal import Refusal
from pipeline.local.plane.rest import openapi
from pipeline.local.plane.rest.export import export
from pipeline.local.plane.rest.model import Definition, Deployment, RestApi, Wire
from tests.local.support import mock, proxy
from tests.local.support import openapi as document

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:orders:live"
POOL = "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_abc"


def read(
    text: Wire, base: Definition | None = None, *, merge: bool = False, base_path: str = "ignore"
) -> openapi.Imported:
    return openapi.read(
        openapi.parse(json.dumps(text).encode()), base or Definition.empty(), merge=merge, base_path=base_path
    )


def method(definition: Definition, path: str, verb: str) -> Wire:
    return definition.by_path()[path].methods[verb]


def refused(text: Wire) -> str:
    with pytest.raises(Refusal) as refusal:
        read(text)
    assert refusal.value.code == "BadRequestException"
    return refusal.value.message


def test_paths_become_a_tree_of_resources() -> None:
    definition = read(
        document({"/a/{b}/c": {"get": proxy(ARN)}, "/a": {"x-amazon-apigateway-any-method": proxy(ARN)}})
    ).definition
    by_path = definition.by_path()
    assert list(by_path) == ["/", "/a", "/a/{b}", "/a/{b}/c"]
    assert by_path["/a/{b}"].parent_id == by_path["/a"].id
    assert list(by_path["/a"].methods) == ["ANY"]


def test_a_proxy_integration_gets_aws_defaults() -> None:
    definition = read(document({"/a": {"get": proxy(ARN)}})).definition
    assert method(definition, "/a", "GET") == {
        "httpMethod": "GET",
        "authorizationType": "NONE",
        "apiKeyRequired": False,
        "methodIntegration": {
            "type": "AWS_PROXY",
            "httpMethod": "POST",
            "uri": f"arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/{ARN}/invocations",
            "passthroughBehavior": "WHEN_NO_MATCH",
            "timeoutInMillis": 29000,
            "cacheNamespace": definition.by_path()["/a"].id,
            "cacheKeyParameters": [],
        },
    }


def test_a_mock_keeps_its_templates_and_forgets_what_it_would_call() -> None:
    operation = mock("{}", "204", {"Allow": "GET"})
    operation["x-amazon-apigateway-integration"] |= {"uri": "http://example.com", "httpMethod": "POST"}
    given = method(read(document({"/a": {"options": operation}})).definition, "/a", "OPTIONS")
    assert not {"uri", "httpMethod"} & set(given["methodIntegration"])
    assert given["methodResponses"] == {
        "204": {"statusCode": "204", "responseParameters": {"method.response.header.Allow": False}}
    }
    assert given["methodIntegration"]["integrationResponses"]["204"]["responseParameters"] == {
        "method.response.header.Allow": "'GET'"
    }


def test_parameters_of_path_and_operation_come_together() -> None:
    operation = proxy(ARN) | {
        "parameters": [{"name": "q", "in": "query", "required": True}, {"$ref": "#/components/parameters/h"}]
    }
    item = {"parameters": [{"name": "id", "in": "path", "required": True}], "get": operation}
    text = document({"/a/{id}": item}, components={"parameters": {"h": {"name": "h", "in": "header"}}})
    assert method(read(text).definition, "/a/{id}", "GET")["requestParameters"] == {
        "method.request.path.id": True,
        "method.request.querystring.q": True,
        "method.request.header.h": False,
    }


def test_models_validators_and_binary_types_are_read() -> None:
    operation = proxy(ARN) | {
        "operationId": "makeOrder",
        "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}},
        "x-amazon-apigateway-request-validator": "body",
    }
    text = document(
        {"/a": {"post": operation}},
        components={"schemas": {"Order": {"type": "object"}}},
    )
    text["x-amazon-apigateway-request-validators"] = {"body": {"validateRequestBody": True}}
    text["x-amazon-apigateway-binary-media-types"] = ["image/*"]
    definition = read(text).definition
    given = method(definition, "/a", "POST")
    assert given["requestModels"] == {"application/json": "Order"}
    assert given["operationName"] == "makeOrder"
    assert definition.validators[given["requestValidatorId"]]["validateRequestBody"] is True
    assert definition.binary_media_types == ["image/*"]
    assert list(definition.models) == ["Order"]


def test_security_schemes_become_authorizers_keys_and_iam() -> None:
    schemes = {
        "pool": {
            "type": "apiKey",
            "name": "Authorization",
            "in": "header",
            "x-amazon-apigateway-authtype": "cognito_user_pools",
            "x-amazon-apigateway-authorizer": {"type": "cognito_user_pools", "providerARNs": [POOL]},
        },
        "key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
        "sigv4": {
            "type": "apiKey",
            "name": "Authorization",
            "in": "header",
            "x-amazon-apigateway-authtype": "awsSigv4",
        },
    }
    item = {
        "get": proxy(ARN) | {"security": [{"pool": ["read"]}]},
        "put": proxy(ARN) | {"security": [{"sigv4": [], "key": []}]},
        "post": proxy(ARN),
    }
    definition = read(
        document({"/a": item}, components={"securitySchemes": schemes}, security=[{"key": []}])
    ).definition
    authorizer = next(iter(definition.authorizers.values()))
    assert authorizer["identitySource"] == "method.request.header.Authorization"
    get, put, post = (method(definition, "/a", verb) for verb in ("GET", "PUT", "POST"))
    assert (get["authorizationType"], get["authorizerId"]) == ("COGNITO_USER_POOLS", authorizer["id"])
    assert get["authorizationScopes"] == ["read"]
    assert (put["authorizationType"], put["apiKeyRequired"]) == ("AWS_IAM", True)
    assert (post["authorizationType"], post["apiKeyRequired"]) == ("NONE", True)


def test_ids_of_paths_stay_through_an_overwrite_and_what_is_absent_goes() -> None:
    first = read(document({"/a": {"get": proxy(ARN)}, "/b": {"get": proxy(ARN)}})).definition
    second = read(document({"/a": {"put": proxy(ARN)}}), first).definition
    assert second.root.id == first.root.id
    assert second.by_path()["/a"].id == first.by_path()["/a"].id
    assert list(second.by_path()) == ["/", "/a"]
    assert list(second.by_path()["/a"].methods) == ["PUT"]


def test_a_merge_adds_and_replaces_methods() -> None:
    first = read(document({"/a": {"get": proxy(ARN)}, "/b": {"get": proxy(ARN)}})).definition
    merged = read(document({"/a": {"put": proxy(ARN)}}), first, merge=True).definition
    assert sorted(merged.by_path()["/a"].methods) == ["GET", "PUT"]
    assert list(first.by_path()["/a"].methods) == ["GET"]


def test_swagger_2_says_the_same_in_other_places() -> None:
    operation = proxy(ARN) | {
        "consumes": ["application/json"],
        "parameters": [{"in": "body", "name": "order", "schema": {"$ref": "#/definitions/Order"}}],
        "responses": {"200": {"description": "", "schema": {"$ref": "#/definitions/Order"}}},
    }
    text: Wire = {
        "swagger": "2.0",
        "info": {"title": "orders", "version": 7, "description": "of customers"},
        "basePath": "/v1/shop",
        "paths": {"/a": {"post": operation}},
        "definitions": {"Order": {"type": "object"}},
    }
    imported = read(text)
    given = method(imported.definition, "/a", "POST")
    assert given["requestModels"] == {"application/json": "Order"}
    assert given["methodResponses"]["200"]["responseModels"] == {"application/json": "Order"}
    assert imported.attributes == {"name": "orders", "version": "7", "description": "of customers"}
    assert "/v1/shop/a" in read(text, base_path="prepend").definition.by_path()
    assert "/shop/a" in read(text, base_path="split").definition.by_path()


def test_yaml_is_as_good_as_json() -> None:
    text = b"openapi: 3.0.1\ninfo: {title: a, version: '1'}\npaths: {/a: {get: {responses: {}}}}\n"
    assert openapi.parse(text)["paths"] == {"/a": {"get": {"responses": {}}}}


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b'{"openapi": "3.1.0"}', b'{"swagger": "1.2"}', b"a: [b"])
def test_what_is_no_document_is_refused(text: bytes) -> None:
    with pytest.raises(Refusal):
        openapi.parse(text)


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        (
            "arn:aws:lambda:eu-west-1:lambda:path/2015-03-31/functions/f/invocations",
            "Invalid ARN specified in the request",
        ),
        ("arn:aws:apigateway:eu-west-1:lambda:nothing", "AWS ARN for integration must contain path or action"),
        (
            "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/orders/invocations",
            "Invalid ARN specified in the request",
        ),
    ],
)
def test_an_integration_must_name_what_it_calls(uri: str, message: str) -> None:
    operation = proxy(ARN)
    operation["x-amazon-apigateway-integration"]["uri"] = uri
    text = refused(document({"/a": {"get": operation}}))
    assert (
        text
        == f"Errors found during import:\n\tUnable to put integration on 'GET' for resource at path '/a': {message}"
    )


def test_a_header_that_is_not_declared_cannot_be_mapped() -> None:
    operation = mock("", "200", {"Access-Control-Allow-Origin": "*"})
    del operation["responses"]["200"]["headers"]
    message = refused(document({"/a": {"options": operation}}))
    assert (
        "Invalid mapping expression parameter specified: method.response.header.Access-Control-Allow-Origin" in message
    )
    operation["responses"] = {}
    assert "No method response exists for method" in refused(document({"/a": {"options": operation}}))


def test_all_errors_come_at_once() -> None:
    wrong: dict[str, Any] = proxy(ARN, timeoutInMillis=30000)
    message = refused(document({"/a/{b}": {"get": wrong}, "/a/{c}": {"get": proxy(ARN)}, "/x y": {"get": proxy(ARN)}}))
    assert message.count("\n\t") == 3
    assert "Timeout should be between 50 ms and 29000 ms" in message
    assert "only one is allowed" in message


def test_an_export_can_be_imported_again() -> None:
    operation = mock("{}", "200", {"Allow": "GET"})
    first = read(document({"/a/{id}": {"get": proxy(ARN), "options": operation}})).definition
    api = RestApi("abc", "123456789012", "eu-west-1", {"name": "orders", "createdDate": 0}, first)
    api.deployments["d"] = Deployment("d", 0, None, first.snapshot())
    stage = {"stageName": "dev", "deploymentId": "d"}
    for kind in ("oas30", "swagger"):
        second = read(export(api, stage, kind, frozenset({"apigateway"})), first).definition
        assert second.resources == first.resources
    assert "x-amazon-apigateway-integration" not in json.dumps(export(api, stage, "oas30", frozenset()))
