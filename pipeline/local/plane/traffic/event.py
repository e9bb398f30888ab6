"""The event that a Lambda function gets from a proxy integration of a REST API. Pure.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
Which members are null when empty: recorded by the LocalStack project on AWS
(tests/aws/services/apigateway/test_apigateway_lambda.snapshot.json, 2024-07-10).
"""

import base64
import secrets
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from pipeline.local.plane.asgi import Headers, Request
from pipeline.local.plane.traffic.exchange import Exchange, domain, extended, null_if_empty, request_time

_IDENTITY = (
    "accessKey", "accountId", "caller", "cognitoAuthenticationProvider", "cognitoAuthenticationType",
    "cognitoIdentityId", "cognitoIdentityPoolId", "principalOrgId", "user", "userArn",
)  # fmt: skip
_DROPPED = frozenset({"connection", "content-length", "transfer-encoding", "upgrade", "keep-alive", "expect", "te"})


def proxy_event(exchange: Exchange) -> dict[str, Any]:
    """The event, version 1.0."""
    request = exchange.request
    headers = list(forwarded_headers(request, exchange.now))
    query = request.query
    body, encoded = body_of(request, exchange.served.deployment.definition.binary_media_types)
    return {
        "resource": exchange.match.resource.path,
        "path": unquote(exchange.target.path),
        "httpMethod": request.method,
        "headers": null_if_empty(dict(headers)),
        "multiValueHeaders": null_if_empty(_multi(headers)),
        "queryStringParameters": null_if_empty({name: values[-1] for name, values in query.items()}),
        "multiValueQueryStringParameters": null_if_empty(query),
        "pathParameters": null_if_empty(exchange.match.variables),
        "stageVariables": null_if_empty(exchange.served.variables),
        "requestContext": _context(exchange),
        "body": body,
        "isBase64Encoded": encoded,
    }


def _context(exchange: Exchange) -> dict[str, Any]:
    request, api = exchange.request, exchange.api
    identity: dict[str, Any] = dict.fromkeys(_IDENTITY)
    identity |= {"sourceIp": request.client, "userAgent": request.header("user-agent")}
    context: dict[str, Any] = {
        "resourceId": exchange.match.resource.id,
        "resourcePath": exchange.match.resource.path,
        "operationName": exchange.method.get("operationName"),
        "httpMethod": request.method,
        "extendedRequestId": extended(exchange.request_id),
        "requestTime": request_time(exchange.now),
        "path": f"/{exchange.target.stage}{unquote(exchange.target.path)}",
        "accountId": api.account,
        "protocol": "HTTP/1.1",
        "stage": exchange.target.stage,
        "domainPrefix": api.id,
        "requestTimeEpoch": int(exchange.now * 1000),
        "requestId": exchange.request_id,
        "identity": identity,
        "domainName": domain(api),
        "deploymentId": exchange.served.deployment.id,
        "apiId": api.id,
    }
    if exchange.served.canary:
        context["isCanaryRequest"] = True
    if exchange.authorizer is not None:
        context["authorizer"] = dict(exchange.authorizer)
    return {key: value for key, value in context.items() if key != "operationName" or value}


def forwarded_headers(request: Request, now: float) -> Iterable[tuple[str, str]]:
    """The client's headers, spelt as HTTP/1.1 clients spell them, and those that API Gateway adds."""
    for name, value in request.headers:
        if name not in _DROPPED:
            yield canonical(name), value
    host, _, port = (request.header("host") or "").partition(":")
    yield "X-Amzn-Trace-Id", f"Root=1-{int(now):08x}-{secrets.token_hex(12)}"
    yield "X-Forwarded-For", request.client
    yield "X-Forwarded-Port", port or ("443" if host else "80")
    yield "X-Forwarded-Proto", "http"


def canonical(name: str) -> str:
    """`content-type` as `Content-Type`: ASGI has lost the spelling that the client used."""
    return "-".join(part.capitalize() for part in name.split("-"))


def _multi(headers: Headers | list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name, []).append(value)
    return found


def body_of(request: Request, binary_media_types: Iterable[str]) -> tuple[str | None, bool]:
    """The body as a text, and whether that is base64: so for media types that the API declares binary."""
    if not request.body:
        return None, False
    if is_binary(request.header("content-type") or "application/json", binary_media_types):
        return base64.b64encode(request.body).decode(), True
    return request.body.decode("utf-8", "replace"), False


def is_binary(content_type: str, binary_media_types: Iterable[str]) -> bool:
    """True when a media type is among those declared binary; `*/*` and `image/*` match as expected."""
    given = content_type.partition(";")[0].strip().lower()
    for declared in binary_media_types:
        wanted = declared.lower()
        if wanted in {"*/*", given} or (wanted.endswith("/*") and given.startswith(wanted[:-1])):
            return True
    return False


def invoke_arguments(uri: str, variables: Mapping[str, str]) -> str:
    """The integration's address with `${stageVariables.name}` filled in; unknown names become nothing."""
    parts = uri.split("${stageVariables.")
    filled = parts[0]
    for part in parts[1:]:
        name, _, rest = part.partition("}")
        filled += variables.get(name, "") + rest
    return filled
