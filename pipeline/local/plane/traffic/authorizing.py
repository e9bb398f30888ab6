"""Who may call a method: user pools whose tokens are looked at, and functions that judge requests.

Of a token its form, issuer, time, client and user are checked, with the pool of the emulator; its signature is not,
since that signs none. Answers of functions are not remembered.
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-integrate-with-cognito.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
"""

import asyncio
import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from pipeline.local.plane.caller import Caller
from pipeline.local.plane.emulator import Call, Emulator
from pipeline.local.plane.functions.invoking import Invoker
from pipeline.local.plane.functions.names import function_of
from pipeline.local.plane.functions.policies import Policies
from pipeline.local.plane.rest.model import Wire
from pipeline.local.plane.traffic import refusals
from pipeline.local.plane.traffic.event import proxy_event
from pipeline.local.plane.traffic.exchange import Exchange

FUNCTION_ARN = re.compile(r".*:lambda:path/2015-03-31/functions/(?P<function>[^/]+)/invocations")
SERVICE = "apigateway.amazonaws.com"
_TARGET = "AWSCognitoIdentityProviderService"
Context = Mapping[str, Any]


@dataclass(frozen=True)
class Authorizers:
    """Judges requests before they reach their integration."""

    emulator: Emulator
    invoker: Invoker
    policies: Policies

    async def judge(self, exchange: Exchange) -> Context | None:
        """What the event says of the caller; None for a method that asks nothing. Raises GatewayError."""
        kind = exchange.method["authorizationType"]
        if kind == "AWS_IAM" and exchange.request.header("authorization") is None:
            raise refusals.missing_token()
        if kind not in {"CUSTOM", "COGNITO_USER_POOLS"}:
            return None
        authorizers = exchange.served.deployment.definition.authorizers
        authorizer = authorizers.get(exchange.method.get("authorizerId", ""), {})
        token = _identity(exchange, authorizer)
        if kind == "COGNITO_USER_POOLS":
            return await self._by_token(exchange, authorizer, token)
        return await self._by_function(exchange, authorizer, token)

    async def _by_token(self, exchange: Exchange, authorizer: Wire, token: str) -> Context:
        claims = _claims(token)
        pool = _pool_of(claims, authorizer)
        scopes = set(exchange.method.get("authorizationScopes") or ())
        use, client = ("access", "client_id") if scopes else ("id", "aud")
        if pool is None or claims.get("token_use") != use:
            raise refusals.unauthorized()
        if float(claims.get("exp") or 0) <= exchange.now:
            raise refusals.expired()
        caller = Caller(exchange.api.account, pool.split(":")[3], "cognito-idp")
        where = {"UserPoolId": pool.rpartition("/")[2]}
        user = claims.get("cognito:username") or claims.get("username")
        known = await asyncio.gather(
            self._knows(caller, "DescribeUserPoolClient", {**where, "ClientId": claims.get(client)}),
            self._knows(caller, "AdminGetUser", {**where, "Username": user}),
        )
        if not all(known) or (scopes and not scopes & {*str(claims.get("scope", "")).split()}):
            raise refusals.unauthorized()
        return {"claims": {name: _text(value) for name, value in claims.items()}}

    async def check_key(self, exchange: Exchange) -> None:
        """Refuses callers without an API key where one is wanted. Usage plans are not looked at."""
        if not exchange.method.get("apiKeyRequired"):
            return
        sent, api = exchange.request.header("x-api-key"), exchange.api
        caller = Caller(api.account, api.region, "apigateway")
        answer = await self.emulator.call(Call(caller, "GET", "/apikeys", {"includeValues": "true"}))
        kept = _parsed(answer.body).get("item") or () if answer.status == 200 else ()
        if not sent or not any(one.get("value") == sent and one.get("enabled") for one in kept):
            raise refusals.no_key()

    async def _knows(self, caller: Caller, operation: str, params: Mapping[str, Any]) -> bool:
        headers = (("x-amz-target", f"{_TARGET}.{operation}"), ("content-type", "application/x-amz-json-1.1"))
        answer = await self.emulator.call(Call(caller, "POST", "/", None, headers, json.dumps(params).encode()))
        return answer.status == 200

    async def _by_function(self, exchange: Exchange, authorizer: Wire, token: str) -> Context:
        found = FUNCTION_ARN.fullmatch(str(authorizer.get("authorizerUri")))
        api = exchange.api
        function = function_of(found["function"], api.account, api.region) if found else None
        source = f"arn:aws:execute-api:{api.region}:{api.account}:{api.id}/authorizers/{authorizer.get('id')}"
        if function is None or not self.policies.allows(function, SERVICE, [source], api.account):
            raise refusals.no_authorizer(f"no permission for API Gateway to invoke {authorizer.get('authorizerUri')}")
        arn = _method_arn(exchange)
        event = _token_event(token, arn) if authorizer["type"] == "TOKEN" else _request_event(exchange, arn)
        answer = await self.invoker.invoke(function, json.dumps(event).encode())
        judged = _parsed(answer.body)
        if answer.status == 200 and judged.get("errorMessage") == "Unauthorized":
            raise refusals.unauthorized()
        if answer.status != 200 or answer.header("x-amz-function-error") is not None or "policyDocument" not in judged:
            raise refusals.no_authorizer(
                f"{function.arn} gave no policy: {answer.body[:500].decode('utf-8', 'replace')}"
            )
        if not _allows(judged["policyDocument"], arn):
            raise refusals.denied()
        context = judged.get("context") or {}
        return {"principalId": judged.get("principalId"), **{name: _text(value) for name, value in context.items()}}


