"""The one judge of AWS errors: what an answer means, and whether and how long to try again.

The knowledge is `errors.json`, rows of (service, operations, code, message) -> kind; the first row that fits decides.
No row repeats a call by its code alone where the code also has a permanent meaning. May not sleep or call AWS.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache, cached_property
from http import HTTPStatus
from importlib import resources as package_files
from typing import Any, Self

from pipeline.errors import FailedCall


class Kind(StrEnum):
    """What an error answer means.

    THROTTLED: too many calls. PROPAGATING: something made seconds ago is not known everywhere yet. CONFLICT: another
    change of the same object is under way. TRANSIENT: AWS broke or the answer was lost; it may have been carried out.
    ABSENT: the object does not exist. EXISTS: it exists already. UNCHANGED: it is already as asked. STALE: a condition
    (ETag, RevisionId, If-None-Match) did not hold. PENDING: only much time helps. FINAL: trying again does not help.
    """

    THROTTLED = "throttled"
    PROPAGATING = "propagating"
    CONFLICT = "conflict"
    TRANSIENT = "transient"
    ABSENT = "absent"
    EXISTS = "exists"
    UNCHANGED = "unchanged"
    STALE = "stale"
    PENDING = "pending"
    FINAL = "final"


@dataclass(frozen=True)
class Schedule:
    """Pauses between attempts: `first` seconds, times `growth` up to `most`; `jitter` shares of a pause are random.

    `budget`: seconds after the first attempt in which another one may begin.
    """

    first: float
    most: float
    growth: float
    jitter: float
    budget: float

    def pause(self, repetition: int, chance: float) -> float:
        """Seconds before repetition number `repetition` (from 1); `chance` is a random number from 0 to 1."""
        grown = self.first * self.growth ** min(repetition - 1, 30)
        return min(grown, self.most) * (1 - self.jitter * chance)


SCHEDULES: Mapping[Kind, Schedule] = {
    # Usually over within 5 to 10 s, with a tail of half a minute: look often.
    Kind.PROPAGATING: Schedule(first=0.5, most=2.0, growth=1.5, jitter=0.1, budget=120.0),
    # Spread out, so that parallel callers do not come back together.
    Kind.THROTTLED: Schedule(first=1.0, most=20.0, growth=2.0, jitter=0.5, budget=300.0),
    Kind.CONFLICT: Schedule(first=1.0, most=20.0, growth=2.0, jitter=0.5, budget=120.0),
    Kind.TRANSIENT: Schedule(first=0.2, most=10.0, growth=2.0, jitter=0.5, budget=90.0),
}

UNREADABLE = "Unreadable"  # the code of an answer that is no document of AWS
# AWS breaks with a document and a request id. What answers without them may not know the operation: told soon.
_STRANGE = Schedule(first=0.2, most=2.0, growth=2.0, jitter=0.5, budget=8.0)
_STRANGE_HINT = "a proxy, or an endpoint that does not know {service}:{operation}, answered: check AWS_ENDPOINT_URL"
_MISSING_HINT = "the endpoint does not offer {service}:{operation}: check AWS_ENDPOINT_URL and the region"


@dataclass(frozen=True)
class Row:
    """One piece of knowledge about an error.

    `fresh`: holds only when this very run created what the call names. `budget`: seconds, instead of the kind's own.
    `cut`: text of the message from which on it shows values that must not be printed. `source`: where it is known from.
    """

    service: str
    operations: tuple[str, ...]
    code: str
    kind: Kind
    source: str
    message: str = ""
    fresh: bool = False
    budget: float | None = None
    hint: str | None = None
    cut: str | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Reads a row of `errors.json`."""
        return cls(
            service=data.get("service", "*"),
            operations=tuple(data.get("operations", ("*",))),
            code=data["code"],
            kind=Kind(data["kind"]),
            source=data["source"],
            message=data.get("message", ""),
            fresh=data.get("fresh", False),
            budget=data.get("budget"),
            hint=data.get("hint"),
            cut=data.get("cut"),
        )

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(self.message, re.IGNORECASE)

    def fits(self, call: FailedCall, fresh: bool) -> bool:
        """True when this row speaks of the failed call."""
        return (
            self.service in ("*", call.service)
            and (fresh or not self.fresh)
            and any(fnmatchcase(call.operation, pattern) for pattern in self.operations)
            and (not self.message or self._pattern.search(call.message) is not None)
        )


