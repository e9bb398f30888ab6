"""How much a service is used: from CloudWatch, from the tables themselves, from the logs of functions. Only reads.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from pipeline.errors import PipelineError
from pipeline.model.cost import HOUR, Metric, Usage
from pipeline.model.resource import Resource
from pipeline.resources.base import Aws

_QUERIES_PER_CALL = 500
_POINTS_PER_CALL = 100_800  # of all its metrics together; a call has fewer metrics where each has many
# Reports of invocations that had to start an instance say how long that took.
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
_COLD = "filter @type = 'REPORT' and ispresent(@initDuration) | stats count(*) as cold"
_LOGS_SECONDS, _LOGS_EVERY = 30.0, 1.0


class UsageReader:
    """Reads the usage of the days before `now`, in whole hours, that which has just begun included."""

    def __init__(self, aws: Aws, now: datetime, days: int) -> None:
        self._aws = aws
        self._end = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        self._start = self._end - timedelta(days=days)
        self._days = days

    def read(self, metrics: Iterable[Metric], resources: Sequence[Resource]) -> Usage:
        """Everything at once. Raises AwsError."""
        wanted = list(dict.fromkeys(metrics))
        tables = [resource for resource in resources if resource.type == "dynamodb.table"]
        answers: list[Any] = self._aws.gather([lambda: self._series(wanted), lambda: self._sizes(tables)])
        series, sizes = answers
        return Usage(self._days, series, sizes)

    def cold_starts(self, functions: Sequence[Resource]) -> Mapping[str, int]:
        """How often each function had to start an instance, by address; without those whose logs cannot be asked.

        CloudWatch Logs charges these queries by the data that they look through.
        """
        asked = [partial(self._cold_starts, function) for function in functions]
        counts: list[int | None] = self._aws.gather(asked)
        return {each.address: count for each, count in zip(functions, counts, strict=True) if count is not None}

    def _series(self, metrics: Sequence[Metric]) -> dict[Metric, tuple[float, ...]]:
        found: dict[Metric, tuple[float, ...]] = {}
        for answer in self._aws.gather([partial(self._batch, batch) for batch in self._batches(metrics)]):
            found |= answer
        return found

    def _batches(self, metrics: Sequence[Metric]) -> Iterable[list[Metric]]:
        by_region: dict[str | None, list[Metric]] = {}
        for metric in metrics:
            by_region.setdefault(metric.region, []).append(metric)
        for group in by_region.values():
            batch: list[Metric] = []
            points = 0
            for metric in group:
                more = self._days * 24 * HOUR // metric.period + 1
                if batch and (len(batch) == _QUERIES_PER_CALL or points + more > _POINTS_PER_CALL):
                    yield batch
                    batch, points = [], 0
                batch.append(metric)
                points += more
            yield batch

    def _batch(self, metrics: Sequence[Metric]) -> dict[Metric, tuple[float, ...]]:
        values: dict[str, dict[datetime, float]] = {}
        for result in self._aws.pages(
            "cloudwatch",
            "GetMetricData",
            "MetricDataResults",
            region=metrics[0].region,
            MetricDataQueries=[_query(f"q{number}", metric) for number, metric in enumerate(metrics)],
            StartTime=self._start,
            EndTime=self._end,
            ScanBy="TimestampAscending",
        ):
            found = zip(result.get("Timestamps") or (), result.get("Values") or (), strict=True)
            values.setdefault(result["Id"], {}).update(found)
        return {metric: self._series_of(metric, values.get(f"q{n}", {})) for n, metric in enumerate(metrics)}

    def _series_of(self, metric: Metric, values: Mapping[datetime, float]) -> tuple[float, ...]:
        """The values in order. Sums have no value where nothing happened: those periods are zeros, up to the last."""
        if metric.statistic != "Sum" or not values:
            return tuple(values[time] for time in sorted(values))
        slots = {int((time - self._start).total_seconds() // metric.period): value for time, value in values.items()}
        return tuple(slots.get(number, 0.0) for number in range(max(slots) + 1))

    def _sizes(self, tables: Sequence[Resource]) -> dict[str, int]:
        """Bytes of each table with its indexes; AWS counts them about every six hours."""

        def of(table: Resource) -> int:
            found = self._aws.found("dynamodb", "DescribeTable", TableName=table.name)
            described: Mapping[str, Any] = (found or {}).get("Table", {})
            indexes = described.get("GlobalSecondaryIndexes") or ()
            return int(described.get("TableSizeBytes", 0)) + sum(int(one.get("IndexSizeBytes", 0)) for one in indexes)

        sizes = self._aws.gather([partial(of, table) for table in tables])
        return {table.address: size for table, size in zip(tables, sizes, strict=True)}

    def _cold_starts(self, function: Resource) -> int | None:
        group = f"/aws/lambda/{function.name}"
        start, end = int(self._start.timestamp()), int(self._end.timestamp())
        try:
            query = self._aws.call(
                "logs", "StartQuery", logGroupName=group, queryString=_COLD, startTime=start, endTime=end
            )
            rows = self._aws.wait(
                f"the logs of {function.name}",
                lambda: self._rows(query["queryId"]),
                every=_LOGS_EVERY,
                budget=_LOGS_SECONDS,
            )
        except PipelineError:
            return None
        return next((int(float(cell["value"])) for row in rows for cell in row if cell["field"] == "cold"), 0)

    def _rows(self, query: str) -> list[list[dict[str, str]]] | None:
        answer = self._aws.call("logs", "GetQueryResults", queryId=query)
        if answer["status"] in ("Failed", "Cancelled", "Timeout", "Unknown"):
            raise PipelineError(f"the query ended as {answer['status']}")
        return list(answer.get("results", ())) if answer["status"] == "Complete" else None


def _query(name: str, metric: Metric) -> dict[str, Any]:
    dimensions = [{"Name": key, "Value": value} for key, value in metric.dimensions]
    which = {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions}
    return {"Id": name, "MetricStat": {"Metric": which, "Period": metric.period, "Stat": metric.statistic}}
