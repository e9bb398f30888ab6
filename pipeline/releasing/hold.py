"""The hold of an environment: after a rollback, the next merge may not silently bring the bad commit back. Pure.

A rollback that died before it was recorded holds the environment, too: its journal tells. A deploy of exactly what
serves is no matter; any other needs `deploy --clear-hold`.
"""

from collections.abc import Mapping
from typing import Any

from pipeline.errors import Diagnostic, Refused
from pipeline.model.release import Hold, Release
from pipeline.model.shift import Rollout

Journal = Mapping[str, Any]


def hold_after(rolled_back: Release, target: int, *, since: str, by: str) -> Hold | None:
    """The hold that rolling `rolled_back` back to release `target` brings about.

    While an environment is on hold already, the commit that was bad first stays the bad one. Who brings back what the
    ledger says serves has found no bad commit: the hold stays as it is, or none.
    """
    earlier = rolled_back.hold
    if target in (rolled_back.number, rolled_back.restores):
        return earlier
    bad = earlier.bad_commit if earlier and earlier.bad_commit else rolled_back.commit
    return Hold(since, by, f"release {rolled_back.number} was rolled back to release {target}", bad)


def check_hold(
    current: Release | None, unfinished: Journal | None, rollout: Rollout | None, *, digest: str, commit: str | None
) -> None:
    """Refused when a plain deploy may not go on.

    `unfinished` is the head of the journal of a run that did not end well, if there was one; `rollout` the last one,
    which a rollback may have taken back; `digest` that of the desired state, `commit` what is checked out.
    """
    if current is not None and rollout is not None and rollout.rollback and rollout.leads_back(current.number):
        raise Refused(
            f"deploying: {rollout.rollback['actor']} was rolling back to release {rollout.rollback['target']} and has "
            f"taken release {rollout.release.number} back for that, which was being rolled out; it did not end",
            hint=_either_way(current.environment),
        )
    if unfinished is not None and is_open_rollback(unfinished, current):
        raise Refused(
            f"deploying: run {unfinished['run']} of {unfinished['actor']} was rolling back to release "
            f"{unfinished['target']} and did not end",
            hint=_either_way(unfinished["environment"]),
        )
    if current is None or current.hold is None or digest == current.desired_digest:
        return
    same = ", which is what is checked out" if commit and commit == current.hold.bad_commit else ""
    raise Refused(
        f"deploying: {current.environment} is on hold: {told(current.hold)}{same}",
        hint=f"once the checkout holds the fix: pipeline deploy --env {current.environment} --clear-hold",
    )


def _either_way(environment: str) -> str:
    resume, deploy = (f"pipeline {verb} --env {environment}" for verb in ("resume", "deploy"))
    return f"{resume} ends it; to deploy over it: {deploy} --clear-hold"


def is_open_rollback(journal: Journal, current: Release | None) -> bool:
    """True when the run was a rollback that never became a release."""
    number = current.number if current else 0
    return journal.get("kind") == "rollback" and journal.get("release", 0) > number


def told(hold: Hold) -> str:
    """`release 42 was rolled back to release 41 by ada at 2026-11-24 03:02 UTC (bad commit 1a2b3c4)`."""
    commit = f" (bad commit {hold.bad_commit[:7]})" if hold.bad_commit else ""
    return f"{hold.reason} by {hold.by} at {hold.since[:16].replace('T', ' ')} UTC{commit}"


def warnings_of(current: Release | None) -> tuple[Diagnostic, ...]:
    """What a reader of a plan should know about a hold."""
    if current is None or current.hold is None:
        return ()
    text = f"{current.environment} is on hold: {told(current.hold)}; deploying needs --clear-hold"
    return (Diagnostic(text, severity="warning"),)
