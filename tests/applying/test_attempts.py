"""One call to its end: what is repeated, for how long, and what a lost answer leads to."""

import json
from collections.abc import Callable
from functools import partial
from threading import Event
from typing import Any

import pytest

from pipeline.applying.attempts import CallEvent
from pipeline.applying.aws_client import AwsClient
from pipeline.applying.waiting import WaitEvent
from pipeline.errors import AmbiguousOutcome, AwsError, Interrupted, PipelineError, Refused
from tests.support.aws import FakeClock, names
from tests.support.fake_transport import FakeTransport, Reply, refused, unanswered

ROLE = "The role defined for the function cannot be assumed by Lambda."
ANSWER: dict[str, Any] = {"done": True}


class Way:
    """A client over a fake transport, with what it did."""

    def __init__(self, clock: FakeClock, name: str, *replies: Reply) -> None:
        self.name, self.clock = name, clock
        self.transport = FakeTransport({name: list(replies)})
        self.events: list[CallEvent | WaitEvent] = []
        self.stop = Event()
        self.aws = AwsClient(self.transport, clock, stop=self.stop, on_event=self.events.append)

    def call(self, **params: Any) -> dict[str, Any]:
        return self.aws.call(*self.name.split(":"), **params)

    @property
    def attempts(self) -> int:
        return len(self.transport.sent)


def test_an_answer_at_once(clock: FakeClock) -> None:
    way = Way(clock, "lambda:CreateFunction", ANSWER)
    assert way.call(FunctionName="f") == ANSWER
    assert way.transport.sent == [("lambda:CreateFunction", "us-east-1", {"FunctionName": "f"})]
    assert clock.slept == []


def test_a_region_may_be_named(clock: FakeClock) -> None:
    way = Way(clock, "acm:DescribeCertificate", ANSWER)
    way.aws.call("acm", "DescribeCertificate", region="us-east-1", CertificateArn="a")
    way.aws.call("acm", "DescribeCertificate", region="eu-west-1", CertificateArn="a")
    assert [region for _, region, _ in way.transport.sent] == ["us-east-1", "eu-west-1"]


def test_propagation_is_waited_for_with_short_pauses(clock: FakeClock) -> None:
    error = refused("lambda:CreateFunction", "InvalidParameterValueException", ROLE)
    way = Way(clock, "lambda:CreateFunction", *[error] * 6, ANSWER)
    assert way.call(FunctionName="f") == ANSWER
    assert all(0.4 <= pause <= 2 for pause in clock.slept)
    assert clock.seconds < 9


def test_giving_up_tells_attempts_seconds_request_and_a_hint(clock: FakeClock) -> None:
    way = Way(clock, "lambda:CreateFunction", refused("lambda:CreateFunction", "InvalidParameterValueException", ROLE))
    with pytest.raises(AwsError) as caught:
        way.call(FunctionName="f", Role="arn:aws:iam::123456789012:role/r")
    assert 115 < clock.seconds <= 120
    assert caught.value.call.attempts == way.attempts
    assert caught.value.call.seconds == pytest.approx(clock.seconds)
    assert caught.value.call.details["kind"] == "propagating"
    assert f"[request r-1, {way.attempts} attempts in {clock.seconds:.1f} s]" in str(caught.value)
    assert (
        caught.value.hint
        == "check that the trust policy of arn:aws:iam::123456789012:role/r names lambda.amazonaws.com"
    )


def test_what_is_final_fails_at_once(clock: FakeClock) -> None:
    way = Way(clock, "lambda:CreateFunction", refused("lambda:CreateFunction", "InvalidParameterValueException", "no"))
    with pytest.raises(AwsError, match="lambda:CreateFunction: InvalidParameterValueException: no"):
        way.call()
    assert way.attempts == 1
    assert clock.slept == []


def test_throttles_are_outlasted(clock: FakeClock) -> None:
    error = refused("apigateway:CreateRestApi", "TooManyRequestsException", "Rate exceeded", status=429)
    way = Way(clock, "apigateway:CreateRestApi", *[error] * 8, ANSWER)
    assert way.call(name="x") == ANSWER
    assert way.attempts == 9


