"""The proxy of the benchmark: every byte arrives, every call is counted, and none of them is held up by another."""

import asyncio
import json
from collections.abc import Awaitable, Callable

from benchmarks.latency import LatencyProxy

SIGNED = "AWS4-HMAC-SHA256 Credential=AKID/20261124/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"


def request(service: str, headers: str = "", body: bytes = b"", line: str = "POST / HTTP/1.1") -> bytes:
    head = (
        f"{line}\r\nHost: x\r\nAuthorization: {SIGNED.format(service)}\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Upstream:
    """Answers every request with what it was sent, and remembers it."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                body = await reader.readexactly(length)
                self.seen.append(head + body)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        except asyncio.IncompleteReadError:
            writer.close()


async def exchanged(port: int, *parts: bytes) -> bytes:
    """The body of the answer to a request that is sent in parts."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0.005)  # so that the parts arrive as such
    head = await reader.readuntil(b"\r\n\r\n")
    while head.startswith(b"HTTP/1.1 100"):
        head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
    writer.close()
    return body


def behind(latency: float, work: Callable[[int, Upstream], Awaitable[None]]) -> None:
    """Runs `work` with the port of a proxy and what stands behind it."""

    async def run() -> None:
        upstream = Upstream()
        server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        proxy = await LatencyProxy(url, latency).serve(0)
        try:
            await work(proxy.sockets[0].getsockname()[1], upstream)
        finally:
            proxy.close()
            server.close()

    asyncio.run(run())


def test_every_byte_of_a_large_body_arrives_in_order() -> None:
    async def work(port: int, upstream: Upstream) -> None:
        body = bytes(range(256)) * 4096
        whole = request("s3", body=body, line="PUT /bucket/key HTTP/1.1")
        assert await exchanged(port, *(whole[i : i + 100_000] for i in range(0, len(whole), 100_000))) == body
        assert upstream.seen == [whole]

    behind(0.01, work)


def test_calls_are_named_though_head_and_body_come_apart() -> None:
    async def work(port: int, upstream: Upstream) -> None:
        form = "Content-Type: application/x-www-form-urlencoded\r\n"
        asked = request("iam", form, b"Action=GetRole&RoleName=x")
        head, _, body = asked.partition(b"\r\n\r\n")
        await exchanged(port, head + b"\r\n\r\n", body)
        await exchanged(port, request("dynamodb", "X-Amz-Target: DynamoDB_20120810.DescribeTable\r\n", b"{}"))
        found = json.loads(await exchanged(port, b"GET /_latency/reset HTTP/1.1\r\n\r\n"))
        assert (found["calls"], found["total"]) == ({"iam:GetRole": 1, "dynamodb:DescribeTable": 1}, 2)
        assert json.loads(await exchanged(port, b"GET /_latency/calls HTTP/1.1\r\n\r\n"))["total"] == 0
        assert len(upstream.seen) == 2, "questions to the proxy itself go no further"

    behind(0.0, work)


def test_calls_wait_side_by_side() -> None:
    async def work(port: int, _: Upstream) -> None:
        one = request("lambda", line="GET /2015-03-31/functions/f HTTP/1.1")
        await asyncio.gather(*(exchanged(port, one) for _ in range(20)))
        found = json.loads(await exchanged(port, b"GET /_latency/calls HTTP/1.1\r\n\r\n"))
        assert (found["total"], found["most_in_flight"]) == (20, 20)
        trace = json.loads(await exchanged(port, b"GET /_latency/trace HTTP/1.1\r\n\r\n"))
        assert {name for name, _, _ in trace} == {"lambda:GetFunction"}
        assert all(answered - began >= 0.2 for _, began, answered in trace)

    behind(0.2, work)


def test_who_asks_before_sending_a_body_is_told_to_go_on() -> None:
    async def work(port: int, upstream: Upstream) -> None:
        asked = request("s3", "Expect: 100-continue\r\n", b"body", line="PUT /bucket/key HTTP/1.1")
        head, _, body = asked.partition(b"\r\n\r\n")
        assert await exchanged(port, head + b"\r\n\r\n", body) == b"body"
        assert b"Expect" not in upstream.seen[0]

    behind(0.0, work)
