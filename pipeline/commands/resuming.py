"""Continues a run that did not end well. What it wanted is in its journal; what it reached is read from AWS."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pipeline.commands.choosing import plan_rollback
from pipeline.commands.delivering import deploy, journal_of_unfinished
from pipeline.commands.planning import Reading
from pipeline.commands.requesting import DeployRequest
from pipeline.commands.rolling_back import roll_back
from pipeline.commands.running import settled
from pipeline.commands.steering import drive
from pipeline.commands.steering import report as rollout_report
from pipeline.commands.sweeping import SWEEP, sweep
from pipeline.commands.underway import Underway, underway
from pipeline.commands.workspace import Workspace
from pipeline.errors import Diagnostic, Refused
from pipeline.model.release import LedgerHead
from pipeline.model.report import Canary, DeployReport, Pruned, RollbackReport, RolloutReport
from pipeline.releasing.lock import CLOCK_SKEW
from pipeline.reporting.deploy_text import pruned_lines, render_deploy
from pipeline.reporting.rollback_text import render_rollback
from pipeline.reporting.rollout_text import render_rollout
from pipeline.reporting.style import Style
from pipeline.rollout.events import Resumed as Unpaused

_ATTEMPTS = 5


@dataclass(frozen=True)
class Resumed:
    """What came of it. Without a `journal` there was nothing to continue; `pruned` was cleared away then."""

    environment: str
    journal: Mapping[str, Any] | None = None
    report: DeployReport | RollbackReport | RolloutReport | None = None
    pruned: Pruned | None = None

    @property
    def exit_code(self) -> int:
        """What the command ends with."""
        if isinstance(self.report, RolloutReport):
            return self.report.canary.exit_code
        return self.report.exit_code if isinstance(self.report, DeployReport) else 0

    def to_json(self) -> dict[str, Any]:
        """The document of what was continued, with `resumed`: {"run", "kind", "actor", "started"} or None."""
        about = {key: self.journal.get(key) for key in ("run", "kind", "actor", "started")} if self.journal else None
        document = self.report.to_json() if self.report else {"environment": self.environment, "changed": False}
        if self.pruned is not None:
            document["pruned"] = self.pruned.to_json()
        return {**document, "resumed": about}


def resume(workspace: Workspace, *, due: bool = False) -> Resumed:
    """Continues the last run of the environment if it did not end. Refused when that is not for a machine to decide.

    A rollout that is under way goes on from the ledger. `due`, for schedules: only what is due now, no pause is ended,
    and of runs only those are continued whose machine died; with none, what left the rollback window is removed.
    """
    by_ledger = workspace.without_specs()
    name = by_ledger.environment.name
    for _ in range(_ATTEMPTS):
        reading = Reading(by_ledger)
        if (found := underway(reading)) is None:
            left = _rollback_left(workspace, reading, due=due)
            return left or _resume_run(workspace, reading.head(), due=due)
        told = {"run": found.rollout.release.run, "kind": "rollout", "actor": found.rollout.release.actor}
        canary = _resume_rollout(by_ledger, found, due=due)
        if canary is not None:
            return Resumed(name, {**told, "started": found.rollout.release.created}, rollout_report(by_ledger, canary))
    raise Refused("taking the lock: other runs kept changing the environment", hint="run again when they have ended")


def _rollback_left(workspace: Workspace, reading: Reading, *, due: bool) -> Resumed | None:
    """Ends a rollback that took back what was being rolled out, and died before it began anything else."""
    current, rollout = reading.head().current, reading.rollouts().known
    if current is None or rollout is None or not rollout.rollback or not rollout.leads_back(current.number):
        return None
    wanted, name = rollout.rollback, workspace.environment.name
    age = workspace.clock.now() - datetime.fromisoformat(wanted["at"]).timestamp()
    if due and age < CLOCK_SKEW:  # whoever began it may be about to go on
        return None
    workspace.console.say(f"continuing the rollback to release {wanted['target']} that {wanted['actor']} began")
    told = {"run": rollout.release.run, "kind": "rollback", "actor": wanted["actor"], "started": wanted["at"]}
    return Resumed(name, told, _rolled_back(workspace, str(wanted["target"]), wanted["asked"]))


def _rolled_back(workspace: Workspace, target: str, asked: str) -> RollbackReport:
    by_ledger = workspace.without_specs()
    return roll_back(by_ledger, replace(plan_rollback(by_ledger, target), asked=asked))


def _resume_rollout(workspace: Workspace, found: Underway, *, due: bool) -> Canary | None:
    rollout = found.rollout
    workspace.console.say(f"release {rollout.release.number} is being rolled out: going on with it")
    event = Unpaused(workspace.actor) if rollout.status.paused and not due else None
    return drive(workspace, found, "resume", attended=not (due or rollout.detached), event=event)


def _resume_run(workspace: Workspace, head: LedgerHead, *, due: bool) -> Resumed:
    by_ledger = workspace.without_specs()
    name = by_ledger.environment.name
    journal = journal_of_unfinished(by_ledger, head)
    if journal is None:
        return Resumed(name, pruned=sweep(by_ledger, head) if due else None)
    if due and not _abandoned(workspace, head, journal):
        workspace.console.warn(
            Diagnostic(
                f"run {journal['run']} of {journal.get('actor')} in {name} did not end well, and is left as it is",
                hint=f"pipeline resume --env {name}",
                severity="warning",
            )
        )
        return Resumed(name)
    what = journal["kind"] + (f" of commit {journal['commit'][:12]}" if journal.get("commit") else "")
    workspace.console.say(f"continuing the {what} that {journal.get('actor')} began ({journal['run']})")
    if journal["kind"] == SWEEP:
        settled(workspace, head, "resume")
        return Resumed(name, journal, pruned=sweep(by_ledger, Reading(by_ledger).head()))
    if journal["kind"] == "rollback":
        target = str(journal["target"])
        return Resumed(name, journal, _rolled_back(workspace, target, journal.get("asked", target)))
    if journal["kind"] == "destroy":
        raise Refused(
            f"resuming {name}: run {journal['run']} of {journal.get('actor')} was destroying it",
            hint=f"to go on with that: pipeline destroy --env {name}; to bring it back: pipeline deploy --env {name}",
        )
    request = DeployRequest.from_json(journal["request"]) if "request" in journal else DeployRequest()
    report = deploy(workspace, replace(request, expected=journal.get("desired")))
    return Resumed(name, journal, report)


def _abandoned(workspace: Workspace, head: LedgerHead, journal: Mapping[str, Any]) -> bool:
    """True when nobody stopped the run, its machine died, and what it wanted can still be done from here."""
    lock = head.lock
    died = lock is not None and lock.held and workspace.clock.now() > lock.expires + CLOCK_SKEW
    same = journal["kind"] == "deploy" and journal.get("commit") == workspace.commit
    return died and (same or journal["kind"] in ("rollback", SWEEP))


def render_resumed(done: Resumed, style: Style) -> str:
    """What came of it, for people."""
    if done.report is None:
        tick = style("✓", fg="green", bold=True)
        lines = pruned_lines(done.pruned) if done.pruned else []
        return "\n  ".join([f"{tick} {style.bold(f'nothing to resume in {done.environment}')}", *lines])
    if isinstance(done.report, RolloutReport):
        return render_rollout(done.report, style)
    if isinstance(done.report, RollbackReport):
        return render_rollback(done.report, style)
    return render_deploy(done.report, style)