def test_pauses_asked_for_are_kept(clock: FakeClock) -> None:
    error = refused("s3:PutObject", "SlowDown", status=503, retry_after=7.5)
    Way(clock, "s3:PutObject", error, ANSWER).call(Bucket="b", Key="k")
    assert clock.slept == [7.5]


def test_parallel_calls_within_a_rate_lose_none(clock: FakeClock) -> None:
    admitted: list[float] = []

    def one_per_three_seconds(params: Any) -> dict[str, Any]:
        if admitted and clock.seconds - admitted[-1] < 3:
            raise refused("apigateway:CreateRestApi", "TooManyRequestsException", "Rate exceeded", status=429)
        admitted.append(clock.seconds)
        return ANSWER

    way = Way(clock, "apigateway:CreateRestApi", one_per_three_seconds)
    for _ in range(5):
        way.call(name="x")
    assert way.attempts == 5
    assert admitted == pytest.approx([0, 3.2, 6.4, 9.6, 12.8])


REPEATABLE = [
    "lambda:GetFunction",
    "s3:PutObject",
    "iam:PutRolePolicy",
    "dynamodb:CreateTable",
    "lambda:DeleteFunction",
]
UNREPEATABLE = ["apigateway:CreateRestApi", "apigatewayv2:CreateApi", "lambda:PublishLayerVersion", "sqs:SendMessage"]


@pytest.mark.parametrize("name", REPEATABLE)
@pytest.mark.parametrize("kind", ["no answer", "server error"])
def test_after_a_lost_answer_the_harmless_is_repeated(clock: FakeClock, name: str, kind: str) -> None:
    error = unanswered(name) if kind == "no answer" else refused(name, "InternalFailure", status=500)
    way = Way(clock, name, error, ANSWER)
    assert way.call() == ANSWER
    assert way.attempts == 2


@pytest.mark.parametrize("name", UNREPEATABLE)
@pytest.mark.parametrize("kind", ["no answer", "server error"])
def test_after_a_lost_answer_what_could_happen_twice_is_not(clock: FakeClock, name: str, kind: str) -> None:
    error = unanswered(name) if kind == "no answer" else refused(name, "InternalFailure", status=500)
    way = Way(clock, name, error, ANSWER)
    with pytest.raises(AmbiguousOutcome) as caught:
        way.call()
    assert way.attempts == 1
    assert "looks at what is there" in (caught.value.hint or "")


@pytest.mark.parametrize("name", [*REPEATABLE, *UNREPEATABLE])
def test_a_request_that_never_left_is_repeated(clock: FakeClock, name: str) -> None:
    way = Way(clock, name, unanswered(name, sent=False), ANSWER)
    assert way.call() == ANSWER


@pytest.mark.parametrize("name", ["iam:GetRole", "apigateway:CreateRestApi"])
def test_an_endpoint_that_does_not_answer_is_told_soon(clock: FakeClock, name: str) -> None:
    with pytest.raises(AwsError) as caught:
        Way(clock, name, unanswered(name, sent=False)).call()
    assert not isinstance(caught.value, AmbiguousOutcome)
    assert clock.seconds < 12
    assert caught.value.hint == "check the network, the region and AWS_ENDPOINT_URL"


def test_lost_for_ever_is_ambiguous_for_a_change_and_an_error_for_a_read(clock: FakeClock) -> None:
    with pytest.raises(AmbiguousOutcome):
        Way(clock, "iam:PutRolePolicy", unanswered("iam:PutRolePolicy")).call()
    with pytest.raises(AwsError) as caught:
        Way(clock, "iam:GetRole", unanswered("iam:GetRole")).call()
    assert not isinstance(caught.value, AmbiguousOutcome)


