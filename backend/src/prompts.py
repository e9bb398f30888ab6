"""Prompts that users keep for later."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from lib.tables import Records
from src.models import NewPrompt, PromptChange, PromptKey, PromptQuery, new_id
from utils.clock import timestamp


class Prompts:
    """The table `prompts` and its `user-index`."""

    def __init__(self, table: Any, clock: Callable[[], float] = time.time) -> None:
        self._records = Records(table, ("prompt_id", "user_id"), "prompt")
        self._clock = clock

    def page(self, wanted: PromptQuery) -> dict[str, Any]:
        """Prompts with one id (NotFound when there is none), else of one user, else of all."""
        if wanted.prompt_id:
            return self._by_id(wanted)
        if not wanted.user_id:
            return self._records.page(wanted.limit, wanted.next_token)
        return self._records.page(
            wanted.limit,
            wanted.next_token,
            IndexName="user-index",
            KeyConditionExpression="user_id = :owner",
            ExpressionAttributeValues={":owner": wanted.user_id},
        )

    def add(self, prompt: NewPrompt) -> dict[str, Any]:
        """Keeps a prompt under a new id."""
        now = timestamp(self._clock())
        return self._records.put({"prompt_id": new_id(), **prompt.model_dump(), "created_at": now, "updated_at": now})

    def change(self, change: PromptChange) -> dict[str, Any]:
        """Replaces the parts that the caller named."""
        changes = {**change.changes(), "updated_at": timestamp(self._clock())}
        return self._records.change(change.key(), change.user_id, changes)

    def remove(self, prompt: PromptKey) -> None:
        """Deletes a prompt."""
        self._records.remove(prompt.key(), prompt.user_id)

    def _by_id(self, wanted: PromptQuery) -> dict[str, Any]:
        owned = " AND user_id = :owner" if wanted.user_id else ""
        values = {":owner": wanted.user_id} if wanted.user_id else {}
        found = self._records.page(
            wanted.limit,
            wanted.next_token,
            KeyConditionExpression="prompt_id = :id" + owned,
            ExpressionAttributeValues={":id": wanted.prompt_id, **values},
        )
        if not found["items"] and not wanted.next_token:
            raise self._records.unknown()
        return found
