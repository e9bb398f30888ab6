"""What types make of all that a service declares: alarms on it, a dashboard of it, dimensions that were left out."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.loaded import Loaded
from pipeline.model.resource import Resource
from pipeline.model.values import plain, resolve
from pipeline.resources.registry import registry
from tests.config.support import HANDLER, real, told
from tests.support.aws import SCOPE

FUNCTIONS = """\
defaults: {runtime: python3.13, timeout: 10}
functions:
  - name: list
  - name: add
    timeout: 20
"""
STACK = {
    "aws/functions.yaml": FUNCTIONS,
    "aws/api.yaml": "api:\n  name: web\n  endpoints: [{path: /, methods: [GET], function: list}]\n",
    "aws/chat.yaml": "websocket_api:\n  name: chat\n  routes: {$default: add}\n",
    "aws/tables.yaml": """\
tables:
  - name: orders
    partition_key: id
    attributes: {who: S}
    indexes: [{name: by-who, partition_key: who}]
""",
    "aws/topics.yaml": "topics:\n  - name: alarms\n",
    "backend/handlers/list.py": HANDLER,
    "backend/handlers/add.py": HANDLER,
}
HEALTH = "aws/health.yaml"
MANUAL = """\
alarms:
  - name: api-errors
    description: High API error rate
    metric: 4XXError
    namespace: AWS/ApiGateway
    statistic: Average
    period: 300
    threshold: 0.05
    comparison: GreaterThanThreshold
    evaluation_periods: 2
