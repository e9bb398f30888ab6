"""A dashboard of what a service declares: alarms, APIs, functions, tables and queues, each with what tells most. Pure.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.model.resource import Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Expression, Reference, Value

_WIDTH, _HEIGHT, _COLUMNS = 8, 6, 24
_MOST = 100  # metrics of one widget that can still be read
_ALARMS = ("cloudwatch.composite_alarm", "cloudwatch.alarm")

Dimensions = Callable[[Resource], Sequence[Value]]


@dataclass(frozen=True)
class _Graph:
    """One widget for all resources of a type: these metrics of each, as this statistic."""

    title: str
    type: str
    namespace: str
    metrics: tuple[str, ...]
    statistic: str
    dimensions: Dimensions


def _named(key: str) -> Dimensions:
    return lambda resource: (key, resource.name)


def _stage_of(key: str, *, by_id: bool) -> Dimensions:
    def dimensions(api: Resource) -> Sequence[Value]:
        which = Expression((Reference(api.address, "id"),)) if by_id else api.name
        return (key, which, "Stage", api.properties["stage"])

    return dimensions


_REST, _HTTP, _WEBSOCKET = "apigateway.rest_api", "apigatewayv2.http_api", "apigatewayv2.api"
_API, _LAMBDA, _DYNAMODB = "AWS/ApiGateway", "AWS/Lambda", "AWS/DynamoDB"
_BY_NAME, _BY_ID = _stage_of("ApiName", by_id=False), _stage_of("ApiId", by_id=True)
_GRAPHS = (
    _Graph("REST API: requests", _REST, _API, ("Count", "4XXError", "5XXError"), "Sum", _BY_NAME),
    _Graph("REST API: latency (p99)", _REST, _API, ("Latency", "IntegrationLatency"), "p99", _BY_NAME),
    _Graph("HTTP API: requests", _HTTP, _API, ("Count", "4xx", "5xx"), "Sum", _BY_ID),
    _Graph("HTTP API: latency (p99)", _HTTP, _API, ("Latency", "IntegrationLatency"), "p99", _BY_ID),
    _Graph("WebSocket API", _WEBSOCKET, _API, ("ConnectCount", "MessageCount", "ExecutionError"), "Sum", _BY_ID),
    _Graph("Functions: invocations", "lambda.function", _LAMBDA, ("Invocations",), "Sum", _named("FunctionName")),
    _Graph("Functions: errors", "lambda.function", _LAMBDA, ("Errors", "Throttles"), "Sum", _named("FunctionName")),
    _Graph("Functions: duration (p99)", "lambda.function", _LAMBDA, ("Duration",), "p99", _named("FunctionName")),
    _Graph(
        "Tables: consumed capacity", "dynamodb.table", _DYNAMODB,
        ("ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"), "Sum", _named("TableName"),
    ),
    _Graph(
        "Tables: throttled", "dynamodb.table", _DYNAMODB, ("ReadThrottleEvents", "WriteThrottleEvents"), "Sum",
        _named("TableName"),
    ),
    _Graph(
        "Queues: waiting", "sqs.queue", "AWS/SQS",
        ("ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"), "Maximum", _named("QueueName"),
    ),
)  # fmt: skip


def body(stack: Sequence[Resource], scope: Scope) -> dict[str, Any]:
    """The dashboard's body: a row of alarms, then a graph for each kind of thing that is declared."""
    widgets = [*_alarms(stack, scope), *_graphs(stack, scope)]
    return {"widgets": [{**widget, **_place(index)} for index, widget in enumerate(widgets)]}


def _place(index: int) -> dict[str, int]:
    row, column = divmod(index, _COLUMNS // _WIDTH)
    return {"x": column * _WIDTH, "y": row * _HEIGHT, "width": _WIDTH, "height": _HEIGHT}


def _alarms(stack: Sequence[Resource], scope: Scope) -> Iterator[dict[str, Any]]:
    names = sorted(one.name for one in stack if one.type in _ALARMS)
    if names:
        arns = [scope.arn("cloudwatch", f"alarm:{name}") for name in names[:_MOST]]
        yield {"type": "alarm", "properties": {"title": "Alarms", "alarms": arns}}


def _graphs(stack: Sequence[Resource], scope: Scope) -> Iterator[dict[str, Any]]:
    for graph in _GRAPHS:
        owners = sorted((one for one in stack if one.type == graph.type), key=lambda one: one.name)
        lines = [
            [graph.namespace, metric, *graph.dimensions(owner), *_label(owner, metric, len(graph.metrics))]
            for owner in owners
            for metric in graph.metrics
        ]
        if lines:
            properties = {
                "title": graph.title,
                "region": scope.region,
                "view": "timeSeries",
                "stat": graph.statistic,
                "period": 300,
                "metrics": lines[:_MOST],
            }
            yield {"type": "metric", "properties": properties}


def _label(owner: Resource, metric: str, metrics: int) -> Sequence[Mapping[str, str]]:
    return [{"label": owner.name if metrics == 1 else f"{owner.name} {metric}"}]
