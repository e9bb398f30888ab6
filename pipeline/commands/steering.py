"""A rollout that is under way, and what people want of it: promote, abort, pause, resume, deploy something else.

What a person wants is written into the ledger without the lock. A run that drives the rollout sees it within seconds;
where none does, the command itself takes the lock and carries it out.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pipeline.commands.planning import Reading
from pipeline.commands.rolling_out import carry_on
from pipeline.commands.running import under_lock
from pipeline.commands.underway import Underway, underway
from pipeline.commands.workspace import Workspace
from pipeline.errors import NothingUnderWay, Refused
from pipeline.model.report import Canary, RolloutReport
from pipeline.model.rollout import Outcome
from pipeline.model.shift import Rollout
from pipeline.releasing.links import links_of
from pipeline.releasing.lock import held_message
from pipeline.rollout.events import AbortRequested, Approved, Event, PauseRequested
from pipeline.rollout.machine import refusal

_ATTEMPTS = 5
# Seconds that a run that lives gets to do what is asked for: it looks every two, then AWS takes its time.
_PATIENCE, _LOOK_EVERY = 40.0, 1.0


def drive(
    workspace: Workspace, found: Underway, kind: str, *, attended: bool, event: Event | None = None
) -> Canary | None:
    """Carries the rollout on under the lock, after `event`. None: another run came in between, look again."""
    about = {"rollout": found.rollout.release.number}
    with under_lock(workspace, found.head, kind, about) as journal:
        if journal is None:
            return None
        found.rollouts.look_again()
        if event is not None:
            found.rollouts.report(event)
        return carry_on(workspace, found.rollouts, journal, attended=attended)


def steer(workspace: Workspace, kind: str, event_of: Callable[[Rollout], Event]) -> RolloutReport:
    """Records what somebody wants, and sees to it that it is carried out. Refused when it has no effect."""
    workspace = workspace.without_specs()
    found = _required(workspace, kind)
    if kind == "pause" and found.rollout.strategy.engine == "codedeploy":
        raise Refused("pause: CodeDeploy cannot be paused", hint="pipeline promote --all, or pipeline abort")
    event = event_of(found.rollout)
    why = refusal(found.rollout.strategy, found.rollout.status, event)
    if why and not _is_wanted_already(kind, found.rollout):
        raise Refused(f"{kind} in {workspace.environment.name}: {why}", hint="see `pipeline releases`")
    found.rollouts.report(event)
    workspace.console.say(f"{kind} is recorded for release {found.rollout.release.number}")
    return report(workspace, _seen_to(workspace, found, kind))


def abort(workspace: Workspace, found: Underway, reason: str, *, rollback: Mapping[str, Any] | None = None) -> Canary:
    """Takes the canary back, whoever drives it. `rollback` is what that is done for, if it is for one."""
    event = AbortRequested(workspace.actor, reason)
    found.rollouts.report(event, lambda rollout: replace(rollout, rollback=rollback or rollout.rollback))
    return _seen_to(workspace, found, "abort")


def _required(workspace: Workspace, kind: str) -> Underway:
    found = underway(Reading(workspace))
    if found is None:
        raise NothingUnderWay(
            f"{kind} in {workspace.environment.name}: no release is being rolled out",
            hint=f"to bring an old release back: pipeline rollback --env {workspace.environment.name} --to previous",
        )
    return found


def _is_wanted_already(kind: str, rollout: Rollout) -> bool:
    """True for an abort that is decided and not carried out yet."""
    return kind == "abort" and rollout.status.outcome is Outcome.ABORTED


def _seen_to(workspace: Workspace, found: Underway, kind: str) -> Canary:
    """The rollout once the run that drives it has seen to what is wanted; without one, this run does it."""
    for _ in range(_ATTEMPTS):
        if found.head.lock is not None and found.head.lock.held and _is_seen_to(workspace, found, kind):
            return Canary(found.rollout, links=links_of(found.rollout, workspace.scope))
        canary = drive(workspace, found, kind, attended=kind == "promote" and not found.rollout.detached)
        if canary is not None:
            return canary
        again = underway(Reading(workspace))
        if again is None:
            found.rollouts.look()
            return Canary(found.rollout, links=links_of(found.rollout, workspace.scope))
        found = again
    raise Refused("taking the lock: other runs kept changing the environment", hint="run again when they have ended")


def _is_seen_to(workspace: Workspace, found: Underway, kind: str) -> bool:
    """Waits while another run holds the lock: True once it did what is wanted, False when it holds it no more."""
    lock, clock = found.head.lock, workspace.clock
    if lock is None or _is_reached(found.rollout, kind):
        return lock is not None
    workspace.console.say(f"{held_message(lock)}: it sees to that")
    deadline = clock.monotonic() + _PATIENCE
    while clock.monotonic() < deadline:
        clock.sleep(_LOOK_EVERY)
        if _is_reached(found.rollouts.look_again(), kind):
            return True
        now = workspace.ledger.head().lock
        if now is None or not now.held:
            return False
    return False


def _is_reached(rollout: Rollout, kind: str) -> bool:
    """True when nothing of what was asked for is left to do: a pause and an opened gate are there once recorded."""
    return (
        kind == "pause"
        or (kind == "promote" and not rollout.status.paused and not _is_last(rollout))
        or (rollout.status.outcome.finished)
    )


def _is_last(rollout: Rollout) -> bool:
    return rollout.status.step >= len(rollout.strategy.steps)


def report(workspace: Workspace, canary: Canary) -> RolloutReport:
    """What the command says at its end."""
    serving = canary.rollout.release.number
    if canary.rollout.status.outcome is not Outcome.PROMOTED:
        serving = canary.rollout.base
    return RolloutReport(
        environment=workspace.environment.name,
        release=serving,
        canary=canary,
        seconds=workspace.seconds,
        aws_calls=workspace.aws.total_calls,
        smoke=tuple(workspace.tried),
    )


def promotion(workspace: Workspace, *, everything: bool) -> Callable[[Rollout], Event]:
    """Opens the gate of the step under way; where it has none, or for `everything`, all traffic now."""

    def event(rollout: Rollout) -> Event:
        step, steps = rollout.status.step, rollout.strategy.steps
        if rollout.status.paused and not everything:
            raise Refused(
                f"promote in {workspace.environment.name}: {rollout.status.reason}",
                hint=f"pipeline resume --env {workspace.environment.name}; "
                f"to give it all traffic now: pipeline promote --env {workspace.environment.name} --all",
            )
        gated = step < len(steps) and steps[step].gate and rollout.status.approved is None
        return Approved(workspace.actor, step, everything=everything or not gated)

    return event


def abortion(workspace: Workspace, reason: str) -> Callable[[Rollout], Event]:
    """Gives everything back to the stable release."""
    return lambda _rollout: AbortRequested(workspace.actor, reason)


def pause(workspace: Workspace, reason: str) -> Callable[[Rollout], Event]:
    """Leaves everything as it is until somebody resumes."""
    return lambda _rollout: PauseRequested(workspace.actor, reason)
