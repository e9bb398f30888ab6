from contextvars import ContextVar
from functools import partial
from threading import Barrier, Event, Thread, current_thread

import pytest

from pipeline.applying.parallel import Workers
from pipeline.errors import Interrupted, PipelineError
from tests.support.faults import Crash


def failing(error: BaseException) -> int:
    raise error


def test_results_come_in_order_and_thunks_run_side_by_side() -> None:
    together = Barrier(3, timeout=10)

    def meet(number: int) -> int:
        together.wait()
        return number

    assert Workers(3).gather([partial(meet, number) for number in range(3)]) == [0, 1, 2]


def test_one_thunk_runs_here() -> None:
    assert Workers(3).gather([current_thread]) == [current_thread()]
    assert Workers(3).gather([]) == []


def test_gathering_within_thunks_never_deadlocks() -> None:
    workers = Workers(2)

    def nest(depth: int) -> int:
        return sum(workers.gather([lambda: nest(depth - 1)] * 3)) if depth else 1

    assert nest(4) == 81


def test_the_first_error_in_order_is_raised_after_all_have_ended() -> None:
    ended: list[int] = []
    thunks = [lambda: ended.append(0), lambda: failing(PipelineError("one")), lambda: failing(PipelineError("two"))]
    with pytest.raises(PipelineError, match="one"):
        Workers(1).gather([*thunks, lambda: ended.append(3)])
    assert ended == [0, 3]


def test_a_crash_goes_before_errors() -> None:
    with pytest.raises(Crash):
        Workers(2).gather([lambda: failing(PipelineError("an error")), lambda: failing(Crash("gone"))])


def test_when_stopped_a_hanging_call_is_left_behind() -> None:
    stop, never = Event(), Event()
    stop.set()
    workers = Workers(2, stop, grace=0.2)
    with pytest.raises(Interrupted):
        workers.gather([lambda: never.wait(60), lambda: True])
    never.set()


def test_when_stopped_calls_in_flight_may_end() -> None:
    stop = Event()

    def stopping() -> int:
        stop.set()
        return 1

    assert Workers(2, stop, grace=60).gather([stopping, lambda: 2]) == [1, 2]


def test_threads_are_daemons_and_as_few_as_needed() -> None:
    workers = Workers(8)
    threads = {workers.submit(current_thread).done.wait(10) for _ in range(1)}
    assert threads == {True}
    seen = set(workers.gather([current_thread] * 40))
    assert len(seen) <= 8
    assert all(thread.daemon for thread in seen)


def test_the_context_of_the_caller_is_seen_in_thunks() -> None:
    address: ContextVar[str] = ContextVar("address", default="")
    address.set("iam.role/x")
    assert Workers(2).gather([address.get, address.get]) == ["iam.role/x"] * 2


def test_the_main_thread_leaves_a_hanging_call_behind_when_stopped() -> None:
    stop, never = Event(), Event()
    stop.set()
    with pytest.raises(Interrupted) as caught:
        Workers(2, stop, grace=0.2).attend(lambda: never.wait(60))
    assert caught.value.hint == "run the same command again: it continues"
    never.set()


def test_a_call_is_attended_where_it_can_be_left_behind() -> None:
    """Other threads are left behind as a whole, and without a stop nobody leaves."""
    seen = []
    workers = Workers(2, Event())
    elsewhere = Thread(target=lambda: seen.append(workers.attend(current_thread)))
    elsewhere.start()
    elsewhere.join()
    assert seen == [elsewhere]
    assert workers.attend(current_thread).daemon
    assert Workers(2).attend(current_thread) is current_thread()


def test_what_a_call_raises_is_raised_where_it_is_attended() -> None:
    with pytest.raises(PipelineError, match="one"):
        Workers(2, Event()).attend(lambda: failing(PipelineError("one")))


def test_threads_without_work_end_and_others_take_their_place() -> None:
    workers = Workers(4, idle=0.01)
    for _ in range(3):
        threads = {*workers.gather([current_thread] * 8)}
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()


def test_no_task_is_forgotten_when_threads_end_at_the_same_moment() -> None:
    workers = Workers(2, idle=0.0005)
    for number in range(300):
        assert workers.gather([partial(int, number), partial(int, number + 1)]) == [number, number + 1]
        never = Event()
        never.wait(0.0005)