@pytest.mark.parametrize(
    ("name", "code", "message", "status"),
    [
        ("iam:CreateRole", "EntityAlreadyExists", "", 409),
        ("lambda:CreateFunction", "ResourceConflictException", "Function already exist: f", 409),
        ("dynamodb:CreateTable", "ResourceInUseException", "Table already exists", 400),
        ("s3:PutObject", "PreconditionFailed", "", 412),
        ("lambda:UpdateAlias", "PreconditionFailedException", "", 412),
    ],
)
def test_exists_after_a_lost_create_may_be_our_own(
    clock: FakeClock, name: str, code: str, message: str, status: int
) -> None:
    error = refused(name, code, message, status=status)
    with pytest.raises(AmbiguousOutcome, match=code):
        Way(clock, name, unanswered(name), error).call()
    with pytest.raises(AwsError) as caught:
        Way(clock, name, error).call()
    assert not isinstance(caught.value, AmbiguousOutcome)


def test_a_delete_that_was_carried_out_though_its_answer_was_lost(clock: FakeClock) -> None:
    name = "lambda:DeleteFunction"
    way = Way(clock, name, unanswered(name), refused(name, "ResourceNotFoundException", status=404))
    assert way.call(FunctionName="f") == {}


def test_deleting_what_is_absent_is_still_told(clock: FakeClock) -> None:
    error = refused("lambda:DeleteFunction", "ResourceNotFoundException", status=404)
    with pytest.raises(AwsError, match="ResourceNotFoundException"):
        Way(clock, "lambda:DeleteFunction", error).call(FunctionName="f")
    assert Way(clock, "lambda:DeleteFunction", error).aws.found("lambda", "DeleteFunction", FunctionName="f") is None


def test_as_asked_already_is_an_empty_answer(clock: FakeClock) -> None:
    error = refused("dynamodb:UpdateTimeToLive", "ValidationException", "TimeToLive is already enabled")
    assert Way(clock, "dynamodb:UpdateTimeToLive", error).call(TableName="t") == {}


def test_pending_is_told_apart(clock: FakeClock) -> None:
    text = "Time to live has been modified multiple times within a fixed interval"
    with pytest.raises(AwsError) as caught:
        Way(
            clock, "dynamodb:UpdateTimeToLive", refused("dynamodb:UpdateTimeToLive", "ValidationException", text)
        ).call()
    assert caught.value.call.details["kind"] == "pending"
    assert clock.slept == []


def test_not_found_right_after_creating_is_waited_for(clock: FakeClock) -> None:
    absent = refused("s3:PutBucketPolicy", "NoSuchBucket", status=404)
    way = Way(clock, "s3:PutBucketPolicy", absent, absent, ANSWER)
    way.aws.call("s3", "CreateBucket", Bucket="site")
    assert way.call(Bucket="site", Policy="{}") == ANSWER
    with pytest.raises(AwsError, match="NoSuchBucket"):
        Way(clock, "s3:PutBucketPolicy", absent).call(Bucket="another", Policy="{}")


def test_what_this_run_deleted_is_no_longer_fresh(clock: FakeClock) -> None:
    absent = refused("s3:PutBucketPolicy", "NoSuchBucket", status=404)
    way = Way(clock, "s3:PutBucketPolicy", absent)
    way.aws.call("s3", "CreateBucket", Bucket="site")
    way.aws.call("s3", "DeleteBucket", Bucket="site")
    with pytest.raises(AwsError):
        way.call(Bucket="site", Policy="{}")
    assert clock.slept == []


def test_fresh_is_known_by_arn_too(clock: FakeClock) -> None:
    absent = refused("dynamodb:TagResource", "ResourceNotFoundException")
    way = Way(clock, "dynamodb:TagResource", absent, ANSWER)
    way.aws.call("dynamodb", "CreateTable", TableName="orders")
    assert way.call(ResourceArn="arn:aws:dynamodb:us-east-1:123456789012:table/orders", Tags=[]) == ANSWER


