"""A WebSocket client, as far as tests need one: a handshake, short text frames, and the close. RFC 6455."""

import base64
import os
import socket
import struct
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10


class Refused(Exception):
    """The handshake was answered with something else than 101; `status` says with what."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the handshake was answered with {status}")
        self.status = status


class WebSocket:
    """A connection to `ws://host:port/path`, in the name of `host` where that is another one. Raises Refused."""

    def __init__(self, url: str, *, patience: float = 60.0, host: str | None = None) -> None:
        parts = urlsplit(url)
        assert parts.scheme == "ws"
        assert parts.hostname
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._socket = socket.create_connection((parts.hostname, parts.port or 80), patience)
        key = base64.b64encode(os.urandom(16)).decode()
        head = (
            f"GET {target} HTTP/1.1\r\nHost: {host or parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        self._socket.sendall(head.encode())
        self._file = self._socket.makefile("rb")
        status = int(self._file.readline().split()[1])
        while self._file.readline().strip():
            pass
        if status != 101:
            self._end()
            raise Refused(status)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def send(self, text: str) -> None:
        """One message."""
        self._frame(_TEXT, text.encode())

    def receive(self) -> str:
        """The next message. Raises ConnectionError when the other side closes, TimeoutError when nothing comes."""
        while True:
            kind, data = self._next()
            if kind == _TEXT:
                return data.decode()
            if kind == _CLOSE:
                raise ConnectionError("closed by the other side")
            if kind == _PING:
                self._frame(_PONG, data)

    def close(self) -> None:
        """Says goodbye, and waits for the answer."""
        try:
            self._frame(_CLOSE, struct.pack("!H", 1000))
            while self._next()[0] != _CLOSE:
                pass
        except OSError:
            pass
        finally:
            self._end()

    def _end(self) -> None:
        self._file.close()
        self._socket.close()

    def _frame(self, kind: int, data: bytes) -> None:
        length = bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0x80 | 126]) + struct.pack("!H", len(data))
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
        self._socket.sendall(bytes([0x80 | kind]) + length + mask + masked)

    def _next(self) -> tuple[int, bytes]:
        head = self._file.read(2)
        if len(head) < 2:
            raise ConnectionError("the connection ended")
        length = head[1] & 0x7F
        if length == 126:
            length = struct.unpack("!H", self._file.read(2))[0]
        elif length == 127:
            length = struct.unpack("!Q", self._file.read(8))[0]
        return head[0] & 0x0F, self._file.read(length)
