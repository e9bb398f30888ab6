"""How a run changes AWS, whatever it is for: under the lock, with a journal, through the one executor."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pipeline.applying.executor import Executor, Outcome, Progress, Record, silent
from pipeline.commands.planning import Situation
from pipeline.commands.progress import Display
from pipeline.commands.workspace import Workspace
from pipeline.errors import Interrupted, PipelineError
from pipeline.model.plan import Action, Change, Origin
from pipeline.model.release import LedgerHead
from pipeline.model.values import Outputs
from pipeline.planning.diff import diff
from pipeline.releasing.journal import Journal
from pipeline.releasing.lock import Holder, Lease, Timing, take
from pipeline.resources.base import Target

# Seconds for the end of the journal. A stopped run has 7 in all, 4 of them for calls in flight; others wait for AWS.
_JOURNAL_SECONDS, _JOURNAL_SECONDS_WHEN_STOPPED = 30.0, 1.5


def lock(workspace: Workspace, head: LedgerHead) -> Lease | None:
    """Takes the environment's lock, making the ledger where it is missing; None when `head` is stale."""
    ledger, clock = workspace.ledger, workspace.clock
    if head.current is None:
        with workspace.stage("ledger"):
            ensure_ledger(workspace)
    holder = Holder(workspace.run_id, workspace.actor, workspace.run_url)
    timing = Timing(clock.now, clock.monotonic, clock.sleep)
    return take(ledger, (head.lock, head.lock_etag), holder, timing, workspace.console.say)


@contextmanager
def under_lock(workspace: Workspace, lease: Lease) -> Iterator[Journal]:
    """The journal of a run that holds the lock; however the block ends, that is recorded and the lock given back."""
    journal = Journal(workspace.ledger, workspace.run_id)
    outcome = "failed"
    try:
        workspace.aws.guard = lease.guard
        yield journal
        outcome = "succeeded"
    except Interrupted:
        outcome = "interrupted"
        raise
    finally:
        workspace.aws.guard = None
        _finish(workspace, journal, lease, outcome)


def _finish(workspace: Workspace, journal: Journal, lease: Lease, outcome: str) -> None:
    """Writes the end of the journal and frees the lock; neither may hide the error that led here."""
    with workspace.stage("record"):
        journal.note("finished", {"outcome": outcome, "at": workspace.clock.stamp()})
        patience = _JOURNAL_SECONDS_WHEN_STOPPED if workspace.stop.is_set() else _JOURNAL_SECONDS
        try:
            workspace.ledger.aws.gather([lambda: journal.close(patience), lambda: lease.release(outcome)])
        except PipelineError as error:
            workspace.console.say(f"closing the journal of run {workspace.run_id}: {error}")


def open_journal(workspace: Workspace, journal: Journal, kind: str, about: Mapping[str, Any]) -> None:
    """Writes down what this run is and may do, before it does any of it."""
    journal.open(
        {
            "kind": kind,
            "environment": workspace.environment.name,
            "commit": workspace.commit,
            "actor": workspace.actor,
            "run_url": workspace.run_url,
            "started": workspace.clock.stamp(),
            **about,
        }
    )


def apply(
    workspace: Workspace, changes: list[Change], outputs: Mapping[str, Outputs], journal: Journal, title: str
) -> Outcome:
    """Carries out `changes` with live progress; raises when not all went through."""
    if not changes:
        return Outcome(outputs=dict(outputs))
    with workspace.console.working(title) as live:
        executor = executor_for(workspace, journal, Display(live, workspace.console.err_style))
        outcome = executor.run(changes, outputs)
    outcome.raise_for_failures()
    return outcome


def known_outputs(situation: Situation) -> dict[str, Outputs]:
    """Outputs of everything that exists already."""
    return {address: observed.outputs for address, observed in situation.observed.resources.items()}


def executor_for(workspace: Workspace, record: Record, tell: Callable[[Progress], None] = silent) -> Executor:
    """The one way to change AWS."""
    return Executor(
        aws=workspace.aws,
        types=workspace.types,
        record=record,
        stopping=workspace.stop.is_set,
        monotonic=workspace.clock.monotonic,
        tell=tell,
    )


def ensure_ledger(workspace: Workspace) -> None:
    """Makes the ledger bucket, or completes one that an earlier run left half made."""
    kind, aws = workspace.types["s3.bucket"], workspace.aws
    wanted = workspace.ledger.bucket_resource(kind, tls_only=aws.is_encrypted("s3"))
    observed = kind.read(aws, [Target(wanted, {})]).get(wanted.address)
    fields = diff(kind.spec, wanted.properties, observed.properties if observed else {})
    action = Action.UPDATE if observed else Action.CREATE
    change = Change(wanted.address, action, Origin.GIT, fields, desired=wanted, observed=observed)
    executor_for(workspace, _Unrecorded()).carry_out(change, {})


class _Unrecorded:
    """The journal of what is done before there is a ledger to keep one in."""

    def begun(self, address: str, action: str) -> None:
        """Nothing to write to yet."""

    def ended(self, address: str, action: str, outputs: Mapping[str, Any]) -> None:
        """Nothing to write to yet."""

    def failed(self, address: str, action: str, error: str) -> None:
        """Nothing to write to yet."""
