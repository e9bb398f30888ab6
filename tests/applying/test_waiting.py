from threading import Event

import pytest

from pipeline.applying.waiting import WaitEvent, wait_for
from pipeline.errors import AwsError, Interrupted
from tests.support.aws import FakeClock


def test_the_first_look_is_at_once(clock: FakeClock) -> None:
    assert wait_for("x", lambda: "done", every=5, budget=60, clock=clock) == "done"
    assert clock.slept == []


def test_pauses_grow_from_a_tenth_of_a_second_to_the_longest(clock: FakeClock) -> None:
    looks = iter([None] * 9 + ["done"])
    wait_for("x", lambda: next(looks), every=2, budget=600, clock=clock)
    assert [round(pause, 2) for pause in clock.slept] == [0.1, 0.16, 0.26, 0.41, 0.66, 1.05, 1.68, 2, 2]


def test_a_false_value_is_a_value(clock: FakeClock) -> None:
    assert wait_for("x", lambda: False, every=1, budget=1, clock=clock) is False


def test_giving_up_says_what_was_awaited_how_often_and_how_long(clock: FakeClock) -> None:
    with pytest.raises(AwsError) as caught:
        wait_for("dynamodb.table/orders to become ACTIVE", lambda: None, every=2, budget=10, clock=clock)
    assert caught.value.code == "TimedOut"
    assert caught.value.call.seconds == pytest.approx(10)
    assert str(caught.value) == (
        "aws:wait: TimedOut: dynamodb.table/orders to become ACTIVE: not reached [11 attempts in 10.0 s]"
    )


def test_the_last_look_falls_on_the_end_of_the_budget(clock: FakeClock) -> None:
    times: list[float] = []
    with pytest.raises(AwsError):
        wait_for("x", lambda: times.append(clock.monotonic()), every=4, budget=7, clock=clock)
    assert times[-1] == pytest.approx(7)


def test_stopping_ends_the_wait_before_the_next_look(clock: FakeClock) -> None:
    stop, looks = Event(), []
    clock.on_sleep = lambda seconds: stop.set()
    with pytest.raises(Interrupted, match="waiting for x"):
        wait_for("x", lambda: looks.append(1), every=1, budget=60, clock=clock, stop=stop)
    assert len(looks) == 1


def test_an_error_of_the_look_ends_the_wait(clock: FakeClock) -> None:
    def look() -> None:
        raise ValueError("seen")

    with pytest.raises(ValueError, match="seen"):
        wait_for("x", look, every=1, budget=60, clock=clock)


def test_only_long_waits_are_told(clock: FakeClock) -> None:
    told: list[WaitEvent] = []
    wait_for("x", lambda: clock.monotonic() > 2 or None, every=1, budget=60, clock=clock, tell=told.append)
    assert told == []
    clock.seconds = 0
    wait_for("y", lambda: clock.monotonic() > 12 or None, every=1, budget=60, clock=clock, tell=told.append)
    assert [(event.what, round(event.seconds), event.done) for event in told] == [
        ("y", 4, False),
        ("y", 9, False),
        ("y", 13, True),
    ]
