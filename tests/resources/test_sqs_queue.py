"""Queues: attributes as text, one kind of encryption, and the dead-letter queue."""

from typing import Any

import pytest

from pipeline.applying.aws_client import AwsClient
from pipeline.model.resource import Observed, Resource
from pipeline.model.values import Expression, Reference
from pipeline.resources.registry import registry
from tests.contract.engine import Case, carry_out, converge, declared
from tests.support.aws import SCOPE, FakeClock
from tests.support.fake_transport import FakeTransport, Reply, refused
from tests.support.faults import Recorder

KIND = registry()["sqs.queue"]
URL = "https://sqs.us-east-1.amazonaws.com/123456789012/orders"


def queue(name: str = "orders", **properties: Any) -> Case:
    return Case(KIND, Resource(KIND.name, name, declared(KIND, {"name": name, **properties}, SCOPE)))


def problems(name: str = "orders", **properties: Any) -> list[str]:
    return [problem.message for problem in KIND.check(queue(name, **properties).resource, SCOPE)]


def test_the_dead_letter_queue_is_referred_to_by_its_name() -> None:
    dead = queue(dead_letter={"queue": "orders-dead", "max_receives": 3}).resource
    assert dead.properties["dead_letter"]["queue"] == Expression((Reference("sqs.queue/orders-dead", "arn"),))
    assert dead.dependencies == ("sqs.queue/orders-dead",)
    arn = "arn:aws:sqs:us-east-1:123456789012:other"
    assert queue(dead_letter={"queue": arn, "max_receives": 3}).resource.dependencies == ()


@pytest.mark.parametrize(
    ("name", "properties", "message"),
    [
        ("orders", {"fifo": True}, "the names of FIFO queues, and only theirs, end in .fifo"),
        ("orders.fifo", {}, "the names of FIFO queues, and only theirs, end in .fifo"),
        ("orders", {"content_deduplication": True}, "content_deduplication is for FIFO queues"),
        ("orders", {"encryption": "aws:kms"}, "encryption aws:kms needs a key"),
        ("orders", {"kms_key": "alias/x"}, "kms_key means nothing with encryption SSE-SQS"),
        (
            "orders",
            {"dead_letter": {"queue": "orders", "max_receives": 1}},
            "a queue cannot be its own dead-letter queue",
        ),
        (
            "orders.fifo",
            {"fifo": True, "dead_letter": {"queue": "orders-dead", "max_receives": 1}},
            "the dead-letter queue of this queue must be a FIFO queue, too",
        ),
        (
            "orders",
            {"dead_letter": {"queue": "arn:aws:sqs:us-east-1:123456789012:dead.fifo", "max_receives": 1}},
            "the dead-letter queue of this queue must be no FIFO queue, too",
        ),
        ("orders", {"policy": {"Version": "2012-10-17"}}, "a policy document has at least one Statement"),
    ],
)
def test_what_sqs_would_refuse(name: str, properties: dict[str, Any], message: str) -> None:
    assert problems(name, **properties) == [message]


def test_a_good_queue_has_no_problems() -> None:
    assert problems("orders.fifo", fifo=True, dead_letter={"queue": "dead.fifo", "max_receives": 1}) == []
    assert problems(encryption="aws:kms", kms_key="alias/orders") == []


def test_a_grant_to_everyone_is_warned_about() -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:::orders"}
    found = KIND.warn(queue(policy={"Statement": statement}).resource, SCOPE)
    assert [problem.message for problem in found] == ["allows everyone: Principal is * and no Condition limits it"]


def test_a_queue_is_made_in_one_call_with_its_mark(aws: AwsClient) -> None:
    recorder = Recorder(aws)
    carry_out(recorder, queue(tags={"team": "orders"}))
    (made,) = recorder.changing
    assert made.params["tags"] == {"team": "orders", **SCOPE.mark("sqs.queue/orders").tags()}
    assert made.params["Attributes"]["SqsManagedSseEnabled"] == "true"
    assert "KmsMasterKeyId" not in made.params["Attributes"]


def test_what_is_taken_away_is_sent_as_empty_text(clock: FakeClock) -> None:
    transport = FakeTransport()
    aws = AwsClient(transport, clock)
    aws.scope = SCOPE
    observed = Observed("sqs.queue/orders", queue().resource.properties, {"arn": "arn", "url": URL})
    KIND.update(aws, queue().resource, observed, frozenset({"dead_letter", "policy", "kms_key", "encryption"}))
    ((name, _, params),) = transport.sent
    assert name == "sqs:SetQueueAttributes"
    assert params["Attributes"] == {
        "RedrivePolicy": "", "Policy": "", "KmsMasterKeyId": "", "SqsManagedSseEnabled": "true",
    }  # fmt: skip


