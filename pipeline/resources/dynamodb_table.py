"""DynamoDB tables.

What a table looks like is in `_dynamodb_shape`, what AWS refuses in `_dynamodb_rules`, and how one table becomes
another in `_dynamodb_updates`; here are the verbs.

Deletion protection guards a table against everything but our own deletion: that one needs the user's consent already
(--include-data), so it lifts the protection itself. Without consent nothing here ever changes it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pipeline.errors import AwsError
from pipeline.model.resource import Observed, Resource
from pipeline.model.values import Outputs, Properties
from pipeline.resources import _dynamodb_scaling as scaling
from pipeline.resources import _dynamodb_updates as updates
from pipeline.resources._dynamodb_backup import save
from pipeline.resources._dynamodb_rules import check
from pipeline.resources._dynamodb_scaling import derive
from pipeline.resources._dynamodb_shape import Table, canonical, expiry, global_indexes, recovers, shape
from pipeline.resources.base import (
    Aws,
    Target,
    read_each,
    split_tags,
    stale_tags,
    tag_list,
    tag_map,
    tags_for,
    touches,
)

__all__ = ["canonical", "check", "create", "delete", "derive", "read", "save", "update"]

# Seconds. A table takes 2 to 22 s; an index on a live table usually 9 minutes, sometimes 17, even an empty one.
EVERY, TABLE_BUDGET, INDEX_BUDGET = 2.0, 300.0, 1800.0


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each table by itself. A table that is just being made or deleted is waited for: it has no tags meanwhile."""
    return read_each(aws, targets, _read_one)


def _read_one(aws: Aws, target: Target) -> Observed | None:
    """Four calls: at once when the last release had the table, else only when it exists."""
    details: list[Any] = []
    if target.released is None:
        table = _describe(aws, target.name)
        if table and not _passing(table):
            details = aws.gather(_details(aws, target))
    else:
        table, *details = aws.gather([lambda: _describe(aws, target.name), *_details(aws, target)])
    if table and _passing(table):
        table = _after_passing(aws, target.name)
        details = aws.gather(_details(aws, target)) if table else []
    return _observed(target, table, *details) if table else None


def _details(aws: Aws, target: Target) -> list[Callable[[], Any]]:
    """What DescribeTable does not show. AWS answers few of the last two a second, so they may be spared."""
    name, arn = target.name, aws.scope.arn("dynamodb", f"table/{target.name}")
    rationed: list[Callable[[], Any]] = [
        lambda: aws.found("dynamodb", "DescribeTimeToLive", TableName=name),
        lambda: aws.found("dynamodb", "DescribeContinuousBackups", TableName=name),
    ]
    return [lambda: _tags(aws, arn), *(() if _spared(target) else rationed)]


def _tags(aws: Aws, arn: str) -> dict[str, str]:
    found: dict[str, str] = {}
    more: dict[str, str] = {}
    while page := aws.found("dynamodb", "ListTagsOfResource", ResourceArn=arn, **more):
        found |= tag_map(page.get("Tags", ()))
        if not page.get("NextToken"):
            break
        more = {"NextToken": page["NextToken"]}
    return found


def _spared(target: Target) -> bool:
    return not target.thorough and target.released is not None


def _observed(target: Target, table: Table, tags: Mapping[str, str], ttl: Any = None, backups: Any = None) -> Observed:
    own, mark = split_tags(tags)
    trusted = ("ttl_attribute", "point_in_time_recovery") if _spared(target) else ()
    found, scaled = scaling.settled(shape(table), target.resource.properties)
    properties = {
        **found,
        "scaled": scaled,
        "ttl_attribute": expiry(ttl),
        "point_in_time_recovery": recovers(backups),
        **{name: (target.released or {}).get(name) for name in trusted},
        "tags": own,
    }
    pending = _unrest(table) or _two_steps(target, properties["ttl_attribute"])
    return Observed(target.address, properties, _outputs(table), mark, pending=pending, trusted=trusted)


