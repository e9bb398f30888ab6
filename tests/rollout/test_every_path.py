"""What the machine promises, on every path of every strategy up to three steps, or four with SOAK=1 (see walk.py)."""

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest

from pipeline.model.rollout import Outcome, Result, RolloutStatus
from pipeline.model.strategy import Analysis, Step, Strategy
from pipeline.rollout.events import (
    Abort,
    AbortRequested,
    Approved,
    AwaitApproval,
    Done,
    Measured,
    Promote,
    Resumed,
    SetWeight,
)
from pipeline.rollout.machine import after, next_action, refusal
from tests.rollout.walk import EVERYTHING, Move, State, key, walk

pytestmark = pytest.mark.slow

# First, middle and last are all the places that a step can have; the fourth takes twice as long as all of the others.
LONGEST = 4 if os.environ.get("SOAK") else 3
QUICK = Analysis(interval=60, metric_delay=60, failure_limit=0, inconclusive_limit=0, error_limit=0)
KINDS = {"bake": Step(0, 120), "gate": Step(0, 0, gate=True), "both": Step(0, 120, gate=True)}


def strategies() -> Iterator[tuple[str, Strategy]]:
    """Every sequence of kinds of steps with the tightest limits; shorter ones with every combination of limits."""
    for count in range(LONGEST + 1):
        for kinds in product(KINDS, repeat=count):
            yield "-".join(kinds) or "none", made(kinds, QUICK)
    for kinds in (("bake", "both"), ("gate", "bake")):
        for failures, inconclusive, errors, hold, dry_run in product(
            (0, 1), (0, 1), (0, 1), (True, False), (True, False)
        ):
            analysis = replace(
                QUICK,
                failure_limit=failures,
                inconclusive_limit=inconclusive,
                error_limit=errors,
                on_error="hold" if hold else "abort",
                dry_run=bool(dry_run),
            )
            yield f"{'-'.join(kinds)} {(failures, inconclusive, errors, hold, dry_run)}", made(kinds, analysis)


def made(kinds: tuple[str, ...], analysis: Analysis) -> Strategy:
    steps = (replace(KINDS[kind], weight=20 * (index + 1)) for index, kind in enumerate(kinds))
    return Strategy("steps", tuple(steps), analysis)


ALL = dict(strategies())


@pytest.mark.parametrize("name", ALL)
def test_every_path(name: str) -> None:
    strategy = ALL[name]
    found = walk(strategy)
    for move in found:
        an_end_is_whole(move)
        weights_only_grow(move)
        events_can_be_repeated(strategy, move)
        an_abort_sticks(strategy, move)
        a_pause_holds(strategy, move)
        a_gate_holds(strategy, move)
        only_success_goes_on(strategy, move)
    states = {key(strategy, move.source): move.source for move in found}
    for state in states.values():
        a_crash_changes_nothing(strategy, state)
        an_abort_is_possible(strategy, state)
    everything_can_end(strategy, found)


def an_end_is_whole(move: Move) -> None:
    if isinstance(move.action, Done):
        share = {Outcome.PROMOTED: 100, Outcome.REVERTED: 0}[move.action.outcome]
        assert (move.source.share, move.source.status.weight) == (share, share)
        assert move.target == move.source


def weights_only_grow(move: Move) -> None:
    before, now = move.source, move.target
    if now.share < before.share:
        assert isinstance(move.action, Abort)
    if now.status.weight < before.status.weight:
        assert now.status.outcome is Outcome.REVERTED
    assert now.status.step >= before.status.step
    if isinstance(move.action, SetWeight):
        assert move.action.weight >= before.share


def events_can_be_repeated(strategy: Strategy, move: Move) -> None:
    if move.event is not None:
        assert after(strategy, move.target.status, move.event) == move.target.status


def an_abort_sticks(strategy: Strategy, move: Move) -> None:
    if move.source.status.outcome is Outcome.ABORTED:
        assert isinstance(move.action, Abort)
        assert move.target.status.outcome in (Outcome.ABORTED, Outcome.REVERTED)


def a_pause_holds(strategy: Strategy, move: Move) -> None:
    if move.source.status.paused and move.source.status.outcome is Outcome.RUNNING:
        assert isinstance(move.action, AwaitApproval)
        assert move.action.paused
        released = isinstance(move.event, (Resumed, AbortRequested)) or move.event == EVERYTHING
        assert move.target.status.paused or released
        assert move.target.share == move.source.share


def a_gate_holds(strategy: Strategy, move: Move) -> None:
    before, now = move.source.status, move.target.status
    if now.step > before.step and strategy.steps[before.step].gate:
        assert before.approved or isinstance(move.event, Approved)
        assert now.approved is None, "one approval opens one gate"


def only_success_goes_on(strategy: Strategy, move: Move) -> None:
    """To the next step and to the promotion: after the look that ends the bake, or because a person said so."""
    before, now, limits = move.source.status, move.target.status, strategy.analysis
    if isinstance(move.event, Measured) and not limits.dry_run:
        verdict = move.event.measurement.verdict
        new = now.measurements != before.measurements
        if verdict is Result.FAILED and new and before.failures >= limits.failure_limit:
            assert now.outcome is Outcome.ABORTED
        if now.judged and not before.judged:
            assert verdict is Result.SUCCESSFUL
    if now.step > before.step and not limits.dry_run:
        last = now.measurements[-1] if now.measurements else None
        assert last is None or last.step < before.step or last.verdict is not Result.FAILED
        by_hand = move.event == EVERYTHING
        passed = before.judged or (last is not None and last.verdict is Result.SUCCESSFUL)
        assert by_hand or passed
        if strategy.steps[before.step].bake and not by_hand:
            assert any(m.step == before.step and m.verdict is Result.SUCCESSFUL for m in now.measurements)
    if isinstance(move.action, Promote):
        assert before.step == len(strategy.steps)
        if not limits.failure_limit and not limits.dry_run:
            assert all(m.verdict is not Result.FAILED for m in before.measurements)


def a_crash_changes_nothing(strategy: Strategy, state: State) -> None:
    """What is read back from the ledger leads to the same action, and so does asking again."""
    again = RolloutStatus.from_json(state.status.to_json())
    assert again == state.status
    plan = Strategy.from_json(strategy.to_json())
    assert next_action(plan, again, state.now) == next_action(strategy, state.status, state.now)


def an_abort_is_possible(strategy: Strategy, state: State) -> None:
    asked = AbortRequested("on-call", "wrong prices")
    aborted = after(strategy, state.status, asked)
    if state.status.outcome.finished:
        assert aborted == state.status
        assert refusal(strategy, state.status, asked) == f"the rollout is {state.status.outcome} already"
    else:
        assert isinstance(next_action(strategy, aborted, state.now), Abort)


def everything_can_end(strategy: Strategy, moves: list[Move]) -> None:
    """From every state an end can be reached, so there is no state without a way out."""
    before = defaultdict(set)
    ends = set()
    for move in moves:
        before[key(strategy, move.target)].add(key(strategy, move.source))
        if isinstance(move.action, Done):
            ends.add(key(strategy, move.source))
    reached, waiting = set(ends), list(ends)
    while waiting:
        for source in before[waiting.pop()] - reached:
            reached.add(source)
            waiting.append(source)
    assert reached == {key(strategy, move.source) for move in moves}
