"""Tables on a DynamoDB that refuses and takes its time as AWS does."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from pipeline.applying.aws_client import AwsClient
from pipeline.errors import AwsError, PipelineError
from pipeline.model.resource import Observed, Resource
from pipeline.resources.base import Aws, Target
from pipeline.resources.registry import registry
from tests.contract.engine import Case, carry_out, converge, declared, remove
from tests.resources.strict_dynamodb import StrictDynamoDB
from tests.support.aws import SCOPE, FakeClock
from tests.support.faults import Crash, CrashAfter

KIND = registry()["dynamodb.table"]


@pytest.fixture
def dynamo(clock: FakeClock) -> StrictDynamoDB:
    return StrictDynamoDB(clock)


def process(dynamo: StrictDynamoDB) -> AwsClient:
    client = AwsClient(dynamo, dynamo.clock, threads=4)
    client.scope = SCOPE
    return client


def wanted(**properties: Any) -> Case:
    """A table `orders` by customer_id."""
    example = {"name": "orders", "partition_key": "customer_id", **properties}
    return Case(KIND, Resource(KIND.name, "orders", declared(KIND, example, SCOPE)))


def example(number: int) -> Case:
    return Case(KIND, Resource(KIND.name, "orders", declared(KIND, KIND.spec.examples[number], SCOPE)))


def test_created_with_everything(dynamo: StrictDynamoDB) -> None:
    aws = process(dynamo)
    carry_out(aws, example(0))
    observed = example(0).read(aws)
    assert observed is not None
    assert example(0).differences(observed) == set()
    assert observed.pending is None


def test_creation_needs_few_calls(dynamo: StrictDynamoDB) -> None:
    KIND.create(process(dynamo), wanted(ttl_attribute="expires").resource)
    assert {name for name, _ in dynamo.asked} == {
        "CreateTable",
        "DescribeTable",
        "UpdateTimeToLive",
        "UpdateContinuousBackups",
    }


def test_everything_changes_one_by_one(dynamo: StrictDynamoDB) -> None:
    carry_out(process(dynamo), example(0))
    dynamo.asked.clear()
    dynamo.clock.seconds += 3600
    converge(process(dynamo), example(1))
    kinds = [next(iter(change)) for change in dynamo.changes]
    assert kinds[0] == "DeletionProtectionEnabled"
    assert [next(iter(u)) for change in dynamo.changes for u in change.get("GlobalSecondaryIndexUpdates", [])] == [
        "Delete",
        "Delete",
        "Create",
        "Create",
    ]
    assert len(dynamo.changes) == 8, "no request was refused and repeated"


def test_switch_to_provisioned_names_every_index(dynamo: StrictDynamoDB) -> None:
    index = {"name": "by-shop", "partition_key": "shop"}
    shape = {"attributes": {"shop": "S"}, "indexes": [index]}
    carry_out(process(dynamo), wanted(**shape))
    capacity = {"billing_mode": "PROVISIONED", "read_capacity": 5, "write_capacity": 4}
    converge(process(dynamo), wanted(**shape, **capacity))
    dynamo.asked.clear()
    converge(process(dynamo), wanted(**shape, **{**capacity, "read_capacity": 7}))
    assert dynamo.changes == [
        {
            "ProvisionedThroughput": {"ReadCapacityUnits": 7, "WriteCapacityUnits": 4},
            "GlobalSecondaryIndexUpdates": [
                {
                    "Update": {
                        "IndexName": "by-shop",
                        "ProvisionedThroughput": {"ReadCapacityUnits": 7, "WriteCapacityUnits": 4},
                    }
                }
            ],
        }
    ]
    dynamo.asked.clear()
    converge(process(dynamo), wanted(**shape))
    assert dynamo.changes == [{"BillingMode": "PAY_PER_REQUEST"}]


def test_an_index_with_other_keys_is_built_anew(dynamo: StrictDynamoDB) -> None:
    def table(**index: Any) -> Case:
        return wanted(attributes={"shop": "S"}, indexes=[{"name": "by-shop", "partition_key": "shop", **index}])

    carry_out(process(dynamo), table())
    began = dynamo.clock.seconds
    found = converge(process(dynamo), table(sort_key="customer_id", projection=["total", "placed"]))
    assert [next(iter(c["GlobalSecondaryIndexUpdates"][0])) for c in dynamo.changes] == ["Delete", "Create"]
    assert dynamo.clock.seconds - began > 500, "the new index was waited for"
    assert found.properties["indexes"][0]["projection"] == ["placed", "total"]


def test_a_stream_of_another_kind_is_another_stream(dynamo: StrictDynamoDB) -> None:
    carry_out(process(dynamo), wanted(stream="KEYS_ONLY"))
    aws = process(dynamo)
    outputs = carry_out(aws, wanted(stream=True))
    assert [c["StreamSpecification"]["StreamEnabled"] for c in dynamo.changes] == [False, True]
    assert outputs["stream_arn"] == "stream-NEW_AND_OLD_IMAGES"
    assert carry_out(process(dynamo), wanted())["stream_arn"] is None


def test_class_and_key_change_alone(dynamo: StrictDynamoDB) -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/1"
    carry_out(process(dynamo), wanted())
    converge(process(dynamo), wanted(table_class="STANDARD_INFREQUENT_ACCESS", kms_key=key))
    assert [list(change) for change in dynamo.changes] == [["TableClass"], ["SSESpecification"]]
    converge(process(dynamo), wanted(table_class="STANDARD_INFREQUENT_ACCESS"))


def test_another_attribute_of_expiry_takes_two_runs_half_an_hour_apart(dynamo: StrictDynamoDB) -> None:
    carry_out(process(dynamo), wanted(ttl_attribute="old"))
    after = wanted(ttl_attribute="new", tags={"team": "orders"})
    dynamo.clock.seconds += 1900
    before = after.read(process(dynamo))
    assert before is not None
    assert str(before.pending).startswith(
        "DynamoDB takes one change of expiry in half an hour: this deploy ends that by"
    )
    for expected in (None, "new"):
        carry_out(process(dynamo), after)
        observed = after.read(process(dynamo))
        assert observed is not None
        assert (observed.properties["ttl_attribute"], observed.pending) == (expected, None)
        dynamo.clock.seconds += 1900


def test_expiry_in_its_rest_is_refused_with_what_to_do_and_the_rest_is_done(dynamo: StrictDynamoDB) -> None:
    carry_out(process(dynamo), wanted(ttl_attribute="old"))
    after = wanted(tags={"team": "orders"})
    with pytest.raises(AwsError) as refused:
        carry_out(process(dynamo), after)
    assert refused.value.hint == "run again in about half an hour: DynamoDB rations changes of time to live"
    observed = after.read(process(dynamo))
    assert observed is not None
    assert (observed.properties["ttl_attribute"], observed.properties["tags"]) == ("old", {"team": "orders"})


def test_a_table_that_is_being_made_is_read_when_it_is_there(dynamo: StrictDynamoDB) -> None:
    """Its tags, and with them the mark, cannot be read before."""
    dying = CrashAfter(process(dynamo), 1, only_changing=True)
    with pytest.raises(Crash):
        carry_out(dying, wanted())
    observed = wanted().read(process(dynamo))
    assert observed is not None
    assert observed.mark == SCOPE.mark("dynamodb.table/orders")


def test_an_index_that_is_being_built_is_told_and_not_built_twice(dynamo: StrictDynamoDB) -> None:
    carry_out(process(dynamo), wanted())
    after = wanted(attributes={"shop": "S"}, indexes=[{"name": "by-shop", "partition_key": "shop"}])
    with pytest.raises(Crash):
        carry_out(CrashAfter(process(dynamo), 1, only_changing=True), after)
    observed = after.read(process(dynamo))
    assert observed is not None
    assert after.differences(observed) == set()
    assert observed.pending == "AWS is not done with orders yet: the table is updating, index by-shop is creating"
    converge(process(dynamo), wanted())
    assert not dynamo.tables["orders"]["indexes"]


def test_a_backup_is_there_before_anything_is_deleted(dynamo: StrictDynamoDB) -> None:
    aws = process(dynamo)
    aws.scope = replace(SCOPE, label="release 41, commit 1a2b3c4")
    carry_out(aws, wanted())
    observed = wanted().read(aws)
    assert observed is not None
    arn = KIND.save(aws, observed)
    assert dynamo.backups[str(arn)][0] == "orders-before-release-41-commit-1a2b3c4"
    assert dynamo.clock.seconds >= dynamo.backups[str(arn)][1]


def test_a_backup_that_fails_is_told(dynamo: StrictDynamoDB) -> None:
    carry_out(process(dynamo), wanted())
    observed = wanted().read(process(dynamo))
    assert observed is not None
    dynamo.backup_status = "DELETED"
    with pytest.raises(PipelineError, match="the backup of table orders is deleted, so the table was not replaced"):
        KIND.save(process(dynamo), observed)


def test_the_name_of_a_backup_fits_whatever_the_table_is_called(dynamo: StrictDynamoDB) -> None:
    aws = process(dynamo)
    aws.call("dynamodb", "CreateTable", TableName="t" * 255, KeySchema=[], AttributeDefinitions=[], BillingMode="x")
    dynamo.clock.sleep(10)
    KIND.save(aws, Observed("dynamodb.table/t", {"name": "t" * 255}, {}))
    ((name, _),) = dynamo.backups.values()
    assert len(name) == 255
    assert name.endswith("t-before-replacement")


def test_deleting_lifts_protection_and_waits(dynamo: StrictDynamoDB) -> None:
    carry_out(process(dynamo), wanted())
    remove(process(dynamo), wanted())
    assert dynamo.tables == {}
    assert dynamo.changes == [{"DeletionProtectionEnabled": False}]


def test_deleting_waits_for_an_index(dynamo: StrictDynamoDB) -> None:
    carry_out(process(dynamo), wanted())
    after = wanted(attributes={"shop": "S"}, indexes=[{"name": "by-shop", "partition_key": "shop"}])
    with pytest.raises(Crash):
        carry_out(CrashAfter(process(dynamo), 1, only_changing=True), after)
    remove(process(dynamo), after)
    assert dynamo.tables == {}


def test_a_table_that_is_being_deleted_is_gone(dynamo: StrictDynamoDB) -> None:
    carry_out(process(dynamo), wanted(deletion_protection=False))
    with pytest.raises(Crash):
        remove(CrashAfter(process(dynamo), 1, only_changing=True), wanted())
    assert wanted().read(process(dynamo)) is None
    converge(process(dynamo), wanted())


@pytest.mark.parametrize("verb", ["create", "update", "delete"])
def test_killed_after_every_call(dynamo: StrictDynamoDB, verb: str) -> None:
    for n in range(1, 30):
        dynamo.tables.clear()
        if verb != "create":
            carry_out(process(dynamo), example(0))
        dynamo.clock.seconds += 3600
        dying = CrashAfter(process(dynamo), n, only_changing=True)
        if not _dies(dying, verb):
            break
        dynamo.clock.seconds += 3600
        if verb == "delete":
            remove(process(dynamo), example(0))
            assert dynamo.tables == {}
        else:
            converge(process(dynamo), example(0 if verb == "create" else 1))
    assert n > 2


def _dies(dying: Aws, verb: str) -> bool:
    try:
        if verb == "delete":
            remove(dying, example(0))
        else:
            carry_out(dying, example(0 if verb == "create" else 1))
    except Crash:
        return True
    return False


def test_rationed_reads_are_spared_when_nothing_suggests_a_difference(dynamo: StrictDynamoDB) -> None:
    case = wanted(ttl_attribute="expires")
    carry_out(process(dynamo), case)
    dynamo.asked.clear()
    target = Target(case.resource, {}, released=case.resource.properties, thorough=False)
    observed = KIND.read(process(dynamo), [target])[case.address]
    assert case.differences(observed) == set()
    assert observed.trusted == ("ttl_attribute", "point_in_time_recovery")
    assert sorted(name for name, _ in dynamo.asked) == ["DescribeTable", "ListTagsOfResource"]


@pytest.mark.parametrize("released", [None, {}])
def test_an_absent_table_costs_one_call_before_the_first_release(
    dynamo: StrictDynamoDB, released: Mapping[str, Any] | None
) -> None:
    assert KIND.read(process(dynamo), [Target(wanted().resource, {}, released=released)]) == {}
    assert len(dynamo.asked) == (1 if released is None else 4)


def test_other_refusals_of_expiry_are_failures(dynamo: StrictDynamoDB) -> None:
    carry_out(process(dynamo), wanted())
    case = wanted(ttl_attribute="expires")
    observed = case.read(process(dynamo))
    assert observed is not None
    dynamo.tables.clear()
    with pytest.raises(AwsError, match="ResourceNotFoundException"):
        KIND.update(process(dynamo), case.resource, observed, frozenset({"ttl_attribute"}))
