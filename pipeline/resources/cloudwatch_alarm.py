"""CloudWatch alarms on one metric each.

PutMetricAlarm replaces all of an alarm and begins its evaluation anew, so it is called only when something differs.
An alarm on a metric that nobody publishes, because a dimension is missing, never has data and says nothing of it.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties
from pipeline.resources import _alarms as alarms
from pipeline.resources._alarms import ACTIONS
from pipeline.resources.base import Aws, Problem, Target, split_tags, tag_list, tags_for, touches

SHORT_PERIODS, MINUTE, HOUR, DAY, WEEK = (10, 20, 30), 60, 3600, 86_400, 604_800
PLAIN = {
    "namespace": "Namespace",
    "metric": "MetricName",
    "period": "Period",
    "evaluation_periods": "EvaluationPeriods",
    "datapoints": "DatapointsToAlarm",
    "threshold": "Threshold",
    "comparison": "ComparisonOperator",
    "missing_data": "TreatMissingData",
    "unit": "Unit",
    "enabled": "ActionsEnabled",
    "description": "AlarmDescription",
}
STATISTICS = ("Average", "Sum", "Minimum", "Maximum", "SampleCount")


@dataclass(frozen=True)
class _Published:
    """Under which dimensions a namespace publishes: one of `sets` at least; `known` are all that it has.

    `apart` are metrics that need others: name -> dimensions. `whole`: the same metrics exist without any dimension, for
    the account as a whole.
    """

    sets: tuple[tuple[str, ...], ...]
    known: tuple[str, ...]
    apart: Mapping[str, tuple[str, ...]]
    whole: bool = False


_API_GATEWAY = "AWS/ApiGateway"
_BY_OPERATION = ("TableName", "Operation")
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
# https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html
_PUBLISHED = {
    _API_GATEWAY: _Published(
        (("ApiName",), ("ApiId",)), ("ApiName", "ApiId", "Stage", "Method", "Resource", "Route"), {}
    ),
    "AWS/Lambda": _Published(
        (("FunctionName",), ("EventSourceMappingUUID",)),
        ("FunctionName", "Resource", "ExecutedVersion", "EventSourceMappingUUID"),
        {"UnreservedConcurrentExecutions": (), "ClaimedAccountConcurrency": ()},
        whole=True,
    ),
    "AWS/DynamoDB": _Published(
        (("TableName",),),
        (
            "TableName", "GlobalSecondaryIndexName", "Operation", "OperationType", "Verb", "StreamLabel",
            "ReceivingRegion", "DelegatedOperation",
        ),
        {
            **dict.fromkeys(
                ("SuccessfulRequestLatency", "SystemErrors", "ThrottledRequests", "ReturnedItemCount"), _BY_OPERATION
            ),
            **dict.fromkeys(
                (
                    "AccountMaxReads", "AccountMaxWrites", "AccountMaxTableLevelReads", "AccountMaxTableLevelWrites",
                    "AccountProvisionedReadCapacityUtilization", "AccountProvisionedWriteCapacityUtilization",
                    "MaxProvisionedTableReadCapacityUtilization", "MaxProvisionedTableWriteCapacityUtilization",
                    "UserErrors",
                ),
                (),
            ),
        },
    ),
    "AWS/SQS": _Published((("QueueName",),), ("QueueName",), {}),
    "AWS/SNS": _Published(
        (("TopicName",),), ("TopicName", "Application", "Platform", "Country", "SMSType"),
        {"SMSMonthToDateSpentUSD": (), "SMSSuccessRate": ()},
    ),
}  # fmt: skip


def canonical(properties: Properties, scope: Scope) -> Properties:
    """All values must cross the threshold unless `datapoints` says otherwise; topics as references."""
    found = {**properties, "datapoints": properties.get("datapoints") or properties["evaluation_periods"]}
    return found | alarms.told(properties)


def compose(resource: Resource, stack: Sequence[Resource], scope: Scope) -> tuple[Resource, tuple[Resource, ...]]:
    """Which composite alarm tells for it, and the one REST API there is where an alarm on API Gateway names none."""
    wanted = dict(resource.properties)
    composites = [one for one in stack if one.type == "cloudwatch.composite_alarm"]
    wanted["part_of"] = next((one.name for one in composites if resource.name in alarms.parts_of(one)), None)
    needs = resource.depends_on
    apis = [one for one in stack if one.type == "apigateway.rest_api"]
    if wanted["namespace"] == _API_GATEWAY and not wanted["dimensions"] and len(apis) == 1:
        wanted["dimensions"] = {"ApiName": apis[0].name, "Stage": apis[0].properties["stage"]}
        needs = (*needs, apis[0].address)
    return replace(resource, properties=wanted, depends_on=needs), ()


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Periods that CloudWatch refuses, and metrics that are not published under these dimensions."""
    wanted = resource.properties
    yield from _check_period(wanted)
    if wanted["datapoints"] > wanted["evaluation_periods"]:
        hint = f"say evaluation_periods: {wanted['datapoints']} or more"
        yield Problem(f"{wanted['datapoints']} of {wanted['evaluation_periods']} values", ("datapoints",), hint)
    published = _PUBLISHED.get(wanted["namespace"])
    if published is not None:
        yield from _check_dimensions(wanted, published)