def _two_steps(target: Target, expires: str | None) -> str | None:
    """What a reader should know before the attribute changes by which items expire."""
    wanted = target.resource.properties.get("ttl_attribute")
    if not wanted or not expires or wanted == expires:
        return None
    return (
        f"DynamoDB takes one change of expiry in half an hour: this deploy ends that by {expires}, and one after that "
        f"time begins with {wanted}"
    )


def _unrest(table: Table) -> str | None:
    """What of the table only time changes, or None."""
    parts = {f"index {index['IndexName']}": index.get("IndexStatus", "ACTIVE") for index in global_indexes(table)}
    states = {"the table": table["TableStatus"], **parts}
    moving = [f"{part} is {state.lower()}" for part, state in states.items() if state != "ACTIVE"]
    return f"AWS is not done with {table['TableName']} yet: {', '.join(moving)}" if moving else None


def _outputs(table: Table) -> Outputs:
    # The last stream is shown for a while after it was ended.
    stream = table.get("LatestStreamArn") if table.get("StreamSpecification", {}).get("StreamEnabled") else None
    return {"arn": table["TableArn"], "name": table["TableName"], "stream_arn": stream}


def create(aws: Aws, resource: Resource) -> Outputs:
    """The table with all that CreateTable takes, the mark included; then what only an active table takes."""
    wanted = resource.properties
    request: dict[str, Any] = {
        "TableName": resource.name,
        "AttributeDefinitions": updates.definitions(wanted),
        "KeySchema": updates.key_schema(wanted["partition_key"], wanted["sort_key"]),
        "BillingMode": wanted["billing_mode"],
        "DeletionProtectionEnabled": wanted["deletion_protection"],
        "Tags": tag_list(tags_for(aws, resource)),
        **_optional(wanted),
    }
    table = aws.call("dynamodb", "CreateTable", **request)["TableDescription"]
    if not _at_rest(table):
        table = _settle(aws, resource.name)
    aws.gather(_extras(aws, resource, {}, frozenset({"ttl_attribute", "point_in_time_recovery"})))
    return _outputs(table)


def _optional(wanted: Properties) -> dict[str, Any]:
    request: dict[str, Any] = {}
    if wanted["billing_mode"] == updates.PROVISIONED:
        request["ProvisionedThroughput"] = updates.throughput(wanted)
    if wanted["indexes"]:
        request["GlobalSecondaryIndexes"] = [updates.global_index(index, wanted) for index in wanted["indexes"]]
    if wanted["local_indexes"]:
        request["LocalSecondaryIndexes"] = [
            {
                "IndexName": index["name"],
                "KeySchema": updates.key_schema(wanted["partition_key"], index["sort_key"]),
                "Projection": updates.projection(index["projection"]),
            }
            for index in wanted["local_indexes"]
        ]
    if wanted.get("stream"):
        request["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": wanted["stream"]}
    if wanted["table_class"] != "STANDARD":
        request["TableClass"] = wanted["table_class"]
    if wanted.get("kms_key"):
        request["SSESpecification"] = updates.encryption(wanted["kms_key"])
    return request


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """One change per UpdateTable, each after the one before has come to rest; then tags, expiry and backups."""
    outputs = observed.outputs
    have, want = (
        scaling.as_scaled(each, observed.properties.get("scaled") or {})
        for each in (observed.properties, resource.properties)
    )
    changes = list(updates.steps(have, want))
    if changes and observed.pending:
        # What was under way when the table was read may be so still.
        _settle(aws, resource.name)
    for change in changes:
        aws.call("dynamodb", "UpdateTable", TableName=resource.name, **change)
        # The answer shows the old values; only a new look tells.
        outputs = _outputs(_settle(aws, resource.name))
    if touches(paths, "tags"):
        _tag(aws, resource, observed)
    aws.gather(_extras(aws, resource, observed.properties, paths))
    return outputs


