"""The one way to AWS: every call of a run goes through `AwsClient.call`.

Implements the port `pipeline.resources.base.Aws`. Knows pacing, locks, repetition, counting and stopping; what a
request looks like on the wire is the transport's (`pipeline.clients`).
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import replace
from threading import Event, Lock
from typing import Any, Self, TypeVar

from pipeline.applying.attempts import Attempts, CallEvent, Means, Transport
from pipeline.applying.classifier import Classifier, Kind, classifier
from pipeline.applying.once import Once
from pipeline.applying.operations import Operation, operations
from pipeline.applying.pacing import Pacer, bare_name
from pipeline.applying.paging import follow
from pipeline.applying.parallel import Workers
from pipeline.applying.waiting import Clock, WaitEvent, check_stop, wait_for
from pipeline.errors import AwsError, PipelineError
from pipeline.model.scope import Scope
from pipeline.model.values import SENSITIVE

T = TypeVar("T")
Observer = Callable[[CallEvent | WaitEvent], None]

# Seconds that a note of the ledger gets once the run was asked to stop. Calls in flight had their 4 s before, and a
# stopped run has 7 in all.
NOTES_GRACE = 2.0
SHORTEST_SECRET = 4  # characters


class AwsClient:
    """Calls of one account, one region and one run.

    `stop`: once set, no new call begins. `guard`: called before every changing call (the lock's lease check); what it
    raises ends the call. `calls` counts requests by (service, operation), repetitions included.
    `artifacts` gives the S3 location of a built archive; the ledger sets it. `elsewhere`: a region besides the run's.
    """

    def __init__(
        self,
        transport: Transport,
        clock: Clock,
        *,
        stop: Event | None = None,
        on_event: Observer | None = None,
        threads: int = 32,
        pacer: Pacer | None = None,
        judge: Callable[[], Classifier] = classifier,
    ) -> None:
        self.calls: Counter[tuple[str, str]] = Counter()
        self.clock = clock
        self.stop = stop
        self.guard: Callable[[], None] | None = None
        self.artifacts: Callable[[str], Mapping[str, str]] | None = None
        self.workers = Workers(threads, stop)
        self.transport = transport
        self.pacer = pacer or Pacer.load(clock)
        self._on_event = on_event
        self._scopes: list[Scope] = []  # a list, so that the twin of `for_records` learns of it too
        self.elsewhere: str | None = None
        self._lock = Lock()
        self._created: set[tuple[str, str]] = set()
        self._hidden: list[str] = []  # shared like `_scopes`
        self._once: Once | None = None
        self._means = Means(transport, self.pacer, clock, judge, self._tell, self._clean)

    @property
    def scope(self) -> Scope:
        """Where this run acts. PipelineError before it is known."""
        if not self._scopes:
            raise PipelineError("asking for the scope of a run: the account is not known yet")
        return replace(self._scopes[0], region=self.elsewhere) if self.elsewhere else self._scopes[0]

    @scope.setter
    def scope(self, scope: Scope) -> None:
        if self._scopes and self._scopes[0] != scope:
            raise PipelineError(f"setting the scope of a run to {scope}: it is {self._scopes[0]} already")
        self._scopes[:] = [scope]

    @property
    def region(self) -> str:
        """The region of calls that name none."""
        return self.elsewhere or self.transport.region

    @property
    def total_calls(self) -> int:
        """All requests so far, repetitions included."""
        return sum(self.calls.values())

    def is_encrypted(self, service: str) -> bool:
        """True when calls of a service travel over TLS."""
        return self.transport.endpoint(service).startswith("https://")

    def open(self, services: Iterable[str]) -> None:
        """Makes what calls of these services need, one after the other: several at once take longer altogether."""
        for service in services:
            self.transport.endpoint(service)

    def for_records(self) -> Self:
        """The same connections, pace and counts, for the ledger's own notes.

        Calls of this one go out even after the run was asked to stop (what was reached must be recorded), but one that
        hangs is given up soon then; and they do not ask the guard (the guard itself makes calls).
        """
        twin = copy(self)
        twin.stop, twin.guard = None, None
        twin.workers = Workers(self.workers.size, self.stop, grace=NOTES_GRACE)
        return twin

    def reading_once(self) -> Self:
        """The same connections, pace and counts; calls that change nothing are made once, and answered from then on."""
        twin = copy(self)
        twin._once = Once()  # noqa: SLF001 - it is one of us
        return twin

    def within(self, region: str) -> Self:
        """The same connections, pace and counts, for what lies in another region of the same environment."""
        twin = copy(self)
        twin.elsewhere = region
        return twin

    def call(self, service: str, operation: str, /, *, region: str | None = None, **params: Any) -> dict[str, Any]:
        """Makes one API call and gives its answer; {} when AWS answers that everything is as asked already.

        Raises AwsError (`error.call.details["kind"]` is the classifier's kind), AmbiguousOutcome, Interrupted, and
        PipelineError for credentials, parameters and endpoints that cannot work.
        """
        check_stop(self.stop, f"{service}:{operation}")
        return self.workers.attend(lambda: self._answer(service, operation, region or self.region, params))

    def _answer(self, service: str, operation: str, where: str, params: Mapping[str, Any]) -> dict[str, Any]:
        if self._once is None or operations().get(service, operation).mutating:
            return self._carry_out(service, operation, where, params)
        question = repr((service, operation, where, sorted(params.items())))
        return self._once.answer(question, lambda: self._carry_out(service, operation, where, params))

    def _carry_out(self, service: str, operation: str, where: str, params: Mapping[str, Any]) -> dict[str, Any]:
        known = operations().get(service, operation)
        attempts = Attempts(self._means, known, where, params)
        if not known.mutating:
            return attempts.carry_out(stop=self.stop, guard=None, fresh=self._is_fresh(service, params))
        with self.pacer.alone(service, operation, where, params, self.stop):
            answer = attempts.carry_out(stop=self.stop, guard=self.guard, fresh=self._is_fresh(service, params))
        self._remember(known, params)
        return answer

    def pages(self, service: str, operation: str, /, key: str, **params: Any) -> list[Any]:
        """All items under `key` over all pages; a dotted `key` leads to a list inside (`DistributionList.Items`)."""
        rules = self.transport.pagination(service, operation)
        return list(follow(lambda more: self.call(service, operation, **{**params, **more}), key, rules))

    def found(self, service: str, operation: str, /, **params: Any) -> dict[str, Any] | None:
        """Like `call`, but None when the error means that the object does not exist.

        Of something that this run made, that is believed only when it still holds after the time to become known.
        """
        try:
            return self.call(service, operation, **params)
        except AwsError as error:
            kind = error.call.details.get("kind")
            if kind == Kind.PROPAGATING.value:
                kind = self._means.judge().judge(error.call, params).kind.value
            if kind == Kind.ABSENT.value:
                return None
            raise

    def gather(self, thunks: Iterable[Callable[[], T]]) -> list[T]:
        """Runs the thunks in parallel; results in order; the first error is raised after all have ended."""
        return self.workers.gather(thunks)

    def wait(self, what: str, poll: Callable[[], T | None], *, every: float, budget: float) -> T:
        """Polls until a value comes: at once, then with pauses from 0.1 s to `every`, for `budget` seconds."""
        return wait_for(what, poll, every=every, budget=budget, clock=self.clock, stop=self.stop, tell=self._on_event)

    def artifact(self, digest: str) -> Mapping[str, str]:
        """The S3 location {"bucket", "key"} of a built archive, uploading it when it is not there."""
        if self.artifacts is None:
            raise PipelineError(f"looking for the archive {digest}: this run has no store of archives")
        return self.artifacts(digest)

    def hide(self, values: Iterable[str]) -> None:
        """From now on no error of AWS shows these values: some of its messages repeat what was sent."""
        forms = {form for value in values for form in _forms(value)}
        with self._lock:
            self._hidden[:] = sorted({*self._hidden, *forms}, key=lambda form: (-len(form), form))

    def _clean(self, message: str) -> str:
        for form in tuple(self._hidden):
            message = message.replace(form, SENSITIVE)
        return message

    def _tell(self, event: CallEvent) -> None:
        with self._lock:
            self.calls[event.service, event.operation] += 1
        if self._on_event is not None:
            self._on_event(event)

    def _is_fresh(self, service: str, params: Mapping[str, Any]) -> bool:
        """True when this run created what the call names, so that not all of AWS may know it yet."""
        if not self._created:
            return False
        return any((service, bare_name(value)) in self._created for value in params.values() if isinstance(value, str))

    def _remember(self, operation: Operation, params: Mapping[str, Any]) -> None:
        named = operations().identity(operation.service, operation.name, params)
        if named is not None:
            with self._lock:
                if operation.deleting:
                    self._created.discard(named)
                else:
                    self._created.add(named)


def _forms(value: str) -> set[str]:
    """A secret as it is and as AWS may quote it; what is too short to be one would blacken every message."""
    quoted = {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    return {form for form in quoted if len(form) >= SHORTEST_SECRET}
