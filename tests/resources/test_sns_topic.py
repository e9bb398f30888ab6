"""Topics: who subscribes, who waits to be confirmed, and the policy that every topic has."""

import json
from typing import Any

import pytest

from pipeline.applying.aws_client import AwsClient
from pipeline.model.resource import Resource
from pipeline.model.values import Expression, Reference
from pipeline.resources.registry import registry
from tests.contract.engine import Case, carry_out, converge, declared
from tests.support.aws import SCOPE, FakeClock
from tests.support.fake_transport import FakeTransport, Reply
from tests.support.faults import Recorder

KIND = registry()["sns.topic"]
ARN = "arn:aws:sns:us-east-1:123456789012:orders"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:jobs"
ADA = {"protocol": "email", "endpoint": "ada@example.com"}
GRACE = {"protocol": "email", "endpoint": "grace@example.com"}


def topic(*subscriptions: dict[str, Any], name: str = "orders", **properties: Any) -> Case:
    item = {"name": name, "subscriptions": list(subscriptions), **properties}
    return Case(KIND, Resource(KIND.name, name, declared(KIND, item, SCOPE)))


def problems(*subscriptions: dict[str, Any], **properties: Any) -> list[str]:
    return [problem.message for problem in KIND.check(topic(*subscriptions, **properties).resource, SCOPE)]


def shown(subscription: dict[str, str], arn: str) -> dict[str, str]:
    """A subscription as SNS lists it."""
    return {"SubscriptionArn": arn, "Protocol": subscription["protocol"], "Endpoint": subscription["endpoint"]}


def playing(clock: FakeClock, *subscriptions: dict[str, str]) -> tuple[AwsClient, FakeTransport]:
    """An AWS with a topic that has these subscriptions."""
    replies: dict[str, list[Reply]] = {
        "sns:GetTopicAttributes": [{"Attributes": {}}],
        "sns:ListTagsForResource": [{"Tags": []}],
        "sns:GetSubscriptionAttributes": [{"Attributes": {"RawMessageDelivery": "false"}}],
        "sns:ListSubscriptionsByTopic": [{"Subscriptions": list(subscriptions)}],
    }
    transport = FakeTransport(replies)
    aws = AwsClient(transport, clock)
    aws.scope = SCOPE
    return aws, transport


def test_queues_and_functions_are_referred_to_by_their_names() -> None:
    case = topic({"protocol": "sqs", "endpoint": "jobs"}, {"protocol": "lambda", "endpoint": "orders-list"})
    assert [one["endpoint"] for one in case.resource.properties["subscriptions"]] == [
        Expression((Reference("sqs.queue/jobs", "arn"),)),
        Expression((Reference("lambda.function/orders-list", "arn"), ":live")),
    ]


def test_a_function_that_subscribes_may_be_invoked_by_the_topic_alone() -> None:
    (permission,) = KIND.derive(topic(ADA, {"protocol": "lambda", "endpoint": "orders-list"}).resource, SCOPE)
    assert permission.address == "lambda.permission/orders-list:sns/orders"
    assert permission.properties["principal"] == "sns.amazonaws.com"
    assert permission.properties["source_arns"] == [Expression((Reference("sns.topic/orders", "arn"),))]
    assert permission.dependencies == ("lambda.function/orders-list", "sns.topic/orders")


@pytest.mark.parametrize(
    ("subscription", "properties", "message"),
    [
        (
            {"protocol": "sqs", "endpoint": QUEUE},
            {"fifo": True},
            "the names of FIFO topics, and only theirs, end in .fifo",
        ),
        (ADA, {"content_deduplication": True}, "content_deduplication is for FIFO topics"),
        (ADA, {"name": "orders.fifo", "fifo": True}, "only queues can subscribe to a FIFO topic"),
        ({"protocol": "email", "endpoint": "ada"}, {}, "ada is no endpoint of the protocol email"),
        ({"protocol": "https", "endpoint": "http://x"}, {}, "http://x is no endpoint of the protocol https"),
        ({"protocol": "sms", "endpoint": "123"}, {}, "123 is no endpoint of the protocol sms"),
        ({"protocol": "lambda", "endpoint": QUEUE}, {}, f"{QUEUE} is no endpoint of the protocol lambda"),
        ({**ADA, "raw": True}, {}, "email has no raw delivery"),
        ({"protocol": "sqs", "endpoint": "orders.fifo"}, {}, "a FIFO queue can subscribe to FIFO topics alone"),
        ({**ADA, "filter": {"kind": "order"}}, {}, "kind is no list of values that it may have"),
        ({**ADA, "filter": {"$or": [{"kind": ["a"]}, {"size": 3}]}}, {}, "size is no list of values that it may have"),
        ({**ADA, "filter": {"order": {"kind": ["a"]}}}, {}, "order has keys of its own, and attributes have none"),
        (ADA, {"policy": {"Version": "2012-10-17"}}, "a policy document has at least one Statement"),
    ],
)
def test_what_sns_would_refuse(subscription: dict[str, Any], properties: dict[str, Any], message: str) -> None:
    assert problems(subscription, **properties) == [message]


