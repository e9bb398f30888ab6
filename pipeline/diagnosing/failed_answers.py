"""Answers of APIs at 500 and above, found in their access logs, and what each most likely comes from. Pure.

What the variables of access logs say:
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
What API Gateway takes as the answer of a function:
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

_VARIABLE = re.compile(r'"(\w+)"\s*:\s*("?)\$context\.([\w.]*\w)\2')
# An API waits 30 seconds at most; a function that it no longer waits for fails a little later.
_NEAR = (timedelta(seconds=1), timedelta(seconds=5), timedelta(seconds=60))
_PATIENCE_MS = 29_000
_FAILED = 500


class Cause(Enum):
    """What an answer most likely comes from."""

    MALFORMED = "malformed"
    OWN = "own"
    SLOW = "slow"
    AUTHORIZER = "authorizer"
    REFUSED = "refused"
    NOT_INVOKED = "not invoked"


@dataclass(frozen=True)
class Layout:
    """Which key of a line holds which `$context` variable, and what CloudWatch Logs looks for."""

    keys: Mapping[str, str]
    pattern: str


@dataclass(frozen=True)
class Answer:
    """One answer at 500 or above. `by_lambda` is Lambda's status, `by_function` that of the function's own answer."""

    at: datetime
    route: str
    status: int
    by_lambda: int | None
    by_function: int | None
    waited_ms: int | None
    authorizer_error: str
    request: str


def layout(form: str) -> Layout | None:
    """How lines of this format are read; None when it is no JSON with the status.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
    """
    found = {variable: (key, bool(quote)) for key, quote, variable in _VARIABLE.findall(form)}
    if not form.lstrip().startswith("{") or "status" not in found:
        return None
    key, is_text = found["status"]
    return Layout(
        {variable: name for variable, (name, _) in found.items()},
        f'{{ $.{key} = "5*" }}' if is_text else f"{{ $.{key} >= {_FAILED} }}",
    )


def answers(events: Iterable[Mapping[str, Any]], how: Layout) -> Iterator[Answer]:
    """The answers at 500 and above among the events of an access log."""
    for event in events:
        try:
            line = json.loads(str(event.get("message", "")))
        except ValueError:
            continue
        if isinstance(line, Mapping):
            said = {variable: _text(line.get(key)) for variable, key in how.keys.items()}
            if (_number(said.get("status")) or 0) >= _FAILED:
                yield _answer(said, datetime.fromtimestamp(event.get("timestamp", 0) / 1000, UTC))


def _answer(said: Mapping[str, str], at: datetime) -> Answer:
    method_and_path = f"{said.get('httpMethod', '')} {said.get('resourcePath') or said.get('path', '')}".strip()
    return Answer(
        at,
        said.get("routeKey") or method_and_path or "a route",
        _number(said.get("status")) or 0,
        _number(said.get("integrationStatus") or said.get("integration.integrationStatus")),
        _number(said.get("integration.status")),
        _number(said.get("integrationLatency") or said.get("integration.latency")),
        said.get("authorizer.error", ""),
        said.get("requestId") or said.get("extendedRequestId", ""),
    )


def _text(value: Any) -> str:
    """A value of a line; what API Gateway does not know is a dash."""
    return "" if value is None or value == "-" else str(value)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def unexplained(found: Iterable[Answer], errors: Iterable[datetime]) -> list[Answer]:
    """The answers of a function that no error in its log goes with: each error explains one answer near it.

    The nearest are put together first; what a function answers itself last, since one that fails answers nothing.
    """
    known, left = sorted(errors), sorted(found, key=lambda one: one.at)
    for near in _NEAR:
        for own in (False, True):
            tried = [one for one in left if (cause(one) is Cause.OWN) is own]
            explained, known = _explained(tried, known, near)
            left = [one for one in left if id(one) not in explained]
    return left


def _explained(found: Iterable[Answer], errors: Iterable[datetime], near: timedelta) -> tuple[set[int], list[datetime]]:
    """The answers that have an error near them, by identity, and the errors that are left; both come in order."""
    waiting, explained, left = deque(errors), set(), []
    for answer in found:
        while waiting and waiting[0] < answer.at - near:
            left.append(waiting.popleft())
        if waiting and waiting[0] <= answer.at + near:
            waiting.popleft()
            explained.add(id(answer))
    return explained, [*left, *waiting]


def cause(answer: Answer) -> Cause:
    """What it most likely comes from.

    HTTP APIs answer 503 where REST APIs answer 504, and 500 where these answer 502:
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-lambda.html
    """
    if answer.authorizer_error:
        return Cause.AUTHORIZER
    if answer.by_function == answer.status:
        return Cause.OWN
    if answer.status == 504 or (answer.waited_ms or 0) >= _PATIENCE_MS:
        return Cause.SLOW
    if answer.by_lambda is not None and answer.by_lambda != 200:
        return Cause.REFUSED
    if answer.status == 502 or answer.by_function is not None:
        return Cause.MALFORMED
    return Cause.OWN if answer.by_lambda == 200 else Cause.NOT_INVOKED
