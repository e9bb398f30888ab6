"""API Gateway's REST proxy events in, its answers out.

Event and answer: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import base64
import json
import os
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from utils import log
from utils.problems import Forbidden, Invalid, NotAllowed, Problem

Event = Mapping[str, Any]
Route = Callable[[Event], tuple[int, Any]]
Model = TypeVar("Model", bound=BaseModel)


def dispatch(event: Event, context: Any, routes: Mapping[str, Route]) -> dict[str, Any]:
    """The answer of the route for the event's method; a problem or a bug becomes an answer too, with CORS headers."""
    started = time.perf_counter()
    method = str(event.get("httpMethod", ""))
    try:
        status, body = _route(method, routes)(event)
    except Problem as problem:
        status, body = problem.status, problem.body()
    except Exception as error:  # noqa: BLE001 - the edge: what nobody foresaw is logged here and not shown to the caller
        status, body = 500, {"message": "internal error", "request_id": getattr(context, "aws_request_id", None)}
        where = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        log.error("unforeseen", kind=type(error).__name__, text=str(error)[:500], where=where)
    milliseconds = round((time.perf_counter() - started) * 1000)
    log.info("answered", method=method, path=event.get("path"), status=status, milliseconds=milliseconds)
    return _answer(status, body, routes)


def parsed(event: Event, model: type[Model]) -> Model:
    """The query string and the JSON body as one validated value. Invalid says what is wrong with which field."""
    return validated({**(event.get("queryStringParameters") or {}), **json_body(event)}, model, signed_in(event))


def validated(fields: dict[str, Any], model: type[Model], user: str = "") -> Model:
    """`fields` as a value of `model`. A signed-in `user` is the `user_id`, and naming another one is Forbidden."""
    if user and fields.setdefault("user_id", user) != user:
        raise Forbidden("user_id is not the signed-in user")
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        errors = [(".".join(map(str, one["loc"])) or "body", one["msg"]) for one in found]
        raise Invalid("the request is not valid", errors) from error


def json_body(event: Event) -> dict[str, Any]:
    """The event's body as an object; {} when there is none."""
    try:
        body = event.get("body") or ""
        text = base64.b64decode(body).decode() if event.get("isBase64Encoded") else body
        value = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise Invalid("the request is not valid", [("body", "not JSON")]) from error
    if not isinstance(value, dict):
        raise Invalid("the request is not valid", [("body", "not a JSON object")])
    return value


def signed_in(event: Event) -> str:
    """The user that the API's authorizer found; empty where the API has none."""
    authorizer = event.get("requestContext", {}).get("authorizer") or {}
    return str(authorizer.get("claims", {}).get("sub") or authorizer.get("principalId") or "")


def _route(method: str, routes: Mapping[str, Route]) -> Route:
    if method == "OPTIONS":
        return lambda _event: (204, None)
    if method not in routes:
        raise NotAllowed(f"{method or 'a request without a method'} is not allowed here")
    return routes[method]


def _answer(status: int, body: Any, routes: Mapping[str, Route]) -> dict[str, Any]:
    allowed = ", ".join([*routes, "OPTIONS"])
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        **({"Allow": allowed} if status == NotAllowed.status else {}),
        **_cors(allowed),
    }
    text = "" if body is None else json.dumps(body, ensure_ascii=False)
    return {"statusCode": status, "headers": headers, "body": text, "isBase64Encoded": False}


def _cors(allowed: str) -> dict[str, str]:
    """Lets the pages of CORS_ORIGIN read the answer; without CORS_ORIGIN no other site's pages may."""
    origin = os.environ.get("CORS_ORIGIN")
    if not origin:
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": allowed,
        "Access-Control-Allow-Headers": "Content-Type,Authorization",
    }
