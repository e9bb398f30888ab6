"""$disconnect: forgets the connection."""

from __future__ import annotations

from typing import Any

from lib import aws
from lib.rest import Event
from src.connections import Connections
from utils import log


def handler(event: Event, context: Any) -> dict[str, Any]:
    """Entry point for API Gateway's WebSocket $disconnect route, which comes on a best effort."""
    connection_id = event["requestContext"]["connectionId"]
    Connections(aws.table("websocket-connections")).close(connection_id)
    log.info("disconnected", connection_id=connection_id, request_id=context.aws_request_id)
    return {"statusCode": 200}
