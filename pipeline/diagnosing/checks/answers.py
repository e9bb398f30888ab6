"""Answers of REST and HTTP APIs that failed although no function did."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.diagnosing.checks.functions import error_events
from pipeline.diagnosing.errors_in_logs import moments
from pipeline.diagnosing.failed_answers import Answer, Cause, Layout, answers, cause, layout, unexplained
from pipeline.diagnosing.finding import Check, Finding
from pipeline.diagnosing.patient import Patient, name_in
from pipeline.errors import Interrupted, PipelineError
from pipeline.model.resource import Resource
from pipeline.resources.access_logs import JSON_FORMATS

_KINDS = ("apigateway.rest_api", "apigatewayv2.http_api")
_MOST_ANSWERS, _MOST_GROUPS, _MOST_PAGES = 10_000, 5, 5
_SAID = {
    Cause.MALFORMED: "{} returned what is no answer: that has statusCode (a number), headers, and body (text)",
    Cause.OWN: "that is what {} itself answers",
    Cause.SLOW: "{} took longer than the API waits",
    Cause.AUTHORIZER: "its authorizer failed before {} was asked",
    Cause.REFUSED: "Lambda did not run {}",
    Cause.NOT_INVOKED: "{} was not reached: API Gateway may not invoke it",
}


@dataclass(frozen=True)
class _Place:
    """A route of an API and what answers there."""

    api: Resource
    entry: Mapping[str, Any]
    function: Resource | None

    @property
    def name(self) -> str:
        return self.function.name if self.function else "what answers there"


def failed_answers(patient: Patient) -> Iterator[Finding]:
    """Answers at 500 and above that the errors of `recent-errors` do not explain, those alike together."""
    apis = [(api, how) for kind in _KINDS for api in patient.of(kind) if (how := _layout(api))]
    logged = patient.aws.gather([lambda a=api, h=how: _logged(patient, a, h) for api, how in apis])  # type: ignore[misc]  # mypy cannot infer a lambda's default argument
    functions = {function.name: function for function in patient.of("lambda.function")}
    behind: dict[str, list[tuple[_Place, Answer]]] = {}
    for (api, _), found in zip(apis, logged, strict=True):
        for answer in found:
            entry = _entry(api, answer.route)
            place = _Place(api, entry, functions.get(name_in(entry.get("function"))))
            behind.setdefault(place.function.name if place.function else "", []).append((place, answer))
    yield from _findings(patient, behind)


def _findings(patient: Patient, behind: Mapping[str, list[tuple[_Place, Answer]]]) -> Iterator[Finding]:
    names = list(behind)
    errors = patient.aws.gather([lambda n=name: moments(error_events(patient, n)) if n else [] for name in names])  # type: ignore[misc]  # mypy cannot infer a lambda's default argument
    alike: dict[tuple[str, str, int, Cause], list[Answer]] = {}
    places: dict[tuple[str, str], _Place] = {}
    for name, known in zip(names, errors, strict=True):
        places |= {(place.api.address, answer.route): place for place, answer in behind[name]}
        where = {id(answer): place.api.address for place, answer in behind[name]}
        for answer in unexplained((answer for _, answer in behind[name]), known):
            alike.setdefault((where[id(answer)], answer.route, answer.status, cause(answer)), []).append(answer)
    told: dict[str, int] = {}
    for (address, route, _, why), group in sorted(alike.items(), key=lambda item: -len(item[1])):
        told[address] = told.get(address, 0) + 1
        if told[address] <= _MOST_GROUPS:
            yield _finding(patient, places[address, route], why, group)


def _finding(patient: Patient, place: _Place, why: Cause, group: list[Answer]) -> Finding:
    last, api = max(group, key=lambda answer: answer.at), place.api
    times = "once" if len(group) == 1 else f"{len(group)} times"
    said = _SAID[why].format(place.name)
    if why is Cause.NOT_INVOKED:
        said += ", or its authorizer failed" if place.entry.get("authorizer") else ""
        # Their logs do not tell these apart.
        said += ", or it returned what is no answer" if api.type == "apigatewayv2.http_api" else ""
    figures = {
        "status": last.status,
        "Lambda's status": last.by_lambda,
        "the function's status": last.by_function,
        "waited": f"{last.waited_ms} ms" if last.waited_ms is not None else None,
        "authorizer": last.authorizer_error or None,
    }
    evidence = [
        f"last at {last.at:%Y-%m-%d %H:%M:%S} UTC, request {last.request or 'without id'} in {_group(api)}",
        ", ".join(f"{name} {value}" for name, value in figures.items() if value is not None),
    ]
    message = f"{api.name} answered {last.route} with {last.status} {times} in the last {patient.hours:g} h: {said}"
    if since := _outdated(patient, place, last):
        before = f"look at {_file(place)} before that version is deployed again"
        return Finding(message, "info", (*evidence, since), before, api.address)
    return Finding(message, "error", tuple(evidence), _fix(patient, place, why), api.address)


def _outdated(patient: Patient, place: _Place, last: Answer) -> str | None:
    """That another version answers since then, as after a rollback. The access log does not name the version."""
    try:
        current = patient.condition.head.current
    except Interrupted:
        raise
    except PipelineError:
        return None  # What was found is told, whatever else cannot be read.
    if current is None or place.function is None or last.at >= datetime.fromisoformat(current.created):
        return None
    entry = current.functions.get(place.function.name, {})
    changed = entry.get("previous") not in {None, entry.get("version")}
    return f"before release {current.number}, since which version {entry['version']} answers" if changed else None


def _fix(patient: Patient, place: _Place, why: Cause) -> str:
    if why is Cause.AUTHORIZER:
        return f"look at authorizer {place.entry.get('authorizer') or 'of the route'}, and its function's log"
    if why in {Cause.REFUSED, Cause.NOT_INVOKED}:
        return patient.command("doctor", "--check api-permission --check function-throttles")
    file = _file(place)
    what = {Cause.MALFORMED: f"mend what {file} returns", Cause.SLOW: f"find what {file} waits for"}
    back = patient.command("rollback", "--to previous")
    return f"{what.get(why, f'find why {file} answers that')} and deploy, or: {back}"


def _file(place: _Place) -> str:
    """Where the handler is; of Python, its module's file."""
    if place.function is None:
        return place.name
    handler = str(place.function.properties.get("handler"))
    if not str(place.function.properties.get("runtime")).startswith("python"):
        return handler
    return f"{handler.rpartition('.')[0].replace('.', '/')}.py"


