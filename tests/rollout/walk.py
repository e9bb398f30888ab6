"""Walks the machine: every state that a strategy can get into, with a world beside it that actions really change."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from pipeline.model.rollout import Measurement, Outcome, Result, RolloutStatus
from pipeline.model.strategy import Strategy
from pipeline.rollout.events import (
    Abort,
    AbortRequested,
    Action,
    Approved,
    AwaitApproval,
    Clock,
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
from pipeline.rollout.machine import after, next_action

BEGIN = 1_000_000.0

EVERYTHING = Approved("dev", 0, everything=True)
PEOPLE: tuple[Event, ...] = (EVERYTHING, AbortRequested("dev", "enough"), PauseRequested("dev"), Resumed("dev"))


@dataclass(frozen=True)
class State:
    """What is recorded, and what is: the real share of the canary (100 once it is the stable release), the time."""

    status: RolloutStatus = field(default_factory=RolloutStatus)
    share: float = 0
    now: float = BEGIN


@dataclass(frozen=True)
class Move:
    """`event` took `source` to `target`; None: only the world changed, as by a crash before recording, or time."""

    source: State
    action: Action
    event: Event | None
    target: State


def measured(status: RolloutStatus, action: Measure, result: Result, now: float) -> Measured:
    found = Measurement(status.step, status.weight, now, action.start, action.end, result, f"it is {result}")
    return Measured(found)


def moves(strategy: Strategy, state: State) -> Iterator[Move]:
    """Everything that can happen: the action and its event, the action and a crash, people, and stray reports."""
    action = next_action(strategy, state.status, state.now)
    share, events, now = carried_out(action, state)
    yield Move(state, action, None, State(state.status, share, now))
    for event in events:
        yield Move(state, action, event, State(after(strategy, state.status, event), share, now))
    approvals = [Approved("dev", step) for step in range(len(strategy.steps))]
    for event in (*PEOPLE, *approvals, *stray(strategy, state)):
        yield Move(state, action, event, State(after(strategy, state.status, event), state.share, state.now))


def carried_out(action: Action, state: State) -> tuple[float, tuple[Event, ...], float]:
    """The real share after an action, the events that may report it, and the time."""
    now = state.now
    if isinstance(action, SetWeight):
        return action.weight, (WeightSet(action.weight, now),), now
    if isinstance(action, Measure):
        return state.share, tuple(measured(state.status, action, result, now) for result in Result), now
    if isinstance(action, Promote):
        return 100, (Promoted(now),), now
    if isinstance(action, Abort):
        return 0, (Reverted(now),), now
    if isinstance(action, Wait):
        return state.share, (), action.until
    if isinstance(action, AwaitApproval) and action.look is not None:
        return state.share, (), action.look
    return state.share, (), now


def stray(strategy: Strategy, state: State) -> Iterator[Event]:
    """Reports that nobody asked for, or that come a second time."""
    yield Clock(state.now)
    for index, step in enumerate(strategy.steps):
        if state.status.since is not None or index != state.status.step:  # otherwise it is the one awaited
            yield WeightSet(step.weight, state.now + 1)
    if state.status.step < len(strategy.steps):
        yield Promoted(state.now)  # otherwise it may be true
    if state.status.outcome is not Outcome.ABORTED:
        yield Reverted(state.now)
    if state.status.measurements:
        yield Measured(state.status.measurements[-1])


def key(strategy: Strategy, state: State) -> object:
    """Equal for states with the same future: times relative to now, counts as far as they matter."""
    status, limits = state.status, strategy.analysis
    base = (status.step, status.weight, status.judged, status.approved, status.paused, status.outcome, state.share)
    counts = (status.failures, status.inconclusive, min(status.errors, limits.error_limit + 1))
    last = status.last
    if status.since is None or status.step >= len(strategy.steps):
        return base, counts, status.since is None
    end = status.since + limits.metric_delay + strategy.steps[status.step].bake
    looked = None if last is None else (last.verdict, min(state.now - last.at, 200), last.at >= end)
    return base, counts, max(end - state.now, 0), looked


def walk(strategy: Strategy, deepest: int = 10_000) -> list[Move]:
    """Every move between states that can be reached, breadth first."""
    seen, waiting = {key(strategy, State())}, deque([(State(), 0)])
    found = []
    while waiting:
        state, depth = waiting.popleft()
        for move in moves(strategy, state):
            found.append(move)
            known = key(strategy, move.target)
            if known not in seen and depth < deepest:
                seen.add(known)
                waiting.append((move.target, depth + 1))
    return found
