"""$default: answers a message on the connection it came from, and keeps both.

The browser sends {"message": "...", "conversation_id": "..."} and gets {"type": "delta", "text": ...} pieces, then
{"type": "end", ...}, or {"type": "error", ...}.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from lib import aws
from lib.rest import Event, json_body, validated
from src.answers import Model, answer
from src.connections import Connections, Wire
from src.conversations import Conversations
from src.models import MAX_TEXT, ChatMessage, NewMessage
from src.usage import Usage
from utils import log
from utils.problems import Forbidden, Problem


def handler(event: Event, context: Any) -> dict[str, Any]:
    """Entry point for API Gateway's WebSocket $default route."""
    response = respond(event, aws.gateway(_endpoint(event["requestContext"])), aws.bedrock)
    log.info("handled", status=response["statusCode"], request_id=context.aws_request_id)
    return response


def respond(event: Event, gateway: Any, bedrock: Callable[[], Any]) -> dict[str, Any]:
    """Answers over `gateway`; `bedrock` makes the model's client when it is needed."""
    connection_id = event["requestContext"]["connectionId"]
    connections = Connections(aws.table("websocket-connections"))
    wire = Wire(gateway, connection_id)
    try:
        user_id = connections.user(connection_id)
        if not user_id:
            raise Forbidden("the connection is not known: connect again")
        _converse(validated(json_body(event), ChatMessage), user_id, wire, bedrock)
    except Problem as problem:
        wire.send({"type": "error", **problem.body()})
        return {"statusCode": problem.status}
    finally:
        if not wire.open:
            connections.close(connection_id)
    return {"statusCode": 200}


def _converse(chat: ChatMessage, user_id: str, wire: Wire, bedrock: Callable[[], Any]) -> None:
    """Keeps the message, streams the answer, keeps that and counts it."""
    conversations = Conversations(aws.table("conversations"))
    about = {"conversation_id": chat.conversation_id, "user_id": user_id}
    conversations.add(NewMessage(content=chat.message, **about))
    history = conversations.history(chat.conversation_id, user_id)
    found = answer(history, wire, Model.from_environment(), bedrock)
    text = found.text.strip()[:MAX_TEXT]
    if text:
        conversations.add(NewMessage(content=text, role="assistant", **about))
    Usage(aws.table("usage")).record(user_id, **found.usage)
    how = {"offline": found.offline, "stop_reason": found.stop_reason, "usage": found.usage}
    wire.send({"type": "end", "conversation_id": chat.conversation_id, **how})
    log.info("answered", **how)


def _endpoint(context: Mapping[str, Any]) -> str:
    """Where connections of this API are written to: the address that the event came through.

    WEBSOCKET_ENDPOINT says it where that is another one. An AWS that boto3 is pointed at by AWS_ENDPOINT_URL (a local
    one, say) has no names for its APIs: there they have a path each.
    """
    if stated := os.environ.get("WEBSOCKET_ENDPOINT"):
        return stated
    if elsewhere := os.environ.get("AWS_ENDPOINT_URL"):
        return f"{elsewhere.rstrip('/')}/_aws/execute-api/{context['apiId']}/{context['stage']}"
    return f"https://{context['domainName']}/{context['stage']}"
