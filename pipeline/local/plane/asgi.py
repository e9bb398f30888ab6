"""The shapes that cross the plane: ASGI's own, a request read whole, and an answer ready to be sent."""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, unquote

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

Headers = tuple[tuple[str, str], ...]


class Disconnected(Exception):
    """The client went away before its request was complete."""


@dataclass(frozen=True)
class Request:
    """An HTTP request with its whole body. Header names are lower case, as ASGI gives them."""

    method: str
    raw_path: str
    query_string: str
    headers: Headers
    body: bytes = b""
    client: str = "127.0.0.1"

    @property
    def segments(self) -> tuple[str, ...]:
        """The parts of the path, each decoded by itself: a slash within a part stays in it."""
        return tuple(unquote(part) for part in self.raw_path.strip("/").split("/"))

    @property
    def query(self) -> Mapping[str, list[str]]:
        """All values of every query parameter."""
        return parse_qs(self.query_string, keep_blank_values=True)

    def header(self, name: str) -> str | None:
        """The (last) value of a header, by its lower-case name."""
        found = [value for key, value in self.headers if key == name]
        return found[-1] if found else None


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    status: int
    headers: Headers = ()
    body: bytes = b""

    @classmethod
    def of_json(cls, document: object, status: int = 200, headers: Headers = ()) -> "Answer":
        """A JSON document, compact."""
        body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
        return cls(status, (("content-type", "application/json"), *headers), body)

    def header(self, name: str) -> str | None:
        """The value of a header, by its lower-case name."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    def with_header(self, name: str, value: str) -> "Answer":
        """The same with one header set."""
        kept = tuple((key, old) for key, old in self.headers if key.lower() != name.lower())
        return replace(self, headers=(*kept, (name, value)))


async def read_request(scope: Scope, receive: Receive) -> Request:
    """The whole request. Raises Disconnected when the client goes away in the middle."""
    parts = []
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    client = scope.get("client") or ("127.0.0.1", 0)
    return Request(
        method=scope["method"],
        raw_path=raw_path(scope),
        query_string=scope.get("query_string", b"").decode("latin-1"),
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]),
        body=b"".join(parts),
        client=client[0],
    )


def raw_path(scope: Scope) -> str:
    """The path as it was sent, still percent-encoded, without the query."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.partition(b"?")[0].decode("latin-1")


async def send_answer(send: Send, answer: Answer, *, head: bool = False) -> None:
    """Sends the whole answer; of one to HEAD only the head."""
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in answer.headers]
    if not any(name == b"content-length" for name, _ in headers):
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else answer.body})


def first_header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    """A header straight from an ASGI scope; empty when absent."""
    for key, value in headers:
        if key == name:
            return value.decode("latin-1")
    return ""
