"""Drives a rollout: asks the machine for the next action, carries it out, records what happened. Decides nothing.

Every action may be repeated and every event is recorded before the next action, so whoever drives it next, after a
crash or by a schedule, goes on with the same action. While it waits it looks at the ledger, where people write.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pipeline.errors import Interrupted, PipelineError, Refused
from pipeline.model.rollout import Measurement, Outcome
from pipeline.model.shift import Rollout
from pipeline.releasing.rollouts import Rollouts
from pipeline.rollout.alarms import Alarm
from pipeline.rollout.analysis import Sample, judge, outage
from pipeline.rollout.events import (
    Abort,
    AbortRequested,
    Action,
    AwaitApproval,
    Done,
    Event,
    Measure,
    Measured,
    Promote,
    Promoted,
    Reverted,
    SetWeight,
    Wait,
    WeightSet,
)
from pipeline.rollout.machine import next_action

LOOK_EVERY = 2.0  # seconds between looks at the ledger while there is nothing else to do
_MACHINE = "pipeline"  # who aborts when AWS refuses to shift


class Shifter(Protocol):
    """Moves the traffic of the whole release; each verb may be repeated, and verifies what it did."""

    def share(self, percent: float) -> None:
        """Gives the canary its share."""

    def promote(self) -> None:
        """Makes the canary the stable release."""

    def revert(self) -> None:
        """Gives everything back to the stable release."""


class MetricProvider(Protocol):
    """What the two releases did. PipelineError when that cannot be had."""

    def samples(self, start: float, end: float) -> Sequence[Sample]:
        """The figures of everything that shifts, between two times."""

    def alarms(self, names: Sequence[str]) -> Sequence[Alarm]:
        """These alarms as they are now."""


@dataclass(frozen=True)
class Surroundings:
    """What a driver is given: time, and whom to tell.

    `guard` raises Refused when the lock was lost. `tell` gets the rollout after every event and while waiting, `note`
    what to write into the journal.
    """

    now: Callable[[], float]
    sleep: Callable[[float], None]
    guard: Callable[[], None]
    tell: Callable[[Rollout, Action], None]
    note: Callable[[str, Mapping[str, Any]], None]


class Driver:
    """Drives the rollout of `rollouts` as far as it goes without a person."""

    def __init__(
        self, rollouts: Rollouts, shifter: Shifter, metrics: MetricProvider, surroundings: Surroundings
    ) -> None:
        self._rollouts, self._shifter, self._metrics, self._around = rollouts, shifter, metrics, surroundings

    def drive(self, *, attended: bool = True) -> Rollout:
        """The rollout when it has ended, or waits for a person; without `attended` also when it waits for time."""
        while True:
            rollout = self._rollouts.current
            action = next_action(rollout.strategy, rollout.status, self._around.now())
            self._around.tell(rollout, action)
            if isinstance(action, Done | AwaitApproval):
                return rollout
            if isinstance(action, Wait):
                if not attended:
                    return rollout
                self._around.sleep(min(LOOK_EVERY, max(0.0, action.until - self._around.now())))
                self._rollouts.look_again()
                continue
            self._record(self._carried_out(action))

    def _record(self, event: Event) -> None:
        """Nothing is recorded by who lost the lock: another run drives then."""
        self._around.guard()
        rollout = self._rollouts.report(event)
        self._around.note("rollout", {"happened": type(event).__name__, "status": _brief(rollout)})

    def _carried_out(self, action: SetWeight | Measure | Promote | Abort) -> Event:
        now = self._around.now
        if isinstance(action, SetWeight):
            return self._shifted(lambda: self._shifter.share(action.weight), lambda: WeightSet(action.weight, now()))
        if isinstance(action, Promote):
            return self._shifted(self._shifter.promote, lambda: Promoted(now()))
        if isinstance(action, Abort):
            self._shifter.revert()
            return Reverted(now())
        return self._measured(action)

    def _shifted(self, work: Callable[[], None], event: Callable[[], Event]) -> Event:
        """Where AWS lets only a part shift, the whole is taken back: no mixture stays."""
        try:
            work()
        except (Interrupted, Refused):
            raise
        except PipelineError as error:
            return AbortRequested(_MACHINE, f"shifting the traffic: {error}")
        return event()

    def _measured(self, action: Measure) -> Event:
        rollout = self._rollouts.current
        status, settings = rollout.status, rollout.strategy.analysis
        try:
            samples = self._metrics.samples(action.start, action.end)
            alarms = self._metrics.alarms(settings.alarms) if settings.alarms else ()
            verdict = judge(samples, settings, share=action.share, alarms=alarms, before=status.alarms)
        except (Interrupted, Refused):
            raise
        except PipelineError as error:
            verdict = outage(str(error))
        window = (action.start, action.end)
        measurement = verdict.measurement(step=status.step, weight=status.weight, at=self._around.now(), window=window)
        return Measured(measurement, verdict.alarms)


def _brief(rollout: Rollout) -> dict[str, Any]:
    """The status for the journal: the last measurement alone, the ledger has them all."""
    last: Measurement | None = rollout.status.measurements[-1] if rollout.status.measurements else None
    status = rollout.status
    return {
        "step": status.step,
        "weight": status.weight,
        "outcome": str(status.outcome),
        "reason": status.reason,
        "paused": status.paused,
        "last": last.to_json() if last else None,
    }


def states_of(alarms: Sequence[Alarm]) -> dict[str, str]:
    """How alarms are before a rollout, to compare with; those that do not exist are left out."""
    return {alarm.name: alarm.state for alarm in alarms if alarm.state is not None}


def is_failure(rollout: Rollout) -> bool:
    """True when the stable release has everything back."""
    return rollout.status.outcome in (Outcome.ABORTED, Outcome.REVERTED)
