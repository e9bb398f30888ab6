"""How a run changes AWS, whatever it is for: under the lock, with a journal, through the one executor."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from pipeline.applying.executor import Executor, Outcome, Progress, Record, silent
from pipeline.commands.planning import Situation
from pipeline.commands.progress import Display
from pipeline.commands.underway import REVERTED, WAITING
from pipeline.commands.unrecorded import left_by, with_earlier
from pipeline.commands.workspace import Workspace
from pipeline.errors import AwsError, Interrupted, PipelineError
from pipeline.model.plan import Action, Change, FieldChange, Origin
from pipeline.model.release import LedgerHead, Release
from pipeline.model.report import Pruned
from pipeline.model.resource import Resource
from pipeline.model.values import Outputs
from pipeline.planning.diff import diff
from pipeline.planning.planner import MARK
from pipeline.releasing.journal import Journal
from pipeline.releasing.lock import Holder, Lease, Timing, take
from pipeline.releasing.retention import noted, prune
from pipeline.resources.base import Target

# Seconds for the end of the journal. A stopped run has 7 in all, 4 of them for calls in flight; others wait for AWS.
_JOURNAL_SECONDS, _JOURNAL_SECONDS_WHEN_STOPPED = 30.0, 1.5


@contextmanager
def under_lock(workspace: Workspace, head: LedgerHead, kind: str, about: Mapping[str, Any]) -> Iterator[Journal | None]:
    """The journal of a run that holds the environment's lock; None when `head` is stale: look again then.

    What the run is and may do (`kind`, `about`) is written down before it does any of it, and however the block ends,
    that is recorded and the lock given back. The ledger is made where it is missing. Refused when the lock is held.
    """
    if head.current is None:
        with workspace.stage("ledger"):
            ensure_ledger(workspace, head)
    run = workspace.next_run()
    journal = Journal(workspace.ledger, run)
    # Where the last run ended well, the two writes need not wait for each other. Else what it left has to be in this
    # journal before the lock leads here. A journal that was begun in vain has no end, and nothing leads to it.
    if head.unfinished:
        journal.open(_beginning(workspace, kind, with_earlier(about, left_by(workspace, head))))
    else:
        journal.begin(_beginning(workspace, kind, about))
    lease = _take(workspace, head, run)
    if lease is None:
        yield None
        return
    outcome = "failed"
    try:
        journal.wait_until_open()
        workspace.aws.guard = lease.guard
        yield journal
        outcome = journal.outcome
    except Interrupted:
        outcome = "interrupted"
        raise
    finally:
        workspace.aws.guard = None
        _finish(workspace, journal, lease, outcome)


def settled(workspace: Workspace, head: LedgerHead, kind: str) -> bool:
    """True once nothing says any more that a run did not end well: there was nothing left to do of what it began.

    Its lock is taken over and given back, and the release that it may have recorded gets its copy in the history. False
    when another run came in between. Refused when the run is alive.
    """
    lock = head.lock
    if lock is None or not lock.unfinished or (not lock.held and lock.outcome in (WAITING, REVERTED)):
        return True
    with under_lock(workspace, head, kind, {}) as journal:
        if journal is not None and head.current is not None:
            workspace.ledger.put_copy(head.current)
        return journal is not None


def _take(workspace: Workspace, head: LedgerHead, run: str) -> Lease | None:
    clock = workspace.clock
    holder = Holder(run, workspace.actor, workspace.run_url)
    timing = Timing(clock.now, clock.monotonic, clock.sleep)
    return take(workspace.ledger, (head.lock, head.lock_etag), holder, timing, workspace.console.say)


def _beginning(workspace: Workspace, kind: str, about: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "kind": kind,
        "environment": workspace.environment.name,
        "commit": workspace.commit,
        "actor": workspace.actor,
        "run_url": workspace.run_url,
        "started": workspace.clock.stamp(),
        **about,
    }


def _finish(workspace: Workspace, journal: Journal, lease: Lease, outcome: str) -> None:
    """Writes the end of the journal and frees the lock; neither may hide the error that led here."""
    with workspace.stage("record"):
        journal.note("finished", {"outcome": outcome, "at": workspace.clock.stamp()})
        patience = _JOURNAL_SECONDS_WHEN_STOPPED if workspace.stop.is_set() else _JOURNAL_SECONDS
        try:
            workspace.ledger.aws.gather([lambda: journal.close(patience), lambda: lease.release(outcome)])
        except PipelineError as error:
            workspace.console.say(f"closing the journal of run {workspace.run_id}: {error}")


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


def label(workspace: Workspace, number: int, commit: str | None) -> None:
    """From now on, what is made says that it is made for release `number`."""
    text = f"release {number}" + (f", commit {commit[:7]}" if commit else "")
    workspace.aws.scope = replace(workspace.scope, label=text)


class Clearing:
    """Removes what no release of the rollback window needs. The release serves already: this never fails it.

    Made under the lock: what the releases so far name is read at once, in the background.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._known = workspace.aws.workers.submit(partial(noted, workspace.ledger))

    def clear_away(self, release: Release) -> Pruned:
        """What was removed, now that `release` is recorded."""
        workspace, known = self._workspace, partial(self._workspace.aws.workers.wait_for, self._known)
        with workspace.stage("retention"):
            now, retention = datetime.fromtimestamp(workspace.clock.now(), UTC), workspace.loaded.project.retention
            return prune(workspace.aws, workspace.ledger, release, retention, now, known)


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


def ensure_ledger(workspace: Workspace, head: LedgerHead) -> None:
    """Makes the ledger bucket where it is missing. Its settings follow in the background, before a release does.

    That also completes what an earlier run left half made.
    """
    workers, kind = workspace.aws.workers, workspace.types["s3.bucket"]
    wanted = workspace.ledger.bucket_resource(kind, tls_only=workspace.aws.is_encrypted("s3"))
    if not head.exists:
        try:
            executor_for(workspace, Unrecorded()).begin(wanted)
        except AwsError as error:
            if error.code != "BucketAlreadyOwnedByYou":  # else another run was faster: the lock decides
                raise
    settings = workers.submit(lambda: _complete_ledger(workspace, wanted))
    workspace.ledger.expect(lambda: workers.wait_for(settings))


def _complete_ledger(workspace: Workspace, wanted: Resource) -> None:
    kind = workspace.types[wanted.type]
    observed = kind.read(workspace.aws, [Target(wanted, {})]).get(wanted.address)
    fields = tuple(diff(kind.spec, wanted.properties, observed.properties if observed else {}))
    if observed and observed.mark is None:
        fields += (FieldChange(MARK, None, f"{workspace.scope.service}/{workspace.scope.environment}"),)
    action = Action.UPDATE if observed else Action.CREATE
    change = Change(wanted.address, action, Origin.GIT, fields, desired=wanted, observed=observed)
    executor_for(workspace, Unrecorded()).carry_out(change, {})


class Unrecorded:
    """The journal of what is done before there is a ledger to keep one in."""

    def begun(self, address: str, action: str) -> None:
        """Nothing to write to yet."""

    def ended(self, address: str, action: str, outputs: Mapping[str, Any]) -> None:
        """Nothing to write to yet."""

    def failed(self, address: str, action: str, error: str) -> None:
        """Nothing to write to yet."""
