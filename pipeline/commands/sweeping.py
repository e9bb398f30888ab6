"""Clears away without a deploy: what time alone took out of the rollback window, and what AWS did not let go before."""

from datetime import UTC, datetime

from pipeline.commands.running import under_lock
from pipeline.commands.workspace import Workspace
from pipeline.config.project import load_project
from pipeline.model.release import LedgerHead
from pipeline.model.report import Pruned
from pipeline.releasing.retention import is_due, prune

# What the journal says of a run that did only this.
SWEEP = "sweep"


def sweep(workspace: Workspace, head: LedgerHead) -> Pruned | None:
    """What was removed; None when there was nothing, or another run is at work: that one clears away itself."""
    release, lock = head.current, head.lock
    if release is None or release.destroyed or head.unfinished or (lock is not None and lock.held):
        return None
    retention, now = load_project(workspace.root).retention, datetime.fromtimestamp(workspace.clock.now(), UTC)
    if not is_due(workspace.ledger, retention, now):
        return None
    with under_lock(workspace, head, SWEEP, {}) as journal:
        if journal is None:
            return None
        with workspace.stage("retention"):
            return prune(workspace.aws, workspace.ledger, release, retention, now)
