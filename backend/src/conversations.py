"""Conversations: messages under a conversation_id, in the order of their timestamps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from lib.tables import Records
from src.models import ConversationQuery, MessageChange, MessageKey, NewMessage
from utils.clock import expiry, timestamp

KEPT_DAYS = 90


class Conversations:
    """The table `conversations` and its `user-index`."""

    def __init__(self, table: Any, clock: Callable[[], float] = time.time) -> None:
        self._records = Records(table, ("conversation_id", "timestamp"), "message")
        self._clock = clock

    def page(self, wanted: ConversationQuery) -> dict[str, Any]:
        """Messages of one conversation (NotFound when it has none), else of one user, newest first, else of all."""
        if not wanted.conversation_id and not wanted.user_id:
            return self._records.page(wanted.limit, wanted.next_token)
        values = {":owner": wanted.user_id} if wanted.user_id else {}
        if not wanted.conversation_id:
            return self._records.page(
                wanted.limit,
                wanted.next_token,
                ("user_id", "timestamp"),
                IndexName="user-index",
                KeyConditionExpression="user_id = :owner",
                ExpressionAttributeValues=values,
                ScanIndexForward=False,
            )
        found = self._records.page(
            wanted.limit,
            wanted.next_token,
            KeyConditionExpression="conversation_id = :id",
            ExpressionAttributeValues={":id": wanted.conversation_id, **values},
            **({"FilterExpression": "user_id = :owner"} if values else {}),
        )
        if not found["items"] and not found["next_token"] and not wanted.next_token:
            raise self._records.unknown()
        return found

    def history(self, conversation_id: str, user_id: str, limit: int = 20) -> list[dict[str, Any]]:
        """The user's latest messages of a conversation, oldest first; what others wrote there is not theirs to see."""
        latest = self._records.page(
            limit,
            KeyConditionExpression="conversation_id = :id",
            FilterExpression="user_id = :owner",
            ExpressionAttributeValues={":id": conversation_id, ":owner": user_id},
            ScanIndexForward=False,
            ConsistentRead=True,  # the message just kept is the one to answer
        )
        return list(reversed(latest["items"]))

    def add(self, message: NewMessage) -> dict[str, Any]:
        """Keeps a message for KEPT_DAYS days."""
        now = self._clock()
        return self._records.put(
            {**message.model_dump(), "timestamp": timestamp(now), "ttl": expiry(now, days=KEPT_DAYS)}
        )

    def change(self, change: MessageChange) -> dict[str, Any]:
        """Replaces the content of a message."""
        edited = timestamp(self._clock())
        return self._records.change(change.key(), change.user_id, {"content": change.content, "edited_at": edited})

    def remove(self, message: MessageKey) -> None:
        """Deletes a message."""
        self._records.remove(message.key(), message.user_id)
