"""/prompts: list, add, edit and delete prompts."""

from __future__ import annotations

from typing import Any

from lib import aws
from lib.rest import Event, dispatch, parsed
from src.models import NewPrompt, PromptChange, PromptKey, PromptQuery
from src.prompts import Prompts


def handler(event: Event, context: Any) -> dict[str, Any]:
    """Entry point for API Gateway's REST proxy integration."""
    return dispatch(event, context, {"GET": _list, "POST": _add, "PUT": _change, "DELETE": _remove})


def _prompts() -> Prompts:
    return Prompts(aws.table("prompts"))


def _list(event: Event) -> tuple[int, Any]:
    return 200, _prompts().page(parsed(event, PromptQuery))


def _add(event: Event) -> tuple[int, Any]:
    return 201, _prompts().add(parsed(event, NewPrompt))


def _change(event: Event) -> tuple[int, Any]:
    return 200, _prompts().change(parsed(event, PromptChange))


def _remove(event: Event) -> tuple[int, Any]:
    _prompts().remove(parsed(event, PromptKey))
    return 204, None
