"""Authorizers of REST APIs: who judges callers of which method, and never of OPTIONS."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from pipeline.model.resource import Resource
from pipeline.model.values import Expression, Reference, resolve
from pipeline.releasing.publisher import Publisher
from pipeline.resources import _rest_definition as definition
from pipeline.resources.base import Target
from tests.resources.apis import api, bring, declared, differing, kind, read, resource
from tests.support.aws import SCOPE, FakeClock, local_client
from tests.support.faults import Recorder
from tests.support.moto_extension import register

register()

POOL = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_x"
USERS = {"users": {"user_pools": [POOL]}}
JUDGE = {"judge": {"function": "judge", "identity": ["header.Authorization", "querystring.day"], "ttl": 0}}
OPEN = {"path": "/orders", "methods": ["GET", "OPTIONS"], "function": "orders-list"}
CLOSED = {"path": "/orders", "methods": ["POST"], "function": "orders-list", "authorizer": "users"}


@pytest.fixture
def aws(aws_environment: None) -> Iterator[Recorder]:
    with mock_aws():
        client = local_client(FakeClock())
        client.scope = SCOPE
        yield Recorder(client)


def document(*endpoints: dict[str, Any], **properties: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(definition.document(api(*endpoints, **properties).properties, SCOPE))
    return found


def problems(*endpoints: dict[str, Any], **properties: Any) -> list[str]:
    return [problem.message for problem in kind().check(resource(*endpoints, **properties), SCOPE)]


def test_the_methods_that_ask_for_it_have_it_and_options_never() -> None:
    paths = document(OPEN, {**CLOSED, "methods": ["POST", "OPTIONS"]}, authorizers=USERS)["paths"]["/orders"]
    assert {verb: operation.get("security") for verb, operation in paths.items()} == {
        "get": None,
        "post": [{"users": []}],
        "options": None,
    }


def test_a_user_pool_judges_tokens() -> None:
    scheme = document(OPEN, CLOSED, authorizers=USERS)["components"]["securitySchemes"]["users"]
    assert scheme == {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "cognito_user_pools",
        "x-amazon-apigateway-authorizer": {
            "type": "cognito_user_pools",
            "providerARNs": [POOL],
        },
    }


def test_a_function_judges_requests_through_its_alias() -> None:
    scheme = document(OPEN, {**CLOSED, "authorizer": "judge"}, authorizers=JUDGE)["components"]["securitySchemes"]
    given = scheme["judge"]["x-amazon-apigateway-authorizer"]
    assert given["type"] == "request"
    assert given["identitySource"] == "method.request.header.Authorization,method.request.querystring.day"
    assert given["authorizerUri"] == definition.invocation_uri("judge", "live", SCOPE)


def test_a_key_and_an_authorizer_are_both_needed() -> None:
    post = document(OPEN, {**CLOSED, "api_key_required": True, "scopes": ["a/b"]}, authorizers=USERS)["paths"][
        "/orders"
    ]
    assert post["post"]["security"] == [{"users": ["a/b"], "api_key": []}]


def test_a_pool_is_referred_to_by_its_name() -> None:
    properties = declared(CLOSED, authorizers={"users": {"user_pools": ["people"]}})
    assert properties["authorizers"]["users"]["user_pools"] == [
        Expression((Reference("cognito-idp.user_pool/people", "arn"),))
    ]


@pytest.mark.parametrize("word", ["none", ""])
def test_an_authorizer_that_no_method_names_is_not_made(word: str) -> None:
    """So that a variable can switch it off, with the reference to its pool."""
    properties = declared({**CLOSED, "authorizer": word}, authorizers={"users": {"user_pools": ["people"]}})
    assert properties["authorizers"] == {}
    assert properties["endpoints"]["POST /orders"]["authorization"] == "NONE"


def test_apis_without_authorizers_are_deployed_as_before() -> None:
    """The digest is the key of api deployments that exist."""
    before = {name: value for name, value in api().properties.items() if name != "authorizers"}
    assert definition.definition_digest(api().properties) == definition.definition_digest(before)


def test_a_judging_function_may_be_invoked_by_the_api_s_authorizers_alone() -> None:
    found = {r.address: r for r in kind().derive(resource({**CLOSED, "authorizer": "judge"}, authorizers=JUDGE), SCOPE)}
    permission = found["lambda.permission/judge:orders-api/authorizers"]
    assert [str(arn) for arn in permission.properties["source_arns"]] == [
        "${apigateway.rest_api/orders-api.execution_arn}/authorizers/*"
    ]


@pytest.mark.parametrize(
    ("endpoint", "properties", "message"),
    [
        ({"authorizer": "them"}, {}, "POST /orders names the authorizer them, which is not there"),
        (
            {"authorizer": "judge", "scopes": ["a/b"]},
            {"authorizers": JUDGE},
            "POST /orders has scopes, which only user pools give",
        ),
        ({}, {"authorizers": {"users": {}}}, "an authorizer has user_pools or a function"),
        (
            {},
            {"authorizers": {"users": {"user_pools": [POOL], "identity": ["querystring.token"]}}},
            "tokens of user pools come in one header",
        ),
    ],
)
def test_what_cannot_be(endpoint: dict[str, Any], properties: dict[str, Any], message: str) -> None:
    assert message in problems({**CLOSED, **endpoint}, **properties)


def test_guarded_methods_are_not_warned_about() -> None:
    found = [p.message for p in kind().warn(resource(CLOSED, authorizers=USERS), SCOPE)]
    assert not any(message.startswith("everybody") for message in found)


def test_authorizers_come_change_and_go(aws: Recorder) -> None:
    for endpoints, authorizers in (
        ([OPEN], {}),
        ([OPEN, CLOSED], USERS),
        (
            [OPEN, {**CLOSED, "scopes": ["orders/write"]}],
            {"users": {"user_pools": [POOL, f"{POOL}2"], "identity": ["header.X-Token"]}},
        ),
        ([OPEN, {**CLOSED, "authorizer": "judge"}], JUDGE),
        ([OPEN], {}),
    ):
        wanted = api(*endpoints, authorizers=authorizers)
        outputs = bring(aws, wanted)
        assert differing(wanted, read(aws, wanted)) <= {"live"}  # which the release phase brings about
        left = aws.pages("apigateway", "GetAuthorizers", "items", restApiId=outputs["id"])
        assert {one["name"] for one in left} == set(authorizers)


def test_an_api_without_authorizers_costs_no_call_more(aws: Recorder) -> None:
    bring(aws, api(OPEN))
    assert not any("Authorizer" in call.name for call in aws.calls)


def test_publishing_knows_a_definition_by_the_values_of_its_references(aws: Recorder) -> None:
    """Else the release phase would deploy again what creating the API has deployed."""
    wanted = resource(OPEN, CLOSED, authorizers={"users": {"user_pools": ["people"]}}, access_logs=False)
    values = {"cognito-idp.user_pool/people": {"arn": POOL}}
    made = Resource(wanted.type, wanted.name, resolve(wanted.properties, lambda ref: values[ref.address][ref.output]))
    outputs = bring(aws, made)
    (move,) = Publisher(aws).prepare([wanted], {**values, wanted.address: outputs}, {wanted.address})
    assert not move.needed
    recorded = Target(wanted, outputs, released=wanted.properties)
    assert kind().read(aws, [recorded])[wanted.address].properties["live"] == "latest"