def _extras(aws: Aws, resource: Resource, have: Properties, paths: frozenset[str]) -> Iterator[Callable[[], Any]]:
    """Expiry and backups, as far as they differ."""
    name, wanted = resource.name, resource.properties
    old, new = have.get("ttl_attribute"), wanted.get("ttl_attribute")
    if touches(paths, "ttl_attribute") and old != new:
        yield lambda: _expire(aws, name, old, new)
    recovery = wanted["point_in_time_recovery"]
    if touches(paths, "point_in_time_recovery") and recovery != have.get("point_in_time_recovery", False):
        specification = {"PointInTimeRecoveryEnabled": recovery}
        yield lambda: aws.call(
            "dynamodb", "UpdateContinuousBackups", TableName=name, PointInTimeRecoverySpecification=specification
        )


def _expire(aws: Aws, name: str, old: str | None, new: str | None) -> None:
    """Expiry off for the old attribute, on for the new one.

    AWS refuses a second change for about half an hour. Where nothing of it can be done, that is told. But from one
    attribute to another it takes two changes, as the plan says: the first run makes the first, the next one the second.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html
    """
    wanted = [(attribute, enabled) for attribute, enabled in ((old, False), (new, True)) if attribute]
    for attribute, enabled in wanted:
        specification = {"AttributeName": attribute, "Enabled": enabled}
        try:
            aws.call("dynamodb", "UpdateTimeToLive", TableName=name, TimeToLiveSpecification=specification)
        except AwsError as error:
            if error.call.details.get("kind") != "pending" or (attribute, enabled) == wanted[0]:
                raise
            return


def _tag(aws: Aws, resource: Resource, observed: Observed) -> None:
    """All tags in one call: every write locks the tags of a table for two seconds."""
    arn, tags = aws.scope.arn("dynamodb", f"table/{resource.name}"), tags_for(aws, resource)
    aws.call("dynamodb", "TagResource", ResourceArn=arn, Tags=tag_list(tags))
    if gone := stale_tags(observed, tags):
        aws.call("dynamodb", "UntagResource", ResourceArn=arn, TagKeys=gone)


def delete(aws: Aws, observed: Observed) -> None:
    """The table and its data, once nothing about it is changing and its protection is lifted."""
    name = observed.properties["name"]
    table = _describe(aws, name)
    if table is not None and table["TableStatus"] != "DELETING":
        if not _at_rest(table):
            table = _settle(aws, name)
        if table.get("DeletionProtectionEnabled"):
            aws.call("dynamodb", "UpdateTable", TableName=name, DeletionProtectionEnabled=False)
            _settle(aws, name)
        aws.found("dynamodb", "DeleteTable", TableName=name)
    if table is not None:
        aws.wait(
            f"deletion of table {name}",
            lambda: True if _describe(aws, name) is None else None,
            every=EVERY,
            budget=TABLE_BUDGET,
        )


def _describe(aws: Aws, name: str) -> Table | None:
    found = aws.found("dynamodb", "DescribeTable", TableName=name)
    table: Table | None = found["Table"] if found else None
    return table


def _passing(table: Table) -> bool:
    return table["TableStatus"] in ("CREATING", "DELETING")


def _at_rest(table: Table) -> bool:
    """True when table and indexes take changes: an index is still being built long after its table is active."""
    return table["TableStatus"] == "ACTIVE" and all(
        index.get("IndexStatus") == "ACTIVE" for index in global_indexes(table)
    )


def _settle(aws: Aws, name: str) -> Table:
    """The table once it is at rest."""

    def poll() -> Table | None:
        table: Table = aws.call("dynamodb", "DescribeTable", TableName=name)["Table"]
        return table if _at_rest(table) else None

    return aws.wait(f"table {name}", poll, every=EVERY, budget=INDEX_BUDGET)


def _after_passing(aws: Aws, name: str) -> Table | None:
    """The table once it is made; None once it is deleted."""

    def poll() -> list[Table] | None:
        table = _describe(aws, name)
        if table is None:
            return []
        return None if _passing(table) else [table]

    return next(iter(aws.wait(f"table {name}", poll, every=EVERY, budget=TABLE_BUDGET)), None)
