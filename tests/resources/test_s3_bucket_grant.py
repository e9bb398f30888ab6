"""The statement by which a distribution reads a bucket, beside whatever else is in the bucket's policy."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pipeline.applying.aws_client import AwsClient
from pipeline.model.access import Grant
from pipeline.resources import _s3_grants as statements
from pipeline.resources._s3_settings import bucket_outputs
from tests.contract.engine import carry_out, converge, remove
from tests.resources.edge import case
from tests.support.aws import SCOPE
from tests.support.faults import Recorder

BUCKET = "orders-site"
ONE, TWO = (f"arn:aws:cloudfront::123456789012:distribution/E{number}" for number in (1, 2))


def grant(name: str = "site", distribution: str = ONE) -> Any:
    return case("s3.bucket_grant", name=f"{BUCKET}:{name}", bucket=BUCKET, distribution=distribution)


def bucket(**properties: Any) -> Any:
    return case("s3.bucket", name=BUCKET, **properties)


def policy(aws: AwsClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(aws.call("s3", "GetBucketPolicy", Bucket=BUCKET)["Policy"])["Statement"]
    return found


def test_it_admits_this_distribution_alone_to_reading_objects(aws: AwsClient) -> None:
    carry_out(aws, bucket())
    carry_out(aws, grant())
    (statement,) = [one for one in policy(aws) if one["Effect"] == "Allow"]
    assert statement["Principal"] == {"Service": ["cloudfront.amazonaws.com"]}
    assert statement["Action"] == ["s3:GetObject"]
    assert statement["Resource"] == [f"arn:aws:s3:::{BUCKET}/*"]
    assert statement["Condition"] == {"StringEquals": {"AWS:SourceArn": [ONE]}}
    block = aws.call("s3", "GetPublicAccessBlock", Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    assert all(block.values())


@pytest.mark.parametrize("change", [{"tls_only": False}, {"tls_only": True, "public": True}])
def test_the_bucket_leaves_it_alone_and_does_not_show_it(aws: AwsClient, change: dict[str, Any]) -> None:
    carry_out(aws, bucket())
    carry_out(aws, grant())
    assert bucket().differences(bucket().read(aws)) == set()
    converge(aws, bucket(**change))
    assert grant().read(aws) is not None
    remove(aws, grant())
    assert bucket(**change).differences(bucket(**change).read(aws)) == set()


def test_two_distributions_have_a_statement_each(aws: AwsClient) -> None:
    carry_out(aws, bucket(tls_only=False))
    for one in (grant("site", ONE), grant("shop", TWO)):
        carry_out(aws, one)
    assert len(policy(aws)) == 2
    remove(aws, grant("site", ONE))
    assert [one["Condition"]["StringEquals"]["AWS:SourceArn"] for one in policy(aws)] == [[TWO]]
    remove(aws, grant("shop", TWO))
    assert aws.found("s3", "GetBucketPolicy", Bucket=BUCKET) is None


def test_another_distribution_in_our_statement_is_put_right(aws: AwsClient) -> None:
    carry_out(aws, bucket())
    carry_out(aws, grant("site", TWO))
    assert grant().differences(grant().read(aws)) == {"distribution"}
    converge(aws, grant())


@pytest.mark.parametrize(
    "widen",
    [
        lambda one: one.update(Action="s3:*"),
        lambda one: one.update(Principal="*"),
        lambda one: one.pop("Condition"),
        lambda one: one["Condition"].update(IpAddress={"aws:SourceIp": "192.0.2.1"}),
    ],
)
def test_a_statement_that_was_widened_is_neither_ours_nor_hidden(
    aws: AwsClient, widen: Callable[[dict[str, Any]], Any]
) -> None:
    carry_out(aws, bucket())
    carry_out(aws, grant())
    found = policy(aws)
    widen(next(one for one in found if one["Effect"] == "Allow"))
    aws.call("s3", "DeletePublicAccessBlock", Bucket=BUCKET)
    aws.call("s3", "PutBucketPolicy", Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": found}))
    assert "policy" in {path.split(".")[0] for path in bucket().differences(bucket().read(aws))}
    observed = grant().read(aws)
    assert observed is None or grant().differences(observed) == {"distribution"}


def test_a_policy_that_another_run_wrote_over_is_put_right_at_once(aws: AwsClient) -> None:
    carry_out(aws, bucket())

    class Overwriting(Recorder):
        """Somebody else writes the policy as it was, right after our first."""

        def call(self, service: str, operation: str, /, *, region: str | None = None, **params: Any) -> dict[str, Any]:
            before = aws.call("s3", "GetBucketPolicy", Bucket=BUCKET)["Policy"]
            answer = super().call(service, operation, region=region, **params)
            if self.counts["s3:PutBucketPolicy"] == 1 and operation == "PutBucketPolicy":
                aws.call("s3", "PutBucketPolicy", Bucket=BUCKET, Policy=before)
            return answer

    carry_out(Overwriting(aws), grant())
    assert grant().read(aws) is not None


def test_the_access_that_it_widens_is_told() -> None:
    (found,) = grant().kind.grants(grant().resource.properties, SCOPE)
    assert found == Grant(
        "cloudfront.amazonaws.com",
        "s3:GetObject",
        f"arn:aws:s3:::{BUCKET}/*",
        condition=f"StringEquals AWS:SourceArn = {ONE}",
    )


def test_sids_of_grants_are_not_for_authors() -> None:
    statement = {
        "Sid": f"{statements.PREFIX}Mine",
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/*",
    }
    wanted = bucket(policy={"Version": "2012-10-17", "Statement": [statement]})
    assert any("are our own" in problem.message for problem in wanted.kind.check(wanted.resource, SCOPE))


@pytest.mark.parametrize(
    ("region", "host"),
    [("us-east-1", "s3-website-us-east-1.amazonaws.com"), ("eu-central-1", "s3-website.eu-central-1.amazonaws.com")],
)
def test_the_address_of_a_website_has_the_form_of_its_region(region: str, host: str) -> None:
    assert bucket_outputs("x", replace(SCOPE, region=region))["website_domain"] == f"x.{host}"
