"""Tables: what authors may write, and what DynamoDB would refuse."""

from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from pipeline.model.resource import Resource
from pipeline.planning.diff import diff, same
from pipeline.resources.base import Problem
from pipeline.resources.registry import registry
from tests.contract.engine import Case, declared
from tests.support.aws import SCOPE

KIND = registry()["dynamodb.table"]

# As hand-run procedures for this kind of service write them.
MANUAL = """
tables:
  - name: new-service-conversations
    partition_key: conversation_id
    sort_key: timestamp
    billing_mode: PAY_PER_REQUEST
    stream: true
    ttl_attribute: ttl
  - name: new-service-prompts
    partition_key: prompt_id
    sort_key: user_id
    billing_mode: PAY_PER_REQUEST
  - name: new-service-usage
    partition_key: user_id
    sort_key: date
    billing_mode: PAY_PER_REQUEST
  - name: new-service-websocket-connections
    partition_key: connection_id
    billing_mode: PAY_PER_REQUEST
    ttl_attribute: ttl
"""
INDEX = {"name": "by-shop", "partition_key": "shop"}
LOCAL = {"name": "by-state", "sort_key": "state"}


def table(**properties: Any) -> Resource:
    example = {"name": "orders", "partition_key": "customer", **properties}
    return Resource(KIND.name, "orders", declared(KIND, example, SCOPE))


def found(**properties: Any) -> list[Problem]:
    return KIND.check(table(**properties), SCOPE)


@pytest.mark.parametrize("item", yaml.safe_load(MANUAL)["tables"], ids=lambda item: str(item["name"]))
def test_tables_of_the_manual_are_accepted(item: dict[str, Any]) -> None:
    assert Draft202012Validator(dict(KIND.spec.schema)).is_valid(item)
    resource = Resource(KIND.name, item["name"], declared(KIND, item, SCOPE))
    assert KIND.check(resource, SCOPE) == []
    assert resource.properties["partition_key"] == {"name": item["partition_key"], "type": "S"}


@pytest.mark.parametrize(
    ("stream", "canonical"),
    [(True, "NEW_AND_OLD_IMAGES"), (False, None), ("KEYS_ONLY", "KEYS_ONLY"), ("NEW_IMAGE", "NEW_IMAGE")],
)
def test_stream(stream: Any, canonical: str | None) -> None:
    assert table(stream=stream).properties["stream"] == canonical


def test_secure_defaults() -> None:
    properties = table().properties
    assert properties["point_in_time_recovery"] is True
    assert properties["deletion_protection"] is True


def test_an_index_has_the_capacity_of_its_table_unless_it_says_otherwise() -> None:
    properties = table(
        attributes={"shop": "S"},
        billing_mode="PROVISIONED",
        read_capacity=5,
        write_capacity=6,
        indexes=[{**INDEX, "read_capacity": 1}],
    ).properties
    (index,) = properties["indexes"]
    assert (index["read_capacity"], index["write_capacity"]) == (1, 6)


