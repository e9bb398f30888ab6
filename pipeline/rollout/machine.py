"""The machine of progressive delivery: what to do next, and what follows from what happened. Pure.

    while not isinstance(action := next_action(strategy, status, now), Done):
        ... carry it out ...
        status = after(strategy, status, event)
        ... record status ...

What holds for every strategy and every order of events (tests walk all of them up to a bound):

- it ends with canary weight 0, or with a promoted release;
- a weight only ever grows, except that an abort sets it to 0; an abort is possible until the end, and sticks;
- no step is passed and nothing is promoted after a failed measurement (`dry_run` alone looks away);
- inconclusive and error are no success: the one is looked at again and then reverted, the other tried again and then
  held for a person, or reverted (`on_error`); no traffic is inconclusive;
- a gate and a pause hold for ever, and no process has to sleep for them;
- actions can be repeated and events be reported twice: after a crash the recorded status leads to the same action.
"""

from dataclasses import replace

from pipeline.model.rollout import Measurement, Outcome, Result, RolloutStatus
from pipeline.model.strategy import Step, Strategy
from pipeline.rollout.events import (
    Abort,
    AbortRequested,
    Action,
    Approved,
    AwaitApproval,
    Clock,
    Done,
    Event,
    Measure,
    Measured,
    PauseRequested,
    Promote,
    Promoted,
    Resumed,
    Reverted,
    SetWeight,
    Wait,
    WeightSet,
)
from pipeline.rollout.exact import spending

_MOST_MEASUREMENTS = 500  # kept: at a gate they go on for as long as nobody comes


def next_action(strategy: Strategy, status: RolloutStatus, now: float) -> Action:
    """What is to be done at `now`; always the same for the same status and time."""
    if status.outcome.finished:
        return Done(status.outcome)
    if status.outcome is Outcome.ABORTED:
        return Abort(status.reason)
    if status.paused:
        return AwaitApproval(status.reason, paused=True)
    if status.step >= len(strategy.steps):
        return Promote()
    if status.since is None:
        return SetWeight(strategy.steps[status.step].weight)
    return _watching(strategy, status, status.since, now)


def after(strategy: Strategy, status: RolloutStatus, event: Event) -> RolloutStatus:
    """The status once `event` happened. What cannot matter any more, or was reported before, changes nothing."""
    if status.outcome.finished or isinstance(event, Clock):
        return status
    if isinstance(event, WeightSet):
        return _after_weight(strategy, status, event)
    if isinstance(event, Measured):
        return _after_measured(strategy, status, event)
    if isinstance(event, Promoted):
        ready = status.outcome is Outcome.RUNNING and status.step >= len(strategy.steps)
        promoted = replace(status, outcome=Outcome.PROMOTED, weight=100, paused=False, reason="", ended=event.at)
        return promoted if ready else status
    if isinstance(event, Reverted):
        reverted = replace(status, outcome=Outcome.REVERTED, weight=0, since=None, ended=event.at)
        return reverted if status.outcome is Outcome.ABORTED else status
    if refusal(strategy, status, event) is not None:
        return status
    return _after_person(strategy, status, event)


def refusal(strategy: Strategy, status: RolloutStatus, event: Event) -> str | None:
    """Why what a person asks for has no effect now, in words for them; None when it has, or is no such event."""
    if not isinstance(event, (Approved, AbortRequested, PauseRequested, Resumed)):
        return None
    if status.outcome is not Outcome.RUNNING:
        return f"the rollout is {status.outcome} already"
    if isinstance(event, PauseRequested) and status.paused:
        return f"it is paused already: {status.reason}"
    if isinstance(event, Resumed) and not status.paused:
        return "it is not paused"
    if isinstance(event, Approved):
        return _no_approval(strategy, status, event)
    return None


def _no_approval(strategy: Strategy, status: RolloutStatus, event: Approved) -> str | None:
    if event.everything:
        return (
            f"the last measurement failed: {status.last.reason}" if status.last and _failed(strategy, status) else None
        )
    if status.step >= len(strategy.steps):
        return "every step is passed already"
    if event.step != status.step:
        return f"step {status.step + 1} is under way, not step {event.step + 1}"
    if not strategy.steps[status.step].gate:
        return f"step {status.step + 1} has no gate to open"
    return None


# --- what is due in a step whose weight is set ---------------------------------------------------------------------


def _watching(strategy: Strategy, status: RolloutStatus, since: float, now: float) -> Action:
    step = strategy.steps[status.step]
    due = _next_look(strategy, status, step, since)
    if now >= due:
        return _measure(strategy, status, step, since, now)
    if status.judged:
        return AwaitApproval(f"step {status.step + 1} at {step.weight:g} % is passed: its gate is closed", look=due)
    return Wait(due)


def _next_look(strategy: Strategy, status: RolloutStatus, step: Step, since: float) -> float:
    """When to look again: every interval, at the end of the bake, and only once its metrics are complete."""
    first = since + strategy.analysis.metric_delay
    end = first + step.bake
    last = status.last
    regular = (last.at if last else first) + strategy.interval(step)
    early = not status.judged and (last is None or last.at < end)
    return min(regular, end) if early else regular


