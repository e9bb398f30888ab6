"""Notices to Slack and to programs: what they say, and that nothing depends on whether they arrive."""

import io
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.commands.notifying import notify, notify_end
from pipeline.commands.workspace import Clock, Workspace
from pipeline.reporting.console import Console
from pipeline.reporting.notice_text import Notice
from tests.support.listener import Listener, listening


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as found:
        yield found


def space(**environ: str) -> tuple[Workspace, io.StringIO]:
    err = io.StringIO()
    clock = Clock(lambda: 0.0, lambda: 0.0, lambda _: None)
    return Workspace(Path(), None, False, Console(io.StringIO(), err), clock, threading.Event(), environ), err


RUN = {"GITHUB_SERVER_URL": "https://github.example", "GITHUB_REPOSITORY": "acme/infra", "GITHUB_RUN_ID": "7"}


def test_both_are_told(listener: Listener) -> None:
    place, err = space(PIPELINE_SLACK_WEBHOOK=listener.url, PIPELINE_WEBHOOK=listener.url, **RUN)
    notify(place, "drifted", "production", "2 resources <!channel> were changed")
    slack, other = listener.bodies
    assert slack == {
        "text": "⚠️ production of acme/infra: drifted (<https://github.example/acme/infra/actions/runs/7|run>)\n"
        "2 resources &lt;!channel&gt; were changed"
    }
    assert other == {
        "format": 1, "event": "drifted", "environment": "production", "text": "2 resources <!channel> were changed",
        "repository": "acme/infra", "url": "https://github.example/acme/infra/actions/runs/7",
    }  # fmt: skip
    assert err.getvalue() == ""


@pytest.mark.parametrize(("code", "event"), [(1, "failed"), (2, "failed"), (4, "refused"), (5, "reverted")])
def test_how_a_run_ended(listener: Listener, code: int, event: str) -> None:
    notify_end(space(PIPELINE_WEBHOOK=listener.url)[0], "dev", code, "why")
    assert [body["event"] for body in listener.bodies] == [event]


@pytest.mark.parametrize("code", [0, 130])
def test_what_went_well_or_was_stopped_is_no_news(listener: Listener, code: int) -> None:
    notify_end(space(PIPELINE_WEBHOOK=listener.url)[0], "dev", code, "why")
    assert listener.bodies == []


def test_a_failure_of_theirs_is_tried_once_more(listener: Listener) -> None:
    listener.statuses = [503]
    place, err = space(PIPELINE_WEBHOOK=listener.url)
    notify(place, "failed", "dev", "why")
    assert (len(listener.bodies), err.getvalue()) == (2, "")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:9/secret-path", "it did not answer"),
        ("http://example.com/secret-path", "does not begin with https://"),
        ("file:///secret-path", "does not begin with https://"),
        ("file://localhost/secret-path", "does not begin with https://"),
        ("https://127.0.0.1:9/secret-path and more", "its address is not one that can be called"),
        ("https://127.0.0.1:9/secret-path/é", "its address is not one that can be called"),
        ("https://[secret-path", "its address is not one that can be called"),
        ("https://127.0.0.1:secret-path/", "its address is not one that can be called"),
    ],
)
def test_what_does_not_arrive_is_said_without_the_address(url: str, why: str) -> None:
    place, err = space(PIPELINE_SLACK_WEBHOOK=url)
    notify(place, "failed", "dev", "why")
    assert why in err.getvalue()
    assert "notifying PIPELINE_SLACK_WEBHOOK" in err.getvalue()
    assert "secret-path" not in err.getvalue()


def test_an_address_from_a_file_ends_with_a_line(listener: Listener) -> None:
    place, err = space(PIPELINE_WEBHOOK=f"{listener.url}\n")
    notify(place, "failed", "dev", "why")
    assert (len(listener.bodies), err.getvalue()) == (1, "")


def test_an_answer_that_is_no_http_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            for _ in range(2):
                with server.accept()[0] as connection:
                    connection.recv(65536)
                    connection.sendall(b"nonsense\r\n\r\n")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        place, err = space(PIPELINE_WEBHOOK=f"http://127.0.0.1:{server.getsockname()[1]}/secret-path")
        notify(place, "failed", "dev", "why")
        thread.join(10)
    assert "it did not answer (BadStatusLine)" in err.getvalue()


def test_a_refusal_of_theirs_is_not_repeated(listener: Listener) -> None:
    listener.statuses = [404]
    place, err = space(PIPELINE_WEBHOOK=listener.url)
    notify(place, "failed", "dev", "why")
    assert len(listener.bodies) == 1
    assert "it answered 404" in err.getvalue()


def test_nothing_is_sent_elsewhere(listener: Listener) -> None:
    listener.statuses = [302]
    place, err = space(PIPELINE_WEBHOOK=listener.url)
    notify(place, "failed", "dev", "why")
    assert "it answered 302" in err.getvalue()


@given(st.text(), st.text(max_size=20))
def test_nobody_is_mentioned_by_text_from_outside(text: str, environment: str) -> None:
    shown = Notice("failed", environment, text, "acme/infra").for_slack()["text"]
    assert "<" not in shown
    assert ">" not in shown
