"""What the two releases did, from CloudWatch: by executed version for functions, by stage for REST APIs.

    a function      FunctionName, Resource (function:alias) and ExecutedVersion: the canary beside the stable version
    a REST API      ApiName and Stage: it cannot tell the canary's requests apart, so beside the minutes before

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from pipeline.errors import PipelineError
from pipeline.model.rollout import Figures
from pipeline.model.shift import Rollout, Shift, Way
from pipeline.planning.ways import REST_API, functions_of
from pipeline.releasing.traffic import Kind
from pipeline.resources._rest_definition import CANARY_ALIAS
from pipeline.resources.base import Aws
from pipeline.rollout.alarms import Alarm
from pipeline.rollout.analysis import Sample
from pipeline.rollout.baseline import latest
from pipeline.rollout.latency import PERCENTILES

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
_QUERIES_PER_CALL = 500
_MINUTE, _LONGEST_PERIOD = 60, 86_400
_LEAST_BEFORE = 5 * _MINUTE  # of an API, to compare with
_ALARMS_PER_CALL = 100
_LAMBDA, _GATEWAY = "AWS/Lambda", "AWS/ApiGateway"

# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
ApiKind = Literal["api", "definition"]
_METRICS: Mapping[ApiKind, str] = {"api": "5XXError", "definition": "4XXError"}

Dimensions = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Query:
    """One figure: a statistic of a metric with exactly these dimensions."""

    namespace: str
    metric: str
    statistic: str
    dimensions: Dimensions


Found = Mapping[Query, float]


@dataclass(frozen=True)
class _Function:
    """A function that shares its traffic: where the invocations of the two versions are counted."""

    name: str
    canary: Dimensions
    stable: Dimensions

    @classmethod
    def of(cls, shift: Shift) -> "_Function":
        alias = CANARY_ALIAS if shift.way is Way.STAGE else shift.name
        return cls(
            shift.owner,
            _dimensions(shift.owner, alias, shift.canary),
            _dimensions(shift.owner, shift.name, shift.stable),
        )


def _dimensions(function: str, alias: str, version: str) -> Dimensions:
    named = (("FunctionName", function), ("Resource", f"{function}:{alias}"))
    return (*named, ("ExecutedVersion", version))


class CloudWatch:
    """The metrics of one rollout."""

    def __init__(self, aws: Aws, rollout: Rollout) -> None:
        self._aws = aws
        self._alone = ((0.0, rollout.began),) if rollout.alone is None else rollout.alone
        sharing = [s for s in rollout.shifts if Kind(s.kind) is Kind.ALIAS and s.way is not Way.PROMOTION]
        self._functions = [_Function.of(shift) for shift in sharing]
        self._apis = dict(_apis(rollout))
        self._defined = _defined(rollout) if rollout.strategy.analysis.client_errors else frozenset()

    def samples(self, start: float, end: float) -> Sequence[Sample]:
        """Each function with both versions in the same minutes, each API beside its minutes before the rollout."""
        of_apis = list(self._of_apis())
        asked: list[Callable[[], Found]] = [
            partial(self._ask, list(self._of_functions()), start, end),
            partial(self._ask, of_apis, start, end),
            *(partial(self._ask, of_apis, *w) for w in latest(self._alone, max(end - start, _LEAST_BEFORE))),
        ]
        functions, apis, *before = self._aws.gather(asked)
        return [
            *(Sample(f.name, _figures(functions, f.canary), _figures(functions, f.stable)) for f in self._functions),
            *(self._answered(name, "api", [apis], before) for name in self._apis),
            *(self._answered(name, "definition", [apis], before) for name in self._apis if name in self._defined),
        ]

    def _answered(self, name: str, kind: ApiKind, now: Sequence[Found], before: Sequence[Found]) -> Sample:
        """The answers of an API, which cannot tell those of the canary apart."""
        named, metric = self._apis[name], _METRICS[kind]
        canary, stable = (Figures.total(_answers(each, named, metric) for each in found) for found in (now, before))
        return Sample(name, canary, stable, kind, "before")

    def alarms(self, names: Sequence[str]) -> Sequence[Alarm]:
        """These alarms as they are now, composite ones too."""
        return look_at_alarms(self._aws, names)

    def _of_functions(self) -> Iterator[Query]:
        for function in self._functions:
            for dimensions in (function.canary, function.stable):
                yield Query(_LAMBDA, "Invocations", "Sum", dimensions)
                yield Query(_LAMBDA, "Errors", "Sum", dimensions)
                yield Query(_LAMBDA, "Throttles", "Sum", dimensions[:2])
                yield from (Query(_LAMBDA, "Duration", name, dimensions) for name in PERCENTILES)

    def _of_apis(self) -> Iterator[Query]:
        for name, named in self._apis.items():
            yield Query(_GATEWAY, "Count", "Sum", named)
            yield Query(_GATEWAY, _METRICS["api"], "Sum", named)
            if name in self._defined:
                yield Query(_GATEWAY, _METRICS["definition"], "Sum", named)

    def _ask(self, wanted: Sequence[Query], start: float, end: float) -> Found:
        """The figures of a whole window: sums of all its minutes, percentiles of all its requests."""
        queries = list(dict.fromkeys(wanted))
        batches = [queries[at : at + _QUERIES_PER_CALL] for at in range(0, len(queries), _QUERIES_PER_CALL)]
        found: dict[Query, float] = {}
        for answer in self._aws.gather([partial(self._batch, batch, start, end) for batch in batches]):
            found |= answer
        return found

    def _batch(self, queries: Sequence[Query], start: float, end: float) -> dict[Query, float]:
        first, last = window(start, end)
        period = min(last - first, _LONGEST_PERIOD)
        results = self._aws.pages(
            "cloudwatch",
            "GetMetricData",
            "MetricDataResults",
            MetricDataQueries=[_wire(f"q{number}", query, period) for number, query in enumerate(queries)],
            StartTime=datetime.fromtimestamp(first, UTC),
            EndTime=datetime.fromtimestamp(last, UTC),
        )
        values: dict[str, list[float]] = {}
        for result in results:
            if result.get("StatusCode") in ("InternalError", "Forbidden"):
                raise PipelineError(f"CloudWatch gives no data: {result.get('StatusCode')} {result.get('Messages')}")
            values.setdefault(result["Id"], []).extend(result.get("Values") or ())
        asked = {query: values.get(f"q{number}") or [] for number, query in enumerate(queries)}
        return {query: value for query, found in asked.items() if (value := _whole(query, found)) is not None}


def look_at_alarms(aws: Aws, names: Sequence[str]) -> list[Alarm]:
    """These alarms as they are now, composite ones too."""
    found: dict[str, str] = {}
    for start in range(0, len(names), _ALARMS_PER_CALL):
        answer = aws.call(
            "cloudwatch",
            "DescribeAlarms",
            AlarmNames=list(names[start : start + _ALARMS_PER_CALL]),
            AlarmTypes=["MetricAlarm", "CompositeAlarm"],
            MaxRecords=_ALARMS_PER_CALL,
        )
        for kind in ("MetricAlarms", "CompositeAlarms"):
            found |= {alarm["AlarmName"]: alarm["StateValue"] for alarm in answer.get(kind) or ()}
    return [Alarm(name, found.get(name)) for name in names]


def _apis(rollout: Rollout) -> Iterable[tuple[str, Dimensions]]:
    """The REST APIs that shift, or call a function that does."""
    shifting = {shift.owner for shift in rollout.shifts if Kind(shift.kind) is Kind.ALIAS and shift.moves}
    own = {shift.address for shift in rollout.shifts}
    for resource in rollout.release.desired:
        if resource.type == REST_API and (resource.address in own or shifting.intersection(functions_of(resource))):
            stage = str(resource.properties["stage"])
            yield resource.name, (("ApiName", str(resource.properties["name"])), ("Stage", stage))


def _defined(rollout: Rollout) -> frozenset[str]:
    """The names of the REST APIs whose definition shifts by a canary on their stage."""
    shifting = (s.address for s in rollout.shifts if Kind(s.kind) is Kind.STAGE and s.way is Way.STAGE)
    return frozenset(address.removeprefix(f"{REST_API}/") for address in shifting)


def window(start: float, end: float) -> tuple[int, int]:
    """Whole minutes around a time: CloudWatch has these metrics by the minute."""
    first = math.floor(start / _MINUTE) * _MINUTE
    return first, max(math.ceil(end / _MINUTE) * _MINUTE, first + _MINUTE)


def _wire(name: str, query: Query, period: int) -> dict[str, Any]:
    dimensions = [{"Name": key, "Value": value} for key, value in query.dimensions]
    metric = {"Namespace": query.namespace, "MetricName": query.metric, "Dimensions": dimensions}
    return {"Id": name, "MetricStat": {"Metric": metric, "Period": period, "Stat": query.statistic}}


def _whole(query: Query, values: Sequence[float]) -> float | None:
    """One value for the window. Percentiles of its parts say nothing certain about the whole."""
    if query.statistic == "Sum":
        return sum(values) if values else None
    return values[0] if len(values) == 1 else None


def _figures(found: Found, dimensions: Dimensions) -> Figures:
    def total(metric: str, dimensions: Dimensions) -> int:
        return round(found.get(Query(_LAMBDA, metric, "Sum", dimensions), 0.0))

    latency = {
        name: value
        for name in PERCENTILES
        if (value := found.get(Query(_LAMBDA, "Duration", name, dimensions))) is not None
    }
    return Figures(
        requests=total("Invocations", dimensions),
        errors=total("Errors", dimensions),
        throttles=total("Throttles", dimensions[:2]),
        latency=latency,
    )


def _answers(found: Found, named: Dimensions, metric: str) -> Figures:
    def total(metric: str) -> int:
        return round(found.get(Query(_GATEWAY, metric, "Sum", named), 0.0))

    return Figures(requests=total("Count"), errors=total(metric))
