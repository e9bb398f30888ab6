"""Schedules: expressions that EventBridge takes, the one target, and the permission that follows."""

from functools import partial
from typing import Any

import pytest

from pipeline.applying.aws_client import AwsClient
from pipeline.errors import AwsError
from pipeline.model.resource import Observed, Resource
from pipeline.model.values import Expression, Reference
from pipeline.resources.registry import registry
from tests.contract.engine import Case, converge, declared
from tests.support.aws import SCOPE, FakeClock
from tests.support.fake_transport import FakeTransport, Reply
from tests.support.faults import Recorder

KIND = registry()["events.rule"]
ALIAS = "arn:aws:lambda:us-east-1:123456789012:function:orders-list:live"
ARN = "arn:aws:events:us-east-1:123456789012:rule/orders-nightly"


def schedule(expression: str = "rate(1 hour)", **properties: Any) -> Case:
    item = {"name": "orders-nightly", "expression": expression, "function": "orders-list", **properties}
    return Case(KIND, Resource(KIND.name, "orders-nightly", declared(KIND, item, SCOPE)))


def applied(expression: str = "rate(1 hour)", **properties: Any) -> Case:
    """The same with the target known, as the engine hands it on."""
    case = schedule(expression, **properties)
    return Case(KIND, Resource(KIND.name, case.resource.name, {**case.resource.properties, "target": ALIAS}))


def test_the_target_is_the_alias() -> None:
    target = Expression((Reference("lambda.function/orders-list", "arn"), ":live"))
    assert schedule().resource.properties["target"] == target


def test_the_rule_alone_may_call_the_function() -> None:
    (permission,) = KIND.derive(schedule().resource, SCOPE)
    assert permission.address == "lambda.permission/orders-list:events/orders-nightly"
    assert permission.properties["principal"] == "events.amazonaws.com"
    assert permission.properties["source_arns"] == [Expression((Reference("events.rule/orders-nightly", "arn"),))]
    assert permission.dependencies == ("lambda.function/orders-list", "events.rule/orders-nightly")


@pytest.mark.parametrize(
    ("expression", "message", "hint"),
    [
        ("rate(1 hours)", "EventBridge refuses rate(1 hours)", "write rate(1 hour)"),
        ("rate(5 minute)", "EventBridge refuses rate(5 minute)", "write rate(5 minutes)"),
        ("rate(0 minutes)", "rate(0 minutes) is no rate", "write rate(1 hour) or rate(5 minutes)"),
        ("rate(5 weeks)", "rate(5 weeks) is no rate", "write rate(1 hour) or rate(5 minutes)"),
        (
            "cron(0 2 * * *)",
            "cron(0 2 * * *) has 5 fields; EventBridge wants 6",
            "minutes, hours, day of month, month, day of week, year: cron(0 2 * * ? *)",
        ),
        (
            "cron(0 2 * * * *)",
            "either the day of month or the day of week is ?, and not both",
            "write ? for the other one",
        ),
        (
            "cron(0 2 ? * ? *)",
            "either the day of month or the day of week is ?, and not both",
            "write ? for the other one",
        ),
        ("cron(61 2 * * ? *)", "61 is no minute in cron(61 2 * * ? *)", "write 0 to 59, or * for each"),
        ("cron(0 8-24 * * ? *)", "8-24 is no hour in cron(0 8-24 * * ? *)", "write 0 to 23, or * for each"),
        ("cron(0 2 * FOO ? *)", "FOO is no month in cron(0 2 * FOO ? *)", "write 1 to 12, or * for each"),
        ("cron(0 2 ? * 0 *)", "0 is no day of week in cron(0 2 ? * 0 *)", "write 1 to 7, or * for each"),
        ("cron(0/x 2 * * ? *)", "0/x is no minute in cron(0/x 2 * * ? *)", "write 0 to 59, or * for each"),
        ("cron(0,,5 2 * * ? *)", "0,,5 is no minute in cron(0,,5 2 * * ? *)", "write 0 to 59, or * for each"),
    ],
)
def test_expressions_that_eventbridge_refuses(expression: str, message: str, hint: str) -> None:
    (problem,) = KIND.check(schedule(expression).resource, SCOPE)
    assert (problem.message, problem.hint) == (message, hint)


@pytest.mark.parametrize(
    "expression",
    [
        "rate(1 minute)",
        "rate(10 days)",
        "cron(0 2 * * ? *)",
        "cron(0/15 8-18 ? * MON-FRI *)",
        "cron(0 9 LW * ? *)",
        "cron(0 10 ? * 6L 2026-2028)",
        "cron(0 10 ? JAN,jul THU#2 *)",
        "cron(*/5 0,12 15W 1/3 ? *)",
        "cron(0 0 L-2 * ? *)",
    ],
)
def test_expressions_that_eventbridge_takes(expression: str) -> None:
    assert KIND.check(schedule(expression).resource, SCOPE) == []


def test_targets_of_others_are_a_difference_and_removed(aws: AwsClient) -> None:
    wanted = applied()
    converge(aws, wanted)
    other = {"Id": "other", "Arn": "arn:aws:sqs:us-east-1:123456789012:elsewhere"}
    aws.call("events", "PutTargets", Rule="orders-nightly", Targets=[other])
    observed = wanted.read(aws)
    assert observed is not None
    assert wanted.differences(observed) == {"target"}
    converge(aws, wanted)


def test_the_input_comes_and_goes(aws: AwsClient) -> None:
    converge(aws, applied(input={"job": "expire", "days": 3}))
    converge(aws, applied())
    assert "Input" not in aws.call("events", "ListTargetsByRule", Rule="orders-nightly")["Targets"][0]


def test_a_rule_that_is_off_is_a_difference(aws: AwsClient) -> None:
    converge(aws, applied())
    aws.call("events", "DisableRule", Name="orders-nightly")
    observed = applied().read(aws)
    assert observed is not None
    assert applied().differences(observed) == {"enabled"}
    recorder = Recorder(aws)
    converge(recorder, applied())
    assert [call.name for call in recorder.changing] == ["events:PutRule"]


def test_targets_go_before_their_rule(aws: AwsClient) -> None:
    converge(aws, applied())
    observed = applied().read(aws)
    assert observed is not None
    recorder = Recorder(aws)
    KIND.delete(recorder, observed)
    assert [call.name for call in recorder.changing] == ["events:RemoveTargets", "events:DeleteRule"]


@pytest.mark.parametrize("operation", ["PutTargets", "RemoveTargets"])
def test_what_an_answer_of_200_refuses_is_an_error(clock: FakeClock, operation: str) -> None:
    entry = {"TargetId": "function", "ErrorCode": "ConcurrentModificationException", "ErrorMessage": "try again"}
    replies: dict[str, list[Reply]] = {
        f"events:{operation}": [{"FailedEntryCount": 1, "FailedEntries": [entry]}],
        "events:ListTargetsByRule": [{"Targets": [{"Id": "function", "Arn": ALIAS}]}],
        "events:PutRule": [{"RuleArn": ARN}],
    }
    aws = AwsClient(FakeTransport(replies), clock)
    aws.scope = SCOPE
    found = Observed("events.rule/orders-nightly", {"name": "orders-nightly"}, {})
    act = (
        partial(KIND.create, aws, applied().resource) if operation == "PutTargets" else partial(KIND.delete, aws, found)
    )
    with pytest.raises(AwsError, match="function: try again"):
        act()
