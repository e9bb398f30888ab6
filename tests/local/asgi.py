"""Emulators for tests of the plane in this process: one behind HTTP, and one that answers from a table."""

import asyncio
import http.client
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from pipeline.local.plane.asgi import Answer, Message, Receive, Scope, Send, raw_path, read_request, send_answer
from pipeline.local.plane.caller import Caller
from pipeline.local.plane.emulator import Call
from pipeline.local.plane.front import Front


@dataclass(frozen=True)
class HttpEmulator:
    """Any emulator that answers at an address."""

    url: str
    counts_invocations: bool = False

    async def pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = await read_request(scope, receive)
        query = f"?{request.query_string}" if request.query_string else ""
        headers = dict(request.headers)
        answer = await asyncio.to_thread(self._ask, request.method, raw_path(scope) + query, headers, request.body)
        await send_answer(send, answer)

    async def call(self, call: Call) -> Answer:
        query = f"?{urlencode(call.query)}" if call.query else ""
        headers = {**dict(call.headers), "authorization": call.caller.authorization()}
        return await asyncio.to_thread(self._ask, call.method, call.path + query, headers, call.body)

    def _ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        try:
            sent = {name: value for name, value in headers.items() if name not in {"content-length", "host"}}
            connection.request(method, target, body, sent)
            answer = connection.getresponse()
            kept = tuple((k.lower(), v) for k, v in answer.getheaders() if k.lower() != "transfer-encoding")
            return Answer(answer.status, kept, answer.read())
        finally:
            connection.close()


@dataclass
class TableEmulator:
    """Answers calls by a function of ours, and keeps them."""

    answer: Callable[[Call], Answer]
    counts_invocations: bool = True
    calls: list[Call] = field(default_factory=list)

    async def pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send_answer(send, Answer(418))

    async def call(self, call: Call) -> Answer:
        self.calls.append(call)
        return self.answer(call)


async def ask(
    front: Front,
    method: str,
    path: str,
    *,
    caller: Caller | None = None,
    body: bytes = b"",
    query: str = "",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One request to the plane, without a socket."""
    named = {"host": "127.0.0.1", **(headers or {})}
    if caller is not None:
        named["authorization"] = caller.authorization()
    collected: list[Message] = []
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        collected.append(message)

    scope: Scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
        "client": ("127.0.0.1", 1),
    }
    await front(scope, receive, send)
    start = collected[0]
    given = tuple((name.decode(), value.decode()) for name, value in start["headers"])
    return Answer(start["status"], given, b"".join(message.get("body", b"") for message in collected[1:]))
