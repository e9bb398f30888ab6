"""The ASGI application that the child serves: identity, the plane's own operations, and all else passed on."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

IDENTITY = "/_pipeline/identity"


def front(emulator: App, *, instance: str, on_ready: Callable[[], None]) -> App:
    """The application; `on_ready` is called once, when requests can be answered."""
    identity = json.dumps({"instance": instance}).encode()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await emulator(scope, receive, _telling(send, on_ready))
        elif scope["type"] == "http" and scope["path"] == IDENTITY:
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": identity})
        else:
            await emulator(scope, receive, send)

    return app


def _telling(send: Send, on_ready: Callable[[], None]) -> Send:
    async def told(message: MutableMapping[str, Any]) -> None:
        await send(message)
        if message["type"] == "lifespan.startup.complete":
            on_ready()

    return told
