"""Errors in the logs of functions: found, and put together when they are alike. Pure.

Lambda logs what a handler raises as one event, "[ERROR] KeyError: 'id'" and the traceback below; what a handler prints
comes line by line; and services write JSON of their own.
https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

# What CloudWatch Logs looks for; the rest is done here.
PATTERN = '?ERROR ?Error ?Exception ?Traceback ?"File " ?"Task timed out" ?"Runtime exited"'

_RAISED = re.compile(
    r"^(?:\[ERROR\]\s*)?((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?:Error|Exception|Fault|Exit|Interrupt|Warning))\b:?\s*(.*)$"
)
_FRAME = re.compile(r'File "(?:/var/task/|.*?/code/)([^"]+)", line (\d+)')
_GENERAL = re.compile(r"(?:\[ERROR\]\s*)?(.*(?:Task timed out|Runtime exited|ERROR)\b.*)")
_VARYING = re.compile(r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\b[0-9a-f]{16,}\b|\b\d{4}-\d\d-\d\dT[\d:.]+Z?\b|\b\d{3,}\b")
_LONGEST = 300


@dataclass(frozen=True)
class Trouble:
    """Errors that are alike: what they say, where the code raised them, how many, and the last one."""

    text: str
    where: str | None
    count: int
    last: datetime
    stream: str


def troubles(events: Iterable[Mapping[str, Any]]) -> list[Trouble]:
    """The errors among log events, the most frequent first."""
    found: dict[tuple[str, str | None], Trouble] = {}
    for one in _errors(events):
        key = (_VARYING.sub("…", one.text), one.where)
        before = found.get(key)
        if before is None:
            found[key] = one
        else:
            latest = max(before, one, key=lambda trouble: trouble.last)
            found[key] = replace(latest, count=before.count + one.count)
    return sorted(found.values(), key=lambda trouble: (-trouble.count, trouble.text))


def moments(events: Iterable[Mapping[str, Any]]) -> list[datetime]:
    """When each of the errors among log events was."""
    return [one.last for one in _errors(events)]


def _errors(events: Iterable[Mapping[str, Any]]) -> Iterator[Trouble]:
    frames: dict[str, str] = {}  # the last frame of our code that each stream showed
    for event in events:
        stream, message = str(event.get("logStreamName", "")), str(event.get("message", "")).strip()
        told = _of_json(message) if message.startswith("{") else _of_text(message)
        text, where = told
        if where and not text:
            frames[stream] = where
        if text:
            moment = datetime.fromtimestamp(event.get("timestamp", 0) / 1000, UTC)
            yield Trouble(text[:_LONGEST], where or frames.pop(stream, None), 1, moment, stream)


def _of_text(message: str) -> tuple[str, str | None]:
    """What a line or a whole traceback says, and the last frame in it that is the service's own code."""
    frames = [f"{path}:{line}" for path, line in _FRAME.findall(message)]
    where = frames[-1] if frames else None
    for line in message.splitlines():
        if raised := _RAISED.match(line.strip()):
            return f"{raised[1]}: {raised[2]}".rstrip(": "), where
    general = _GENERAL.match(message.splitlines()[0]) if message else None
    return (general[1].strip() if general else ""), where


def _of_json(message: str) -> tuple[str, str | None]:
    """A line of structured logging at level ERROR or worse: its message with what stands beside it."""
    try:
        line = json.loads(message)
    except ValueError:
        return "", None
    if not isinstance(line, Mapping) or str(line.get("level", "")).upper() not in ("ERROR", "CRITICAL", "FATAL"):
        return "", None
    parts = [str(line[key]) for key in ("message", "errorType", "kind", "errorMessage", "text") if line.get(key)]
    frames = _FRAME.findall(json.dumps(line.get("stackTrace", "")).replace('\\"', '"'))
    places = [str(place) for place in line.get("where", ())] if isinstance(line.get("where"), list) else []
    ours = [re.sub(r"^(?:/var/task/|.*?/code/)", "", place) for place in places]
    where = f"{frames[-1][0]}:{frames[-1][1]}" if frames else (ours[-1] if ours else None)
    return ": ".join(dict.fromkeys(parts)), where
