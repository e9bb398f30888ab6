"""What each user used per day: requests and tokens."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from lib.tables import Records
from src.models import UsageQuery
from utils.clock import day


class Usage:
    """The table `usage`."""

    def __init__(self, table: Any, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._records = Records(table, ("user_id", "date"), "usage")
        self._clock = clock

    def page(self, wanted: UsageQuery) -> dict[str, Any]:
        """Days of one user, or of everybody, within the range asked for."""
        values = {":from": wanted.start.isoformat(), ":to": wanted.end.isoformat()}
        within = "#date BETWEEN :from AND :to"
        request: dict[str, Any] = {"ExpressionAttributeNames": {"#date": "date"}}  # a reserved word of DynamoDB
        if wanted.user_id:
            request["KeyConditionExpression"] = f"user_id = :owner AND {within}"
            values[":owner"] = wanted.user_id
        else:
            request["FilterExpression"] = within
        return self._records.page(wanted.limit, wanted.next_token, ExpressionAttributeValues=values, **request)

    def total(self, date: str) -> dict[str, Any]:
        """How many requests and tokens all users together had on a day."""
        sums = dict.fromkeys(("requests", "input_tokens", "output_tokens"), 0)
        users, start = 0, None
        while True:
            page = self._table.scan(
                FilterExpression="#date = :date",
                ExpressionAttributeNames={"#date": "date"},
                ExpressionAttributeValues={":date": date},
                **({"ExclusiveStartKey": start} if start else {}),
            )
            users += len(page["Items"])
            for item in page["Items"]:
                sums = {name: total + int(item.get(name, 0)) for name, total in sums.items()}
            start = page.get("LastEvaluatedKey")
            if not start:
                return {"date": date, "users": users, **sums}

    def record(self, user_id: str, input_tokens: int, output_tokens: int) -> None:
        """Counts one request of today; safe when several functions count at once."""
        self._table.update_item(
            Key={"user_id": user_id, "date": day(self._clock())},
            UpdateExpression="ADD requests :one, input_tokens :in, output_tokens :out",
            ExpressionAttributeValues={":one": 1, ":in": input_tokens, ":out": output_tokens},
        )
