"""Invocation logging: one setting of an account, which may be somebody else's."""

from typing import Any

import pytest

from pipeline.applying.aws_client import AwsClient
from pipeline.errors import AwsError, PipelineError
from pipeline.model.resource import Resource
from pipeline.model.values import Expression, Reference
from pipeline.resources.registry import registry
from tests.contract.engine import Case, carry_out, case, converge, declared
from tests.support import moto_extension
from tests.support.aws import SCOPE, FakeClock

KIND = registry()["bedrock.model_invocation_logging"]
THEIRS = {"s3Config": {"bucketName": "billing-logs"}, "textDataDeliveryEnabled": True}


@pytest.fixture(autouse=True)
def as_aws_does() -> None:
    moto_extension.register()


def logging(**properties: Any) -> Case:
    item = {"name": "orders", **properties}
    return Case(KIND, Resource(KIND.name, "orders", declared(KIND, item, SCOPE)))


def prepare(aws: AwsClient) -> Case:
    """The log group and the role that would follow are there."""
    aws.call("logs", "CreateLogGroup", logGroupName="/aws/bedrock/orders")
    aws.call("iam", "CreateRole", RoleName="orders-bedrock-us-east-1", AssumeRolePolicyDocument="{}")
    return case(KIND, 0, aws)


def test_the_log_group_and_a_role_for_it_alone_follow() -> None:
    wanted = logging(retention_days=7)
    group, role = KIND.derive(wanted.resource, SCOPE)
    assert (group.address, group.properties["retention_days"]) == ("logs.log_group//aws/bedrock/orders", 7)
    assert role.address == "iam.role/orders-bedrock-us-east-1"
    assert set(wanted.resource.dependencies) == {group.address, role.address}
    text = str(role.properties)
    assert "log-group:/aws/bedrock/orders:log-stream:aws/bedrock/modelinvocations" in text
    assert "'aws:SourceAccount': " in text
    assert "bedrock.amazonaws.com" in text
    assert "logs:*" not in text


def test_what_is_declared_does_not_follow() -> None:
    wanted = logging(log_group="/ours", role="writer", s3={"bucket": "kept"})
    assert list(KIND.derive(wanted.resource, SCOPE)) == []
    assert wanted.resource.properties["s3"]["bucket"] == Expression((Reference("s3.bucket/kept", "arn"),))
    assert set(wanted.resource.dependencies) == {"logs.log_group//ours", "iam.role/writer", "s3.bucket/kept"}


def test_a_setting_of_somebody_is_seen_and_not_replaced_by_creating(aws: AwsClient) -> None:
    wanted = prepare(aws)
    aws.call("bedrock", "PutModelInvocationLoggingConfiguration", loggingConfig=THEIRS)
    observed = wanted.read(aws)
    assert observed is not None
    assert not observed.markable  # so that a plan asks before it touches it
    with pytest.raises(PipelineError, match="writes its invocations to a bucket already") as caught:
        KIND.create(aws, wanted.resource)
    assert "--adopt bedrock.model_invocation_logging/orders" in str(caught.value.hint)
    assert aws.call("bedrock", "GetModelInvocationLoggingConfiguration")["loggingConfig"] == THEIRS


def test_a_setting_that_became_somebody_else_s_is_not_removed(aws: AwsClient) -> None:
    wanted = prepare(aws)
    carry_out(aws, wanted)
    aws.call("bedrock", "PutModelInvocationLoggingConfiguration", loggingConfig=THEIRS)
    observed = wanted.read(aws)
    assert observed is not None
    KIND.delete(aws, observed)
    assert aws.call("bedrock", "GetModelInvocationLoggingConfiguration")["loggingConfig"] == THEIRS


def test_one_that_was_adopted_is_ours_from_then_on(aws: AwsClient) -> None:
    wanted = prepare(aws)
    aws.call("bedrock", "PutModelInvocationLoggingConfiguration", loggingConfig=THEIRS)
    observed = converge(aws, wanted)
    KIND.delete(aws, observed)
    assert wanted.read(aws) is None


def test_a_log_group_that_is_not_there_ends_with_a_hint(aws: AwsClient, clock: FakeClock) -> None:
    with pytest.raises(AwsError, match="validate permissions") as caught:
        KIND.create(aws, case(KIND, 0, aws).resource)
    assert sum(clock.slept) > 60  # a fresh role has the same message for a while
    assert "log group exists" in str(caught.value.hint)


def test_a_setting_that_writes_nothing_is_refused() -> None:
    assert [p.message for p in KIND.check(logging(text=False).resource, SCOPE)] == ["nothing would be written"]
    assert KIND.check(logging(text=False, images=True).resource, SCOPE) == []
