"""Alarms: metrics that are published, periods that CloudWatch takes, and one call for all of an alarm."""

from typing import Any

import pytest

from pipeline.applying.aws_client import AwsClient
from pipeline.model.resource import Resource
from pipeline.model.values import Expression, Reference
from pipeline.resources.base import Target
from pipeline.resources.registry import registry
from tests.contract.engine import Case, carry_out, converge, declared
from tests.support.aws import SCOPE, FakeClock
from tests.support.fake_transport import FakeTransport, Reply, refused
from tests.support.faults import Recorder

KIND = registry()["cloudwatch.alarm"]
TOPIC = "arn:aws:sns:us-east-1:123456789012:orders-alarms"


def alarm(name: str = "errors", **properties: Any) -> Case:
    item = {
        "name": name,
        "namespace": "AWS/Lambda",
        "metric": "Errors",
        "dimensions": {"FunctionName": "orders-list"},
        "statistic": "Sum",
        "threshold": 0,
        "comparison": "GreaterThanThreshold",
        "actions": [TOPIC],
        **properties,
    }
    return Case(KIND, Resource(KIND.name, name, declared(KIND, item, SCOPE)))


def metric(namespace: str, name: str, *dimensions: str) -> Case:
    return alarm(namespace=namespace, metric=name, dimensions=dict.fromkeys(dimensions, "x"))


def problems(case: Case) -> list[str]:
    return [problem.message for problem in KIND.check(case.resource, SCOPE)]


def warnings(case: Case) -> list[str]:
    return [problem.message for problem in KIND.warn(case.resource, SCOPE)]


def test_topics_are_referred_to_by_their_names() -> None:
    case = alarm(actions=["orders-alarms", TOPIC])
    assert case.resource.properties["actions"] == [Expression((Reference("sns.topic/orders-alarms", "arn"),)), TOPIC]
    assert case.resource.dependencies == ("sns.topic/orders-alarms",)


@pytest.mark.parametrize(
    ("case", "needed"),
    [
        (metric("AWS/ApiGateway", "4XXError"), "ApiName or ApiId"),
        (metric("AWS/ApiGateway", "5XXError", "Stage"), "ApiName or ApiId"),
        (metric("AWS/DynamoDB", "ReadThrottleEvents"), "TableName"),
        (metric("AWS/DynamoDB", "ThrottledRequests", "TableName"), "TableName and Operation"),
        (metric("AWS/Lambda", "Errors", "Resource"), "FunctionName or EventSourceMappingUUID"),
        (metric("AWS/SQS", "ApproximateAgeOfOldestMessage"), "QueueName"),
        (metric("AWS/SNS", "NumberOfNotificationsFailed"), "TopicName"),
    ],
)
def test_a_metric_that_nobody_publishes_is_warned_about(case: Case, needed: str) -> None:
    published = f"{case.resource.properties['namespace']} publishes {case.resource.properties['metric']}"
    assert warnings(case) == [f"{published} with the dimension {needed}: without it the alarm never has data"]


@pytest.mark.parametrize(
    "case",
    [
        metric("AWS/ApiGateway", "5XXError", "ApiName", "Stage"),
        metric("AWS/ApiGateway", "5xx", "ApiId"),
        metric("AWS/DynamoDB", "UserErrors"),
        metric("AWS/DynamoDB", "ThrottledRequests", "TableName", "Operation"),
        metric("AWS/Lambda", "Errors", "FunctionName", "Resource"),
        metric("AWS/Lambda", "Errors"),
        metric("AWS/Lambda", "UnreservedConcurrentExecutions"),
        metric("Orders", "Sold"),
    ],
)
def test_metrics_that_are_published_are_fine(case: Case) -> None:
    assert problems(case) == []
    assert not any("never has data" in message for message in warnings(case))


def test_a_dimension_that_does_not_exist_is_an_error() -> None:
    assert problems(metric("AWS/Lambda", "Errors", "FunctionName", "Name")) == ["AWS/Lambda has no dimension Name"]


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"period": 45}, "a period of 45 seconds"),
        ({"period": 90}, "a period of 90 seconds"),
        ({"period": 30}, "AWS publishes values once a minute"),
        ({"period": 300, "evaluation_periods": 289}, "289 periods of 300 seconds are more than a day"),
        ({"period": 3600, "evaluation_periods": 169}, "169 periods of 3600 seconds are more than a week"),
        ({"evaluation_periods": 2, "datapoints": 3}, "3 of 2 values"),
    ],
)
def test_periods_that_cloudwatch_refuses(properties: dict[str, Any], message: str) -> None:
    assert problems(alarm(**properties)) == [message]


def test_periods_that_cloudwatch_takes() -> None:
    assert problems(alarm(namespace="Orders", dimensions={}, period=10)) == []
    assert problems(alarm(period=300, evaluation_periods=288)) == []
    assert problems(alarm(period=3600, evaluation_periods=168)) == []


def test_alarms_that_nobody_hears_or_that_watch_everything_are_warned_about() -> None:
    assert warnings(alarm()) == []
    assert warnings(alarm(actions=[])) == ["nobody is told of this alarm"]
    assert warnings(alarm(dimensions={})) == ["without dimensions this watches all that is in the account"]


def test_many_alarms_are_read_by_few_calls(aws: AwsClient) -> None:
    cases = [alarm(f"errors-{number:03}") for number in range(103)]
    for case in cases[:-1]:
        KIND.create(aws, case.resource)
    recorder = Recorder(aws)
    found = KIND.read(recorder, [Target(case.resource, {}) for case in cases])
    assert len(found) == 102
    assert recorder.counts["cloudwatch:DescribeAlarms"] == 2
    assert all(case.differences(found[case.address]) == set() for case in cases[:-1])


def test_other_tags_leave_the_evaluation_alone(aws: AwsClient) -> None:
    carry_out(aws, alarm(tags={"team": "orders"}))
    recorder = Recorder(aws)
    converge(recorder, alarm(tags={"owner": "ada"}))
    assert [call.name for call in recorder.changing] == ["cloudwatch:TagResource", "cloudwatch:UntagResource"]


def test_a_percentile_can_follow_a_statistic(aws: AwsClient) -> None:
    carry_out(aws, alarm())
    converge(aws, alarm(statistic="p99.9"))
    converge(aws, alarm(statistic="Maximum"))


def test_changes_from_elsewhere_are_put_right(aws: AwsClient) -> None:
    wanted = alarm(evaluation_periods=3)
    carry_out(aws, wanted)
    aws.call("cloudwatch", "DisableAlarmActions", AlarmNames=["errors"])
    observed = wanted.read(aws)
    assert observed is not None
    assert wanted.differences(observed) == {"enabled"}
    converge(aws, wanted)


def test_an_alarm_that_a_listing_still_shows_is_gone(clock: FakeClock) -> None:
    shown = {"AlarmName": "errors", "AlarmArn": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:errors"}
    answers: dict[str, list[Reply]] = {
        "cloudwatch:DescribeAlarms": [{"MetricAlarms": [shown]}],
        "cloudwatch:ListTagsForResource": [refused("cloudwatch:ListTagsForResource", "ResourceNotFoundException")],
    }
    aws = AwsClient(FakeTransport(answers), clock)
    aws.scope = SCOPE
    assert alarm().read(aws) is None
