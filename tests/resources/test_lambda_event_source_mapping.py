"""Event sources: what a mapping without a name is found by, its states, and what queues and streams take."""

from typing import Any

import pytest

from pipeline.applying.aws_client import AwsClient
from pipeline.applying.classifier import Kind, classifier
from pipeline.errors import FailedCall
from pipeline.model.resource import Observed, Resource
from pipeline.model.values import Expression, Reference
from pipeline.resources.base import Target
from pipeline.resources.registry import registry
from tests.contract.engine import Case, declared
from tests.support.aws import SCOPE, FakeClock
from tests.support.fake_transport import FakeTransport, Reply, refused

KIND = registry()["lambda.event_source_mapping"]
QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders-jobs"
STREAM = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000"
ALIAS = "arn:aws:lambda:us-east-1:123456789012:function:orders-list:live"
ADDRESS = "lambda.event_source_mapping/jobs"


def mapping(source: Any = QUEUE, **properties: Any) -> Case:
    item = {"name": "jobs", "function": "orders-list", "source": source, **properties}
    return Case(KIND, Resource(KIND.name, "jobs", declared(KIND, item, SCOPE)))


def stream(**properties: Any) -> Case:
    return mapping(STREAM, **{"starting_position": "LATEST", **properties})


def problems(case: Case) -> list[str]:
    return [problem.message for problem in KIND.check(case.resource, SCOPE)]


def shown(uuid: str = "u-1", state: str = "Enabled", **members: Any) -> dict[str, Any]:
    """A mapping as Lambda shows it."""
    return {"UUID": uuid, "State": state, "EventSourceArn": QUEUE, "FunctionArn": ALIAS, "BatchSize": 10, **members}


def playing(clock: FakeClock, **replies: list[Reply]) -> tuple[AwsClient, FakeTransport]:
    """An AWS with these answers, by operation."""
    transport = FakeTransport({f"lambda:{operation}": answers for operation, answers in replies.items()})
    aws = AwsClient(transport, clock)
    aws.scope = SCOPE
    return aws, transport


def names(transport: FakeTransport) -> list[str]:
    return [name.removeprefix("lambda:") for name, _, _ in transport.sent]


ABSENT = refused("lambda:GetEventSourceMapping", "ResourceNotFoundException", status=404)
OURS = {"Tags": SCOPE.mark(ADDRESS).tags()}


def test_the_target_is_the_alias() -> None:
    target = Expression((Reference("lambda.function/orders-list", "arn"), ":live"))
    assert mapping().resource.properties["target"] == target
    assert mapping().resource.dependencies == ("lambda.function/orders-list",)


def test_defaults_depend_on_the_kind_of_source() -> None:
    queue, table = mapping().resource.properties, stream().resource.properties
    assert (queue["batch_size"], table["batch_size"]) == (10, 100)
    assert "max_retries" not in queue
    assert (table["max_retries"], table["max_age"], table["parallel"]) == (-1, -1, 1)
    referred = mapping(Expression((Reference("sqs.queue/orders-jobs", "arn"),)))
    assert referred.resource.properties["batch_size"] == 10


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (mapping("orders"), "orders is no ARN"),
        (mapping(bisect=True), "bisect is for streams, and this source is a queue"),
        (mapping(starting_position="LATEST"), "starting_position is for streams, and this source is a queue"),
        (mapping(on_failure=QUEUE), "on_failure is for streams, and this source is a queue"),
        (mapping(max_retries=2), "max_retries is for streams, and this source is a queue"),
        (mapping(max_retries=0), "max_retries is for streams, and this source is a queue"),
        (stream(max_concurrency=5), "max_concurrency is for queues, and this source is a stream"),
        (mapping(STREAM), "reading a stream needs a starting_position"),
        (mapping(batch_size=100), "batches of more than 10 messages need a window"),
        (mapping(f"{QUEUE}.fifo", window=1), "a FIFO queue is read without a window"),
        (mapping(f"{QUEUE}.fifo", batch_size=20), "a FIFO queue gives at most 10 messages at once"),
        (mapping(filters=[{"body": {"kind": "gone"}}]), "kind is no list of values that it may have"),
        (stream(on_failure=f"{QUEUE}.fifo"), "what is given up cannot go to a FIFO queue"),
        (stream(max_age=30), "max_age is -1 or at least 60"),
        (stream(max_age=0), "max_age is -1 or at least 60"),
    ],
)
def test_what_lambda_would_refuse(case: Case, message: str) -> None:
    assert message in problems(case)


def test_good_mappings_have_no_problems() -> None:
    assert problems(mapping(batch_size=100, window=1, max_concurrency=2)) == []
    assert problems(stream(max_age=60, bisect=True, on_failure=QUEUE)) == []


def test_a_stream_that_one_event_can_stop_is_warned_about() -> None:
    (found,) = KIND.warn(stream().resource, SCOPE)
    assert found.message == "an event that always fails holds up all events after it until it expires"
    assert KIND.warn(stream(max_retries=3).resource, SCOPE) == []
    assert KIND.warn(mapping().resource, SCOPE) == []


def test_creation_ends_when_the_mapping_is_enabled(clock: FakeClock) -> None:
    states: list[Reply] = [shown(state=state) for state in ("Creating", "Enabling", "Enabled")]
    aws, transport = playing(clock, CreateEventSourceMapping=[shown(state="Creating")], GetEventSourceMapping=states)
    resource = stream(bisect=True, on_failure=QUEUE, max_retries=3).resource
    assert KIND.create(aws, resource)["uuid"] == "u-1"
    assert names(transport).count("GetEventSourceMapping") == 3
    sent = transport.sent[0][2]
    assert sent["StartingPosition"] == "LATEST"
    assert sent["DestinationConfig"] == {"OnFailure": {"Destination": QUEUE}}
    assert sent["Tags"] == SCOPE.mark(ADDRESS).tags()


