"""What is told in the background: in order, the newest of each name, and never an error for who tells it."""

import threading
from functools import partial

import pytest

from pipeline.errors import GitHubError
from pipeline.github.outbox import Outbox


def test_jobs_are_done_in_their_order() -> None:
    done: list[int] = []
    outbox = Outbox()
    for number in range(5):
        outbox.put(str(number), partial(done.append, number))
    outbox.close(10)
    assert (done, outbox.problems) == ([0, 1, 2, 3, 4], [])


def test_a_newer_job_replaces_one_that_waits() -> None:
    done: list[str] = []
    outbox, go = Outbox(), threading.Event()
    outbox.put("first", lambda: go.wait(10))
    for text in ("a", "b", "c"):
        outbox.put("comment", partial(done.append, text))
    go.set()
    outbox.close(10)
    assert done == ["c"]


@pytest.mark.parametrize("error", [GitHubError("GitHub: 502"), KeyError("id")])
def test_a_failure_is_kept_for_the_end_and_the_rest_is_done(error: Exception) -> None:
    done: list[int] = []

    def fail() -> None:
        raise error

    outbox = Outbox()
    outbox.put("comment", fail)
    outbox.put("labels", lambda: done.append(1))
    outbox.close(10)
    assert done == [1]
    assert len(outbox.problems) == 1
    assert outbox.problems[0].startswith("comment: ")


def test_what_hangs_is_left_behind() -> None:
    outbox, go = Outbox(), threading.Event()
    outbox.put("comment", lambda: go.wait(10))
    outbox.put("labels", lambda: None)
    outbox.close(0.05)
    go.set()
    assert "labels: GitHub did not take it in time" in outbox.problems


def test_an_outbox_without_jobs_is_closed_at_once() -> None:
    Outbox().close(10)


def test_a_closed_outbox_can_be_used_again() -> None:
    done: list[int] = []
    outbox = Outbox()
    for number in range(3):
        outbox.put("job", partial(done.append, number))
        outbox.close(10)
    assert done == [0, 1, 2]
