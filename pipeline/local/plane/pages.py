"""What CloudFront serves here: pages find their APIs on this machine.

A page learns the addresses of its APIs from a JSON document that was written for AWS. No name of AWS leads here, so
addresses of API Gateway in such documents are those that answer here. Nothing else of an answer is changed.
"""

import re

from pipeline.local.plane.asgi import Message, Scope, Send, first_header

_EXECUTE_API = re.compile(
    rb"(https|wss)://([a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?", re.IGNORECASE
)
_SCHEMES = {b"https": b"http", b"wss": b"ws"}


def with_local_addresses(scope: Scope, send: Send) -> Send:
    """`send` for an answer to `scope`, with local addresses where it is JSON."""
    host, port = scope.get("server") or ("127.0.0.1", 80)
    here = f"{host}:{port}".encode()
    start: list[Message] = []
    pieces: list[bytes] = []

    async def translated(message: Message) -> None:
        if message["type"] == "http.response.start" and _is_json(message):
            start.append(message)
        elif message["type"] == "http.response.body" and start:
            pieces.append(message.get("body", b""))
            if not message.get("more_body"):
                await _send_all(send, start.pop(), _translated(b"".join(pieces), here))
        else:
            await send(message)

    return translated


def _is_json(message: Message) -> bool:
    headers = [(name.lower(), value) for name, value in message.get("headers") or ()]
    kind = first_header(headers, b"content-type").partition(";")[0].strip()
    return kind == "application/json" and not first_header(headers, b"content-encoding")


def _translated(body: bytes, here: bytes) -> bytes:
    def local(found: re.Match[bytes]) -> bytes:
        return b"%s://%s/_aws/execute-api/%s" % (_SCHEMES[found[1].lower()], here, found[2])

    return _EXECUTE_API.sub(local, body)


async def _send_all(send: Send, start: Message, body: bytes) -> None:
    headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
    # An answer to HEAD has no body, and says how long it would be as AWS has it.
    headers = [*headers, (b"content-length", str(len(body)).encode())] if body else list(start["headers"])
    await send({**start, "headers": headers})
    await send({"type": "http.response.body", "body": body})
