"""Authorizers of the embedded AWS: tokens of user pools, and functions that judge."""

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from pipeline.local.plane.asgi import Answer, Request
from pipeline.local.plane.emulator import Call
from pipeline.local.plane.functions.invoking import Invoker
from pipeline.local.plane.functions.names import Function
from pipeline.local.plane.functions.policies import Policies
from pipeline.local.plane.journal import Journal
from pipeline.local.plane.rest.model import Definition, Deployment, Resource, RestApi
from pipeline.local.plane.traffic.authorizing import Authorizers
from pipeline.local.plane.traffic.event import proxy_event
from pipeline.local.plane.traffic.exchange import Exchange, Served
from pipeline.local.plane.traffic.paths import Match, Target
from pipeline.local.plane.traffic.refusals import GatewayError
from tests.local.asgi import TableEmulator
from tests.local.support import ACCOUNT, REGION, Account, http, openapi, proxy

POOL = f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{REGION}_people"
CLAIMS = {
    "iss": f"https://cognito-idp.{REGION}.amazonaws.com/{REGION}_people",
    "token_use": "id",
    "aud": "app",
    "cognito:username": "ada",
    "cognito:groups": ["a", "b"],
    "email_verified": True,
    "sub": "1234",
    "exp": 2_000_000_000,
}
ACCESS = {**CLAIMS, "token_use": "access", "client_id": "app", "username": "ada", "scope": "openid orders/write"}
JUDGE = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:judge:live"
URI = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{JUDGE}/invocations"
METHOD = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:abc/dev/GET/orders"


def token(claims: Mapping[str, Any]) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, claims)]
    return ".".join([*parts, "signature"])


def exchange(
    kind: str, authorizer: Mapping[str, Any], sent: str | None, *, scopes: list[str] | None = None
) -> Exchange:
    definition = Definition.empty()
    definition.authorizers["a1"] = {"id": "a1", "identitySource": "method.request.header.Authorization", **authorizer}
    headers = [("host", "127.0.0.1"), *([("authorization", sent)] if sent else [])]
    return Exchange(
        api=RestApi("abc", ACCOUNT, REGION, {"name": "orders"}, definition),
        target=Target("abc", "dev", "/orders"),
        served=Served(Deployment("d1", 0, None, definition), {}, canary=False),
        request=Request("GET", "/ignored", "day=1", tuple(headers), b"", "127.0.0.1"),
        match=Match(Resource("r1", "root", "orders", "/orders"), {}),
        method={"authorizationType": kind, "authorizerId": "a1", "authorizationScopes": scopes},
        request_id="c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        now=1_795_512_600.0,
    )


def pools(sent: str | None, *, scopes: list[str] | None = None) -> Exchange:
    return exchange("COGNITO_USER_POOLS", {"type": "COGNITO_USER_POOLS", "providerARNs": [POOL]}, sent, scopes=scopes)


def judged(kind: str = "REQUEST") -> Exchange:
    return exchange("CUSTOM", {"type": kind, "authorizerUri": URI}, "x")


