"""One API call from the first attempt to its end: pace, guard, repeat or give up.

Speaks to AWS through `Transport` alone, so that every path is tested without a network. A call whose answer was lost
is sent again only when that cannot do harm.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from threading import Event
from typing import Any, Protocol

from pipeline.applying.classifier import SCHEDULES, Classifier, Kind, Schedule, Verdict
from pipeline.applying.operations import Operation
from pipeline.applying.pacing import Pacer
from pipeline.applying.waiting import Clock, check_stop
from pipeline.errors import AmbiguousOutcome, AwsError, FailedCall

# A wrong endpoint or a missing network should be told soon; a name server's or a router's hiccup is over by then.
UNREACHABLE = Schedule(first=0.2, most=2.0, growth=2.0, jitter=0.5, budget=8.0)


class Refusal(Exception):
    """AWS answered with an error. `retry_after`: seconds that the answer asks to wait, or 0."""

    def __init__(self, call: FailedCall, retry_after: float = 0.0) -> None:
        super().__init__(call.code)
        self.call = call
        self.retry_after = retry_after


class NoAnswer(Exception):
    """The connection broke. `sent` is False when the request never left: it was certainly not carried out."""

    def __init__(self, call: FailedCall, *, sent: bool) -> None:
        super().__init__(call.message)
        self.call = call
        self.sent = sent


class Transport(Protocol):
    """Sends one request once."""

    @property
    def region(self) -> str:
        """The region of calls that name none."""

    def prepare(self, service: str, operation: str, region: str) -> None:
        """Does what takes time before the first call, so that it does not upset the pace. Raises PipelineError."""

    def send(self, service: str, operation: str, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The answer. Raises Refusal, NoAnswer, or PipelineError for what no repetition can mend."""

    def endpoint(self, service: str) -> str:
        """The URL that calls of a service go to."""

    def pagination(self, service: str, operation: str) -> Mapping[str, Any] | None:
        """botocore's paginator rules (input_token, output_token, more_results), or None when there are none."""


@dataclass(frozen=True)
class CallEvent:
    """One attempt that ended: for progress, traces and figures. `code` is None when it was answered well."""

    service: str
    operation: str
    region: str
    seconds: float
    attempt: int
    code: str | None = None
    kind: str | None = None


@dataclass(frozen=True)
class Means:
    """What every call of a run shares. `clean` takes out of AWS's words what nobody may read."""

    transport: Transport
    pacer: Pacer
    clock: Clock
    judge: Callable[[], Classifier]
    tell: Callable[[CallEvent], None]
    clean: Callable[[str], str] = str
    chance: Callable[[], float] = random.random