def _check_period(wanted: Properties) -> Iterator[Problem]:
    period, periods = wanted["period"], wanted["evaluation_periods"]
    if period % MINUTE and period not in SHORT_PERIODS:
        yield Problem(f"a period of {period} seconds", ("period",), "say 10, 20, 30 or a multiple of 60")
    elif period < MINUTE and wanted["namespace"].startswith("AWS/"):
        yield Problem("AWS publishes values once a minute", ("period",), f"say period: {MINUTE}")
    limit, name = (WEEK, "a week") if period >= HOUR else (DAY, "a day")
    if period * periods > limit:
        hint = f"{limit // period} periods of {period} seconds are allowed"
        yield Problem(f"{periods} periods of {period} seconds are more than {name}", ("evaluation_periods",), hint)


def _check_dimensions(wanted: Properties, published: _Published) -> Iterator[Problem]:
    given = wanted["dimensions"]
    for name in sorted(given.keys() - set(published.known)):
        hint = f"one of {', '.join(published.known)}"
        yield Problem(f"{wanted['namespace']} has no dimension {name}", ("dimensions", name), hint)


def _without_data(wanted: Properties, published: _Published) -> Iterator[Problem]:
    given, metric, namespace = wanted["dimensions"], wanted["metric"], wanted["namespace"]
    choices = (published.apart[metric],) if metric in published.apart else published.sets
    if not any(set(choice) <= given.keys() for choice in choices) and not (published.whole and not given):
        needed = " or ".join(" and ".join(choice) for choice in choices)
        message = f"{namespace} publishes {metric} with the dimension {needed}: without it the alarm never has data"
        yield Problem(message, ("metric",), f"add dimensions: {{{choices[0][0]}: ...}}")


def warn(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Alarms that never have data, those that nobody hears, and those on everything in the account."""
    wanted = resource.properties
    if not any(wanted[name] for name in ACTIONS) and not wanted.get("part_of"):
        yield Problem("nobody is told of this alarm", ("name",), "add actions: [<name of a topic>]")
    published = _PUBLISHED.get(wanted["namespace"])
    if published is not None:
        yield from _without_data(wanted, published)
    if published and published.whole and not wanted["dimensions"] and wanted["metric"] not in published.apart:
        hint = f"add dimensions: {{{published.sets[0][0]}: ...}}"
        yield Problem("without dimensions this watches all that is in the account", ("metric",), hint)


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """All alarms by few listings, then the tags of each."""
    found = alarms.find(aws, targets, "MetricAlarm")
    return {target.address: _observed(target, alarm, tags) for target, alarm, tags in found}


def _observed(target: Target, alarm: Mapping[str, Any], tags: Mapping[str, str]) -> Observed:
    own, mark = split_tags(tags)
    found = {name: alarm.get(member) for name, member in PLAIN.items()}
    properties = {
        **found,
        "name": target.name,
        "dimensions": {one["Name"]: one["Value"] for one in alarm.get("Dimensions") or ()},
        "statistic": alarm.get("ExtendedStatistic") or alarm.get("Statistic"),
        "datapoints": found["datapoints"] or found["evaluation_periods"],
        "missing_data": found["missing_data"] or "missing",
        "description": found["description"] or "",
        **{name: list(alarm.get(member) or ()) for name, member in ACTIONS.items()},
        "tags": own,
        "part_of": target.resource.properties.get("part_of"),  # which no alarm shows
    }
    return Observed(target.address, properties, {"arn": alarm["AlarmArn"]}, mark)


def create(aws: Aws, resource: Resource) -> Outputs:
    """The alarm with its mark."""
    _put(aws, resource, Tags=tag_list(tags_for(aws, resource)))
    return {"arn": aws.scope.arn("cloudwatch", f"alarm:{resource.name}")}


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """The whole alarm when anything but tags differs; tags by their own calls, since PutMetricAlarm ignores them."""
    if any(not touches(frozenset({path}), "tags") for path in paths):
        _put(aws, resource)
    if touches(paths, "tags"):
        alarms.tag(aws, resource, observed)
    return {"arn": observed.outputs["arn"]}


def delete(aws: Aws, observed: Observed) -> None:
    """The alarm and its history."""
    aws.found("cloudwatch", "DeleteAlarms", AlarmNames=[observed.properties["name"]])


def _put(aws: Aws, resource: Resource, **more: Any) -> None:
    wanted = resource.properties
    sent = {member: wanted[name] for name, member in PLAIN.items() if wanted.get(name) is not None}
    sent |= {member: list(wanted[name]) for name, member in ACTIONS.items()}
    sent["Statistic" if wanted["statistic"] in STATISTICS else "ExtendedStatistic"] = wanted["statistic"]
    sent["Dimensions"] = [{"Name": name, "Value": value} for name, value in sorted(wanted["dimensions"].items())]
    aws.call("cloudwatch", "PutMetricAlarm", AlarmName=resource.name, **sent, **more)
