"""Pages that CloudFront serves here find their APIs on this machine."""

import asyncio
import json
from typing import Any

import pytest

from pipeline.local.plane.asgi import Message
from pipeline.local.plane.names import is_distribution
from pipeline.local.plane.pages import with_local_addresses

SCOPE: dict[str, Any] = {"server": ("127.0.0.1", 4000), "headers": [(b"host", b"d1.cloudfront.net")]}
AWS = b'{"api": "https://abc.execute-api.eu-west-1.amazonaws.com/dev", "ws": "wss://def.execute-api.eu-west-1.amazonaws.com/x"}'


def answered(kind: bytes, *pieces: bytes, **headers: bytes) -> tuple[dict[bytes, bytes], bytes]:
    """The headers and the body of an answer once it went through."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def answer() -> None:
        through = with_local_addresses(SCOPE, send)
        more = [(name.encode().replace(b"_", b"-"), value) for name, value in headers.items()]
        start = [(b"Content-Type", kind), (b"Content-Length", b"%d" % sum(map(len, pieces))), *more]
        await through({"type": "http.response.start", "status": 200, "headers": start})
        for piece in pieces[:-1]:
            await through({"type": "http.response.body", "body": piece, "more_body": True})
        await through({"type": "http.response.body", "body": pieces[-1]})

    asyncio.run(answer())
    found = {name.lower(): value for name, value in sent[0]["headers"]}
    return found, b"".join(message["body"] for message in sent[1:])


def test_addresses_of_apis_in_json_are_local_ones() -> None:
    for pieces in ((AWS,), (AWS[:30], AWS[30:])):
        headers, body = answered(b"application/json; charset=utf-8", *pieces)
        assert json.loads(body) == {
            "api": "http://127.0.0.1:4000/_aws/execute-api/abc/dev", "ws": "ws://127.0.0.1:4000/_aws/execute-api/def/x",
        }  # fmt: skip
        assert headers[b"content-length"] == b"%d" % len(body)


@pytest.mark.parametrize(
    ("kind", "headers"), [(b"text/html", {}), (b"application/json", {"content_encoding": b"gzip"}), (b"image/png", {})]
)
def test_nothing_else_is_changed(kind: bytes, headers: dict[str, bytes]) -> None:
    found, body = answered(kind, AWS, **headers)
    assert body == AWS
    assert found[b"content-length"] == b"%d" % len(AWS)


def test_an_answer_to_head_keeps_its_length() -> None:
    headers, body = answered(b"application/json", b"", x=b"y")
    assert (body, headers[b"content-length"]) == (b"", b"0")


def test_what_cloudfront_answers_is_known_by_its_host() -> None:
    assert is_distribution(SCOPE)
    assert not is_distribution({"headers": [(b"host", b"127.0.0.1:4000")]})
