"""The stages of a deploy: validate, package, plan, guard, lock, apply, publish, prune, record."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.applying.executor import Executor, Outcome, Progress, Record, silent
from pipeline.commands.planning import Reading, Situation, package, survey
from pipeline.commands.progress import Display
from pipeline.commands.workspace import Workspace
from pipeline.errors import Interrupted, PipelineError, Refused
from pipeline.model.plan import Action, Change, Origin, SavedPlan
from pipeline.model.release import Release
from pipeline.model.report import DeployReport
from pipeline.model.values import Outputs
from pipeline.planning.diff import diff
from pipeline.planning.planner import Consent
from pipeline.planning.safety import check_plan, check_saved
from pipeline.releasing.journal import Journal
from pipeline.releasing.lock import Holder, Lease, Timing, take
from pipeline.releasing.publisher import Published, Publisher
from pipeline.reporting.plan_text import summary_line
from pipeline.reporting.style import counted, size
from pipeline.resources.base import Target

# Another run that slips in between reading and locking makes us read again, at most this often.
_ATTEMPTS = 5
# A stopped run has 7 s: 4 for calls in flight, the rest to write down what was reached.
_JOURNAL_SECONDS = 1.5


@dataclass(frozen=True)
class DeployRequest:
    """What the user asked for."""

    consent: Consent = Consent()
    saved: SavedPlan | None = None
    max_deletions: int = 10


def deploy(workspace: Workspace, request: DeployRequest) -> DeployReport:
    """Brings the environment to what the checkout declares; quick and silent when it is there already."""
    with workspace.stage("validate") as told:
        told.append(counted(len(workspace.loaded.desired[workspace.environment.name].resources), "resource"))
    reading = Reading(workspace)
    with workspace.stage("package") as told:
        desired, archives = package(workspace)
        told.append(_archives_line(archives))
    workspace.ledger.offer(archives)
    for _ in range(_ATTEMPTS):
        with workspace.stage("plan") as told:
            situation = survey(workspace, desired, reading.head(), request.consent)
            told.append(summary_line(situation.plan))
        guard(situation, request)
        if is_done(situation):
            return report(workspace, situation, situation.head.current, changed=False)
        lease = lock(workspace, situation)
        if lease is not None:
            return _locked(workspace, situation, lease)
        reading = Reading(workspace)
    raise Refused("taking the lock: other runs kept changing the environment", hint="run again when they have ended")


def _archives_line(archives: Mapping[str, Path]) -> str:
    total = sum(path.stat().st_size for path in archives.values())
    return f"{counted(len(archives), 'archive')}, {size(total)}" if archives else "no code"


def guard(situation: Situation, request: DeployRequest) -> None:
    """Refused when the plan may not be applied."""
    check_plan(situation.plan, max_deletions=request.max_deletions)
    if request.saved is not None:
        check_saved(request.saved, situation.plan)


def is_done(situation: Situation) -> bool:
    """True when AWS is as declared and the ledger says so too; what was kept before is kept without another word."""
    current = situation.head.current
    return (
        all(change.action is Action.RETAIN for change in situation.plan.changes)
        and current is not None
        and not current.destroyed
        and current.desired_digest == situation.desired.digest
    )


def lock(workspace: Workspace, situation: Situation) -> Lease | None:
    """Takes the environment's lock, making the ledger where it is missing; None when the situation is stale."""
    ledger, head, clock = workspace.ledger, situation.head, workspace.clock
    if head.current is None:
        with workspace.stage("ledger"):
            ensure_ledger(workspace)
    holder = Holder(workspace.run_id, workspace.actor, workspace.run_url)
    timing = Timing(clock.now, clock.monotonic, clock.sleep)
    return take(ledger, (head.lock, head.lock_etag), holder, timing, workspace.console.say)


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


def _locked(workspace: Workspace, situation: Situation, lease: Lease) -> DeployReport:
    """Everything that happens under the lock; however it ends, the end is recorded and the lock given back."""
    journal = Journal(workspace.ledger, workspace.run_id)
    outcome = "failed"
    try:
        workspace.aws.guard = lease.guard
        done = _carry_out(workspace, situation, journal)
        outcome = "succeeded"
        return done
    except Interrupted:
        outcome = "interrupted"
        raise
    finally:
        workspace.aws.guard = None
        finish(workspace, journal, lease, outcome)


def finish(workspace: Workspace, journal: Journal, lease: Lease, outcome: str) -> None:
    """Writes the end of the journal and frees the lock; neither may hide the error that led here."""
    with workspace.stage("record"):
        journal.note("finished", {"outcome": outcome, "at": workspace.clock.stamp()})
        try:
            workspace.ledger.aws.gather([lambda: journal.close(_JOURNAL_SECONDS), lambda: lease.release(outcome)])
        except PipelineError as error:
            workspace.console.say(f"closing the journal of run {workspace.run_id}: {error}")


