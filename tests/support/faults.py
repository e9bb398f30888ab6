"""Ways to AWS that break on purpose: they wrap any `Aws` and play a killed process, an error or a lost answer."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Self, TypeVar

from pipeline.applying.operations import operations
from pipeline.errors import PipelineError
from pipeline.model.scope import Scope
from pipeline.resources.base import Aws

T = TypeVar("T")


class Crash(BaseException):
    """The process is gone: no `except Exception` may catch it, nothing after it may run."""


@dataclass
class Recorded:
    """One call that was made: `service:Operation` and its parameters."""

    name: str
    params: dict[str, Any] = field(repr=False)


class Recorder:
    """An `Aws` that notes every call in `calls`, and hands it on to `inner`.

    Calls within `pages` and `found` are notes of their own, so that a crash can fall behind each of them.
    """

    def __init__(self, inner: Aws) -> None:
        self.inner = inner
        self.calls: list[Recorded] = []
        self._lock = Lock()

    @property
    def scope(self) -> Scope:
        return self.inner.scope

    @property
    def counts(self) -> Counter[str]:
        """How often each `service:Operation` was called."""
        return Counter(call.name for call in self.calls)

    @property
    def changing(self) -> list[Recorded]:
        """The calls that may change something."""
        return [call for call in self.calls if operations().get(*call.name.split(":")).mutating]

    def call(self, service: str, operation: str, /, *, region: str | None = None, **params: Any) -> dict[str, Any]:
        return self._carry_out(service, operation, params, lambda: self._call(service, operation, region, params))

    def pages(self, service: str, operation: str, /, key: str, **params: Any) -> list[Any]:
        return self._carry_out(
            service, operation, params, lambda: self.inner.pages(service, operation, key=key, **params)
        )

    def found(self, service: str, operation: str, /, **params: Any) -> dict[str, Any] | None:
        return self._carry_out(service, operation, params, lambda: self.inner.found(service, operation, **params))

    def gather(self, thunks: Iterable[Callable[[], T]]) -> list[T]:
        """One after the other: a crash falls at the same place in every run."""
        return [thunk() for thunk in thunks]

    def wait(self, what: str, poll: Callable[[], T | None], *, every: float, budget: float) -> T:
        return self.inner.wait(what, poll, every=every, budget=budget)

    def artifact(self, digest: str) -> Mapping[str, str]:
        return self.inner.artifact(digest)

    def _call(self, service: str, operation: str, region: str | None, params: dict[str, Any]) -> dict[str, Any]:
        where = {"region": region} if region else {}
        return self.inner.call(service, operation, **where, **params)

    def _carry_out(self, service: str, operation: str, params: dict[str, Any], act: Callable[[], T]) -> T:
        with self._lock:
            self.calls.append(Recorded(f"{service}:{operation}", params))
        return act()


class CrashAfter(Recorder):
    """Crashes at call number `n` (from 1): after it was carried out, or with `before` instead of it.

    `only_changing` counts the calls that may change something alone. Once crashed, every further call crashes too:
    a dead process makes none.
    """

    def __init__(self, inner: Aws, n: int, *, before: bool = False, only_changing: bool = False) -> None:
        super().__init__(inner)
        self.n, self.before, self.only_changing = n, before, only_changing
        self.crashed = False
        self._counted = 0

    @classmethod
    def before_call(cls, inner: Aws, n: int) -> Self:
        """Dies just before call number `n` leaves."""
        return cls(inner, n, before=True)

    def _carry_out(self, service: str, operation: str, params: dict[str, Any], act: Callable[[], T]) -> T:
        with self._lock:
            if self.crashed:
                raise Crash(f"after the crash: {service}:{operation}")
            if not self.only_changing or self._changes(service, operation):
                self._counted += 1
            due = self._counted == self.n and (not self.only_changing or self._changes(service, operation))
            if due:
                self.crashed = True
        if due and self.before:
            raise Crash(f"before {service}:{operation}")
        try:
            answer = super()._carry_out(service, operation, params, act)
        except PipelineError as error:
            if due:
                raise Crash(f"after {service}:{operation}") from error
            raise
        if due:
            raise Crash(f"after {service}:{operation}")
        return answer

    @staticmethod
    def _changes(service: str, operation: str) -> bool:
        return operations().get(service, operation).mutating


class Failing(Recorder):
    """Raises `errors[name]` in turn for calls of `service:Operation`, before they are carried out.

    With `carried_out` they are carried out first: an answer that was lost.
    """

    def __init__(self, inner: Aws, errors: Mapping[str, list[BaseException]], *, carried_out: bool = False) -> None:
        super().__init__(inner)
        self.errors = {name: list(queue) for name, queue in errors.items()}
        self.carried_out = carried_out

    def _carry_out(self, service: str, operation: str, params: dict[str, Any], act: Callable[[], T]) -> T:
        queue = self.errors.get(f"{service}:{operation}")
        if not queue:
            return super()._carry_out(service, operation, params, act)
        error = queue.pop(0)
        if self.carried_out:
            super()._carry_out(service, operation, params, act)
        raise error
