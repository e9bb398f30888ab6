"""What is read of the use of a service: from an AWS played by moto, and from logs that answer or do not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipeline.applying.aws_client import AwsClient
from pipeline.applying.usage import UsageReader
from pipeline.costing.estimating import consumed, invocations
from pipeline.errors import PipelineError
from pipeline.model.cost import Metric
from pipeline.model.resource import Resource

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
FUNCTION = Resource("lambda.function", "orders", {})


def put(aws: AwsClient, metric: Metric, at: datetime, value: float) -> None:
    dimensions = [{"Name": key, "Value": text} for key, text in metric.dimensions]
    datum = {"MetricName": metric.name, "Dimensions": dimensions, "Timestamp": at, "Value": value}
    aws.call("cloudwatch", "PutMetricData", Namespace=metric.namespace, MetricData=[datum])


def test_metrics_of_the_window_are_read_in_order_and_others_are_not(aws: AwsClient) -> None:
    metric, other = invocations("orders"), consumed("orders", "Read")
    for hours, value in ((30, 5.0), (2, 7.0), (1, 11.0)):
        put(aws, metric, NOW - timedelta(hours=hours), value)
    usage = UsageReader(aws, NOW, 1).read([metric, other, metric], [])
    assert usage.series == {metric: (*[0.0] * 21, 7.0, 11.0), other: ()}  # hours without use have no values
    assert usage.monthly(metric) == pytest.approx(18 * 730 / 24)


def test_the_size_of_a_table_is_asked_of_the_table(aws: AwsClient) -> None:
    aws.call(
        "dynamodb",
        "CreateTable",
        TableName="orders",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    tables = [Resource("dynamodb.table", name, {}) for name in ("orders", "gone")]
    assert UsageReader(aws, NOW, 1).read([], tables).sizes == {"dynamodb.table/orders": 0, "dynamodb.table/gone": 0}


class Recorder:
    """Writes calls down, and answers them by functions."""

    def __init__(self, **answers: Callable[..., Any]) -> None:
        self.answers = answers
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def gather(self, thunks: Any) -> list[Any]:
        return [thunk() for thunk in thunks]

    def call(self, service: str, operation: str, /, **params: Any) -> Any:
        self.calls.append((operation, params))
        return self.answers[operation]()

    def pages(self, service: str, operation: str, /, key: str, **params: Any) -> list[Any]:
        self.calls.append((operation, params))
        return []

    def wait(self, what: str, poll: Callable[[], Any], *, every: float, budget: float) -> Any:
        return next(found for found in iter(poll, object()) if found is not None)


def test_a_call_asks_for_no_more_than_cloudwatch_gives() -> None:
    aws = Recorder()
    metrics = [consumed(f"t{n}", "Read") for n in range(20)] + [Metric("a", "b", "Sum", (), region="us-east-1")]
    UsageReader(aws, NOW, 63).read(metrics, [])  # type: ignore[arg-type]  # a fake of what is used
    sizes = [(params["region"], len(params["MetricDataQueries"])) for _, params in aws.calls]
    assert sizes == [(None, 5)] * 4 + [("us-east-1", 1)]  # 18,145 values for each of the five


def test_cold_starts_are_counted_in_the_logs() -> None:
    states = iter(["Running", "Complete"])
    row = [{"field": "cold", "value": "12"}]
    aws = Recorder(
        StartQuery=lambda: {"queryId": "q"}, GetQueryResults=lambda: {"status": next(states), "results": [row]}
    )
    assert UsageReader(aws, NOW, 7).cold_starts([FUNCTION]) == {"lambda.function/orders": 12}  # type: ignore[arg-type]  # a fake of what is used
    assert aws.calls[0][1]["logGroupName"] == "/aws/lambda/orders"


def test_no_rows_are_no_cold_starts() -> None:
    aws = Recorder(StartQuery=lambda: {"queryId": "q"}, GetQueryResults=lambda: {"status": "Complete", "results": []})
    assert UsageReader(aws, NOW, 7).cold_starts([FUNCTION]) == {"lambda.function/orders": 0}  # type: ignore[arg-type]  # a fake of what is used


def refused() -> Any:
    raise PipelineError("not allowed")


@pytest.mark.parametrize("answer", [refused, lambda: {"status": "Failed"}])
def test_logs_that_cannot_be_asked_leave_it_unknown(answer: Callable[[], Any]) -> None:
    aws = Recorder(StartQuery=lambda: {"queryId": "q"}, GetQueryResults=answer)
    assert UsageReader(aws, NOW, 7).cold_starts([FUNCTION]) == {}  # type: ignore[arg-type]  # a fake of what is used