def test_no_retries_are_said_and_not_left_to_lambda(clock: FakeClock) -> None:
    aws, transport = playing(clock, CreateEventSourceMapping=[shown()], GetEventSourceMapping=[shown()])
    KIND.create(aws, stream(max_retries=0).resource)
    assert transport.sent[0][2]["MaximumRetryAttempts"] == 0


def test_deletion_ends_when_the_mapping_is_gone(clock: FakeClock) -> None:
    busy = refused("lambda:DeleteEventSourceMapping", "ResourceInUseException", "it is in use")
    aws, transport = playing(
        clock,
        DeleteEventSourceMapping=[busy, shown(state="Deleting")],
        GetEventSourceMapping=[shown(state="Deleting"), shown(state="Deleting"), ABSENT],
    )
    KIND.delete(aws, Observed(ADDRESS, {}, {"uuid": "u-1"}))
    assert names(transport) == ["DeleteEventSourceMapping"] * 2 + ["GetEventSourceMapping"] * 3


def test_what_is_taken_away_is_cleared(clock: FakeClock) -> None:
    aws, transport = playing(clock, GetEventSourceMapping=[shown()])
    observed = Observed(ADDRESS, {}, {"uuid": "u-1", "arn": "arn"})
    paths = frozenset({"filters", "max_concurrency", "report_failures", "on_failure", "window"})
    KIND.update(aws, mapping().resource, observed, paths)
    assert transport.sent[0][2] == {
        "UUID": "u-1",
        "FilterCriteria": {},
        "ScalingConfig": {},
        "FunctionResponseTypes": [],
        "DestinationConfig": {"OnFailure": {"Destination": ""}},
        "MaximumBatchingWindowInSeconds": 0,
    }


def test_the_recorded_id_spares_the_search(clock: FakeClock) -> None:
    aws, transport = playing(clock, GetEventSourceMapping=[shown()], ListTags=[OURS])
    target = Target(mapping().resource, {"uuid": "u-1"})
    observed = KIND.read(aws, [target])[ADDRESS]
    assert SCOPE.owns(observed.mark)
    assert names(transport) == ["GetEventSourceMapping", "ListTags"]


def test_a_mapping_is_found_by_its_mark(clock: FakeClock) -> None:
    aws, _ = playing(
        clock,
        GetEventSourceMapping=[ABSENT, shown("u-2")],
        ListEventSourceMappings=[{"EventSourceMappings": [shown("u-1"), shown("u-2")]}],
        ListTags=[{"Tags": SCOPE.mark("lambda.event_source_mapping/other").tags()}, OURS],
    )
    observed = KIND.read(aws, [Target(mapping().resource, {"uuid": "gone"})])[ADDRESS]
    assert observed.outputs["uuid"] == "u-2"


@pytest.mark.parametrize(
    ("source", "arn"),
    [
        (QUEUE, QUEUE),
        (Expression((Reference("sqs.queue/orders-jobs", "arn"),)), QUEUE),
        (Expression((Reference("dynamodb.table/orders", "stream_arn"),)), STREAM),
    ],
)
def test_one_that_somebody_made_is_recognised_and_not_ours(clock: FakeClock, source: Any, arn: str) -> None:
    made = shown(EventSourceArn=arn)
    aws, _ = playing(
        clock,
        ListEventSourceMappings=[{"EventSourceMappings": [made]}],
        ListTags=[{}],
        GetEventSourceMapping=[made],
    )
    observed = mapping(source).read(aws)
    assert observed is not None
    assert observed.mark is None


def test_one_of_another_source_is_not_taken(clock: FakeClock) -> None:
    aws, _ = playing(
        clock, ListEventSourceMappings=[{"EventSourceMappings": [shown(EventSourceArn=STREAM)]}], ListTags=[{}]
    )
    assert mapping().read(aws) is None


def test_it_is_looked_for_by_the_name_that_it_was_made_with(clock: FakeClock) -> None:
    aws, transport = playing(clock, ListEventSourceMappings=[{"EventSourceMappings": []}])
    resource = mapping().resource
    assert KIND.read(aws, [Target(resource, {})]) == {}
    alias = f"arn:aws:lambda:us-east-1:123456789012:function:{resource.properties['function']}:live"
    assert transport.sent[0][2]["FunctionName"] == alias


def test_one_that_reads_what_has_no_arn_is_passed_over(clock: FakeClock) -> None:
    kafka = {name: value for name, value in shown().items() if name != "EventSourceArn"}
    aws, _ = playing(clock, ListEventSourceMappings=[{"EventSourceMappings": [kafka]}], ListTags=[{}])
    assert mapping().read(aws) is None


def test_one_that_is_on_its_way_out_is_gone(clock: FakeClock) -> None:
    aws, _ = playing(
        clock,
        ListEventSourceMappings=[{"EventSourceMappings": [shown()]}],
        ListTags=[OURS],
        GetEventSourceMapping=[shown(state="Deleting"), ABSENT],
    )
    assert mapping().read(aws) is None


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (
            "Cannot access stream arn:x. Please ensure the role can perform the GetRecords actions",
            Kind.PROPAGATING,
        ),
        ("The function execution role does not have permissions to call ReceiveMessage on SQS", Kind.PROPAGATING),
        ("Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds", Kind.FINAL),
    ],
)
def test_what_refusals_mean(message: str, kind: Kind) -> None:
    call = FailedCall("lambda", "CreateEventSourceMapping", "InvalidParameterValueException", message, status=400)
    assert classifier().judge(call, {}).kind is kind
