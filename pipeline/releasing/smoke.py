"""Smoke tests: the new version of a function is invoked by its number, before anybody else can reach it; addresses are
asked once the release serves. May not move any traffic.

What was granted or made moments ago answers with errors of the server for some seconds, or not at all, so a check may
be given patience: the time within which that is asked again. Any other answer counts at once.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol

from pipeline.errors import AwsError
from pipeline.model.delivery import Check, Tried
from pipeline.resources.base import Aws

# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html and IAM's
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
PATIENCE = 30.0
_AGAIN_EVERY = 1.0
_SHOWN = 200  # characters of an answer


@dataclass(frozen=True)
class Reply:
    """What came back; without a `status` the function gave a value that is not for HTTP."""

    body: str
    status: int | None = None


class NoReply(Exception):
    """Nothing came back, or an error instead of an answer; the text says which."""


class Web(Protocol):
    """Asks an address."""

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout: float) -> Reply:
        """The answer, whatever its status. Raises NoReply."""


@dataclass(frozen=True)
class Timing:
    """Time as it is handed in."""

    monotonic: Callable[[], float]
    sleep: Callable[[float], None]


def invoke_all(
    aws: Aws, checks: Sequence[Check], versions: Mapping[str, str], timing: Timing, patience: float
) -> list[Tried]:
    """Invokes the `versions` (function -> number) of the checks; what came of each."""
    asked = [partial(_invoked, aws, check, versions[str(check.function)]) for check in checks]
    return _all(aws, checks, asked, timing, patience)


def ask_all(aws: Aws, web: Web, checks: Sequence[Check], timing: Timing, patience: float) -> list[Tried]:
    """Asks the addresses of the checks; what came of each."""
    return _all(aws, checks, [partial(_asked, web, check) for check in checks], timing, patience)


def _all(
    aws: Aws, checks: Sequence[Check], asked: Sequence[Callable[[], Reply]], timing: Timing, patience: float
) -> list[Tried]:
    thunks = [partial(_failure, c, ask, timing, patience) for c, ask in zip(checks, asked, strict=True)]
    return [Tried(check, problem) for check, problem in zip(checks, aws.gather(thunks), strict=True)]


def _failure(check: Check, ask: Callable[[], Reply], timing: Timing, patience: float) -> str | None:
    """What is wrong, once no time is left in which it might come right; None when nothing is."""
    deadline = timing.monotonic() + patience
    while True:
        wrong, settles = _tried(check, ask)
        if wrong is None or not settles or timing.monotonic() >= deadline:
            return wrong
        timing.sleep(_AGAIN_EVERY)


def _tried(check: Check, ask: Callable[[], Reply]) -> tuple[str | None, bool]:
    """What is wrong, and whether that may come right by itself."""
    try:
        reply = ask()
    except NoReply as error:
        return str(error), True
    return unexpected(check, reply), (reply.status or 0) >= HTTPStatus.INTERNAL_SERVER_ERROR


def unexpected(check: Check, reply: Reply) -> str | None:
    """In which way an answer is not as expected."""
    shown = reply.body if len(reply.body) <= _SHOWN else reply.body[:_SHOWN] + "…"
    answered = f"answered {reply.status}" if reply.status is not None else "answered"
    if check.status is not None and reply.status != check.status:
        return f"{answered}, not {check.status}: {shown}"
    if check.status is None and reply.status is not None and reply.status >= HTTPStatus.BAD_REQUEST:
        return f"{answered}: {shown}"
    if check.contains is not None and check.contains not in reply.body:
        return f'{answered} without "{check.contains}": {shown}'
    return None if check.json is None or _has(reply.body, check.json) else f"{answered}, not as expected: {shown}"


def _has(body: str, wanted: Any) -> bool:
    try:
        return _contains(json.loads(body), wanted)
    except ValueError:
        return False


def _contains(found: Any, wanted: Any) -> bool:
    """True when `found` is `wanted`; a mapping may have more keys."""
    if isinstance(wanted, Mapping):
        return isinstance(found, dict) and all(k in found and _contains(found[k], v) for k, v in wanted.items())
    if isinstance(wanted, (list, tuple)):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(_contains, found, wanted))
    return (type(found) is type(wanted) and bool(found == wanted)) or (
        not isinstance(found, bool) and not isinstance(wanted, bool) and bool(found == wanted)
    )


def _invoked(aws: Aws, check: Check, version: str) -> Reply:
    """https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"""
    payload = json.dumps(check.payload).encode()
    try:
        answer = aws.call("lambda", "Invoke", FunctionName=check.function, Qualifier=version, Payload=payload)
    except AwsError as error:
        raise NoReply(f"version {version} could not be invoked: {error}") from error
    text = answer["Payload"].read().decode("utf-8", "replace") if "Payload" in answer else ""
    if answer.get("FunctionError"):
        shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
        raise NoReply(f"version {version} ended in an error: {shown}")
    return reply_of(text)


def reply_of(text: str) -> Reply:
    """What a function answers: where it is an answer for an API, its status and body; else the value itself."""
    try:
        value = json.loads(text)
    except ValueError:
        return Reply(text)
    status = value.get("statusCode") if isinstance(value, dict) else None
    if not isinstance(status, int):
        return Reply(text)
    body = value.get("body")
    return Reply(body if isinstance(body, str) else json.dumps(body), status)


def _asked(web: Web, check: Check) -> Reply:
    body, headers = check.body, {str(name): str(value) for name, value in check.headers.items()}
    if body is not None and not isinstance(body, str):
        body = json.dumps(body)
        headers = {"Content-Type": "application/json", **headers}
    sent = body.encode() if isinstance(body, str) else None
    return web(check.method, str(check.url), headers, sent, float(check.timeout))