def _carry_out(workspace: Workspace, situation: Situation, journal: Journal) -> DeployReport:
    open_journal(workspace, situation, journal, kind="deploy")
    adding = [c for c in situation.plan.effective if c.action is not Action.DELETE]
    removing = removals(workspace, situation)
    with workspace.stage("apply") as told:
        applied = apply(workspace, adding, known_outputs(situation), journal, "applying the plan")
        told.append(counted(len(applied.done), "change"))
    with workspace.stage("publish") as told:
        served = publish(workspace, situation, applied)
        told.append(f"{counted(len(served.functions), 'function')}, {counted(len(served.apis), 'API')}")
        outputs = {**applied.outputs, **served.outputs}
    with workspace.stage("prune"):
        pruned = apply(workspace, removing, outputs, journal, "removing what is no longer declared")
    with workspace.stage("record") as told:
        release = new_release(workspace, situation, pruned.outputs, served)
        record(workspace, situation, release)
        told.append(f"release {release.number}")
    return report(workspace, situation, release, changed=True)


def removals(workspace: Workspace, situation: Situation) -> list[Change]:
    """What waits until the new release serves, because the old one may need it: deletions, and the rest of updates."""
    changes = situation.plan.effective
    retiring = [c for c in changes if c.action is Action.UPDATE and workspace.types[c.type].retires]
    deletions = [c for c in changes if c.action is Action.DELETE]
    return [*(replace(change, action=Action.RETIRE) for change in retiring), *deletions]


def open_journal(workspace: Workspace, situation: Situation, journal: Journal, kind: str) -> None:
    """Writes down everything that this run may do, before it does any of it."""
    journal.open(
        {
            "kind": kind,
            "environment": workspace.environment.name,
            "commit": workspace.commit,
            "actor": workspace.actor,
            "run_url": workspace.run_url,
            "started": workspace.clock.stamp(),
            "plan": situation.plan.to_json(),
        }
    )


def known_outputs(situation: Situation) -> dict[str, Outputs]:
    """Outputs of everything that exists already."""
    return {address: observed.outputs for address, observed in situation.observed.resources.items()}


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


def publish(workspace: Workspace, situation: Situation, applied: Outcome) -> Published:
    """Points every alias and every stage at what was just applied."""
    publisher = Publisher(workspace.aws)
    return publisher.release(situation.desired, applied.outputs, frozenset(applied.done), situation.head.current)


def new_release(
    workspace: Workspace,
    situation: Situation,
    outputs: Mapping[str, Outputs],
    served: Published,
) -> Release:
    """The record of what serves now. Resources that were kept though no longer declared stay in it."""
    current = situation.head.current
    kept = [c.desired for c in situation.plan.changes if c.action is Action.RETAIN and c.desired is not None]
    desired = (*situation.desired, *kept)
    addresses = {resource.address for resource in desired}
    scope = workspace.scope
    return Release(
        number=current.number + 1 if current else 1,
        service=scope.service,
        environment=scope.environment,
        region=scope.region,
        account=scope.account,
        commit=workspace.commit,
        created=workspace.clock.stamp(),
        actor=workspace.actor,
        run=workspace.run_id,
        run_url=workspace.run_url,
        desired=desired,
        desired_digest=situation.desired.digest,
        outputs={address: values for address, values in outputs.items() if address in addresses},
        functions=served.functions,
        apis=served.apis,
        plan={"digest": situation.plan.digest, "summary": situation.plan.summary},
    )


def record(workspace: Workspace, situation: Situation, release: Release) -> None:
    """Makes `release` the current one, then writes its history copy (and that of the one before, should it lack)."""
    head, ledger = situation.head, workspace.ledger
    ledger.put_current(release, head.current_etag)
    before = head.current
    copies = [release, *([before] if before and head.unfinished else [])]
    workspace.aws.gather([lambda entry=entry: ledger.put_copy(entry) for entry in copies])  # type: ignore[misc]  # mypy cannot infer a lambda's default argument


def report(workspace: Workspace, situation: Situation, release: Release | None, *, changed: bool) -> DeployReport:
    """What the user is told at the end."""
    recorded = release.outputs if release else {}
    outputs = {
        f"{address}.{name}": workspace.public(value)
        for address, values in recorded.items()
        for name, value in values.items()
    }
    return DeployReport(
        release=release.number if release else None,
        environment=workspace.environment.name,
        service=workspace.scope.service,
        commit=workspace.commit,
        plan=situation.plan,
        changed=changed,
        functions=release.functions if release else {},
        apis=release.apis if release else {},
        outputs=outputs,
        seconds=workspace.seconds,
        aws_calls=workspace.aws.total_calls,
        kept=tuple(c.address for c in situation.plan.changes if c.action is Action.RETAIN),
    )
