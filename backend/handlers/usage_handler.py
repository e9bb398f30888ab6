"""/usage: requests and tokens per user and day."""

from __future__ import annotations

from typing import Any

from lib import aws
from lib.rest import Event, dispatch, parsed
from src.models import UsageQuery
from src.usage import Usage


def handler(event: Event, context: Any) -> dict[str, Any]:
    """Entry point for API Gateway's REST proxy integration."""
    return dispatch(event, context, {"GET": _list})


def _list(event: Event) -> tuple[int, Any]:
    return 200, Usage(aws.table("usage")).page(parsed(event, UsageQuery))