class Attempts:
    """One call: `carry_out` it once."""

    def __init__(self, means: Means, operation: Operation, region: str, params: Mapping[str, Any]) -> None:
        self._means = means
        self._operation = operation
        self._region = region
        self._params = params
        self._began = 0.0
        self._attempt = 0
        self._repetitions: dict[Kind, int] = {}
        self._lost = False  # an attempt ended without a clear answer

    def carry_out(self, *, stop: Event | None, guard: Callable[[], None] | None, fresh: bool) -> dict[str, Any]:
        """The answer; {} when AWS says that everything is as asked already.

        Raises AwsError, AmbiguousOutcome, Interrupted, and what `guard` raises before a changing call.
        """
        service, name = self._operation.service, self._operation.name
        self._means.transport.prepare(service, name, self._region)
        while True:
            self._wait(self._means.pacer.delay(service, name, self._region, self._params), stop)
            if guard is not None and self._operation.mutating:
                guard()
            self._attempt += 1
            began = self._means.clock.monotonic()
            if self._attempt == 1:
                self._began = began
            try:
                answer = self._means.transport.send(service, name, self._region, self._params)
            except (Refusal, NoAnswer) as error:
                failed = error  # judged outside of this block: what is raised must not lead back to AWS's own text
            else:
                self._tell(began)
                return answer
            pause = self._failed(failed, began, fresh)
            if pause is None:
                return {}
            self._wait(pause, stop)

    def _failed(self, failed: Refusal | NoAnswer, began: float, fresh: bool) -> float | None:
        """Seconds until the next attempt; None when the refusal amounts to success; else raises."""
        if isinstance(failed, NoAnswer):
            self._tell(began, failed.call.code, Kind.TRANSIENT)
            return self._unanswered(failed)
        verdict = self._means.judge().judge(failed.call, self._params, fresh=fresh)
        self._tell(began, failed.call.code, verdict.kind)
        return self._refused(failed, verdict)

    def _refused(self, error: Refusal, verdict: Verdict) -> float | None:
        call = replace(error.call, message=verdict.clean(error.call.message))
        if verdict.kind is Kind.UNCHANGED or (self._lost and self._operation.deleting and verdict.kind is Kind.ABSENT):
            return None
        if self._lost and self._operation.mutating and verdict.kind in (Kind.EXISTS, Kind.STALE):
            raise AmbiguousOutcome(self._ended(call, verdict), hint="an earlier attempt may have been carried out")
        if verdict.kind is Kind.THROTTLED:
            self._means.pacer.throttled(self._operation.service, self._operation.name, self._region, self._params)
        if verdict.kind is Kind.TRANSIENT:
            self._lose(call, verdict)
        pause = self._pause(verdict, error.retry_after)
        if pause is None:
            raise AwsError(self._ended(call, verdict), hint=verdict.hint)
        return pause

    def _unanswered(self, error: NoAnswer) -> float:
        verdict = Verdict(Kind.TRANSIENT, SCHEDULES[Kind.TRANSIENT] if error.sent else UNREACHABLE)
        if error.sent:
            self._lose(error.call, verdict)
        pause = self._pause(verdict, 0.0)
        if pause is None:
            if self._lost and self._operation.mutating:
                raise AmbiguousOutcome(self._ended(error.call, verdict), hint=_LOOK)
            hint = "run again when AWS answers" if error.sent else "check the network, the region and AWS_ENDPOINT_URL"
            raise AwsError(self._ended(error.call, verdict), hint=hint)
        return pause

    def _lose(self, call: FailedCall, verdict: Verdict) -> None:
        """Notes that an attempt may have been carried out; raises when it must not be sent again."""
        self._lost = True
        if not self._operation.may_repeat(self._params):
            raise AmbiguousOutcome(self._ended(call, verdict), hint=_LOOK)

    def _pause(self, verdict: Verdict, retry_after: float) -> float | None:
        if verdict.schedule is None:
            return None
        repetition = self._repetitions[verdict.kind] = self._repetitions.get(verdict.kind, 0) + 1
        pause = max(verdict.schedule.pause(repetition, self._means.chance()), retry_after)
        return pause if self._seconds + pause <= verdict.schedule.budget else None

    @property
    def _seconds(self) -> float:
        return self._means.clock.monotonic() - self._began

    def _ended(self, call: FailedCall, verdict: Verdict) -> FailedCall:
        return replace(
            call,
            message=self._means.clean(call.message),
            attempts=self._attempt,
            seconds=self._seconds,
            details={**call.details, "kind": verdict.kind.value},
        )

    def _wait(self, seconds: float, stop: Event | None) -> None:
        doing = f"{self._operation.service}:{self._operation.name}"
        check_stop(stop, doing)
        if seconds > 0:
            self._means.clock.sleep(seconds, stop)
            check_stop(stop, doing)

    def _tell(self, began: float, code: str | None = None, kind: Kind | None = None) -> None:
        seconds = self._means.clock.monotonic() - began
        name, service = self._operation.name, self._operation.service
        self._means.tell(CallEvent(service, name, self._region, seconds, self._attempt, code, kind and kind.value))


_LOOK = "run the same command again: it looks at what is there before anything is repeated"
