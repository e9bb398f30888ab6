"""The alarms that a stack usually has: on its functions, APIs and tables, with the dimensions that they publish under.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Best_Practice_Recommended_Alarms_AWS_Services.html
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.model.resource import Resource
from pipeline.model.values import Expression, Reference, Value

ALARM = "cloudwatch.alarm"
ESSENTIAL, EVERYTHING = "essential", "everything"
THRESHOLDS: Mapping[str, float] = {
    "function_errors": 1,
    "function_throttles": 1,
    "duration_share": 0.8,
    "rate_5xx": 0.01,
    "rate_4xx": 0.05,
    "table_throttles": 1,
}
_AT_LEAST = "GreaterThanOrEqualToThreshold"
_MILLISECONDS = 1000
_DEFAULT_TIMEOUT = 3


@dataclass(frozen=True)
class Watched:
    """One metric of one resource. `periods` of five minutes in a row must cross the threshold."""

    owner: Resource
    what: str
    namespace: str
    metric: str
    dimensions: Mapping[str, Value]
    statistic: str
    threshold: float
    periods: int = 1

    @property
    def alarm(self) -> Resource:
        """The alarm, in canonical form. Nobody is told by itself: that is the composite alarm's part."""
        name = f"{self.owner.name}-{self.what}"
        properties = {
            "name": name,
            "namespace": self.namespace,
            "metric": self.metric,
            "dimensions": dict(self.dimensions),
            "statistic": self.statistic,
            "period": 300,
            "evaluation_periods": self.periods,
            "datapoints": self.periods,
            "threshold": self.threshold,
            "comparison": _AT_LEAST,
            "missing_data": "notBreaching",
            "actions": [],
            "ok_actions": [],
            "no_data_actions": [],
            "enabled": True,
            "description": f"{self.metric} of {self.owner.name}",
            "tags": {},
        }
        return Resource(ALARM, name, properties, (self.owner.address,), self.owner.source)


def watched(stack: Sequence[Resource], scope: str, thresholds: Mapping[str, float]) -> Iterator[Watched]:
    """What to watch of all that is declared; `scope` is essential or everything."""
    limits, everything = {**THRESHOLDS, **thresholds}, scope == EVERYTHING
    for resource in stack:
        how = _KINDS.get(resource.type)
        if how:
            yield from how(resource, limits, everything)


def _function(function: Resource, limits: Mapping[str, float], everything: bool) -> Iterator[Watched]:
    named = {"FunctionName": function.name}
    yield Watched(function, "errors", "AWS/Lambda", "Errors", named, "Sum", limits["function_errors"])
    if everything:
        yield Watched(function, "throttles", "AWS/Lambda", "Throttles", named, "Sum", limits["function_throttles"])
        timeout = function.properties.get("timeout")
        seconds = timeout if isinstance(timeout, int) else _DEFAULT_TIMEOUT
        longest = seconds * _MILLISECONDS * limits["duration_share"]
        yield Watched(function, "duration", "AWS/Lambda", "Duration", named, "p99", longest, periods=3)


def _rest_api(api: Resource, limits: Mapping[str, float], everything: bool) -> Iterator[Watched]:
    stage = {"ApiName": api.name, "Stage": api.properties["stage"]}
    yield Watched(api, "5xx", "AWS/ApiGateway", "5XXError", stage, "Average", limits["rate_5xx"], periods=2)
    if everything:
        yield Watched(api, "4xx", "AWS/ApiGateway", "4XXError", stage, "Average", limits["rate_4xx"], periods=2)


def _http_api(api: Resource, limits: Mapping[str, float], everything: bool) -> Iterator[Watched]:
    stage = {"ApiId": _id_of(api), "Stage": api.properties["stage"]}
    yield Watched(api, "http-5xx", "AWS/ApiGateway", "5xx", stage, "Average", limits["rate_5xx"], periods=2)
    if everything:
        yield Watched(api, "http-4xx", "AWS/ApiGateway", "4xx", stage, "Average", limits["rate_4xx"], periods=2)


def _websocket_api(api: Resource, limits: Mapping[str, float], everything: bool) -> Iterator[Watched]:
    stage = {"ApiId": _id_of(api), "Stage": api.properties["stage"]}
    yield Watched(api, "execution-errors", "AWS/ApiGateway", "ExecutionError", stage, "Sum", limits["function_errors"])
    if everything:
        metric = "IntegrationError"
        yield Watched(api, "integration-errors", "AWS/ApiGateway", metric, stage, "Sum", limits["function_errors"])


def _table(table: Resource, limits: Mapping[str, float], everything: bool) -> Iterator[Watched]:
    """Throttling is published for the table and for each of its indexes."""
    if not everything:
        return
    indexes = [one["name"] for one in table.properties.get("indexes") or ()]
    for index in (None, *indexes):
        named = {"TableName": table.name, **({"GlobalSecondaryIndexName": index} if index else {})}
        for word, metric in (("read", "ReadThrottleEvents"), ("write", "WriteThrottleEvents")):
            what = f"{index + '-' if index else ''}{word}-throttles"
            yield Watched(table, what, "AWS/DynamoDB", metric, named, "Sum", limits["table_throttles"])


def _id_of(api: Resource) -> Expression:
    return Expression((Reference(api.address, "id"),))


_KINDS: Mapping[str, Any] = {
    "lambda.function": _function,
    "apigateway.rest_api": _rest_api,
    "apigatewayv2.http_api": _http_api,
    "apigatewayv2.api": _websocket_api,
    "dynamodb.table": _table,
}
