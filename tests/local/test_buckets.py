import json
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from pipeline.local.plane.buckets import creates_bucket
from tests.local.support import REGION, Account

POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::BUCKET/*"}],
}
CLOSED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)


@pytest.mark.emulator
def test_a_new_bucket_is_closed_and_stays_as_it_is_set(account: Account, unique: Callable[[str], str]) -> None:
    s3, bucket = Account(account.aws, region="us-east-1").client("s3"), unique("bucket")
    s3.create_bucket(Bucket=bucket)
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == CLOSED
    policy = json.dumps(POLICY).replace("BUCKET", bucket)
    with pytest.raises(ClientError) as refused:
        s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    assert refused.value.response["Error"]["Code"] == "AccessDenied"
    s3.delete_public_access_block(Bucket=bucket)
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)


@pytest.mark.emulator
def test_a_bucket_of_another_region_says_where_it_is(account: Account, unique: Callable[[str], str]) -> None:
    bucket = unique("bucket")
    account.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    assert account.client("s3").get_bucket_location(Bucket=bucket)["LocationConstraint"] == REGION


@pytest.mark.parametrize(
    ("method", "path", "query", "creates"),
    [
        ("PUT", "/bucket", "", True),
        ("PUT", "/bucket/", "x-id=CreateBucket", True),
        ("PUT", "/bucket", "policy", False),
        ("PUT", "/bucket/key", "", False),
        ("PUT", "/", "", False),
        ("GET", "/bucket", "", False),
    ],
)
def test_only_a_bare_put_makes_a_bucket(method: str, path: str, query: str, creates: bool) -> None:
    assert creates_bucket(method, path, query) is creates