def _identity(exchange: Exchange, authorizer: Wire) -> str:
    """The first of the values that callers have to send; without all of them they get 401 at once."""
    values = []
    for one in filter(None, str(authorizer.get("identitySource") or "").split(",")):
        place, _, name = one.strip().removeprefix("method.request.").partition(".")
        if place == "header":
            values.append(exchange.request.header(name.lower()))
        elif place == "querystring":
            values.append(next(iter(exchange.request.query.get(name, [])), None))
    if not all(values):
        raise refusals.unauthorized()
    return values[0] or "" if values else ""


def _claims(token: str) -> Mapping[str, Any]:
    parts = token.removeprefix("Bearer ").split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError):
        raise refusals.unauthorized() from None
    if len(parts) != 3 or not isinstance(claims, dict):
        raise refusals.unauthorized()
    return claims


def _pool_of(claims: Mapping[str, Any], authorizer: Wire) -> str | None:
    """The ARN of the pool that issued the token, among those that are accepted."""
    issuer = str(claims.get("iss", "")).rpartition("/")[2]
    return next((arn for arn in authorizer.get("providerARNs") or () if arn.rpartition("/")[2] == issuer), None)


def _method_arn(exchange: Exchange) -> str:
    api, target = exchange.api, exchange.target
    where = f"{api.id}/{target.stage}/{exchange.request.method}{target.path}"
    return f"arn:aws:execute-api:{api.region}:{api.account}:{where}"


def _token_event(token: str, arn: str) -> Mapping[str, Any]:
    return {"type": "TOKEN", "authorizationToken": token, "methodArn": arn}


def _request_event(exchange: Exchange, arn: str) -> Mapping[str, Any]:
    event = proxy_event(exchange)
    return {"type": "REQUEST", "methodArn": arn} | {
        k: v for k, v in event.items() if k not in {"body", "isBase64Encoded"}
    }


def _parsed(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _allows(policy: Mapping[str, Any], arn: str) -> bool:
    """True when a statement allows the method and none denies it."""
    effects = {statement.get("Effect") for statement in policy.get("Statement") or () if _covers(statement, arn)}
    return effects == {"Allow"}


def _covers(statement: Mapping[str, Any], arn: str) -> bool:
    actions = {action.lower() for action in _each(statement.get("Action"))}
    named = bool(actions & {"execute-api:invoke", "execute-api:*", "*"})
    return named and any(fnmatchcase(arn, pattern.replace("[", "[[]")) for pattern in _each(statement.get("Resource")))


def _each(value: Any) -> Iterator[str]:
    yield from ([value] if isinstance(value, str) else value or ())


def _text(value: Any) -> Any:
    """Claims and context reach functions as texts."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(str(one) for one in value)
    return value if isinstance(value, str) else json.dumps(value)
