"""A pool of daemon threads that may be used from inside itself.

`concurrent.futures` joins its threads when the interpreter ends, so one hanging call would keep a stopped run alive;
and a task that waits for tasks of its own pool deadlocks when all threads do so. Here threads are daemons, and a
waiting thread of the pool carries out its own tasks that nobody has begun. Knows nothing of AWS.
"""

import contextvars
from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread, current_thread, local, main_thread
from typing import Any, Generic, TypeVar

from pipeline.errors import Interrupted

T = TypeVar("T")

GRACE = 4.0  # seconds that calls in flight get to end after the run was asked to stop; 7 s is all a whole run has
IDLE = 5.0  # seconds after which a thread without work ends: nothing else tells it that nobody needs it any more
_TICK = 0.1


class Task(Generic[T]):
    """One thunk: carried out once, by whoever claims it first."""

    def __init__(self, thunk: Callable[[], T]) -> None:
        self._thunk = thunk
        self._context = contextvars.copy_context()
        self._claimed = Lock()
        self.done = Event()
        self.value: T | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """Carries the thunk out, unless another thread has begun it. Errors are kept, not raised."""
        if not self._claimed.acquire(blocking=False):
            return
        try:
            self.value = self._context.run(self._thunk)
        except BaseException as error:  # noqa: BLE001 - kept for the thread that waits and raises it
            self.error = error
        finally:
            self.done.set()

    def result(self) -> T:
        """The value, or the error raised here. Only after `done`."""
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]  # None only when T allows it


class Workers:
    """At most `size` daemon threads, started when there is work for them.

    Once `stop` is set, calls in flight get `grace` seconds to end.
    """

    def __init__(self, size: int, stop: Event | None = None, *, grace: float = GRACE, idle: float = IDLE) -> None:
        self.size = size
        self._stop = stop
        self._grace = grace
        self._patience = idle
        self._queue: SimpleQueue[Task[Any]] = SimpleQueue()
        self._lock = Lock()
        self._threads = 0
        self._idle = 0
        self._here = local()

    def submit(self, thunk: Callable[[], T]) -> Task[T]:
        """Begins `thunk` as soon as a thread is free."""
        task = Task(thunk)
        with self._lock:
            start = self._idle <= self._queue.qsize() and self._threads < self.size
            self._threads += start
            self._queue.put(task)
        if start:
            Thread(target=self._work, name="aws-call", daemon=True).start()
        return task

    def gather(self, thunks: Iterable[Callable[[], T]]) -> list[T]:
        """Runs the thunks in parallel; their results in order.

        The first error in that order is raised after all have ended; one that is no Exception (a crash, an interrupt
        from the keyboard) goes first. Raises Interrupted when the run was asked to stop and a thunk does not end.
        """
        work = list(thunks)
        if len(work) < 2:
            return [thunk() for thunk in work]
        tasks = [self.submit(thunk) for thunk in work]
        if getattr(self._here, "inside", False):
            for task in tasks:
                task.run()
        self._join(tasks)
        errors = [task.error for task in tasks if task.error is not None]
        for error in sorted(errors, key=lambda error: isinstance(error, Exception)):
            raise error
        return [task.result() for task in tasks]

    def wait_for(self, task: Task[T]) -> T:
        """The result of what was submitted. Raises Interrupted when the run was asked to stop and it does not end."""
        self._join([task])
        return task.result()

    def attend(self, thunk: Callable[[], T]) -> T:
        """Runs one thunk. The main thread only waits for it: asked to stop, it must leave a hanging one behind.

        Raises Interrupted when the run was asked to stop and the thunk does not end.
        """
        if self._stop is None or current_thread() is not main_thread():
            return thunk()
        return self.wait_for(self.submit(thunk))

    def _join(self, tasks: list[Task[T]]) -> None:
        """Waits in short steps, so that a signal's handler runs and the stop flag is seen."""
        left = self._grace
        for task in tasks:
            while not task.done.wait(_TICK):
                if self._stop is not None and self._stop.is_set():
                    left -= _TICK
                    if left <= 0:
                        raise Interrupted("waiting for calls in flight: the run was asked to stop")

    def _work(self) -> None:
        self._here.inside = True
        while (task := self._next()) is not None:
            task.run()
            del task  # what it refers to may go while this thread waits

    def _next(self) -> Task[Any] | None:
        """The next task; None when none came for long, and the thread is to end."""
        with self._lock:
            self._idle += 1
        task = None
        with suppress(Empty):
            task = self._queue.get(timeout=self._patience)
        with self._lock:
            if task is None:  # one may have come since, which counted on this thread
                with suppress(Empty):
                    task = self._queue.get_nowait()
            self._idle -= 1
            self._threads -= task is None
        return task
