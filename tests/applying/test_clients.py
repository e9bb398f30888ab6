"""The client over moto: what crosses the wire, and what errors look like."""

from pipeline.applying.aws_client import AwsClient
from tests.support.aws import FakeClock, local_client, names


def test_calls_are_counted_and_answered_without_metadata(aws: AwsClient) -> None:
    assert aws.call("sts", "GetCallerIdentity").keys() == {"UserId", "Account", "Arn"}
    assert names(aws.calls) == {"sts:GetCallerIdentity": 1}


def test_over_http(moto_server: str, clock: FakeClock) -> None:
    aws = local_client(clock, endpoint=moto_server)
    aws.call("s3", "CreateBucket", Bucket="over-http")
    assert aws.found("s3", "HeadBucket", Bucket="over-http") is not None
    assert aws.found("s3", "HeadBucket", Bucket="absent-bucket") is None
