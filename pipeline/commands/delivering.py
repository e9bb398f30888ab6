"""The stages of a deploy: validate, package, plan, guard, lock, apply, publish, prune, record."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

from pipeline.applying.executor import Outcome
from pipeline.commands.bundling import CODE, Built, build
from pipeline.commands.planning import Reading, Situation, survey
from pipeline.commands.running import apply, clear_away, known_outputs, label, under_lock
from pipeline.commands.workspace import Workspace
from pipeline.errors import BadInput, Refused
from pipeline.model.plan import Action, Change, Plan, SavedPlan
from pipeline.model.release import Hold, LedgerHead, Release
from pipeline.model.report import DeployReport
from pipeline.model.values import Outputs
from pipeline.planning.planner import Consent
from pipeline.planning.safety import check_plan, check_saved
from pipeline.releasing.hold import check_hold
from pipeline.releasing.journal import Journal, head_of
from pipeline.releasing.publisher import Published, Publisher
from pipeline.reporting.plan_text import summary_line
from pipeline.reporting.style import counted, size

# Another run that slips in between reading and locking makes us read again, at most this often.
_ATTEMPTS = 5


@dataclass(frozen=True)
class DeployRequest:
    """What the user asked for. `clear_hold`: deploys although the environment was rolled back, and ends the hold.

    `expected`: the digest of the one desired state (`DesiredState.declared`) that may be deployed, where that matters.
    `review` raises Refused when the plan does what nobody saw who should have.
    """

    consent: Consent = Consent()
    saved: SavedPlan | None = None
    max_deletions: int = 10
    clear_hold: bool = False
    expected: str | None = None
    review: Callable[[Plan, LedgerHead], None] | None = None

    def to_json(self) -> dict[str, Any]:
        """What a resuming run has to know of it."""
        return {
            "include_data": self.consent.include_data,
            "adopt": sorted(self.consent.adopt),
            "max_deletions": self.max_deletions,
            "clear_hold": self.clear_hold,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        consent = Consent(data["include_data"], frozenset(data["adopt"]))
        return cls(consent, None, data["max_deletions"], data["clear_hold"])


def deploy(workspace: Workspace, request: DeployRequest) -> DeployReport:
    """Brings the environment to what the checkout declares; quick and silent when it is there already."""
    with workspace.stage("validate") as told:
        told.append(counted(len(workspace.loaded.desired[workspace.environment.name].resources), "resource"))
        check_strategy(workspace)
    reading = Reading(workspace)
    with workspace.stage("package") as told:
        built = build(workspace)
        told.append(_archives_line(built.archives))
    workspace.ledger.offer(built.archives)
    with built:
        return _deliver(workspace, request, built, reading)


def check_strategy(workspace: Workspace) -> None:
    """BadInput when pipeline.yaml wants traffic to shift in steps: never all at once where that was not asked for."""
    project = workspace.loaded.project
    strategy = project.rollout_for(workspace.environment.name)
    if strategy.steps or strategy.engine != "pipeline":
        raise BadInput(
            f"{project.source}: rollout {strategy.name} cannot be carried out yet, only all-at-once",
            hint="remove the rollout section, or write strategy: all-at-once",
        )


def _deliver(workspace: Workspace, request: DeployRequest, built: Built, reading: Reading) -> DeployReport:
    for _ in range(_ATTEMPTS):
        with workspace.stage("plan") as told:
            situation = survey(workspace, built.desired, reading.head(), request.consent)
            told.append(summary_line(situation.plan))
        with workspace.stage("package"):
            built.verify()
        done = is_done(situation, request)
        if not done:
            workspace.follower.planned(situation.plan)
        guard(workspace, situation, request)
        if done:
            return report(workspace, situation, situation.head.current, changed=False)
        about = {
            "plan": situation.plan.to_json(),
            "desired": situation.desired.declared,
            "request": request.to_json(),
        }
        if situation.head.exists:
            upload_early(workspace, situation)
        with under_lock(workspace, situation.head, "deploy", about) as journal:
            if journal is not None:
                upload_early(workspace, situation)
                return _carry_out(workspace, situation, journal, request)
        reading = Reading(workspace)
    raise Refused("taking the lock: other runs kept changing the environment", hint="run again when they have ended")


def upload_early(workspace: Workspace, situation: Situation) -> None:
    """Begins to upload the archives that the plan needs: until they are needed, other things have to be done.

    Where they lie depends on their content alone, so a plan that is not carried out after all does no harm with them.
    """
    for change in situation.plan.effective:
        digest = change.desired.properties.get(CODE) if change.desired else None
        if digest and (change.action is not Action.UPDATE or any(field.path == CODE for field in change.fields)):
            workspace.aws.workers.submit(partial(workspace.ledger.artifact, digest))


def _archives_line(archives: Mapping[str, Path]) -> str:
    total = sum(path.stat().st_size for path in archives.values())
    return f"{counted(len(archives), 'archive')}, {size(total)}" if archives else "no code"


def guard(workspace: Workspace, situation: Situation, request: DeployRequest) -> None:
    """Refused when the plan may not be applied."""
    head = situation.head
    if request.expected not in (None, situation.desired.declared):
        raise Refused(
            f"continuing a deploy to {workspace.environment.name}: this checkout declares something else than that run",
            hint="check that run's commit out and resume again, or deploy this checkout: pipeline deploy",
        )
    if not request.clear_hold:
        unfinished = journal_of_unfinished(workspace, head)
        check_hold(head.current, unfinished, digest=situation.desired.digest, commit=workspace.commit)
    check_plan(situation.plan, max_deletions=request.max_deletions)
    if request.saved is not None:
        check_saved(request.saved, situation.plan)
    if request.review is not None:
        request.review(situation.plan, head)


def journal_of_unfinished(workspace: Workspace, head: LedgerHead) -> Mapping[str, Any] | None:
    """The head of the journal of the last run, when that did not end well and had begun anything."""
    return head_of(workspace.ledger, head.lock.run) if head.lock is not None and head.unfinished else None


def is_done(situation: Situation, request: DeployRequest) -> bool:
    """True when AWS is as declared and the ledger says so too; what was kept before is kept without another word."""
    current = situation.head.current
    if current is not None and current.hold is not None and request.clear_hold:
        return False
    return (
        all(change.action is Action.RETAIN for change in situation.plan.changes)
        and current is not None
        and not current.destroyed
        and current.desired_digest == situation.desired.digest
    )


def _carry_out(workspace: Workspace, situation: Situation, journal: Journal, request: DeployRequest) -> DeployReport:
    adding = [c for c in situation.plan.effective if c.action is not Action.DELETE]
    removing = removals(workspace, situation)
    label(workspace, situation.head.next_number, workspace.commit)
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
        current = situation.head.current
        hold = None if request.clear_hold or current is None else current.hold
        release = new_release(workspace, situation, pruned.outputs, served, hold=hold)
        record(workspace, situation, release)
        told.append(f"release {release.number}")
    cleared = clear_away(workspace, release)
    return replace(report(workspace, situation, release, changed=True), pruned=cleared)


def removals(workspace: Workspace, situation: Situation) -> list[Change]:
    """What waits until the new release serves, because the old one may need it: deletions, and the rest of updates."""
    changes = situation.plan.effective
    retiring = [c for c in changes if c.action is Action.UPDATE and workspace.types[c.type].retires]
    deletions = [c for c in changes if c.action is Action.DELETE]
    return [*(replace(change, action=Action.RETIRE) for change in retiring), *deletions]


def publish(workspace: Workspace, situation: Situation, applied: Outcome) -> Published:
    """Points every alias and every stage at what was just applied."""
    publisher, head = Publisher(workspace.aws), situation.head
    done = frozenset(applied.done)
    return publisher.release(situation.desired, applied.outputs, done, head.current, carried_on=head.unfinished)


def new_release(
    workspace: Workspace,
    situation: Situation,
    outputs: Mapping[str, Outputs],
    served: Published,
    *,
    hold: Hold | None = None,
) -> Release:
    """The record of what serves now. Resources that were kept though no longer declared stay in it."""
    kept = [c.desired for c in situation.plan.changes if c.action is Action.RETAIN and c.desired is not None]
    desired = (*situation.desired, *kept)
    addresses = {resource.address for resource in desired}
    scope = workspace.scope
    return Release(
        number=situation.head.next_number,
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
        hold=hold,
    )


def record(workspace: Workspace, situation: Situation, release: Release) -> None:
    """Makes `release` the current one, then writes its history copy.

    A run that died may have left the one before without its copy: that is written first, while it still can be known.
    """
    head, ledger = situation.head, workspace.ledger
    if head.current is not None and head.unfinished:
        ledger.put_copy(head.current)
    ledger.put_current(release, head.current_etag)
    ledger.put_copy(release)


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
