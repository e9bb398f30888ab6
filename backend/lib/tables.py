"""Items of one DynamoDB table as plain dictionaries, in pages, each owned by the user in its `user_id`."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from utils.problems import Invalid, NotFound

OWNED = "user_id = :owner"  # false for an item that does not exist, so it also means "exists"


class Records:
    """One table. `table` is boto3's Table, `key` its key attributes, `noun` what an item is called in messages."""

    def __init__(self, table: Any, key: tuple[str, ...], noun: str) -> None:
        self._table = table
        self._key = key
        self._noun = noun
        self._errors = table.meta.client.exceptions

    def page(self, limit: int, next_token: str = "", index_key: tuple[str, ...] = (), **request: Any) -> dict[str, Any]:
        """{"items": [...], "next_token": str or None}: a query where the request has a key condition, else a scan.

        `index_key` names the key attributes of the index asked, which its page tokens hold besides the table's.
        """
        if next_token:
            request["ExclusiveStartKey"] = _start(next_token, {*self._key, *index_key})
        read = self._table.query if "KeyConditionExpression" in request else self._table.scan
        try:
            answer = read(Limit=limit, **request)
        except self._errors.ClientError as error:
            if next_token and error.response["Error"]["Code"] == "ValidationException":
                raise _bad_token() from error
            raise
        items = [plain(item) for item in answer["Items"]]
        return {"items": items, "next_token": _token(answer.get("LastEvaluatedKey"))}

    def put(self, item: dict[str, Any]) -> dict[str, Any]:
        """Writes the item and gives it back."""
        self._table.put_item(Item=item)
        return item

    def change(self, key: Mapping[str, str], owner: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Sets attributes of the owner's item; the item afterwards. NotFound when the owner has no such item."""
        names = {f"#{number}": name for number, name in enumerate(changes)}
        values = {f":{number}": value for number, value in enumerate(changes.values())}
        try:
            answer = self._table.update_item(
                Key=dict(key),
                UpdateExpression="SET " + ", ".join(f"#{number} = :{number}" for number in range(len(changes))),
                ConditionExpression=OWNED,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={**values, ":owner": owner},
                ReturnValues="ALL_NEW",
            )
        except self._errors.ConditionalCheckFailedException as error:
            raise self.unknown() from error
        return plain(answer["Attributes"])

    def remove(self, key: Mapping[str, str], owner: str) -> None:
        """Deletes the owner's item. NotFound when the owner has no such item."""
        try:
            self._table.delete_item(
                Key=dict(key), ConditionExpression=OWNED, ExpressionAttributeValues={":owner": owner}
            )
        except self._errors.ConditionalCheckFailedException as error:
            raise self.unknown() from error

    def unknown(self) -> NotFound:
        """The answer about an item that is not there."""
        return NotFound(f"there is no such {self._noun}")


def plain(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item with its numbers as int or float, ready for JSON."""
    return {name: _number(value) if isinstance(value, Decimal) else value for name, value in item.items()}


def _number(value: Decimal) -> Any:
    return int(value) if value == value.to_integral_value() else float(value)


def _token(key: Any) -> Any:
    """Where the next page starts, opaque to the caller; None on the last page."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode() if key else None


def _start(token: str, names: set[str]) -> dict[str, str]:
    try:
        key = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, RecursionError) as error:
        raise _bad_token() from error
    if not isinstance(key, dict) or set(key) != names or not all(isinstance(value, str) for value in key.values()):
        raise _bad_token()
    return key


def _bad_token() -> Invalid:
    return Invalid("the request is not valid", [("next_token", "not a token of this list")])
