"""Answers 5xx of APIs are told with what they come from, unless a function's error tells it already."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipeline.diagnosing.failed_answers import Answer, answers, layout, unexplained
from pipeline.diagnosing.finding import Finding
from pipeline.diagnosing.patient import Condition
from pipeline.errors import PipelineError
from pipeline.model.plan import Plan
from pipeline.model.release import LedgerHead, Release
from pipeline.model.resource import ObservedState, Resource
from tests.diagnosing.support import declared, found, patient
from tests.support.fake_transport import FakeTransport, Reply

AT = datetime(2026, 11, 29, 9, 0, tzinfo=UTC)
FUNCTION = declared("lambda.function", "orders-list", handler="handlers.list.handle", runtime="python3.13")
REST_ENDPOINTS = [{"path": "/orders/{id}", "methods": ["ANY"], "function": "orders-list"}]
REST = declared("apigateway.rest_api", "orders", endpoints=REST_ENDPOINTS)
HTTP = declared("apigatewayv2.http_api", "orders-http", endpoints=[{"path": "/orders", "function": "orders-list"}])
OF_REST: dict[str, Any] = {"method": "GET", "path": "/dev/orders/7", "resource": "/orders/{id}"}
OF_HTTP: dict[str, Any] = {"route": "ANY /orders", "path": "/orders"}


def event(at: float = 0, **line: Any) -> dict[str, Any]:
    moment = AT + timedelta(seconds=at)
    text = json.dumps({"requestId": "r-1", "integrationLatency": "12", **line})
    return {"timestamp": int(moment.timestamp() * 1000), "message": text, "logStreamName": "s"}


def raised(at: float = 0) -> dict[str, Any]:
    return {**event(at), "message": "[ERROR] KeyError: 'id'"}


def findings(api: Resource, *lines: dict[str, Any], errors: tuple[dict[str, Any], ...] = ()) -> list[Finding]:
    def events(asked: Mapping[str, Any]) -> dict[str, Any]:
        return {"events": list(lines) if asked["logGroupName"].startswith("/aws/apigateway/") else list(errors)}

    return found("failed-answers", patient(FUNCTION, api, replies={"logs:FilterLogEvents": events}))


def test_a_malformed_answer_is_told_with_its_route_and_its_handler() -> None:
    lines = [event(at, status="502", integrationStatus="200", **OF_REST) for at in (0, 300)]
    (one,) = findings(REST, *lines)
    assert one.message == (
        "orders answered GET /orders/{id} with 502 2 times in the last 1 h: "
        "orders-list returned what is no answer: that has statusCode (a number), headers, and body (text)"
    )
    assert one.evidence == (
        "last at 2026-11-29 09:05:00 UTC, request r-1 in /aws/apigateway/orders/dev",
        "status 502, Lambda's status 200, waited 12 ms",
    )
    back = "pipeline rollback --env dev --to previous"
    assert one.fix == f"mend what handlers/list.py returns and deploy, or: {back}"
    assert (one.severity, one.address) == ("error", REST.address)


@pytest.mark.parametrize(
    ("api", "line", "told", "fix"),
    [
        (REST, {"status": "500", "integrationStatus": "200"}, "itself answers", "find why handlers/list.py answers"),
        (REST, {"status": "503", "integrationStatus": "200"}, "itself answers", "find why handlers/list.py answers"),
        (REST, {"status": "504", "integrationStatus": "-"}, "longer than the API", "what handlers/list.py waits for"),
        (REST, {"status": "500", "integrationStatus": "-"}, "API Gateway may not invoke it", "--check api-permission"),
        (REST, {"status": "500", "integrationStatus": "429"}, "Lambda did not run", "--check function-throttles"),
        (HTTP, {"status": "500", "integrationStatus": "500"}, "itself answers", "find why handlers/list.py answers"),
        (HTTP, {"status": "500", "integrationStatus": "200"}, "is no answer", "what handlers/list.py returns"),
        (HTTP, {"status": "500", "integrationStatus": "-"}, "or it returned what is no answer", "api-permission"),
        (HTTP, {"status": "503", "integrationStatus": "-", "integrationLatency": "30001"}, "longer than", "waits for"),
        (HTTP, {"status": "500", "authorizerError": "it broke"}, "its authorizer failed", "look at authorizer"),
    ],
)
def test_what_an_answer_comes_from(api: Resource, line: dict[str, Any], told: str, fix: str) -> None:
    (one,) = findings(api, event(**{**(OF_REST if api is REST else OF_HTTP), **line}))
    assert told in one.message
    assert "orders-list" in one.message
    assert fix in str(one.fix)


def test_a_route_with_an_authorizer_may_owe_its_500_to_that() -> None:
    arn = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_x"
    endpoints = [{**REST_ENDPOINTS[0], "authorizer": "users"}]
    api = declared("apigateway.rest_api", "orders", endpoints=endpoints, authorizers={"users": {"user_pools": [arn]}})
    (one,) = findings(api, event(status="500", **OF_REST))
    assert one.message.endswith("or its authorizer failed")


def test_what_an_error_of_the_function_explains_is_not_told_twice() -> None:
    line: dict[str, Any] = {"status": "502", "integrationStatus": "200", **OF_REST}
    assert findings(REST, event(10, **line), errors=(raised(9),)) == []
    (one,) = findings(REST, event(10, **line), event(11, **line), errors=(raised(9),))
    assert " once in " in one.message, "one error explains one answer"
    assert len(findings(REST, event(500, **line), errors=(raised(9),))) == 1, "long before"


@pytest.mark.parametrize(
    ("errors", "left"),
    [
        ((125, 0, 900), [200]),
        ((100,), [30, 200]),
        ((104, 33), [200]),
        ((), [30, 100, 200]),
        ((29, 30, 31, 32), [100, 200]),
    ],
)
def test_each_error_explains_one_answer_the_nearest(errors: tuple[float, ...], left: list[float]) -> None:
    found = [answer_at(seconds) for seconds in (200, 30, 100)]
    told = unexplained(found, [AT + timedelta(seconds=seconds) for seconds in errors])
    assert [(one.at - AT).total_seconds() for one in told] == left


def test_a_function_that_raised_gave_no_answer_of_its_own() -> None:
    busy, broken = answer_at(0, status=503), answer_at(0.5)
    assert unexplained([busy, broken], [AT]) == [busy]
    assert unexplained([busy], [AT]) == [], "it logged why"


def answer_at(seconds: float, status: int = 502) -> Answer:
    return Answer(AT + timedelta(seconds=seconds), "GET /", status, 200, None, None, "", "")


def test_routes_and_causes_are_told_apart_the_most_frequent_first() -> None:
    lines = [event(status="502", integrationStatus="200", **OF_REST) for _ in range(2)]
    lines += [event(status="504", **OF_REST), event(status="502", integrationStatus="200", method="GET", resource="/x")]
    told = findings(REST, *lines)
    assert [("2 times" in one.message, " once " in one.message) for one in told] == [(True, False)] + 2 * [
        (False, True)
    ]
    (unknown,) = [one for one in told if "GET /x" in one.message]
    assert "what answers there returned" in unknown.message


def test_no_api_tells_more_than_five_and_apis_without_logs_nothing() -> None:
    lines = [event(status=str(status), integrationStatus="200", **OF_REST) for status in range(500, 508)]
    assert len(findings(REST, *lines)) == 5
    for logs in (False, {"format": "$context.requestId $context.status"}):
        silent = declared("apigateway.rest_api", "orders", endpoints=REST_ENDPOINTS, access_logs=logs)
        assert findings(silent, *lines) == []


def test_a_page_without_events_does_not_end_the_search() -> None:
    pages: list[Reply] = [
        {"events": [], "nextToken": "n"},
        {"events": [event(status="504", **OF_REST)]},
        {"events": []},
    ]
    who = patient(REST)
    transport = FakeTransport({"logs:FilterLogEvents": [*pages]})
    who.aws = type(who.aws)(transport, who.aws.clock)
    assert len(found("failed-answers", who)) == 1
    assert [sent.get("nextToken") for _, _, sent in transport.sent] == [None, "n"]
    endless = FakeTransport({"logs:FilterLogEvents": [{"events": [], "nextToken": "n"}]})
    who.aws = type(who.aws)(endless, who.aws.clock)
    assert found("failed-answers", who) == []
    assert len(endless.sent) == 5


@pytest.mark.parametrize(
    ("form", "pattern"),
    [
        ('{"code":"$context.status","id":"$context.requestId"}', '{ $.code = "5*" }'),
        ('{ "code": $context.status, "id": "$context.requestId" }', "{ $.code >= 500 }"),
        ('{"id":"$context.requestId"}', None),
        ("$context.requestId $context.status", None),
    ],
)
def test_formats_of_ones_own_are_read_when_they_are_json(form: str, pattern: str | None) -> None:
    how = layout(form)
    assert (how.pattern if how else None) == pattern
    if how:
        number = int if ">=" in how.pattern else str
        lines = [{"message": json.dumps({"code": number(code), "id": "x"})} for code in (200, 503)]
        broken = [{"message": text} for text in ("", "{", "[1]", "{}")]
        (one,) = answers([*lines, *broken], how)
        assert (one.status, one.request, one.route) == (503, "x", "a route")


@pytest.mark.parametrize(
    ("minutes", "previous", "severity"),
    [(10, "7", "info"), (10, "8", "error"), (10, None, "error"), (-10, "7", "error")],
)
def test_answers_of_a_version_that_serves_no_more_are_only_to_know(
    minutes: float, previous: str | None, severity: str
) -> None:
    created = (AT + timedelta(minutes=minutes)).isoformat()
    functions = {"orders-list": {"version": "8", "previous": previous, "code_sha256": "x"}}
    release = Release(3, "orders", "dev", "us-east-1", "1", None, created, "ada", "run-1", functions=functions)
    condition = Condition(
        Plan("orders", "dev", "us-east-1", "1", None, ()), ObservedState({}), LedgerHead(exists=True, current=release)
    )
    lines = {"events": [event(status="504", **OF_REST)]}
    who = patient(FUNCTION, REST, replies={"logs:FilterLogEvents": lambda _: lines})
    who.examine = lambda: condition
    (one,) = found("failed-answers", who)
    assert one.severity == severity
    assert ("rollback" in str(one.fix)) == (severity == "error")
    assert ("before release 3, since which version 8 answers" in one.evidence) == (severity == "info")


def test_what_was_found_is_told_where_the_ledger_cannot_be_read() -> None:
    def examine() -> Condition:
        raise PipelineError("no")

    who = patient(FUNCTION, REST, replies={"logs:FilterLogEvents": {"events": [event(status="504", **OF_REST)]}})
    who.examine = examine
    assert [one.severity for one in found("failed-answers", who)] == ["error"]