def test_filters_that_sns_takes() -> None:
    nested = {"order": {"kind": ["a", {"prefix": "b"}]}, "$or": [{"size": [1]}, {"size": [{"exists": False}]}]}
    assert problems({**ADA, "filter": nested, "filter_by": "MessageBody"}) == []
    assert problems({**ADA, "filter": {"$or": [{"kind": ["a"]}, {"size": [1]}]}}) == []


def test_nobody_subscribes_twice() -> None:
    assert problems(ADA, ADA) == ["ada@example.com subscribes twice"]
    assert problems(ADA, GRACE, {"protocol": "sqs", "endpoint": QUEUE}) == []


def test_a_key_that_keeps_alarms_out_is_warned_about() -> None:
    (found,) = KIND.warn(topic(kms_key="alias/aws/sns").resource, SCOPE)
    assert found.message == "alarms and event rules cannot publish to a topic encrypted with this key"
    assert KIND.warn(topic(kms_key="alias/orders").resource, SCOPE) == []


def test_a_subscription_that_waits_is_not_asked_for_again(clock: FakeClock) -> None:
    aws, transport = playing(clock, shown(ADA, "PendingConfirmation"))
    observed = topic(ADA, GRACE).read(aws)
    assert observed is not None
    assert [one["endpoint"] for one in observed.properties["subscriptions"]] == ["ada@example.com"]
    KIND.update(aws, topic(ADA, GRACE).resource, observed, frozenset({"subscriptions"}))
    asked = [params["Endpoint"] for name, _, params in transport.sent if name == "sns:Subscribe"]
    assert asked == ["grace@example.com"]


def test_what_cannot_be_removed_yet_is_no_difference(clock: FakeClock) -> None:
    aws, transport = playing(clock, shown(GRACE, "PendingConfirmation"), shown(ADA, f"{ARN}:1"))
    observed = topic(ADA).read(aws)
    assert observed is not None
    assert topic(ADA).differences(observed) == set()
    KIND.update(aws, topic().resource, observed, frozenset({"subscriptions"}))
    removed = [params["SubscriptionArn"] for name, _, params in transport.sent if name == "sns:Unsubscribe"]
    assert removed == [f"{ARN}:1"]


def test_new_subscribers_come_before_old_ones_go(aws: AwsClient) -> None:
    carry_out(aws, topic(ADA))
    recorder = Recorder(aws)
    carry_out(recorder, topic(GRACE))
    assert [call.name for call in recorder.changing] == ["sns:Subscribe", "sns:Unsubscribe"]


def test_a_subscription_from_elsewhere_is_a_difference(aws: AwsClient) -> None:
    carry_out(aws, topic(ADA))
    aws.call("sns", "Subscribe", TopicArn=ARN, Protocol="email", Endpoint="eve@example.com")
    observed = topic(ADA).read(aws)
    assert observed is not None
    assert topic(ADA).differences(observed) == {"subscriptions"}
    converge(aws, topic(ADA))


def test_a_policy_that_is_taken_away_leaves_what_every_topic_has(aws: AwsClient) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish",
                 "Resource": ARN}  # fmt: skip
    carry_out(aws, topic(policy={"Statement": [statement]}))
    converge(aws, topic())
    text = aws.call("sns", "GetTopicAttributes", TopicArn=ARN)["Attributes"]["Policy"]
    (left,) = json.loads(text)["Statement"]
    assert left["Condition"] == {"StringEquals": {"AWS:SourceOwner": "123456789012"}}


def test_a_fifo_topic_keeps_its_kind(aws: AwsClient) -> None:
    carry_out(aws, topic(name="orders.fifo", fifo=True))
    converge(aws, topic(name="orders.fifo", fifo=True, content_deduplication=True))


def test_filters_and_forms_change_in_place(aws: AwsClient) -> None:
    to_queue = {"protocol": "sqs", "endpoint": QUEUE}
    filtered = {**to_queue, "filter": {"kind": ["order"]}, "filter_by": "MessageBody", "raw": True}
    carry_out(aws, topic(to_queue))
    recorder = Recorder(aws)
    converge(recorder, topic(filtered))
    changed = {c.params["AttributeName"]: c.params["AttributeValue"] for c in recorder.changing}
    assert changed == {
        "FilterPolicyScope": "MessageBody", "FilterPolicy": '{"kind":["order"]}', "RawMessageDelivery": "true",
    }  # fmt: skip
    converge(aws, topic(to_queue))
    carry_out(aws, topic({**to_queue, "raw": True}))
    observed = topic(to_queue).read(aws)
    assert observed is not None
    assert topic(to_queue).differences(observed) == {"subscriptions"}