def judge(asked: Exchange, answer: Callable[[Call], Answer], *, permitted: bool = True) -> Mapping[str, Any] | None:
    emulator = TableEmulator(answer)
    policies = Policies()
    if permitted:
        source = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:abc/authorizers/*"
        grant = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com"}
        policies.add(Function(ACCOUNT, REGION, "judge", "live"), {**grant, "SourceArn": source})
    journal = Journal(emulator)
    authorizers = Authorizers(emulator, Invoker(emulator, journal), policies)
    return asyncio.run(authorizers.judge(asked))


def known(call: Call) -> Answer:
    """A pool with the client app and the user ada."""
    asked = json.loads(call.body)
    there = asked.get("ClientId", "app") == "app" and asked.get("Username", "ada") == "ada"
    return Answer.of_json({}, 200 if there else 400)


def policy(effect: str, resource: str, **more: Any) -> Callable[[Call], Answer]:
    statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource}
    document = {"principalId": "ada", "policyDocument": {"Statement": [statement]}, **more}
    return lambda call: Answer.of_json(document if "/invocations" in call.path else {})


def test_the_claims_of_a_token_reach_the_function_as_texts() -> None:
    asked = pools(f"Bearer {token(CLAIMS)}")
    found = judge(asked, known)
    assert found is not None
    event = proxy_event(replace(asked, authorizer=found))
    claims = event["requestContext"]["authorizer"]["claims"]
    assert (claims["sub"], claims["email_verified"], claims["cognito:groups"]) == ("1234", "true", "a,b")


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "no token",
        "a.b.c",
        token({**CLAIMS, "iss": "https://example.com/other"}),
        token({**CLAIMS, "token_use": "access"}),
        token({**CLAIMS, "aud": "another"}),
        token({**CLAIMS, "cognito:username": "grace"}),
    ],
)
def test_what_is_no_token_of_the_pool_is_401(sent: str) -> None:
    with pytest.raises(GatewayError, match="Unauthorized"):
        judge(pools(sent), known)


def test_a_token_of_yesterday_is_told_so() -> None:
    with pytest.raises(GatewayError, match="expired"):
        judge(pools(token({**CLAIMS, "exp": 1_000})), known)


def test_with_scopes_an_access_token_is_wanted() -> None:
    assert judge(pools(token(ACCESS), scopes=["orders/write"]), known) is not None
    for claims, scopes in ((ACCESS, ["orders/read"]), (CLAIMS, ["orders/write"])):
        with pytest.raises(GatewayError):
            judge(pools(token(claims), scopes=scopes), known)


@pytest.mark.parametrize(
    ("effect", "resource", "allowed"),
    [("Allow", METHOD, True), ("Allow", "*", True), ("Allow", f"{METHOD}/x", False), ("Deny", "*", False)],
)
def test_the_policy_of_a_judging_function_decides(effect: str, resource: str, allowed: bool) -> None:
    answer = policy(effect, resource, context={"team": "shop", "admin": True})
    if allowed:
        found = judge(judged(), answer)
        assert found == {"principalId": "ada", "team": "shop", "admin": "true"}
    else:
        with pytest.raises(GatewayError, match="not authorized"):
            judge(judged(), answer)


@pytest.mark.parametrize(("kind", "member"), [("REQUEST", "queryStringParameters"), ("TOKEN", "authorizationToken")])
def test_a_judging_function_gets_the_request_or_the_token(kind: str, member: str) -> None:
    seen: list[dict[str, Any]] = []

    def answer(call: Call) -> Answer:
        if "/invocations" in call.path:
            seen.append(json.loads(call.body))
        return policy("Allow", "*")(call)

    judge(judged(kind), answer)
    (event,) = seen
    assert (event["type"], event["methodArn"]) == (kind, METHOD)
    assert event[member] == {"queryStringParameters": {"day": "1"}, "authorizationToken": "x"}[member]


def test_a_judging_function_says_unauthorized_or_breaks() -> None:
    with pytest.raises(GatewayError, match="Unauthorized"):
        judge(judged(), lambda call: Answer.of_json({"errorMessage": "Unauthorized"}))
    with pytest.raises(GatewayError, match="gave no policy"):
        judge(judged(), lambda call: Answer.of_json({"statusCode": 200}))
    with pytest.raises(GatewayError, match="no permission"):
        judge(judged(), policy("Allow", "*"), permitted=False)


@pytest.mark.emulator
def test_somebody_who_signs_in_reaches_the_function(account: Account, unique: Callable[[str], str]) -> None:
    cognito = account.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName=unique("people"))["UserPool"]
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    made = cognito.create_user_pool_client(UserPoolId=pool["Id"], ClientName="app", ExplicitAuthFlows=flows)
    client, password = made["UserPoolClient"]["ClientId"], "Correct-Horse-7"
    cognito.admin_create_user(UserPoolId=pool["Id"], Username="ada", MessageAction="SUPPRESS")
    cognito.admin_set_user_password(UserPoolId=pool["Id"], Username="ada", Password=password, Permanent=True)
    parameters = {"USERNAME": "ada", "PASSWORD": password}
    signed = cognito.initiate_auth(ClientId=client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters)
    tokens = signed["AuthenticationResult"]
    name = unique("fn")
    account.function(name)
    account.alias(name)
    scheme = {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "cognito_user_pools",
        "x-amazon-apigateway-authorizer": {"type": "cognito_user_pools", "providerARNs": [pool["Arn"]]},
    }
    operation = {**proxy(account.arn(f"{name}:live")), "security": [{"users": []}]}
    document = openapi({"/me": {"get": operation}}, components={"securitySchemes": {"users": scheme}})
    api = account.api(unique("api"), document)
    account.allow(api, name)
    url = f"{account.url(api)}/me"
    for headers in ({}, {"authorization": "nonsense"}, {"authorization": tokens["AccessToken"]}):
        answer = http(url, headers=headers)
        assert (answer.status, answer.json()) == (401, {"message": "Unauthorized"})
    answer = http(url, headers={"authorization": f"Bearer {tokens['IdToken']}"})
    assert answer.status == 200
    assert answer.json()["event"]["requestContext"]["authorizer"]["claims"]["cognito:username"] == "ada"
