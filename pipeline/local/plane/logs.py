"""CloudWatch Logs: `?ERROR ?"Task timed out"` finds events that hold any of the terms; the emulator knows single terms.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.local.plane.asgi import Answer, Request, first_header
from pipeline.local.plane.caller import Caller
from pipeline.local.plane.emulator import Call, Emulator

_TERM = re.compile(r'\?(?:"([^"]*)"|(\S+))')
_CONTENT = "application/x-amz-json-1.1"


def filters_events(headers: list[tuple[bytes, bytes]]) -> bool:
    """True for FilterLogEvents."""
    return first_header(headers, b"x-amz-target") == "Logs_20140328.FilterLogEvents"


@dataclass(frozen=True)
class Logs:
    """Filters events by way of the emulator."""

    emulator: Emulator

    async def filter(self, request: Request, caller: Caller) -> Answer | None:
        """The events that hold one of the optional terms; None when the pattern has none, so that it is no matter."""
        asked = json.loads(request.body)
        terms = [quoted or bare for quoted, bare in _TERM.findall(asked.get("filterPattern") or "")]
        if not terms:
            return None
        body = json.dumps({key: value for key, value in asked.items() if key != "filterPattern"}).encode()
        headers = (("content-type", _CONTENT), ("x-amz-target", "Logs_20140328.FilterLogEvents"))
        answer = await self.emulator.call(Call(caller, "POST", "/", None, headers, body))
        if answer.status != 200:
            return answer
        found: dict[str, Any] = json.loads(answer.body)
        kept = [event for event in found.get("events", ()) if _holds(event, terms)]
        return Answer.of_json({**found, "events": kept})


def _holds(event: Mapping[str, Any], terms: list[str]) -> bool:
    return any(term in str(event.get("message", "")) for term in terms)
