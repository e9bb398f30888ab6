"""Requests at a pace: they really come, in turn, and what became of each is known."""

from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest

from pipeline.demonstrating.load import Answer, Load, Tally, ask
from pipeline.errors import PipelineError


@pytest.fixture
def server() -> Iterator[tuple[str, Counter[str], Event]]:
    """Its address, the paths that it was asked for, and whether it was asked twenty times."""
    seen: Counter[str] = Counter()
    enough = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen[self.path] += 1
            self.send_response(500 if self.path == "/bad" else 200)
            self.end_headers()
            if seen.total() >= 20:
                enough.set()

        def log_message(self, *_: object) -> None:
            """Silent."""

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}", seen, enough
    running.shutdown()
    running.server_close()


def test_addresses_are_asked_in_turn_until_the_block_ends(server: tuple[str, Counter[str], Event]) -> None:
    url, seen, enough = server
    with Load([f"{url}/good?a=1", f"{url}/bad"], rate=500.0) as load:
        assert enough.wait(20)
    tally = Tally.of(load.answers, 0, float("inf"))
    assert tally.sent == seen.total() >= 20
    assert tally.failed == seen["/bad"]
    assert abs(seen["/good?a=1"] - seen["/bad"]) <= 6


def test_who_does_not_answer_has_failed(server: tuple[str, Counter[str], Event]) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as gone:
        port = gone.server_port
    assert ask(f"http://127.0.0.1:{port}/").status == 0


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "http://example.com/", "ws://127.0.0.1/"])
def test_nobody_else_is_asked(url: str) -> None:
    with pytest.raises(PipelineError, match="only this machine is asked"):
        ask(url)


def test_requests_are_counted_by_when_they_were_sent() -> None:
    answers = [Answer(float(at), "", status, took) for at, status, took in
               [(1, 200, 0.1), (2, 302, 1.5), (3, 403, 0.1), (4, 0, 35.0), (5, 500, 0.1)]]  # fmt: skip
    assert Tally.of(answers, 1, 3).to_json() == {"sent": 2, "failed": 0, "slow": 1}
    assert Tally.of(answers, 3, 9) == Tally(3, 3, 1)
