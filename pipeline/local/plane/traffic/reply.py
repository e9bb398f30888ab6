"""What a proxy integration's function answered, as an HTTP response. Pure.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
(an answer of another shape is "Malformed Lambda proxy response", which clients see as 502)
"""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.local.plane.asgi import Answer, Headers
from pipeline.local.plane.traffic.event import is_binary

_MEMBERS = {"isBase64Encoded", "statusCode", "headers", "multiValueHeaders", "body"}
# API Gateway gives these under other names, so that they do not disturb its own.
_REMAPPED = {"connection", "content-length", "date", "server", "transfer-encoding", "www-authenticate"}


class Malformed(Exception):
    """The function answered something that no proxy integration may answer; the text says what."""


def reply(payload: bytes, accept: str, binary_media_types: Iterable[str]) -> Answer:
    """The response. Raises Malformed."""
    try:
        document = json.loads(payload)
    except ValueError:
        raise Malformed("not JSON") from None
    if not isinstance(document, dict):
        raise Malformed("not an object")
    unknown = set(document) - _MEMBERS
    if unknown:
        raise Malformed(f"unknown members {', '.join(sorted(unknown))}")
    headers = _headers(document)
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers = (*headers, ("content-type", "application/json"))
    return Answer(_status(document), headers, _body(document, accept, binary_media_types))


def _status(document: Mapping[str, Any]) -> int:
    given = document.get("statusCode", 200)
    try:
        status = int(given)
    except (TypeError, ValueError):
        raise Malformed(f"statusCode {given!r}") from None
    if not 100 <= status <= 599:
        raise Malformed(f"statusCode {given!r}")
    return status


def _headers(document: Mapping[str, Any]) -> Headers:
    single, multi = document.get("headers") or {}, document.get("multiValueHeaders") or {}
    if not isinstance(single, dict) or not isinstance(multi, dict):
        raise Malformed("headers are no object")
    found: list[tuple[str, str]] = []
    several = {name.lower() for name in multi}
    for name, value in single.items():
        if name.lower() not in several:
            found.append((name, _text(name, value)))
    for name, values in multi.items():
        if not isinstance(values, list):
            raise Malformed(f"multiValueHeaders {name} is no list")
        found.extend((name, _text(name, value)) for value in values)
    return tuple((f"x-amzn-remapped-{n}" if n.lower() in _REMAPPED else n, v) for n, v in found)


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise Malformed(f"header {name} is {value!r}")
    text = str(value)
    if "\r" in text or "\n" in text:
        raise Malformed(f"header {name} has a line break")
    return text


def _body(document: Mapping[str, Any], accept: str, binary_media_types: Iterable[str]) -> bytes:
    body = document.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise Malformed("body is no text")
    first = accept.partition(",")[0] or "*/*"
    types = tuple(binary_media_types)
    if document.get("isBase64Encoded") and ("*/*" in types or is_binary(first, types)):
        try:
            return base64.b64decode(body, validate=True)
        except binascii.Error:
            raise Malformed("body is no base64") from None
    return body.encode()
