"""CloudWatch Logs: `?ERROR ?"Task timed out"` finds events that hold any of the terms, and `{ $.status = "5*" }` lines
of JSON with such a value; the emulator knows single terms.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipeline.local.plane.asgi import Answer, Request, first_header
from pipeline.local.plane.caller import Caller
from pipeline.local.plane.emulator import Call, Emulator

_TERM = re.compile(r'\?(?:"([^"]*)"|(\S+))')
# One comparison; with text there may be a * at its end.
_COMPARISON = re.compile(r'\{\s*\$\.(\w+)\s*(?:=\s*"([^"*]*)(\*?)"|(>=)\s*(\d+))\s*\}')
_CONTENT = "application/x-amz-json-1.1"


def filters_events(headers: list[tuple[bytes, bytes]]) -> bool:
    """True for FilterLogEvents."""
    return first_header(headers, b"x-amz-target") == "Logs_20140328.FilterLogEvents"


@dataclass(frozen=True)
class Logs:
    """Filters events by way of the emulator."""

    emulator: Emulator

    async def filter(self, request: Request, caller: Caller) -> Answer | None:
        """The events that match; None when the pattern is one that the emulator knows."""
        asked = json.loads(request.body)
        matches = _matcher(asked.get("filterPattern") or "")
        if matches is None:
            return None
        body = json.dumps({key: value for key, value in asked.items() if key != "filterPattern"}).encode()
        headers = (("content-type", _CONTENT), ("x-amz-target", "Logs_20140328.FilterLogEvents"))
        answer = await self.emulator.call(Call(caller, "POST", "/", None, headers, body))
        if answer.status != 200:
            return answer
        found: dict[str, Any] = json.loads(answer.body)
        kept = [event for event in found.get("events", ()) if matches(str(event.get("message", "")))]
        return Answer.of_json({**found, "events": kept})


def _matcher(pattern: str) -> Callable[[str], bool] | None:
    """Whether a message matches; None for patterns of other kinds."""
    if compared := _COMPARISON.fullmatch(pattern.strip()):
        return lambda message: _compares(compared, message)
    terms = [quoted or bare for quoted, bare in _TERM.findall(pattern)]
    return (lambda message: any(term in message for term in terms)) if terms else None


def _compares(compared: re.Match[str], message: str) -> bool:
    key, text, star, at_least, number = compared.groups()
    try:
        line = json.loads(message)
    except ValueError:
        return False
    value = line.get(key) if isinstance(line, dict) else None
    if at_least:
        return isinstance(value, int | float) and value >= int(number)
    return isinstance(value, str) and (value.startswith(text) if star else value == text)