def _layout(api: Resource) -> Layout | None:
    logs = api.properties.get("access_logs")
    if not isinstance(logs, Mapping):
        return None
    return layout(JSON_FORMATS[api.type] if logs["format"] == "json" else str(logs["format"]))


def _group(api: Resource) -> str:
    return name_in(api.properties["access_logs"]["destination"])


def _logged(patient: Patient, api: Resource, how: Layout) -> list[Answer]:
    """What the access log has; a page may be short or empty though more follows.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
    """
    found: list[Answer] = []
    asked = {
        "logGroupName": _group(api),
        "startTime": int(patient.since.timestamp() * 1000),
        "filterPattern": how.pattern,
        "limit": _MOST_ANSWERS,
    }
    for _ in range(_MOST_PAGES):
        page: Mapping[str, Any] = patient.aws.found("logs", "FilterLogEvents", **asked) or {}
        found += answers(page.get("events", ()), how)
        if not page.get("nextToken") or len(found) >= _MOST_ANSWERS:
            break
        asked["nextToken"] = page["nextToken"]
    return found


def _entry(api: Resource, route: str) -> Mapping[str, Any]:
    """What is declared for a route; a REST API logs the method of the request where ANY is declared."""
    declared = api.properties.get("endpoints")
    known: Mapping[str, Any] = declared if isinstance(declared, Mapping) else {}
    found = known.get(route) or known.get(f"ANY {route.partition(' ')[2]}")
    return found if isinstance(found, Mapping) else {}


CHECKS = (Check("failed-answers", "APIs answered no error 5xx that no function's error explains", failed_answers),)