def test_changes_from_elsewhere_are_put_right(aws: AwsClient) -> None:
    wanted = queue(visibility_timeout=60, tags={"team": "orders"})
    url = carry_out(aws, wanted)["url"]
    aws.call("sqs", "SetQueueAttributes", QueueUrl=url, Attributes={"VisibilityTimeout": "5"})
    aws.call("sqs", "TagQueue", QueueUrl=url, Tags={"stray": "x"})
    observed = wanted.read(aws)
    assert observed is not None
    assert wanted.differences(observed) == {"visibility_timeout", "tags.stray"}
    converge(aws, wanted)


def test_a_fifo_queue_keeps_its_kind(aws: AwsClient) -> None:
    wanted = queue("orders.fifo", fifo=True)
    carry_out(aws, wanted)
    converge(aws, queue("orders.fifo", fifo=True, content_deduplication=True))


def test_a_name_that_was_just_deleted_is_waited_for(clock: FakeClock) -> None:
    early = refused("sqs:CreateQueue", "AWS.SimpleQueueService.QueueDeletedRecently", status=400)
    transport = FakeTransport({"sqs:CreateQueue": [early, early, {"QueueUrl": URL}]})
    aws = AwsClient(transport, clock)
    aws.scope = SCOPE
    assert KIND.create(aws, queue().resource)["url"] == URL
    assert len(transport.sent) == 3


def test_a_queue_whose_name_outlives_it_is_gone(clock: FakeClock) -> None:
    gone = refused("sqs:GetQueueAttributes", "AWS.SimpleQueueService.NonExistentQueue", status=400)
    answers: dict[str, list[Reply]] = {
        "sqs:GetQueueUrl": [{"QueueUrl": URL}],
        "sqs:GetQueueAttributes": [gone],
        "sqs:ListQueueTags": [{}],
    }
    aws = AwsClient(FakeTransport(answers), clock)
    aws.scope = SCOPE
    assert queue().read(aws) is None


def test_deletion_waits_until_the_queue_is_gone(clock: FakeClock) -> None:
    absent = refused("sqs:GetQueueUrl", "AWS.SimpleQueueService.NonExistentQueue", status=400)
    shown = {"QueueUrl": URL}
    transport = FakeTransport({"sqs:GetQueueUrl": [shown, shown, shown, absent]})
    aws = AwsClient(transport, clock)
    aws.scope = SCOPE
    KIND.delete(aws, Observed("sqs.queue/orders", {"name": "orders"}, {}))
    assert [name for name, _, _ in transport.sent].count("sqs:GetQueueUrl") == 4


def composed(queue: Resource, *topics: dict[str, Any]) -> Any:
    kinds = registry()
    stack = [Resource("sns.topic", str(one["name"]), declared(kinds["sns.topic"], one, SCOPE)) for one in topics]
    return kinds["sqs.queue"].compose(queue, stack, SCOPE)[0].properties["policy"]


def test_a_queue_admits_the_topics_that_it_subscribes_to_and_no_others() -> None:
    arn = "arn:aws:sqs:us-east-1:123456789012:jobs"
    queue = Resource("sqs.queue", "jobs", declared(registry()["sqs.queue"], {"name": "jobs"}, SCOPE))
    by_name = {"name": "orders", "subscriptions": [{"protocol": "sqs", "endpoint": "jobs"}]}
    by_arn = {"name": "alarms", "subscriptions": [{"protocol": "sqs", "endpoint": arn}]}
    other = {"name": "other", "subscriptions": [{"protocol": "email", "endpoint": "ada@example.com"}]}
    found = composed(queue, by_name, by_arn, other)
    (statement,) = found["Statement"].values()
    sources = [f"arn:aws:sns:us-east-1:123456789012:{name}" for name in ("alarms", "orders")]
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": sources}}
    assert (statement["Resource"], statement["Action"]) == ([arn], ["sqs:SendMessage"])
    assert composed(queue, other) is None


def test_a_policy_of_one_s_own_stays_beside_the_admission() -> None:
    own = {
        "Version": "2012-10-17",
        "Statement": [{"Sid": "Mine", "Effect": "Deny", "Principal": "*", "Action": "sqs:*"}],
    }
    properties = declared(registry()["sqs.queue"], {"name": "jobs", "policy": own}, SCOPE)
    topic = {"name": "orders", "subscriptions": [{"protocol": "sqs", "endpoint": "jobs"}]}
    found = composed(Resource("sqs.queue", "jobs", properties), topic)
    assert {*found["Statement"]} == {"Mine", "SubscribedTopics"}
