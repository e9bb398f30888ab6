"""/conversations: list, add, edit and delete messages."""

from __future__ import annotations

from typing import Any

from lib import aws
from lib.rest import Event, dispatch, parsed
from src.conversations import Conversations
from src.models import ConversationQuery, MessageChange, MessageKey, NewMessage


def handler(event: Event, context: Any) -> dict[str, Any]:
    """Entry point for API Gateway's REST proxy integration."""
    return dispatch(event, context, {"GET": _list, "POST": _add, "PUT": _change, "DELETE": _remove})


def _conversations() -> Conversations:
    return Conversations(aws.table("conversations"))


def _list(event: Event) -> tuple[int, Any]:
    return 200, _conversations().page(parsed(event, ConversationQuery))


def _add(event: Event) -> tuple[int, Any]:
    return 201, _conversations().add(parsed(event, NewMessage))


def _change(event: Event) -> tuple[int, Any]:
    return 200, _conversations().change(parsed(event, MessageChange))


def _remove(event: Event) -> tuple[int, Any]:
    _conversations().remove(parsed(event, MessageKey))
    return 204, None
