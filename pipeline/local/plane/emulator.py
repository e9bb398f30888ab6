"""The port to the emulator behind the plane: requests passed on as they are, and calls of the plane's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote, urlencode

from pipeline.local.plane.asgi import Answer, App, Headers, Message, Receive, Scope, Send
from pipeline.local.plane.caller import Caller


@dataclass(frozen=True)
class Call:
    """A call of the plane's own, in the name of `caller`. `path` is percent-encoded."""

    caller: Caller
    method: str
    path: str
    query: Mapping[str, str] | None = None
    headers: Headers = ()
    body: bytes = b""


class Emulator(Protocol):
    """Anything that speaks AWS's protocols."""

    @property
    def counts_invocations(self) -> bool:
        """Whether it writes AWS/Lambda metrics by FunctionName by itself."""

    async def pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request that the plane has nothing to say about."""

    async def call(self, call: Call) -> Answer:
        """The answer to a call of the plane's own."""


@dataclass(frozen=True)
class AsgiEmulator:
    """An emulator that is an ASGI application in this process: no socket in between."""

    app: App
    counts_invocations: bool
    host: str = "127.0.0.1"

    async def pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Calls the application."""
        await self.app(scope, receive, send)

    async def call(self, call: Call) -> Answer:
        """Calls the application with a made-up scope and collects what it sends."""
        collected = _Collected(call.body)
        await self.app(self._scope(call), collected.receive, collected.send)
        return collected.answer()

    def _scope(self, call: Call) -> Scope:
        own = {"host": self.host, "authorization": call.caller.authorization(), "content-length": str(len(call.body))}
        named = {name: value for name, value in call.headers if name not in own}
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": call.method,
            "scheme": "http",
            "path": unquote(call.path),
            "raw_path": call.path.encode("latin-1"),
            "query_string": urlencode(call.query or {}).encode("latin-1"),
            "root_path": "",
            "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in {**own, **named}.items()],
            "client": ("127.0.0.1", 0),
            "server": (self.host, 0),
            "extensions": {},
        }


class _Collected:
    """Gives one body and gathers the answer."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._status = 500
        self._headers: Headers = ()
        self._parts: list[bytes] = []

    async def receive(self) -> Message:
        if self._body is None:
            return {"type": "http.disconnect"}
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = tuple((k.decode("latin-1").lower(), v.decode("latin-1")) for k, v in message["headers"])
        elif message["type"] == "http.response.body":
            self._parts.append(message.get("body", b""))

    def answer(self) -> Answer:
        return Answer(self._status, self._headers, b"".join(self._parts))
