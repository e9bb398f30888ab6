"""Just enough HTTP/1.1 to pass requests and answers on: whole messages, connections that are kept."""

import asyncio
from dataclasses import dataclass, replace
from functools import cached_property
from http import HTTPStatus

from tests.support.wire import Answer

_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect", "proxy-connection"}


class Broken(Exception):
    """The connection cannot be used any more."""


@dataclass(frozen=True)
class Message:
    """A request or an answer. `start` are the three words of the first line."""

    start: tuple[str, str, str]
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    bodiless: bool = False

    @cached_property
    def lowered(self) -> dict[str, str]:
        """Headers by their name in lower case."""
        return {name.lower(): value for name, value in self.headers}

    @property
    def keeps_open(self) -> bool:
        """True when the sender of this answer will take another request."""
        connection = self.lowered.get("connection", "").lower()
        return connection != "close" and (self.start[0] == "HTTP/1.1" or connection == "keep-alive")

    def with_body(self, body: bytes) -> "Message":
        """The same with another body."""
        return replace(self, body=body)

    def to_bytes(self) -> bytes:
        """As sent on: with a length, without what concerns one connection only."""
        lines = [" ".join(self.start)]
        lines += [f"{name}: {value}" for name, value in self.headers if name.lower() not in _HOP]
        length = self.lowered.get("content-length", "0") if self.bodiless else str(len(self.body))
        lines += [f"Content-Length: {length}", "", ""]
        return "\r\n".join(lines).encode("latin-1") + self.body


@dataclass(frozen=True)
class Connection:
    """A TCP connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, message: Message) -> None:
        """Sends a message."""
        self.writer.write(message.to_bytes())

    def send_answer(self, answer: Answer) -> None:
        """Sends an answer of the proxy's own."""
        start = ("HTTP/1.1", str(answer.status), HTTPStatus(answer.status).phrase)
        self.send(Message(start, tuple(answer.headers.items()), answer.body))

    def abort(self) -> Broken:
        """Cuts the connection off, without an answer."""
        self.writer.transport.abort()
        return Broken("cut off on purpose")


async def read_message(connection: Connection, *, answer_expect: bool = False, to: str | None = None) -> Message | None:
    """The next message, None at the end. `to`: the method that it answers, when it is an answer."""
    try:
        head = await connection.reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    words = first.split(" ", 2)
    headers = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
    message = Message((words[0], words[1], words[2] if len(words) > 2 else ""), headers)
    if to is not None and words[1] == "100":
        return await read_message(connection, to=to)
    if answer_expect and message.lowered.get("expect", "").lower() == "100-continue":
        connection.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if to == "HEAD" or (to is not None and words[1] in ("204", "304")):
        return replace(message, bodiless=True)
    return replace(message, body=await _body(connection.reader, message, answer=to is not None))


async def _body(reader: asyncio.StreamReader, message: Message, *, answer: bool) -> bytes:
    if "chunked" in message.lowered.get("transfer-encoding", "").lower():
        return await _chunks(reader)
    if length := message.lowered.get("content-length"):
        return await reader.readexactly(int(length))
    return await reader.read(-1) if answer else b""


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass  # trailers
    return body
