"""Functions: their errors, their runtimes, their state."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from pipeline.diagnosing.errors_in_logs import PATTERN, Trouble, troubles
from pipeline.diagnosing.finding import Check, Finding
from pipeline.diagnosing.patient import Patient
from pipeline.model.resource import Resource

_MOST_GROUPS, _SOON = 5, 90
_VERSION = re.compile(r"\[(\d+)\]")


def recent_errors(patient: Patient) -> Iterator[Finding]:
    """Errors in the functions' logs, those alike together, the most frequent first."""
    groups = patient.aws.gather([lambda f=f: _of_function(patient, f.name) for f in patient.of("lambda.function")])  # type: ignore[misc]  # mypy cannot infer a lambda's default argument
    for function, found in zip(patient.of("lambda.function"), groups, strict=True):
        serving = _serving(patient, function) if found else set()
        for trouble in found[:_MOST_GROUPS]:
            yield _finding(patient, function, trouble, gone=_gone(trouble, serving))


def _serving(patient: Patient, function: Resource) -> set[str]:
    """The versions that callers reach through the alias; a canary is one more. Nothing where that is not known.

    https://docs.aws.amazon.com/lambda/latest/api/API_GetAlias.html
    """
    alias = str(function.properties.get("alias", "live"))
    found: Mapping[str, Any] | None = patient.aws.found("lambda", "GetAlias", FunctionName=function.name, Name=alias)
    if not found:
        return set()
    return {str(found["FunctionVersion"]), *(found.get("RoutingConfig") or {}).get("AdditionalVersionWeights", {})}


def _gone(trouble: Trouble, serving: set[str]) -> str | None:
    """The version that failed, where it serves no more: it is in the name of the log's stream, 2026/11/29/[7]0123..."""
    version = _VERSION.search(trouble.stream)
    return version[1] if version and serving and version[1] not in serving else None


def _finding(patient: Patient, function: Resource, trouble: Trouble, *, gone: str | None) -> Finding:
    times = "once" if trouble.count == 1 else f"{trouble.count} times"
    evidence = [f"last at {trouble.last:%Y-%m-%d %H:%M:%S} UTC, in {trouble.stream}"]
    evidence += [f"at {trouble.where}"] if trouble.where else []
    message = f"{function.name} failed {times} in the last {patient.hours:g} h: {trouble.text}"
    place = f"mend {trouble.where}" if trouble.where else "look at the log"
    if "Task timed out" in trouble.text:
        place = f"find what it waits for, or raise timeout in {function.source or 'the specs'},"
    if gone is not None:
        evidence.append(f"version {gone}, which serves no more")
        return Finding(message, "info", tuple(evidence), f"{place} before it is deployed again", function.address)
    fix = f"{place} and deploy, or: {patient.command('rollback', '--to previous')}"
    return Finding(message, "error", tuple(evidence), fix, function.address)


def _of_function(patient: Patient, name: str) -> list[Trouble]:
    return troubles(error_events(patient, name))


def error_events(patient: Patient, name: str) -> Iterable[Mapping[str, Any]]:
    """What the log of a function has of errors."""
    arguments = {
        "logGroupName": f"/aws/lambda/{name}",
        "startTime": int(patient.since.timestamp() * 1000),
        "filterPattern": PATTERN,
    }
    # One page is enough to know what is wrong, and the log of a bad hour may have thousands.
    found: Mapping[str, Any] | None = patient.aws.found("logs", "FilterLogEvents", limit=10_000, **arguments)
    events: Iterable[Mapping[str, Any]] = found.get("events", ()) if found else ()
    return events


def runtimes(patient: Patient) -> Iterator[Finding]:
    """Runtimes that AWS has deprecated or is about to."""
    lifecycle, today = patient.lifecycle("lambda.function", "runtime"), patient.now.date()
    for function in patient.of("lambda.function"):
        dates = lifecycle.get(str(function.properties.get("runtime")))
        if not isinstance(dates, Mapping):
            continue
        left = (date.fromisoformat(dates["deprecated"]) - today).days
        if left > _SOON:
            continue
        when = f"deprecated since {dates['deprecated']}" if left <= 0 else f"deprecated in {left} days"
        evidence = (f"from {dates['create_blocked']} on AWS refuses new functions with it",)
        place = str(function.source) if function.source else "the specs"
        message = f"{function.name} runs on {function.properties['runtime']}, {when}"
        yield Finding(message, "warning", evidence, f"a newer runtime in {place}", function.address)


def throttled(patient: Patient) -> Iterator[Finding]:
    """Invocations that Lambda refused because too many were under way."""
    for function in patient.of("lambda.function"):
        count = patient.total("AWS/Lambda", "Throttles", {"FunctionName": function.name})
        if count:
            fix = "reserved_concurrency of the function, or a higher quota of the account"
            message = f"{function.name} was throttled {count:.0f} times in the last {patient.hours:g} h"
            yield Finding(message, "warning", (), fix, function.address)


CHECKS = (
    Check("function-throttles", "no invocation was refused for want of concurrency", throttled),
    Check("recent-errors", "the functions' logs have no errors", recent_errors),
    Check("runtimes", "the functions' runtimes have a future", runtimes),
)
