"""Log groups: few listings for many groups, and whose a group is."""

import pytest

from pipeline.applying.aws_client import AwsClient
from pipeline.model.resource import Observed, Resource
from pipeline.resources.base import Target
from pipeline.resources.logs_log_group import stems
from pipeline.resources.registry import registry
from tests.contract.engine import Case, NotOurs, carry_out, converge, declared
from tests.support.aws import SCOPE, FakeClock
from tests.support.fake_transport import FakeTransport, refused
from tests.support.faults import Recorder

KIND = registry()["logs.log_group"]


def group(name: str, **properties: object) -> Case:
    return Case(KIND, Resource(KIND.name, name, declared(KIND, {"name": name, **properties}, SCOPE)))


@pytest.mark.parametrize(
    ("names", "listed"),
    [
        (["/aws/lambda/orders-list"], ["/aws/lambda/orders-list"]),
        (["/aws/lambda/orders-list", "/aws/lambda/orders-items"], ["/aws/lambda/orders-"]),
        (["/aws/lambda/orders", "/aws/lambda/orders-items"], ["/aws/lambda/orders"]),
        (["/aws/lambda/a1", "/aws/lambda/a2"], ["/aws/lambda/a1", "/aws/lambda/a2"]),
        (["/aws/lambda/orders", "/aws/lambda/users"], ["/aws/lambda/orders", "/aws/lambda/users"]),
        (
            ["/aws/lambda/orders-a", "/aws/apigateway/orders/dev", "/aws/lambda/orders-b"],
            ["/aws/lambda/orders-", "/aws/apigateway/orders/dev"],
        ),
        (["plain"], ["plain"]),
        ([], []),
    ],
)
def test_groups_of_one_service_are_listed_together(names: list[str], listed: list[str]) -> None:
    assert stems(names) == listed


def test_neighbours_of_a_stem_are_not_taken(aws: AwsClient) -> None:
    for name in ("/aws/lambda/orders-a", "/aws/lambda/orders-b", "/aws/lambda/orders-other"):
        aws.call("logs", "CreateLogGroup", logGroupName=name)
    targets = [Target(group(f"/aws/lambda/orders-{end}").resource, {}) for end in ("a", "b", "absent")]
    recorder = Recorder(aws)
    assert KIND.read(recorder, targets).keys() == {
        "logs.log_group//aws/lambda/orders-a",
        "logs.log_group//aws/lambda/orders-b",
    }
    assert recorder.counts["logs:DescribeLogGroups"] == 1


def test_more_groups_than_a_page(aws: AwsClient) -> None:
    cases = [group(f"/aws/lambda/orders-{n:03}") for n in range(70)]
    for case in cases:
        KIND.create(aws, case.resource)
    found = KIND.read(aws, [Target(case.resource, {}) for case in cases])
    assert len(found) == 70
    assert all(case.differences(found[case.address]) == set() for case in cases)


def test_a_group_that_somebody_made_is_not_ours(aws: AwsClient) -> None:
    aws.call("logs", "CreateLogGroup", logGroupName="/orders")
    with pytest.raises(NotOurs):
        carry_out(aws, group("/orders"))


def test_a_group_without_retention_gets_one(aws: AwsClient) -> None:
    wanted = group("/orders", retention_days=7)
    carry_out(aws, wanted)
    aws.call("logs", "DeleteRetentionPolicy", logGroupName="/orders")
    observed = wanted.read(aws)
    assert observed is not None
    assert wanted.differences(observed) == {"retention_days"}
    converge(aws, wanted)


def test_the_key_comes_and_goes(clock: FakeClock) -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/1"
    transport = FakeTransport()
    aws = AwsClient(transport, clock)
    aws.scope = SCOPE
    for case, before in ((group("/orders", kms_key=key), group("/orders")), (group("/orders"), group("/orders"))):
        observed = Observed(case.address, before.resource.properties, {})
        KIND.update(aws, case.resource, observed, frozenset({"kms_key"}))
    assert [(name, params) for name, _, params in transport.sent] == [
        ("logs:AssociateKmsKey", {"logGroupName": "/orders", "kmsKeyId": key}),
        ("logs:DisassociateKmsKey", {"logGroupName": "/orders"}),
    ]


def test_a_group_that_a_listing_still_shows_is_gone(clock: FakeClock) -> None:
    shown = {"logGroups": [{"logGroupName": "/orders", "retentionInDays": 30}]}
    gone = refused("logs:ListTagsForResource", "ResourceNotFoundException")
    aws = AwsClient(FakeTransport({"logs:DescribeLogGroups": [shown], "logs:ListTagsForResource": [gone]}), clock)
    aws.scope = SCOPE
    assert group("/orders").read(aws) is None


def test_tags_are_spared_when_nothing_suggests_a_difference(aws: AwsClient) -> None:
    case = group("/orders", tags={"team": "orders"})
    carry_out(aws, case)
    recorder = Recorder(aws)
    target = Target(case.resource, {}, released=case.resource.properties, thorough=False)
    observed = KIND.read(recorder, [target])[case.address]
    assert case.differences(observed) == set()
    assert observed.mark == SCOPE.mark(case.address)
    assert observed.trusted == ("tags",)
    assert recorder.counts["logs:ListTagsForResource"] == 0
