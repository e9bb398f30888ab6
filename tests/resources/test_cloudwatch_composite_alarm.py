"""Composite alarms: which alarms a rule looks at, and one call for all of an alarm."""

from typing import Any

import pytest

from pipeline.applying.aws_client import AwsClient
from pipeline.model.resource import Resource
from pipeline.resources._alarms import parts_of
from pipeline.resources.registry import registry
from tests.contract.engine import Case, carry_out, converge, declared
from tests.support import moto_extension
from tests.support.aws import SCOPE
from tests.support.faults import Recorder

KIND = registry()["cloudwatch.composite_alarm"]
TOPIC = "arn:aws:sns:us-east-1:123456789012:orders-alarms"


@pytest.fixture(autouse=True)
def as_aws_does() -> None:
    moto_extension.register()


def composite(**properties: Any) -> Case:
    item = {"name": "health", "actions": [TOPIC], **properties}
    return Case(KIND, Resource(KIND.name, "health", declared(KIND, item, SCOPE)))


def alarm(aws: AwsClient, name: str) -> None:
    wanted: dict[str, Any] = {"Namespace": "Orders", "MetricName": name, "Statistic": "Sum", "Period": 60}
    wanted |= {"EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold"}
    aws.call("cloudwatch", "PutMetricAlarm", AlarmName=name, **wanted)


@pytest.mark.parametrize(
    ("rule", "parts"),
    [
        ('ALARM("a b") OR ALARM(c)', {"a b", "c"}),
        ('NOT OK("a") AND (INSUFFICIENT_DATA( b ) OR TRUE)', {"a", "b"}),
        ('ALARM("arn:aws:cloudwatch:us-east-1:123456789012:alarm:deep")', {"deep"}),
        ("FALSE", set()),
    ],
)
def test_a_rule_says_which_alarms_it_looks_at(rule: str, parts: set[str]) -> None:
    assert parts_of(composite(rule=rule).resource) == parts


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ('(ALARM("a b") OR NOT OK(c)) AND (INSUFFICIENT_DATA( d ) OR TRUE)', None),
        ('ALARM("a") ALARM("b")', 'from here on: ALARM("b")'),
        ("ALRM(a)", "from here on: ALRM(a)"),
        ("ALARM()", "from here on: ALARM()"),
        ("ALARM(a) AND (OR OK(b))", "from here on: OR OK(b))"),
        ("ALARM(a))", "from here on: )"),
        ("((ALARM(a))", "lacks 1 closing parenthesis"),
        ("ALARM(a) AND NOT", "ends where something has to follow"),
        ("AT_LEAST(1, ALARM, (a, b))", None),
    ],
)
def test_a_rule_that_cloudwatch_cannot_read_is_told_before(rule: str, told: str | None) -> None:
    found = KIND.check(composite(rule=rule).resource, SCOPE)
    assert [problem.path for problem in found] == ([("rule",)] if told else [])
    assert all(str(told) in problem.message for problem in found)


def test_names_of_alarms_are_a_rule() -> None:
    assert composite(any_of=["a", "b"]).resource.properties["rule"] == 'ALARM("a") OR ALARM("b")'


def test_it_waits_for_the_alarms_of_its_rule() -> None:
    parts = [Resource("cloudwatch.alarm", name, {}) for name in ("a", "b", "c")]
    made, follows = KIND.compose(composite(rule='ALARM("a") AND NOT ALARM(b)').resource, parts, SCOPE)
    assert made.depends_on == ("cloudwatch.alarm/a", "cloudwatch.alarm/b")
    assert follows == []


def test_other_tags_leave_the_evaluation_alone(aws: AwsClient) -> None:
    alarm(aws, "a")
    carry_out(aws, composite(any_of=["a"], tags={"team": "orders"}))
    recorder = Recorder(aws)
    converge(recorder, composite(any_of=["a"], tags={"owner": "ada"}))
    assert [call.name for call in recorder.changing] == ["cloudwatch:TagResource", "cloudwatch:UntagResource"]


def test_metric_alarms_and_composite_ones_are_kept_apart(aws: AwsClient) -> None:
    alarm(aws, "health")
    assert composite(any_of=["a"]).read(aws) is None


def test_an_alarm_that_nobody_hears_is_warned_about() -> None:
    found = KIND.warn(composite(any_of=["a"], actions=[]).resource, SCOPE)
    assert [problem.message for problem in found] == ["nobody is told of this alarm"]
    assert KIND.warn(composite(any_of=["a"]).resource, SCOPE) == []
