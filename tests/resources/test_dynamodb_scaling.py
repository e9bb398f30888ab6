"""Tables whose capacity is scaled: nobody sets back what autoscaling did, and nobody takes it for drift."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from pipeline.applying.aws_client import AwsClient
from pipeline.model.resource import Resource
from pipeline.resources.base import Aws, Target
from pipeline.resources.registry import registry
from tests.contract.engine import Case, carry_out, declared
from tests.resources.strict_dynamodb import StrictDynamoDB
from tests.support.aws import SCOPE, FakeClock, local_client
from tests.support.faults import Recorder

KIND = registry()["dynamodb.table"]
TARGET = registry()["application-autoscaling.scalable_target"]
READ = {"read": {"min": 5, "max": 100}}
INDEX = {"attributes": {"shop": "S"}, "indexes": [{"name": "by-shop", "partition_key": "shop"}]}


def table(**properties: Any) -> Case:
    example = {
        "name": "orders",
        "partition_key": "id",
        "billing_mode": "PROVISIONED",
        "write_capacity": 3,
        "autoscaling": READ,
        **INDEX,
        **properties,
    }
    return Case(KIND, Resource(KIND.name, "orders", declared(KIND, example, SCOPE)))


def messages(**properties: Any) -> list[str]:
    return [problem.message for problem in KIND.check(table(**properties).resource, SCOPE)]


def test_capacity_that_is_not_declared_begins_with_the_least() -> None:
    found = table().resource.properties
    assert (found["read_capacity"], found["write_capacity"]) == (5, 3)
    assert found["indexes"][0]["read_capacity"] == 5
    assert messages() == []


def test_table_and_indexes_are_scaled_each_by_itself() -> None:
    wanted = table(autoscaling={**READ, "write": {"min": 1, "max": 9, "target": 50}})
    found = {one.name: one for one in KIND.derive(wanted.resource, SCOPE)}
    assert set(found) == {"orders:read", "orders:write", "orders/by-shop:read", "orders/by-shop:write"}
    index = found["orders/by-shop:write"]
    assert index.properties["resource_id"] == "table/orders/index/by-shop"
    assert index.properties["dimension"] == "dynamodb:index:WriteCapacityUnits"
    assert (index.properties["min"], index.properties["max"], index.properties["target"]) == (1, 9, 50)
    for one in found.values():
        assert one.dependencies == (wanted.address,)
        assert TARGET.canonical(one.properties, SCOPE) == one.properties


def test_a_table_that_is_not_scaled_derives_nothing() -> None:
    assert KIND.derive(table(autoscaling=None, read_capacity=5).resource, SCOPE) == []


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"billing_mode": "PAY_PER_REQUEST", "write_capacity": None},
         "autoscaling means nothing with billing_mode PAY_PER_REQUEST"),
        ({"autoscaling": {"read": {"min": 9, "max": 5}}}, "min 9 is more than max 5"),
        ({"read_capacity": 500}, "read_capacity 500 is outside of what autoscaling allows"),
        ({"indexes": [{**INDEX["indexes"][0], "read_capacity": 1}]},  # type: ignore[index]  # a dict of several kinds
         "read_capacity 1 is outside of what autoscaling allows"),
        ({"autoscaling": {"write": {"min": 1, "max": 5}}}, "billing_mode PROVISIONED needs read_capacity"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(properties: dict[str, Any], message: str) -> None:
    assert message in messages(**properties)


@pytest.fixture
def dynamo(clock: FakeClock) -> StrictDynamoDB:
    return StrictDynamoDB(clock)


def process(dynamo: StrictDynamoDB) -> AwsClient:
    client = AwsClient(dynamo, dynamo.clock, threads=4)
    client.scope = SCOPE
    return client


def scale(dynamo: StrictDynamoDB, units: int) -> None:
    """What autoscaling does, and what somebody may do."""
    found = dynamo.tables["orders"]
    for holder in (found["shown"], *found["indexes"].values()):
        holder["ProvisionedThroughput"] = {**holder["ProvisionedThroughput"], "ReadCapacityUnits": units}


def differences(dynamo: StrictDynamoDB, wanted: Case) -> set[str]:
    observed = wanted.read(process(dynamo))
    assert observed is not None
    return wanted.differences(observed)


@pytest.mark.parametrize(
    ("units", "expected"),
    [(5, set()), (40, set()), (100, set()), (400, {"read_capacity", "indexes.by-shop.read_capacity"})],
)
def test_capacity_within_the_bounds_is_no_difference(dynamo: StrictDynamoDB, units: int, expected: set[str]) -> None:
    carry_out(process(dynamo), table())
    scale(dynamo, units)
    assert differences(dynamo, table()) == expected


def test_an_update_leaves_what_was_scaled_where_it_is(dynamo: StrictDynamoDB) -> None:
    carry_out(process(dynamo), table())
    scale(dynamo, 40)
    dynamo.asked.clear()
    carry_out(process(dynamo), table(write_capacity=7))
    (change,) = dynamo.changes
    assert change["ProvisionedThroughput"] == {"ReadCapacityUnits": 40, "WriteCapacityUnits": 7}
    (index,) = change["GlobalSecondaryIndexUpdates"]
    assert index["Update"]["ProvisionedThroughput"] == {"ReadCapacityUnits": 40, "WriteCapacityUnits": 7}


def test_what_is_scaled_no_more_gets_what_is_declared(dynamo: StrictDynamoDB) -> None:
    carry_out(process(dynamo), table())
    scale(dynamo, 40)
    wanted = table(autoscaling=None, read_capacity=6)
    assert differences(dynamo, wanted) == {"read_capacity", "indexes.by-shop.read_capacity"}
    carry_out(process(dynamo), wanted)
    assert differences(dynamo, wanted) == set()


def test_switching_to_provisioned_begins_with_the_least(dynamo: StrictDynamoDB) -> None:
    on_demand = table(billing_mode="PAY_PER_REQUEST", autoscaling=None, write_capacity=None)
    carry_out(process(dynamo), on_demand)
    carry_out(process(dynamo), table())
    assert differences(dynamo, table()) == set()
    assert dynamo.tables["orders"]["shown"]["ProvisionedThroughput"]["ReadCapacityUnits"] == 5


@pytest.fixture
def aws(aws_environment: None) -> Iterator[Aws]:
    with mock_aws():
        client = local_client(FakeClock())
        client.scope = SCOPE
        yield client


def test_a_policy_of_somebody_else_is_taken_away(aws: Aws) -> None:
    """Two policies on one target pull at it from both sides."""
    wanted = Resource(TARGET.name, "orders:read", declared(TARGET, TARGET.spec.examples[0], SCOPE))
    TARGET.create(aws, wanted)
    tracking = {
        "TargetValue": 20.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "DynamoDBReadCapacityUtilization"},
    }
    aws.call(
        "application-autoscaling", "PutScalingPolicy", PolicyName="by-hand", PolicyType="TargetTrackingScaling",
        ServiceNamespace="dynamodb", ResourceId="table/orders", ScalableDimension="dynamodb:table:ReadCapacityUnits",
        TargetTrackingScalingPolicyConfiguration=tracking,
    )  # fmt: skip
    observed = TARGET.read(aws, [Target(wanted, {})])[wanted.address]
    assert observed.properties["policies"] == ["by-hand", "orders-read-scaling"]
    recorder = Recorder(aws)
    TARGET.update(recorder, wanted, observed, frozenset({"policies"}))
    assert TARGET.read(aws, [Target(wanted, {})])[wanted.address].properties["policies"] == ["orders-read-scaling"]
