"""$connect: remembers whose connection it is."""

from __future__ import annotations

from typing import Any

from lib import aws
from lib.rest import Event, signed_in, validated
from src.connections import Connections
from src.models import Visitor
from utils import log
from utils.problems import Problem


def handler(event: Event, context: Any) -> dict[str, Any]:
    """Entry point for API Gateway's WebSocket $connect route; any status but 200 refuses the connection."""
    connection_id = event["requestContext"]["connectionId"]
    try:
        visitor = validated(dict(event.get("queryStringParameters") or {}), Visitor, signed_in(event))
    except Problem as problem:
        log.warning("connection refused", connection_id=connection_id, errors=problem.errors)
        return {"statusCode": problem.status}
    Connections(aws.table("websocket-connections")).open(connection_id, visitor.user_id)
    log.info("connected", connection_id=connection_id, request_id=context.aws_request_id)
    return {"statusCode": 200}
