"""What CloudWatch is asked for a rollout, and what becomes of its answers."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

import pytest

from pipeline.errors import PipelineError
from pipeline.model.release import Release
from pipeline.model.resource import Resource
from pipeline.model.shift import Rollout, Shift, Way
from pipeline.model.strategy import Analysis, Step, Strategy
from pipeline.releasing.metrics import CloudWatch, window
from pipeline.resources.base import Aws
from pipeline.rollout.alarms import Alarm
from tests.support.aws import SCOPE

T = TypeVar("T")
BEGAN = 1_000_020.0  # 20 s after a whole minute


@dataclass
class Figures:
    """CloudWatch: `known` maps (metric, statistic, value of the last dimension) to values."""

    known: Mapping[tuple[str, str, str], list[float]] = field(default_factory=dict)
    status: str = "Complete"
    asked: list[dict[str, Any]] = field(default_factory=list)
    alarms: list[dict[str, str]] = field(default_factory=list)

    def call(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        assert (service, operation) == ("cloudwatch", "DescribeAlarms")
        self.asked.append(params)
        return {"MetricAlarms": [one for one in self.alarms if one["AlarmName"] in params["AlarmNames"]]}

    def pages(self, service: str, operation: str, /, key: str, **params: Any) -> list[Any]:
        assert (service, operation) == ("cloudwatch", "GetMetricData")
        self.asked.append(params)
        return [self._answer(query) for query in params["MetricDataQueries"]]

    def gather(self, thunks: Iterable[Callable[[], T]]) -> list[T]:
        return [thunk() for thunk in thunks]

    def _answer(self, query: Mapping[str, Any]) -> dict[str, Any]:
        wanted = query["MetricStat"]
        key = (wanted["Metric"]["MetricName"], wanted["Stat"], wanted["Metric"]["Dimensions"][-1]["Value"])
        return {"Id": query["Id"], "StatusCode": self.status, "Values": self.known.get(key, [])}


def rollout(*shifts: Shift, desired: tuple[Resource, ...] = ()) -> Rollout:
    release = Release(2, "shop", "dev", SCOPE.region, SCOPE.account, None, "", "ada", "run", desired=desired)
    return Rollout(release, Strategy("canary", (Step(10, 60),)), shifts, "", BEGAN, base=1)


def function(name: str, way: Way = Way.WEIGHTS) -> Shift:
    return Shift(f"lambda.function/{name}", "alias", name, "live", "1", "2", way)


def provider(aws: Figures, found: Rollout) -> CloudWatch:
    return CloudWatch(cast("Aws", aws), found)


def test_each_version_is_counted_under_the_alias_that_shares() -> None:
    aws = Figures({
        ("Invocations", "Sum", "2"): [30.0, 11.0], ("Errors", "Sum", "2"): [3.0], ("Duration", "p99", "2"): [250.0],
        ("Invocations", "Sum", "1"): [380.0], ("Errors", "Sum", "1"): [2.0],
    })  # fmt: skip
    [sample] = provider(aws, rollout(function("orders"))).samples(BEGAN, BEGAN + 60)
    assert (sample.canary.requests, sample.canary.errors, sample.canary.p99) == (41, 3, 250.0)
    assert (sample.stable.requests, sample.stable.errors, sample.stable.latency) == (380, 2, {})
    dimensions = {tuple((d["Name"], d["Value"]) for d in q["MetricStat"]["Metric"]["Dimensions"])
                  for q in aws.asked[0]["MetricDataQueries"]}  # fmt: skip
    named = (("FunctionName", "orders"), ("Resource", "orders:live"))
    assert dimensions == {named, (*named, ("ExecutedVersion", "1")), (*named, ("ExecutedVersion", "2"))}


def test_behind_the_canary_of_an_api_it_is_the_alias_of_the_canary() -> None:
    aws = Figures()
    provider(aws, rollout(function("orders", Way.STAGE))).samples(BEGAN, BEGAN + 60)
    asked = {d["Value"] for q in aws.asked[0]["MetricDataQueries"] for d in q["MetricStat"]["Metric"]["Dimensions"]}
    assert {"orders:live", "orders:canary"} < asked


def test_what_waits_for_the_promotion_is_not_measured() -> None:
    aws = Figures()
    assert provider(aws, rollout(function("orders", Way.PROMOTION))).samples(BEGAN, BEGAN + 60) == []
    assert aws.asked == []


def test_many_functions_are_asked_for_in_few_calls() -> None:
    aws = Figures()
    samples = provider(aws, rollout(*(function(f"f{n}") for n in range(60)))).samples(BEGAN, BEGAN + 60)
    assert len(samples) == 60
    sizes = [len(params["MetricDataQueries"]) for params in aws.asked]
    assert max(sizes) <= 500
    assert len(sizes) == 3


def test_an_api_is_compared_with_its_minutes_before() -> None:
    api = Resource("apigateway.rest_api", "shop", {
        "name": "shop-dev", "stage": "dev", "endpoints": {"GET /orders": {"function": "orders"}},
    })  # fmt: skip
    aws = Figures({("Count", "Sum", "dev"): [500.0], ("5XXError", "Sum", "dev"): [7.0]})
    _, sample = provider(aws, rollout(function("orders"), desired=(api,))).samples(BEGAN, BEGAN + 60)
    assert (sample.name, sample.kind, sample.against) == ("shop", "api", "before")
    assert (sample.canary.requests, sample.canary.errors) == (500, 7)
    before = aws.asked[2]
    assert before["EndTime"].timestamp() == 1_000_020.0 // 60 * 60
    assert before["EndTime"].timestamp() - before["StartTime"].timestamp() == 300


def test_minutes_in_which_another_release_had_traffic_are_left_out() -> None:
    api = Resource("apigateway.rest_api", "shop", {
        "name": "shop-dev", "stage": "dev", "endpoints": {"GET /orders": {"function": "orders"}},
    })  # fmt: skip
    aws = Figures({("Count", "Sum", "dev"): [100.0], ("5XXError", "Sum", "dev"): [1.0]})
    found = replace(rollout(function("orders"), desired=(api,)), alone=((0.0, BEGAN - 600), (BEGAN - 150, BEGAN)))
    sample = provider(aws, found).samples(BEGAN, BEGAN + 60)[1]
    assert (sample.stable.requests, sample.stable.errors) == (200, 2)
    lengths = [asked["EndTime"].timestamp() - asked["StartTime"].timestamp() for asked in aws.asked[2:]]
    assert lengths == [120, 180]
    nothing = provider(Figures(), replace(found, alone=())).samples(BEGAN, BEGAN + 60)[1]
    assert nothing.stable.requests == 0


@pytest.mark.parametrize(("way", "wanted", "kinds"), [
    (Way.STAGE, True, ["function", "api", "definition"]),
    (Way.STAGE, False, ["function", "api"]),
    (Way.PROMOTION, True, ["function", "api"]),
])  # fmt: skip
def test_refused_requests_count_where_the_definition_shifts(way: Way, wanted: bool, kinds: list[str]) -> None:
    api = Resource("apigateway.rest_api", "shop", {
        "name": "shop-dev", "stage": "dev", "endpoints": {"GET /orders": {"function": "orders"}},
    })  # fmt: skip
    aws = Figures({("Count", "Sum", "dev"): [500.0], ("4XXError", "Sum", "dev"): [9.0]})
    stage = Shift(api.address, "stage", "a1", "dev", "d1", "d2", way)
    found = rollout(function("orders", Way.STAGE), stage, desired=(api,))
    strategy = replace(found.strategy, analysis=Analysis(client_errors=wanted))
    samples = provider(aws, replace(found, strategy=strategy)).samples(BEGAN, BEGAN + 60)
    assert [sample.kind for sample in samples] == kinds
    if "definition" in kinds:
        assert (samples[2].canary.errors, samples[2].stable.errors, samples[2].noun) == (9, 9, "4xx answer")


def test_an_api_that_calls_nothing_that_shifts_is_left_alone() -> None:
    api = Resource("apigateway.rest_api", "shop", {"name": "shop", "stage": "dev", "endpoints": {}})
    assert len(provider(Figures(), rollout(function("orders"), desired=(api,))).samples(BEGAN, BEGAN + 60)) == 1


def test_percentiles_of_parts_say_nothing_of_the_whole() -> None:
    aws = Figures({("Invocations", "Sum", "2"): [9.0], ("Duration", "p99", "2"): [100.0, 300.0]})
    [sample] = provider(aws, rollout(function("orders"))).samples(BEGAN, BEGAN + 60)
    assert sample.canary.latency == {}


@pytest.mark.parametrize("status", ["InternalError", "Forbidden"])
def test_no_data_because_of_an_error_is_an_error(status: str) -> None:
    with pytest.raises(PipelineError, match=status):
        provider(Figures(status=status), rollout(function("orders"))).samples(BEGAN, BEGAN + 60)


def test_alarms_are_asked_for_by_the_hundred_and_one_that_is_missing_is_told() -> None:
    aws = Figures(alarms=[{"AlarmName": "a0", "StateValue": "ALARM"}])
    found = provider(aws, rollout()).alarms([f"a{n}" for n in range(150)])
    assert (found[0], found[149]) == (Alarm("a0", "ALARM"), Alarm("a149", None))
    assert [len(params["AlarmNames"]) for params in aws.asked] == [100, 50]


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(60, 120, (60, 120)), (61, 119, (60, 120)), (59, 61, (0, 120)), (60, 60, (60, 120))]
)
def test_windows_are_whole_minutes(start: float, end: float, expected: tuple[int, int]) -> None:
    assert window(start, end) == expected