def _measure(strategy: Strategy, status: RolloutStatus, step: Step, since: float, now: float) -> Measure:
    """The whole step is compared; at a gate, where that grows without end, the latest minutes: a bake's worth."""
    end = now - strategy.analysis.metric_delay
    start = max(since, end - step.bake) if status.judged and step.bake else since
    share = spending(status.looks + 1, strategy.looks)
    return Measure(start, end, share, last=_over(step, since, end))


def _over(step: Step, since: float, end: float) -> bool:
    """True when figures up to `end` are those of the whole bake; sums of such large numbers are not exact."""
    return end - since >= step.bake - 0.001


# --- what follows from events --------------------------------------------------------------------------------------


def _after_weight(strategy: Strategy, status: RolloutStatus, event: WeightSet) -> RolloutStatus:
    """The step begins when its weight is seen. Seen after an abort, it only says what is to be taken back."""
    awaited = status.step < len(strategy.steps) and status.since is None
    if not awaited or event.weight != strategy.steps[status.step].weight:
        return status
    began = replace(status, weight=event.weight, since=event.at)
    return began if strategy.steps[status.step].bake else replace(began, judged=True)


def _after_measured(strategy: Strategy, status: RolloutStatus, event: Measured) -> RolloutStatus:
    found, known = event.measurement, status.measurements
    repeated = bool(known) and found.at <= known[-1].at
    if status.outcome is not Outcome.RUNNING or found.step > status.step or repeated:
        return status
    status = replace(
        status,
        measurements=(*known, found)[-_MOST_MEASUREMENTS:],
        looks=status.looks + (found.verdict is not Result.ERROR),
        alarms=status.alarms if event.alarms is None else event.alarms,
    )
    if found.step < status.step or status.since is None:  # under way when a person sent the rollout on
        late = found.verdict is Result.FAILED and not strategy.analysis.dry_run
        return _after_failure(strategy, status, found) if late else status
    over = _over(strategy.steps[status.step], status.since, found.end)
    if strategy.analysis.dry_run:
        return _go_on(strategy, replace(status, judged=status.judged or over))
    return _weighed(strategy, status, found, over=over)


def _weighed(strategy: Strategy, status: RolloutStatus, found: Measurement, *, over: bool) -> RolloutStatus:
    """The four results, each with its own limit. Only after the bake do success and too little knowledge matter."""
    limits = strategy.analysis
    if found.verdict is Result.ERROR:
        status = replace(status, errors=status.errors + 1)
        return _without_metrics(strategy, status) if status.errors > limits.error_limit else status
    status = replace(status, errors=0)
    if found.verdict is Result.FAILED:
        return _after_failure(strategy, status, found)
    if found.verdict is Result.INCONCLUSIVE and over and not status.judged:
        status = replace(status, inconclusive=status.inconclusive + 1)
        too_often = f"inconclusive {status.inconclusive} times: {found.reason}"
        return _aborted(status, too_often) if status.inconclusive > limits.inconclusive_limit else status
    passed = found.verdict is Result.SUCCESSFUL and over
    return _go_on(strategy, replace(status, judged=status.judged or passed))


def _after_failure(strategy: Strategy, status: RolloutStatus, found: Measurement) -> RolloutStatus:
    status = replace(status, failures=status.failures + 1)
    return _aborted(status, found.reason) if status.failures > strategy.analysis.failure_limit else status


def _without_metrics(strategy: Strategy, status: RolloutStatus) -> RolloutStatus:
    """Nothing is known for too long. At a gate a person decides anyway."""
    reason = f"no metrics {status.errors} times in a row: {status.last.reason if status.last else ''}"
    if strategy.analysis.on_error == "abort":
        return _aborted(status, reason)
    return status if status.judged else replace(status, paused=True, reason=reason)


def _after_person(
    strategy: Strategy, status: RolloutStatus, event: Approved | AbortRequested | PauseRequested | Resumed
) -> RolloutStatus:
    if isinstance(event, AbortRequested):
        return _aborted(status, _said("aborted", event))
    if isinstance(event, PauseRequested):
        return replace(status, paused=True, reason=_said("paused", event))
    if isinstance(event, Resumed):
        return replace(status, paused=False, reason="", errors=0, inconclusive=0)
    if event.everything:
        return replace(_next_step(status), step=len(strategy.steps), paused=False, reason="")
    return _go_on(strategy, replace(status, approved=event.by))


def _go_on(strategy: Strategy, status: RolloutStatus) -> RolloutStatus:
    """The next step, once this one is passed, its gate is open, and the last look was not bad."""
    open_gate = status.approved is not None or not strategy.steps[status.step].gate
    if status.judged and open_gate and not _failed(strategy, status):
        return _next_step(status)
    return status


def _next_step(status: RolloutStatus) -> RolloutStatus:
    return replace(status, step=status.step + 1, since=None, judged=False, approved=None, inconclusive=0, errors=0)


def _aborted(status: RolloutStatus, reason: str) -> RolloutStatus:
    return replace(status, outcome=Outcome.ABORTED, paused=False, reason=reason)


def _failed(strategy: Strategy, status: RolloutStatus) -> bool:
    """True when the last measurement of this step failed, and that counts."""
    last = status.last
    return last is not None and last.verdict is Result.FAILED and not strategy.analysis.dry_run


def _said(what: str, event: AbortRequested | PauseRequested) -> str:
    return f"{what} by {event.by}" + (f": {event.reason}" if event.reason else "")
