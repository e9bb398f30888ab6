"""What is told to GitHub, in the background: a deploy never waits for it, and never fails with it.

Jobs are done in their order by one thread, as GitHub asks of writers. A job that waits is replaced by a newer one of
the same name: of a comment that is edited several times in a second, only the last edit is worth a request.
"""

import threading
from collections.abc import Callable

from pipeline.errors import PipelineError

Job = Callable[[], object]


class Outbox:
    """Jobs under way. `problems` are what GitHub did not take, each told once."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._waiting: dict[str, Job] = {}
        self._change = threading.Condition()
        self._closing = False
        self._busy = False
        self._thread: threading.Thread | None = None

    def put(self, name: str, job: Job) -> None:
        """Has `job` done soon, instead of one of this name that still waits."""
        with self._change:
            self._waiting[name] = job
            self._closing = False
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="github", daemon=True)
                self._thread.start()
            self._change.notify_all()

    def close(self, timeout: float) -> None:
        """Returns when all is done, or after `timeout` seconds; what is not done then is a problem."""
        with self._change:
            self._closing = True
            self._change.notify_all()
            self._change.wait_for(lambda: not self._waiting and not self._busy, timeout)
            self.problems += [f"{name}: GitHub did not take it in time" for name in self._waiting]
            self._waiting.clear()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                job[1]()
            except PipelineError as error:
                self._note(job[0], str(error))
            except Exception as error:  # noqa: BLE001 - a fault in telling may not end what is told about
                self._note(job[0], f"{type(error).__name__}: {error}")

    def _next(self) -> tuple[str, Job] | None:
        with self._change:
            self._busy = False
            self._change.notify_all()
            self._change.wait_for(lambda: self._waiting or self._closing)
            if not self._waiting:
                self._thread = None
                return None
            name = next(iter(self._waiting))
            self._busy = True
            return name, self._waiting.pop(name)

    def _note(self, name: str, why: str) -> None:
        with self._change:
            self.problems.append(f"{name}: {why}")
