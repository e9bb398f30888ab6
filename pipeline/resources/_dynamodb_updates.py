"""How a DynamoDB table gets from one shape to another: a list of UpdateTable requests, each one change. Pure.

DynamoDB takes one kind of change per request and one index at a time, and refuses a request that changes nothing:
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
(which pairs are refused was measured by https://github.com/aws-controllers-k8s/dynamodb-controller, docs/api-quirks).
Properties are in the canonical form of `dynamodb_table`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.model.values import Properties

PROVISIONED = "PROVISIONED"
Request = dict[str, Any]
Index = Mapping[str, Any]


def steps(have: Properties, want: Properties) -> Iterator[Request]:
    """The requests, in an order in which each is possible once the one before it has come to rest."""
    if have["deletion_protection"] != want["deletion_protection"]:
        yield {"DeletionProtectionEnabled": want["deletion_protection"]}
    wanted = {index["name"]: index for index in want["indexes"]}
    kept = [index for index in have["indexes"] if _same_shape(index, wanted.get(index["name"]))]
    names = {index["name"] for index in kept}
    # Indexes go before the billing mode changes: a switch to provisioned capacity must name every index there is.
    for index in have["indexes"]:
        if index["name"] not in names:
            yield {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": index["name"]}}]}
    yield from _capacity(have, want, kept, wanted)
    for index in want["indexes"]:
        if index["name"] not in names:
            kept = [*kept, index]
            yield {
                "AttributeDefinitions": definitions({**want, "indexes": kept}),
                "GlobalSecondaryIndexUpdates": [{"Create": global_index(index, want)}],
            }
    yield from _stream(have.get("stream"), want.get("stream"))
    if have["table_class"] != want["table_class"]:
        yield {"TableClass": want["table_class"]}
    if have.get("kms_key") != want.get("kms_key"):
        yield {"SSESpecification": encryption(want.get("kms_key"))}


def definitions(table: Properties) -> list[dict[str, str]]:
    """AttributeDefinitions: exactly the attributes that are keys of the table or of an index."""
    holders = (table, *table["indexes"], *table["local_indexes"])
    keys = [holder.get(place) for holder in holders for place in ("partition_key", "sort_key")]
    types = {key["name"]: key["type"] for key in keys if key}
    return [{"AttributeName": name, "AttributeType": types[name]} for name in sorted(types, key=str)]


def key_schema(partition_key: Mapping[str, str], sort_key: Mapping[str, str] | None) -> list[dict[str, str]]:
    """KeySchema of a table or an index."""
    schema = [{"AttributeName": partition_key["name"], "KeyType": "HASH"}]
    return [*schema, {"AttributeName": sort_key["name"], "KeyType": "RANGE"}] if sort_key else schema


def projection(wanted: str | Sequence[str]) -> dict[str, Any]:
    """Projection of an index."""
    if isinstance(wanted, str):
        return {"ProjectionType": wanted}
    return {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(wanted)}


def throughput(holder: Mapping[str, Any]) -> dict[str, int]:
    """ProvisionedThroughput of a table or an index."""
    return {"ReadCapacityUnits": holder["read_capacity"], "WriteCapacityUnits": holder["write_capacity"]}


def global_index(index: Index, table: Properties) -> dict[str, Any]:
    """A global secondary index, for CreateTable and UpdateTable."""
    capacity = {"ProvisionedThroughput": throughput(index)} if table["billing_mode"] == PROVISIONED else {}
    return {
        "IndexName": index["name"],
        "KeySchema": key_schema(index["partition_key"], index.get("sort_key")),
        "Projection": projection(index["projection"]),
        **capacity,
    }


def encryption(key: str | None) -> dict[str, Any]:
    """SSESpecification; without a key the table is encrypted with one that AWS owns."""
    return {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key} if key else {"Enabled": False}


def _same_shape(one: Index, other: Index | None) -> bool:
    """True when an index need not be built anew."""
    return other is not None and all(
        _plain(one.get(name)) == _plain(other.get(name)) for name in ("partition_key", "sort_key", "projection")
    )


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, (list, tuple)) else value


def _capacity(
    have: Properties, want: Properties, kept: Sequence[Index], wanted: Mapping[str, Index]
) -> Iterator[Request]:
    switched = have["billing_mode"] != want["billing_mode"]
    request: Request = {"BillingMode": want["billing_mode"]} if switched else {}
    if want["billing_mode"] == PROVISIONED:
        if switched or throughput(have) != throughput(want):
            request["ProvisionedThroughput"] = throughput(want)
        updates = [
            {"Update": {"IndexName": index["name"], "ProvisionedThroughput": throughput(wanted[index["name"]])}}
            for index in kept
            if switched or throughput(index) != throughput(wanted[index["name"]])
        ]
        if updates:
            request["GlobalSecondaryIndexUpdates"] = updates
    if request:
        yield request


def _stream(have: str | None, want: str | None) -> Iterator[Request]:
    """What a stream shows cannot be changed: it ends, and another one begins."""
    if have == want:
        return
    if have:
        yield {"StreamSpecification": {"StreamEnabled": False}}
    if want:
        yield {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": want}}