@pytest.mark.parametrize(
    ("properties", "message", "path"),
    [
        ({"attributes": {"shop": "S"}}, "attribute shop is no key", ("attributes", "shop")),
        ({"indexes": [INDEX]}, "key attribute shop of index by-shop is not declared", ("indexes", 0, "partition_key")),
        (
            {"attributes": {"shop": "S"}, "indexes": [{**INDEX, "sort_key": "day"}]},
            "key attribute day of index by-shop is not declared",
            ("indexes", 0, "sort_key"),
        ),
        ({"sort_key": "customer"}, "customer cannot be both", ("sort_key",)),
        ({"indexes": [{"name": "own", "partition_key": "customer", "sort_key": "customer"}]}, "cannot be both", None),
        ({"ttl_attribute": "customer"}, "customer is a key", ("ttl_attribute",)),
        ({"attributes": {"state": "S"}, "local_indexes": [LOCAL]}, "needs a table with a sort key", ("local_indexes",)),
        ({"sort_key": "placed", "local_indexes": [LOCAL]}, "state of index by-state is not declared", None),
        (
            {"attributes": {"shop": "S"}, "indexes": [INDEX, INDEX]},
            "two indexes have the name by-shop",
            ("indexes", 1, "name"),
        ),
        (
            {
                "sort_key": "placed",
                "attributes": {"shop": "S", "state": "S"},
                "indexes": [INDEX],
                "local_indexes": [{**LOCAL, "name": "by-shop"}],
            },
            "two indexes have the name by-shop",
            ("local_indexes", 0, "name"),
        ),
        (
            {"attributes": {"shop": "S"}, "indexes": [{**INDEX, "name": f"by-{n:03}"} for n in range(21)]},
            "21 indexes; DynamoDB allows 20",
            ("indexes",),
        ),
        (
            {"attributes": {"shop": "S"}, "indexes": [{**INDEX, "projection": [f"a{n}" for n in range(101)]}]},
            "project 101 attributes; DynamoDB allows 100",
            ("indexes",),
        ),
        ({"billing_mode": "PROVISIONED", "read_capacity": 5}, "PROVISIONED needs write_capacity", ("billing_mode",)),
        ({"read_capacity": 5}, "read_capacity means nothing", ("read_capacity",)),
        (
            {"attributes": {"shop": "S"}, "indexes": [{**INDEX, "write_capacity": 5}]},
            "write_capacity means nothing",
            ("indexes", 0, "write_capacity"),
        ),
    ],
)
def test_what_dynamodb_refuses(properties: dict[str, Any], message: str, path: tuple[str | int, ...] | None) -> None:
    (problem,) = found(**properties)
    assert message in problem.message
    assert path is None or problem.path == path


def test_everything_is_said_at_once() -> None:
    assert len(found(attributes={"x": "S"}, billing_mode="PROVISIONED", ttl_attribute="customer")) == 4


@pytest.mark.parametrize(
    "item",
    [
        {"name": "ab"},
        {"name": "with space"},
        {"partition_key": ""},
        {"attributes": {"customer": "STRING"}},
        {"stream": "ALL"},
        {"indexes": [{"name": "ix", "partition_key": "shop"}]},
        {"indexes": [{"name": "index"}]},
        {"indexes": [{**INDEX, "projection": "INCLUDE"}]},
        {"indexes": [{**INDEX, "keys": ["shop"]}]},
        {"kms_key": "alias/orders"},
        {"read_capacity": 0},
    ],
    ids=str,
)
def test_what_the_schema_refuses(item: dict[str, Any]) -> None:
    example = {"name": "orders", "partition_key": "customer", **item}
    assert not Draft202012Validator(dict(KIND.spec.schema)).is_valid(example)


@pytest.mark.parametrize(
    ("before", "after", "replaced"),
    [
        ({}, {"attributes": {"customer": "N"}}, True),
        ({}, {"sort_key": "placed"}, True),
        ({"sort_key": "placed"}, {"sort_key": "placed", "attributes": {"placed": "N"}}, True),
        (
            {"sort_key": "placed"},
            {"sort_key": "placed", "attributes": {"state": "S"}, "local_indexes": [LOCAL]},
            True,
        ),
        (
            {"attributes": {"shop": "S"}, "indexes": [INDEX]},
            {"attributes": {"shop": "N"}, "indexes": [INDEX]},
            False,
        ),
        ({}, {"billing_mode": "PROVISIONED", "read_capacity": 1, "write_capacity": 1}, False),
        ({}, {"deletion_protection": False}, False),
    ],
)
def test_only_keys_and_local_indexes_mean_another_table(
    before: dict[str, Any], after: dict[str, Any], replaced: bool
) -> None:

    changes = diff(KIND.spec, table(**after).properties, table(**before).properties)
    assert changes
    assert any(change.forces_replacement for change in changes) is replaced


def test_indexes_in_another_order_are_the_same() -> None:
    other = {"name": "by-day", "partition_key": "shop", "projection": ["b", "a"]}
    shape = {"attributes": {"shop": "S"}}
    one = Case(KIND, table(**shape, indexes=[INDEX, other]))
    two = table(**shape, indexes=[{**other, "projection": ["a", "b"]}, INDEX])

    assert same(KIND.spec, one.resource.properties, two.properties)


def test_a_change_of_anything_but_the_stream_leaves_its_readers_where_they_are() -> None:
    spec = registry()["dynamodb.table"].spec
    assert spec.renews("stream_arn", ["stream"])
    assert not spec.renews("stream_arn", ["ttl_attribute", "point_in_time_recovery", "indexes.by-day", "tags.team"])
