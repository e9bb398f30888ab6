"""A proxy that adds latency to every AWS call, and little else: it must not be what is measured.

Bytes are passed on as they come (one event loop, no parsing of bodies): a request's after `latency`, an answer's at
once. It costs about a tenth of a millisecond a call, a tenth of what botocore takes to make one. The heads of requests
are kept and only looked at when somebody asks which calls there were.

    python -m benchmarks.latency --upstream http://127.0.0.1:4566 --latency-ms 50      prints its port
    GET /_latency/calls     {"calls": {"s3:GetObject": 2, ...}, "total": 2, "most_in_flight": 2}
    GET /_latency/reset     the same, and forgets them
    GET /_latency/trace     [["s3:GetObject", 0.012, 0.071], ...]: when each began and was answered, in seconds
"""

import argparse
import asyncio
import gc
import json
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.support.wire import Request, identify

_REQUEST = re.compile(rb"(?P<method>[A-Z]+) (?P<target>\S+) HTTP/1\.1\r\n")
_CONTROL = b"/_latency/"
# A client that asks before it sends a body is told to go on at once: a call is delayed once, whatever its size.
_EXPECT = b"\r\nExpect: 100-continue"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
# What is kept of a request: its head, and of a small body enough to hold the `Action` of the query protocol.
_KEPT = 8192


@dataclass(slots=True)
class Passed:
    """One request: the beginning of its bytes, when it arrived and when its answer began (0: not yet)."""

    head: bytearray
    began: float
    answered: float = 0.0

    def add(self, data: bytes) -> None:
        """More of its bytes."""
        self.head += data[: max(0, _KEPT - len(self.head))]


class Wire:
    """What came through."""

    def __init__(self) -> None:
        self.passed: list[Passed] = []
        self.in_flight = 0
        self.most_in_flight = 0

    def begun(self, data: bytes) -> Passed:
        """A request has arrived."""
        one = Passed(bytearray(data[:_KEPT]), time.monotonic())
        self.passed.append(one)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        return one

    def ended(self, one: Passed) -> None:
        """Its answer has begun."""
        one.answered = time.monotonic()
        self.in_flight -= 1

    def report(self) -> dict[str, object]:
        """How often each `service:Operation` was called."""
        names = Counter(_name(one) for one in self.passed)
        return {"calls": dict(sorted(names.items())), "total": len(self.passed), "most_in_flight": self.most_in_flight}

    def trace(self) -> list[tuple[str, float, float]]:
        """Every call, seconds counted from the first."""
        zero = self.passed[0].began if self.passed else 0.0
        return [(_name(one), round(one.began - zero, 4), round(one.answered - zero, 4)) for one in self.passed]

    def reset(self) -> None:
        """Forgets what came through so far."""
        self.passed.clear()
        self.most_in_flight = 0


def _name(one: Passed) -> str:
    head = bytes(one.head)
    top, _, body = head.partition(b"\r\n\r\n")
    first, *lines = top.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    call = identify(Request(method, target, headers, body))
    return call.name if call else f"{method} {target}"


class _Client(asyncio.Protocol):
    """One connection of the program that is measured."""

    def __init__(self, proxy: "LatencyProxy") -> None:
        self._proxy = proxy
        self._loop = asyncio.get_running_loop()
        self._upstream: asyncio.Transport | None = None
        self._early: list[bytes] = []
        self._current: Passed | None = None  # the request that has begun and whose answer has not

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._connecting = self._loop.create_task(self._connect())

    async def _connect(self) -> None:
        host, port = self._proxy.upstream
        try:
            self._upstream, _ = await self._loop.create_connection(lambda: _Upstream(self), host, port)
        except OSError:
            self.transport.close()
            return
        for data in self._early:
            self._upstream.write(data)

    def data_received(self, data: bytes) -> None:
        if self._current is not None:
            self._current.add(data)
        elif (found := _REQUEST.match(data)) is not None:
            if found["target"].startswith(_CONTROL):
                self.transport.write(self._proxy.control(found["target"]))
                return
            self._current = self._proxy.wire.begun(data)
            if _EXPECT in data:
                self.transport.write(_CONTINUE)
                data = data.replace(_EXPECT, b"", 1)
        # Timers of one delay fire in the order in which they were set, so the parts of a request stay in order.
        self._loop.call_later(self._proxy.latency, self._pass_on, data)

    def _pass_on(self, data: bytes) -> None:
        if self._upstream is None:
            self._early.append(data)
        else:
            self._upstream.write(data)

    def answered(self, data: bytes) -> None:
        """A part of an answer has come."""
        if self._current is not None:
            self._proxy.wire.ended(self._current)
            self._current = None
        self.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connecting.cancel()
        if self._current is not None:
            self._proxy.wire.ended(self._current)
        if self._upstream is not None:
            self._upstream.close()


class _Upstream(asyncio.Protocol):
    """The connection to AWS that belongs to one of a client."""

    def __init__(self, client: _Client) -> None:
        self._client = client

    def data_received(self, data: bytes) -> None:
        self._client.answered(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._client.transport.close()


class LatencyProxy:
    """Stands before the AWS at `upstream`; `latency` is in seconds."""

    def __init__(self, upstream: str, latency: float) -> None:
        parts = urlsplit(upstream)
        self.upstream = (parts.hostname or "127.0.0.1", parts.port or 80)
        self.latency = latency
        self.wire = Wire()

    def control(self, target: bytes) -> bytes:
        """The answer to a question about what came through."""
        body = json.dumps(self.wire.trace() if target.endswith(b"/trace") else self.wire.report()).encode()
        if target.endswith(b"/reset"):
            self.wire.reset()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    async def serve(self, port: int) -> asyncio.Server:
        """Listens on `port` of 127.0.0.1; 0: any free one."""
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: _Client(self), "127.0.0.1", port, backlog=512)


async def _main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="latency", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--upstream", required=True, help="URL of the AWS to stand before")
    parser.add_argument("--latency-ms", type=float, default=50.0, help="added to every call")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    options = parser.parse_args(arguments)
    server = await LatencyProxy(options.upstream, options.latency_ms / 1000).serve(options.port)
    gc.freeze()
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1:]))
