"""The canonical form of a DynamoDB table: from what an author declares, and from what AWS shows. Pure.

It folds the types of `attributes` into the keys, `{"name": "placed", "type": "N"}`, so that a type that changes is seen
where it matters: at the table's own keys it means another table, at an index another index.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline.model.scope import Scope
from pipeline.model.values import Properties
from pipeline.resources._dynamodb_scaling import capacity_of
from pipeline.resources._dynamodb_updates import PROVISIONED, definitions

Table = Mapping[str, Any]
Key = dict[str, str | None]


def canonical(properties: Properties, scope: Scope) -> Properties:
    """Keys with their types, indexes with all defaults. `attributes` keeps what is no key, for `check` to name."""
    types = dict(properties.get("attributes") or {})
    own = (properties["partition_key"], properties.get("sort_key"))

    def key(name: str | None) -> Key | None:
        return {"name": name, "type": types.get(name, "S" if name in own else None)} if name else None

    capacity = {f"{way}_capacity": capacity_of(properties, way) for way in ("read", "write")}
    indexes = [_canonical_index(index, capacity, key) for index in properties.get("indexes") or ()]
    local = [
        {**index, "sort_key": key(index["sort_key"]), "projection": _projection(index.get("projection"))}
        for index in properties.get("local_indexes") or ()
    ]
    table = {"partition_key": key(own[0]), "sort_key": key(own[1]), "indexes": indexes, "local_indexes": local}
    used = {definition["AttributeName"] for definition in definitions(table)}
    stream = properties.get("stream") or None
    return {
        **properties,
        **{name: units for name, units in capacity.items() if units},
        **table,
        "attributes": {name: kind for name, kind in types.items() if name not in used},
        "stream": "NEW_AND_OLD_IMAGES" if stream is True else stream,
    }


def _canonical_index(
    index: Mapping[str, Any], table: Properties, key: Callable[[str | None], Key | None]
) -> dict[str, Any]:
    return {
        "name": index["name"],
        "partition_key": key(index["partition_key"]),
        "sort_key": key(index.get("sort_key")),
        "projection": _projection(index.get("projection")),
        "read_capacity": index.get("read_capacity") or table.get("read_capacity"),
        "write_capacity": index.get("write_capacity") or table.get("write_capacity"),
    }


def _projection(wanted: Any) -> Any:
    return sorted(wanted) if isinstance(wanted, (list, tuple)) else wanted or "ALL"


def shape(table: Table) -> dict[str, Any]:
    """The canonical properties that DescribeTable shows."""
    types = {entry["AttributeName"]: entry["AttributeType"] for entry in table["AttributeDefinitions"]}
    stream = table.get("StreamSpecification", {})
    encrypted = table.get("SSEDescription", {})
    mode = table.get("BillingModeSummary", {}).get("BillingMode", PROVISIONED)
    return {
        "name": table["TableName"],
        **_keys(table, types),
        "billing_mode": mode,
        **_capacity(table, mode),
        "stream": stream.get("StreamViewType") if stream.get("StreamEnabled") else None,
        "indexes": [
            {
                "name": index["IndexName"],
                **_keys(index, types),
                "projection": _projected(index),
                **_capacity(index, mode),
            }
            for index in global_indexes(table)
            if index.get("IndexStatus") != "DELETING"
        ],
        "local_indexes": [
            {
                "name": index["IndexName"],
                "sort_key": _keys(index, types)["sort_key"],
                "projection": _projected(index),
            }
            for index in table.get("LocalSecondaryIndexes") or ()
        ],
        "deletion_protection": table.get("DeletionProtectionEnabled", False),
        "table_class": table.get("TableClassSummary", {}).get("TableClass", "STANDARD"),
        "kms_key": encrypted.get("KMSMasterKeyArn") if encrypted.get("Status") in ("ENABLED", "UPDATING") else None,
    }


def global_indexes(table: Table) -> Sequence[Mapping[str, Any]]:
    return table.get("GlobalSecondaryIndexes") or ()


def _keys(holder: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, Key | None]:
    keys = {entry["KeyType"]: entry["AttributeName"] for entry in holder["KeySchema"]}
    named = {kind: {"name": name, "type": types.get(name)} for kind, name in keys.items()}
    return {"partition_key": named["HASH"], "sort_key": named.get("RANGE")}


def _projected(index: Mapping[str, Any]) -> Any:
    shown = index["Projection"]
    return sorted(shown["NonKeyAttributes"]) if shown["ProjectionType"] == "INCLUDE" else shown["ProjectionType"]


def _capacity(holder: Mapping[str, Any], mode: str) -> dict[str, int | None]:
    """Provisioned capacity; what AWS shows of it for a table on demand means nothing."""
    shown = holder.get("ProvisionedThroughput", {}) if mode == PROVISIONED else {}
    return {
        "read_capacity": shown.get("ReadCapacityUnits"),
        "write_capacity": shown.get("WriteCapacityUnits"),
    }


def expiry(answer: Any) -> str | None:
    shown = (answer or {}).get("TimeToLiveDescription", {})
    return shown.get("AttributeName") if shown.get("TimeToLiveStatus") in ("ENABLED", "ENABLING") else None


def recovers(answer: Any) -> bool:
    shown = (answer or {}).get("ContinuousBackupsDescription", {}).get("PointInTimeRecoveryDescription", {})
    return bool(shown.get("PointInTimeRecoveryStatus") == "ENABLED")
