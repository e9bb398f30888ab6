"""Buckets: whose they are, who may reach them, and how they are emptied."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pipeline.applying.aws_client import AwsClient
from pipeline.errors import AwsError, BadInput, FailedCall
from pipeline.model.resource import Observed, Resource, Source
from pipeline.resources import _s3_policy as access
from pipeline.resources import _s3_settings as settings
from pipeline.resources.base import Target
from pipeline.resources.registry import registry
from tests.contract.engine import Case, carry_out, converge, declared, remove
from tests.contract.moto_gaps import MotoGaps
from tests.support.aws import SCOPE, FakeClock
from tests.support.fake_transport import FakeTransport, refused
from tests.support.faults import Failing, Recorder

KIND = registry()["s3.bucket"]
NAME = "orders-site"
ARN = f"arn:aws:s3:::{NAME}"
OPEN = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{ARN}/*"}


def bucket(**properties: Any) -> Case:
    example = {"name": NAME, **properties}
    source = Source("aws/s3/buckets.yaml", 3)
    return Case(KIND, Resource(KIND.name, example["name"], declared(KIND, example, SCOPE), source=source))


def messages(case: Case, verb: str = "check") -> list[str]:
    return [problem.message for problem in getattr(KIND, verb)(case.resource, SCOPE)]


def test_private_versioned_and_over_tls_by_default(aws: AwsClient) -> None:
    carry_out(MotoGaps(aws), bucket())
    block = aws.call("s3", "GetPublicAccessBlock", Bucket=NAME)["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}
    (statement,) = json.loads(aws.call("s3", "GetBucketPolicy", Bucket=NAME)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": ["false"]}})
    assert aws.call("s3", "GetBucketVersioning", Bucket=NAME)["Status"] == "Enabled"
    assert messages(bucket(), "warn") == []


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        ("orders-site", True),
        ("orders.site", True),
        ("or", False),
        ("Orders", False),
        ("-orders", False),
        ("orders-", False),
        ("orders_site", False),
        ("x" * 64, False),
    ],
)
def test_names_by_the_schema(name: str, valid: bool) -> None:
    assert Draft202012Validator(dict(KIND.spec.schema)).is_valid({"name": name}) is valid


@pytest.mark.parametrize("name", ["a..b", "192.168.1.1", "xn--orders", "orders-s3alias", "orders--ol-s3"])
def test_names_that_s3_refuses(name: str) -> None:
    assert len(messages(bucket(name=name))) == 1


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"kms_key": "arn:aws:kms:us-east-1:123456789012:key/1"}, "kms_key means nothing"),
        ({"lifecycle": [{"id": "a", "expire_days": 1}] * 2}, "two lifecycle rules have the id a"),
        ({"lifecycle": [{"id": "a", "prefix": "x"}]}, "the lifecycle rule a does nothing"),
        ({"policy": {"Statement": [OPEN]}}, "makes the bucket public"),
        ({"policy": {"Statement": [{**OPEN, "Sid": "PublicRead", "Effect": "Deny"}]}}, "the Sid PublicRead is our own"),
        ({"policy": {"Statement": [{**OPEN, "Principal": {"AWS": "1"}, "Action": "Get"}]}}, "service:Operation"),
    ],
)
def test_what_s3_refuses(properties: dict[str, Any], message: str) -> None:
    (found,) = messages(bucket(**properties))
    assert message in found


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"public": True}, "everybody on the internet can read"),
        ({"tls_only": False}, "without TLS"),
        ({"website": {"index_document": "index.html"}}, "over plain HTTP"),
    ],
)
def test_weaker_forms_are_warned_about(properties: dict[str, Any], message: str) -> None:
    (found,) = messages(bucket(**properties), "warn")
    assert message in found


def test_a_bucket_of_another_account(clock: FakeClock) -> None:
    aws = AwsClient(FakeTransport({"s3:HeadBucket": [refused("s3:HeadBucket", "403", "Forbidden", status=403)]}), clock)
    aws.scope = SCOPE
    with pytest.raises(AwsError, match="another account has it") as caught:
        bucket().read(aws)
    assert caught.value.hint is not None
    assert "another name" in caught.value.hint


def test_a_bucket_in_another_region(clock: FakeClock) -> None:
    aws = AwsClient(FakeTransport({"s3:HeadBucket": [{"BucketRegion": "eu-west-1"}]}), clock)
    aws.scope = SCOPE
    with pytest.raises(BadInput) as caught:
        bucket().read(aws)
    (found,) = caught.value.diagnostics
    assert "orders-site is in eu-west-1" in found.message
    assert found.place == "aws/s3/buckets.yaml:3"


def test_other_errors_stay_what_they_are(aws: AwsClient) -> None:
    broken = AwsError(FailedCall("s3", "HeadBucket", "500", "broken", status=500))
    with pytest.raises(AwsError, match="broken"):
        bucket().read(Failing(aws, {"s3:HeadBucket": [broken]}))


def test_an_absent_bucket_costs_one_call_before_the_first_release(aws: AwsClient) -> None:
    recorder = Recorder(aws)
    assert bucket().read(recorder) is None
    assert [call.name for call in recorder.calls] == ["s3:HeadBucket"]
    target = Target(bucket().resource, {}, released=bucket().resource.properties)
    assert KIND.read(recorder, [target]) == {}


def test_every_call_names_the_owner(aws: AwsClient) -> None:
    recorder = Recorder(MotoGaps(aws))
    carry_out(recorder, bucket(cors=[{"origins": ["*"], "methods": ["GET"]}]))
    remove(recorder, bucket())
    without = {call.name for call in recorder.calls if call.params.get("ExpectedBucketOwner") != SCOPE.account}
    assert without == {"s3:CreateBucket"}


@pytest.mark.parametrize(
    ("block", "reads", "state"),
    [
        (("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), False, False),
        (("BlockPublicAcls", "IgnorePublicAcls"), True, True),
        (("BlockPublicAcls", "IgnorePublicAcls"), False, "not blocked: BlockPublicPolicy, RestrictPublicBuckets"),
        (("BlockPublicPolicy", "RestrictPublicBuckets", "IgnorePublicAcls"), False, "not blocked: BlockPublicAcls"),
        (
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"),
            True,
            "blocked, with a public policy",
        ),
    ],
)
def test_half_open_is_neither(block: tuple[str, ...], reads: bool, state: bool | str) -> None:
    assert access.public_state(dict.fromkeys(block, True), reads) == state


def test_opened_and_closed_in_an_order_that_s3_takes(aws: AwsClient) -> None:
    carry_out(MotoGaps(aws), bucket())
    for public, order in (
        (True, ["s3:PutPublicAccessBlock", "s3:PutBucketPolicy"]),
        (False, ["s3:PutBucketPolicy", "s3:PutPublicAccessBlock"]),
    ):
        recorder = Recorder(aws)
        carry_out(recorder, bucket(public=public))
        assert [call.name for call in recorder.changing] == order


def test_a_policy_that_somebody_loosened_is_put_right(aws: AwsClient) -> None:
    wanted = bucket()
    carry_out(MotoGaps(aws), wanted)
    tls = access.own_statements(NAME, SCOPE)[access.TLS_ONLY]
    loosened = {**tls, "Condition": {"Bool": {"aws:SecureTransport": ["true"]}}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [loosened, {**OPEN, "Sid": "Extra"}]})
    aws.call("s3", "PutBucketPolicy", Bucket=NAME, Policy=document)
    observed = wanted.read(aws)
    assert observed is not None
    assert wanted.differences(observed) == {"tls_only", "policy"}
    converge(aws, wanted)


def test_the_policy_goes_when_nothing_is_left_of_it(aws: AwsClient) -> None:
    carry_out(MotoGaps(aws), bucket())
    converge(aws, bucket(tls_only=False))
    assert aws.found("s3", "GetBucketPolicy", Bucket=NAME) is None


def test_outside_of_the_first_region_the_constraint_is_sent(clock: FakeClock) -> None:
    transport = FakeTransport()
    aws = AwsClient(transport, clock)
    aws.scope = type(SCOPE)("orders", "dev", SCOPE.account, "eu-west-1")
    KIND.create(aws, bucket().resource)
    name, _, params = transport.sent[0]
    assert name == "s3:CreateBucket"
    assert params["CreateBucketConfiguration"]["LocationConstraint"] == "eu-west-1"
    assert {"Key": "pipeline:address", "Value": "s3.bucket/orders-site"} in params["CreateBucketConfiguration"]["Tags"]


def test_deleting_empties_first(aws: AwsClient) -> None:
    # moto takes no notice of a policy's conditions, so that the one for TLS would refuse everything.
    carry_out(MotoGaps(aws), bucket(tls_only=False))
    for _ in range(2):
        aws.call("s3", "PutObject", Bucket=NAME, Key="index.html", Body=b"x")
    aws.call("s3", "DeleteObject", Bucket=NAME, Key="index.html")
    aws.call("s3", "CreateMultipartUpload", Bucket=NAME, Key="large")
    remove(aws, bucket())
    assert bucket().read(aws) is None


def test_an_object_that_may_not_go_is_an_error(clock: FakeClock) -> None:
    kept = {"Errors": [{"Key": "held", "Code": "AccessDenied", "Message": "Object is WORM protected"}]}
    listed = {"Versions": [{"Key": "held", "VersionId": "1"}]}
    aws = AwsClient(FakeTransport({"s3:ListObjectVersions": [listed], "s3:DeleteObjects": [kept]}), clock)
    aws.scope = SCOPE
    observed = Observed("s3.bucket/orders-site", bucket().resource.properties, {})
    with pytest.raises(AwsError, match="held: Object is WORM protected"):
        KIND.delete(aws, observed)


@pytest.mark.parametrize(
    "rule",
    [
        {"id": "a", "expire_days": 3},
        {"id": "b", "prefix": "logs/", "enabled": False, "expire_noncurrent_days": 30, "abort_uploads_days": 7},
        {
            "id": "c",
            "transitions": [{"days": 30, "storage_class": "GLACIER"}, {"days": 3, "storage_class": "STANDARD_IA"}],
        },
    ],
)
def test_lifecycle_rules_survive_the_way_to_s3_and_back(rule: dict[str, Any]) -> None:
    canonical = settings.canonical_rule(rule)
    assert settings.rule_from_s3(settings.rule_to_s3(canonical)) == canonical


def test_a_rule_that_the_specs_cannot_express_differs() -> None:
    foreign = {"ID": "a", "Filter": {"Tag": {"Key": "k", "Value": "v"}}, "Status": "Enabled", "Expiration": {"Days": 3}}
    assert settings.rule_from_s3(foreign)["filter"] == {"Tag": {"Key": "k", "Value": "v"}}


def test_cors_rules_survive_the_way_to_s3_and_back() -> None:
    rule = {"origins": ["https://a"], "methods": ["GET"], "headers": ["*"], "expose_headers": ["etag"], "max_age": 0}
    assert settings.cors_from_s3(settings.cors_to_s3(rule)) == rule
