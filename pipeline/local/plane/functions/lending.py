"""Processes of functions as the emulator's WebSocket APIs want them; each message is in truth an invocation.

The emulator hands messages straight to a process that it keeps for an alias. That process goes on with old code when
the alias moves, knows no weights and counts nothing. What it borrows here has the same two methods and none of that.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.local.plane.asgi import Answer
from pipeline.local.plane.functions.invoking import Invoker
from pipeline.local.plane.functions.names import Function


@dataclass
class Lender:
    """Lends processes to threads of the emulator; `loop` is where invocations run, known once a connection came."""

    invoker: Invoker
    loop: asyncio.AbstractEventLoop | None = None

    def lend(self, name: str, config: Mapping[str, Any], _code: bytes, qualifier: str = "$LATEST") -> "Borrowed":
        """A process for the function `name` under `qualifier`; `config` is the emulator's, with its ARN."""
        region, account = str(config["FunctionArn"]).split(":")[3:5]
        return Borrowed(self, Function(account, region, name, qualifier))


@dataclass(frozen=True)
class Borrowed:
    """What the emulator takes for a process."""

    lender: Lender
    function: Function

    def invoke(self, event: Mapping[str, Any], request_id: str) -> dict[str, Any]:
        """Invokes the function and waits; called in a thread. The answer is in the emulator's own form."""
        assert self.lender.loop is not None
        invocation = self.lender.invoker.invoke(self.function, json.dumps(event).encode())
        answer = asyncio.run_coroutine_threadsafe(invocation, self.lender.loop).result()
        return {"status": "ok", "result": _said(answer, event, request_id)}


def _said(answer: Answer, event: Mapping[str, Any], request_id: str) -> Any:
    """What the function returned; when it broke, what API Gateway tells the client instead.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-route-keys-connect-disconnect.html
    """
    if answer.status == 200 and answer.header("x-amz-function-error") is None:
        return json.loads(answer.body) if answer.body else None
    connection = event["requestContext"]["connectionId"]
    told = {"message": "Internal server error", "connectionId": connection, "requestId": request_id}
    return {"statusCode": 500, "body": json.dumps(told)}
