"""What DynamoDB refuses of a declared table, found before any call. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.model.resource import Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Properties
from pipeline.resources import _dynamodb_scaling as scaling
from pipeline.resources._dynamodb_updates import PROVISIONED
from pipeline.resources.base import Problem

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
GLOBAL_INDEXES, LOCAL_INDEXES, PROJECTED_ATTRIBUTES = 20, 5, 100


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """What DynamoDB refuses: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html"""
    table = resource.properties
    for name in table["attributes"]:
        hint = "remove it: DynamoDB wants the types of key attributes only"
        yield Problem(f"attribute {name} is no key of the table or of an index", ("attributes", name), hint)
    keys = [key["name"] for key in (table["partition_key"], table["sort_key"]) if key]
    if len({*keys}) < len(keys):
        yield Problem(f"{keys[0]} cannot be both partition key and sort key", ("sort_key",))
    if table.get("ttl_attribute") in keys:
        yield Problem(f"{table['ttl_attribute']} is a key, so it cannot say when an item expires", ("ttl_attribute",))
    yield from _check_indexes(table)
    yield from _check_capacity(table)
    yield from scaling.check(table)


def _check_indexes(table: Properties) -> Iterator[Problem]:
    if table["local_indexes"] and not table["sort_key"]:
        yield Problem("a local index needs a table with a sort key", ("local_indexes",), "add a sort_key")
    names: set[str] = set()
    projected = 0
    for place, most in (("indexes", GLOBAL_INDEXES), ("local_indexes", LOCAL_INDEXES)):
        if len(table[place]) > most:
            yield Problem(f"{len(table[place])} {place}; DynamoDB allows {most} per table", (place,))
        for position, index in enumerate(table[place]):
            path = (place, position)
            if index["name"] in names:
                yield Problem(f"two indexes have the name {index['name']}", (*path, "name"))
            names.add(index["name"])
            projected += 0 if isinstance(index["projection"], str) else len(index["projection"])
            yield from _check_index_keys(index, path)
    if projected > PROJECTED_ATTRIBUTES:
        message = f"the indexes project {projected} attributes; DynamoDB allows {PROJECTED_ATTRIBUTES} in all"
        yield Problem(message, ("indexes",), "use projection: ALL")


def _check_index_keys(index: Mapping[str, Any], path: tuple[str | int, ...]) -> Iterator[Problem]:
    keys = {place: key for place in ("partition_key", "sort_key") if (key := index.get(place))}
    for place, key in keys.items():
        if key["type"] is None:
            hint = f"add `{key['name']}: S` (or N, or B) to the table's attributes"
            yield Problem(f"key attribute {key['name']} of index {index['name']} is not declared", (*path, place), hint)
    names = [key["name"] for key in keys.values()]
    if len({*names}) < len(names):
        yield Problem(f"{names[0]} cannot be both partition key and sort key", (*path, "sort_key"))


def _check_capacity(table: Properties) -> Iterator[Problem]:
    provisioned = table["billing_mode"] == PROVISIONED
    for place in ("read_capacity", "write_capacity"):
        if provisioned and not table.get(place):
            yield Problem(f"billing_mode PROVISIONED needs {place}", ("billing_mode",), f"add {place}: 5")
        holders: list[tuple[Mapping[str, Any], tuple[str | int, ...]]] = [(table, ())]
        holders += [(index, ("indexes", position)) for position, index in enumerate(table["indexes"])]
        for holder, path in holders:
            if not provisioned and holder.get(place):
                yield Problem(f"{place} means nothing with billing_mode PAY_PER_REQUEST", (*path, place), "remove it")
