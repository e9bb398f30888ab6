"""Tests are cut off from the network."""

import socket
import urllib.request

import pytest


@pytest.mark.parametrize("host", ["example.com", "192.0.2.1", "2001:db8::1"])
def test_nothing_beyond_this_machine_is_reached(host: str) -> None:
    with pytest.raises(RuntimeError, match="a test may not"):
        socket.create_connection((host, 80), timeout=1)


def test_names_are_not_looked_up() -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(RuntimeError, match="may not look up"):
        opener.open("http://example.com")


def test_this_machine_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()[:2], timeout=5).close()
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5).close()


def test_processes_talk_over_files() -> None:
    one, two = socket.socketpair()
    one.sendall(b"x")
    assert two.recv(1) == b"x"
    one.close()
    two.close()