def test_no_call_begins_once_the_run_was_asked_to_stop(clock: FakeClock) -> None:
    way = Way(clock, "iam:GetRole", ANSWER)
    way.stop.set()
    with pytest.raises(Interrupted, match="iam:GetRole: the run was asked to stop"):
        way.call()
    assert way.attempts == 0


def test_stopping_ends_a_pause(clock: FakeClock) -> None:
    way = Way(clock, "iam:GetRole", refused("iam:GetRole", "Throttling"))
    clock.on_sleep = lambda seconds: way.stop.set()
    with pytest.raises(Interrupted):
        way.call()
    assert way.attempts == 1


def test_the_guard_is_asked_before_every_changing_attempt_and_no_other(clock: FakeClock) -> None:
    asked: list[int] = []
    way = Way(clock, "iam:PutRolePolicy", refused("iam:PutRolePolicy", "Throttling"), ANSWER)
    way.aws.guard = lambda: asked.append(way.attempts)
    way.aws.call("iam", "GetRole", RoleName="r")
    way.call(RoleName="r")
    assert asked == [1, 2]


def test_what_the_guard_raises_ends_the_call(clock: FakeClock) -> None:
    def lost_lock() -> None:
        raise Refused("the lock is no longer ours")

    way = Way(clock, "iam:PutRolePolicy", ANSWER)
    way.aws.guard = lost_lock
    with pytest.raises(Refused):
        way.call(RoleName="r")
    assert way.attempts == 0


def test_records_are_written_even_when_stopped_and_without_the_guard(clock: FakeClock) -> None:
    way = Way(clock, "s3:PutObject", ANSWER)
    way.aws.guard = lambda: pytest.fail("the guard makes calls itself")
    records = way.aws.for_records()
    way.stop.set()
    assert records.call("s3", "PutObject", Bucket="ledger", Key="k") == ANSWER
    assert records.gather([lambda: 1, lambda: 2]) == [1, 2]
    assert names(way.aws.calls) == {"s3:PutObject": 1}


def test_every_attempt_is_counted_and_told(clock: FakeClock) -> None:
    way = Way(clock, "iam:PutRolePolicy", refused("iam:PutRolePolicy", "Throttling"), ANSWER)
    way.call(RoleName="r")
    assert names(way.aws.calls) == {"iam:PutRolePolicy": 2}
    assert way.aws.total_calls == 2
    assert way.events == [
        CallEvent("iam", "PutRolePolicy", "us-east-1", 0.0, 1, "Throttling", "throttled"),
        CallEvent("iam", "PutRolePolicy", "us-east-1", 0.0, 2),
    ]


def test_what_no_repetition_can_mend_passes_through(clock: FakeClock) -> None:
    way = Way(clock, "iam:GetRole", PipelineError("no credentials"))
    with pytest.raises(PipelineError, match="no credentials"):
        way.call()


def test_values_do_not_leave_in_messages(clock: FakeClock) -> None:
    message = "environment variables exceeded the 4KB limit. String measured: {'PASSWORD': 'hunter2'}"
    name = "lambda:UpdateFunctionConfiguration"
    with pytest.raises(AwsError) as caught:
        Way(clock, name, refused(name, "InvalidParameterValueException", message)).call()
    assert "hunter2" not in f"{caught.value} {caught.value.call}"
    assert caught.value.__context__ is None


@pytest.mark.parametrize("quote", [str, json.dumps, partial(json.dumps, ensure_ascii=False)])
def test_secrets_of_the_run_do_not_leave_in_messages(clock: FakeClock, quote: Callable[[str], str]) -> None:
    secret, name = 'hunter2"\n\\é', "lambda:UpdateFunctionConfiguration"
    message = f"1 validation error detected: Value '{{KEY={quote(secret)}}}' at 'environment.variables'"
    way = Way(clock, name, refused(name, "ValidationException", message))
    way.aws.reading_once().hide([secret, "abc", ""])  # who reads ahead finds them first
    with pytest.raises(AwsError) as caught:
        way.call()
    told = f"{caught.value} {caught.value.call}"
    assert "hunter2" not in told
    assert "at 'environment.variables'" in told