"""


def load(root: Path, health: str, **more: str) -> Loaded:
    return real(root, {**STACK, HEALTH: health, **more})


def resources(result: Loaded) -> dict[str, Resource]:
    assert [line for line in told(result) if "warning" not in line] == []
    return result.desired["dev"].by_address


def alarms(result: Loaded) -> dict[str, dict[str, Any]]:
    found = resources(result).values()
    return {one.name: plain(one.properties) for one in found if one.type == "cloudwatch.alarm"}


def test_everything_is_watched_with_the_dimensions_it_publishes_under(tmp_path: Path) -> None:
    found = alarms(load(tmp_path, "composite_alarm: {name: health, watch: everything, actions: [alarms]}\n"))
    assert {name: (one["metric"], one["dimensions"], one["threshold"]) for name, one in found.items()} == {
        "list-errors": ("Errors", {"FunctionName": "list"}, 1),
        "list-throttles": ("Throttles", {"FunctionName": "list"}, 1),
        "list-duration": ("Duration", {"FunctionName": "list"}, 8000),
        "add-errors": ("Errors", {"FunctionName": "add"}, 1),
        "add-throttles": ("Throttles", {"FunctionName": "add"}, 1),
        "add-duration": ("Duration", {"FunctionName": "add"}, 16000),
        "web-5xx": ("5XXError", {"ApiName": "web", "Stage": "dev"}, 0.01),
        "web-4xx": ("4XXError", {"ApiName": "web", "Stage": "dev"}, 0.05),
        "chat-execution-errors": ("ExecutionError", {"ApiId": "${apigatewayv2.api/chat.id}", "Stage": "dev"}, 1),
        "chat-integration-errors": ("IntegrationError", {"ApiId": "${apigatewayv2.api/chat.id}", "Stage": "dev"}, 1),
        "orders-read-throttles": ("ReadThrottleEvents", {"TableName": "orders"}, 1),
        "orders-write-throttles": ("WriteThrottleEvents", {"TableName": "orders"}, 1),
        "orders-by-who-read-throttles": (
            "ReadThrottleEvents", {"TableName": "orders", "GlobalSecondaryIndexName": "by-who"}, 1,
        ),
        "orders-by-who-write-throttles": (
            "WriteThrottleEvents", {"TableName": "orders", "GlobalSecondaryIndexName": "by-who"}, 1,
        ),
    }  # fmt: skip
    assert (found["list-duration"]["statistic"], found["web-5xx"]["statistic"]) == ("p99", "Average")


def test_no_alarm_of_the_set_is_warned_about(tmp_path: Path) -> None:
    found = resources(load(tmp_path, "composite_alarm: {name: health, watch: everything, actions: [alarms]}\n"))
    kind = registry()["cloudwatch.alarm"]
    own = [one for one in found.values() if one.type == kind.name]
    assert own
    assert [problem for one in own for problem in (*kind.check(one, SCOPE), *kind.warn(one, SCOPE))] == []


def test_the_essential_is_what_breaks(tmp_path: Path) -> None:
    found = alarms(load(tmp_path, "composite_alarm: {name: health, watch: essential, actions: [alarms]}\n"))
    assert set(found) == {"list-errors", "add-errors", "web-5xx", "chat-execution-errors"}


def test_one_alarm_tells_for_all_and_needs_them(tmp_path: Path) -> None:
    text = "composite_alarm: {name: health, watch: essential, any_of: [api-errors], actions: [alarms]}\n" + MANUAL
    found = resources(load(tmp_path, text))
    health = found["cloudwatch.composite_alarm/health"]
    names = ("api-errors", "list-errors", "add-errors", "web-5xx", "chat-execution-errors")
    assert set(health.properties["rule"].split(" OR ")) == {f'ALARM("{name}")' for name in names}
    assert {f"cloudwatch.alarm/{name}" for name in names} < set(health.dependencies)
    assert found["cloudwatch.alarm/api-errors"].properties["part_of"] == "health"
    assert "watch" not in health.properties


@pytest.mark.parametrize(
    "text",
    ['any_of: ["${cloudwatch.alarm/api-errors.arn}"]', "rule: 'ALARM(\"${cloudwatch.alarm/api-errors.arn}\")'"],
)
def test_alarms_may_be_named_by_their_arn(tmp_path: Path, text: str) -> None:
    found = resources(load(tmp_path, f"composite_alarms:\n  - name: health\n    {text}\n" + MANUAL))
    health = found["cloudwatch.composite_alarm/health"]
    assert plain(health.properties["rule"]) == 'ALARM("${cloudwatch.alarm/api-errors.arn}")'
    assert "cloudwatch.alarm/api-errors" in health.dependencies
    arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:api-errors"
    assert resolve(health.properties["rule"], lambda _: arn) == f'ALARM("{arn}")'


def test_thresholds_can_be_said(tmp_path: Path) -> None:
    limits = "thresholds: {function_errors: 5, duration_share: 0.5}"
    found = alarms(
        load(tmp_path, f"composite_alarm: {{name: health, watch: everything, {limits}, actions: [alarms]}}\n")
    )
    assert (found["list-errors"]["threshold"], found["list-duration"]["threshold"]) == (5, 5000)
    assert found["web-4xx"]["threshold"] == 0.05


def test_an_alarm_that_is_declared_takes_the_place_of_the_one_that_would_follow(tmp_path: Path) -> None:
    own = "alarms:\n  - {name: list-errors, namespace: Own, metric: x, statistic: Sum, threshold: 9, "
    own += "comparison: GreaterThanThreshold}\n"
    text = "composite_alarm: {name: health, watch: essential, actions: [alarms]}\n" + own
    assert alarms(load(tmp_path, text))["list-errors"]["namespace"] == "Own"


def test_the_manual_s_alarm_gets_the_dimensions_that_it_lacked(tmp_path: Path) -> None:
    found = resources(load(tmp_path, MANUAL))["cloudwatch.alarm/api-errors"]
    assert found.properties["dimensions"] == {"ApiName": "web", "Stage": "dev"}
    assert "apigateway.rest_api/web" in found.dependencies


def test_among_several_apis_the_alarm_is_warned_about(tmp_path: Path) -> None:
    other = "api:\n  name: other\n  endpoints: [{path: /, methods: [GET], function: list}]\n"
    result = real(tmp_path, {**STACK, HEALTH: MANUAL, "aws/other.yaml": other})
    alarm = resources(result)["cloudwatch.alarm/api-errors"]
    assert alarm.properties["dimensions"] == {}
    (silent, lost) = registry()["cloudwatch.alarm"].warn(alarm, SCOPE)
    assert silent.message == "nobody is told of this alarm"
    assert lost.message.endswith("without it the alarm never has data")


def test_a_dashboard_without_a_body_shows_what_is_declared(tmp_path: Path) -> None:
    found = resources(load(tmp_path, "dashboard: [{name: overview}]\n".replace("dashboard", "dashboards") + MANUAL))
    board = found["cloudwatch.dashboard/overview"]
    widgets = board.properties["body"]["widgets"]
    assert [one["properties"]["title"] for one in widgets] == [
        "Alarms",
        "REST API: requests",
        "REST API: latency (p99)",
        "WebSocket API",
        "Functions: invocations",
        "Functions: errors",
        "Functions: duration (p99)",
        "Tables: consumed capacity",
        "Tables: throttled",
    ]
    shown = json.dumps(plain(widgets))
    assert all(f'"{name}"' in shown for name in ("list", "add", "web", "orders"))
    assert "apigatewayv2.api/chat" in board.dependencies
    assert registry()["cloudwatch.dashboard"].check(board, SCOPE) == []
    assert len({(one["x"], one["y"]) for one in widgets}) == len(widgets)
    assert all(one["x"] + one["width"] <= 24 for one in widgets)


def test_a_dashboard_of_its_author_stays_as_it_is(tmp_path: Path) -> None:
    text = "dashboards: [{name: overview, body: board.json}]\n"
    board = '{"widgets": [{"type": "text", "properties": {"markdown": "# Orders"}}]}'
    found = resources(real(tmp_path, {**STACK, HEALTH: text, "aws/board.json": board}))
    assert found["cloudwatch.dashboard/overview"].properties["body"] == json.loads(board)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("composite_alarm: {name: health}\n", "there is nothing to look at"),
        ("composite_alarm: {name: health, watch: essential, rule: ALARM(x)}\n", "watch makes the rule"),
        ("composite_alarm: {name: health, any_of: [lits-errors]}\n", "there is no cloudwatch.alarm/lits-errors"),
    ],
)
def test_what_cannot_be(tmp_path: Path, text: str, message: str) -> None:
    assert any(message in line for line in told(load(tmp_path, text)))


def test_a_rule_that_is_too_long_for_cloudwatch_is_told_before_any_call(tmp_path: Path) -> None:
    names = [f"function-with-a-rather-long-name-{number:03}" for number in range(90)]
    items = "".join(f"  - {{name: {name}, handler: handlers.list.handler}}\n" for name in names)
    more = f"defaults: {{runtime: python3.13}}\nfunctions:\n{items}"
    text = "composite_alarm: {name: health, watch: everything, actions: [alarms]}\n"
    found = told(real(tmp_path, {**STACK, HEALTH: text, "aws/more.yaml": more}))
    assert any("CloudWatch takes 10240" in line for line in found)