@dataclass(frozen=True)
class Verdict:
    """What an error means and what to do about it; `schedule` is None when trying again does not help."""

    kind: Kind
    schedule: Schedule | None = None
    hint: str | None = None
    cut: str | None = None

    def clean(self, message: str) -> str:
        """The message without the values that it would show."""
        at = message.find(self.cut) if self.cut else -1
        return message if at < 0 else f"{message[:at].rstrip()} (the rest shows values and is left out)"


class Classifier:
    """Judges failed calls by rows, then by general rules."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = tuple(rows)
        self._by_code: dict[str, list[Row]] = {}
        for row in self.rows:
            self._by_code.setdefault(row.code, []).append(row)

    @classmethod
    def load(cls) -> Self:
        """With the packaged rows."""
        text = package_files.files("pipeline.applying").joinpath("errors.json").read_text(encoding="utf-8")
        return cls(Row.from_json(row) for row in json.loads(text)["rows"])

    def judge(self, call: FailedCall, params: Mapping[str, Any], *, fresh: bool = False) -> Verdict:
        """What `call`, made with `params`, came to; `fresh` when this run created the object that it names."""
        if call.status == HTTPStatus.NOT_IMPLEMENTED:
            return Verdict(Kind.FINAL, hint=_hint(_MISSING_HINT, call, params))
        if _strange(call):
            return Verdict(Kind.TRANSIENT, _STRANGE, _hint(_STRANGE_HINT, call, params))
        for row in (*self._by_code.get(call.code, ()), *self._by_code.get("*", ())):
            if row.fits(call, fresh):
                return _verdict(row, call, params)
        return Verdict(*_general(call.status))


def _strange(call: FailedCall) -> bool:
    """True for an answer that AWS does not give: unreadable, or a bare 500. Its load balancers give bare 502 to 504."""
    return call.code == UNREADABLE or (call.code == "500" and not call.request_id)


def _general(status: int | None) -> tuple[Kind, Schedule | None]:
    """What the HTTP status alone tells: https://docs.aws.amazon.com/general/latest/gr/api-retries.html"""
    if status == 429:
        return Kind.THROTTLED, SCHEDULES[Kind.THROTTLED]
    if status == 404:
        return Kind.ABSENT, None
    if status == 412:
        return Kind.STALE, None
    if status is not None and status >= 500:
        return Kind.TRANSIENT, SCHEDULES[Kind.TRANSIENT]
    return Kind.FINAL, None


def _verdict(row: Row, call: FailedCall, params: Mapping[str, Any]) -> Verdict:
    schedule = SCHEDULES.get(row.kind)
    if schedule is not None and row.budget is not None:
        schedule = Schedule(schedule.first, schedule.most, schedule.growth, schedule.jitter, row.budget)
    return Verdict(row.kind, schedule, _hint(row.hint, call, params) if row.hint else None, row.cut)


_DENIED_ACTION = re.compile(r"perform:? ([A-Za-z0-9-]+:[A-Za-z0-9*]+)")


class _Names(dict[str, str]):
    """Placeholders of a hint; a parameter that the call does not have is shown by its name."""

    def __missing__(self, key: str) -> str:
        return f"<{key}>"


def _hint(template: str, call: FailedCall, params: Mapping[str, Any]) -> str:
    """The hint with the call's own words: {action}, {service}, {operation} and its text parameters."""
    denied = _DENIED_ACTION.search(call.message)
    names = _Names({key: value for key, value in params.items() if isinstance(value, str)})
    names["action"] = denied.group(1) if denied else f"{call.service}:{call.operation}"
    names["service"], names["operation"] = call.service, call.operation
    return template.format_map(names)


@cache
def classifier() -> Classifier:
    """The packaged classifier; read when the first error comes."""
    return Classifier.load()
