"""The stages of a deploy: validate, package, plan, guard, lock, apply, publish, prune, record."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.commands.bundling import CODE, Built, build
from pipeline.commands.planning import Reading, Situation, survey
from pipeline.commands.probing import check_functions, check_urls, take_back, url_checks
from pipeline.commands.recording import new_release, record, removals, report
from pipeline.commands.requesting import DeployRequest, told_of
from pipeline.commands.running import Clearing, apply, known_outputs, label, settled, under_lock
from pipeline.commands.showing import show
from pipeline.commands.underway import REVERTED, strategy_of, underway, watching
from pipeline.commands.unrecorded import to_journal
from pipeline.commands.workspace import Workspace
from pipeline.errors import Refused
from pipeline.model.plan import Action
from pipeline.model.release import LedgerHead
from pipeline.model.report import DeployReport
from pipeline.model.shift import Rollout
from pipeline.planning.safety import check_plan, check_saved
from pipeline.releasing.hold import check_hold
from pipeline.releasing.journal import Journal, head_of
from pipeline.releasing.publisher import Publisher
from pipeline.releasing.rollouts import Rollouts
from pipeline.reporting.plan_text import summary_line
from pipeline.reporting.style import counted, size

if TYPE_CHECKING:
    from pipeline.commands.promoting import Promoted

# Another run that slips in between reading and locking makes us read again, at most this often.
_ATTEMPTS = 5


def deploy(workspace: Workspace, request: DeployRequest) -> DeployReport:
    """Brings the environment to what the checkout declares; quick and silent when it is there already."""
    with workspace.stage("validate") as told:
        told.append(counted(len(workspace.loaded.desired[workspace.environment.name].resources), "resource"))
        strategy = strategy_of(workspace)
    reading = _reading(workspace, request)
    with workspace.stage("package") as told:
        built, request = _code(workspace, request)
        told.append(_archives_line(built.archives) if request.promoted is None else told_of(request.promoted))
    workspace.ledger.offer(built.offered)
    with built:
        return _deliver(workspace, replace(request, strategy=strategy), built, reading)


def _code(workspace: Workspace, request: DeployRequest) -> tuple["Built | Promoted", DeployRequest]:
    """The code to deploy: built, or what another environment serves; and the request that says which that is."""
    if request.source is None:
        return build(workspace), request
    from pipeline.commands.promoting import promoted  # noqa: PLC0415 - few deploys take the code from elsewhere

    found = promoted(workspace, request.source, request.promoted["release"] if request.promoted else None)
    return found, replace(request, promoted=found.source)


def _reading(workspace: Workspace, request: DeployRequest) -> Reading:
    return Reading(workspace, ahead=request.source is None, thorough=request.thorough)


def _survey(workspace: Workspace, request: DeployRequest, built: "Built | Promoted", reading: Reading) -> Situation:
    """What is wanted, what is there, and the plan."""
    consent, thorough = request.consent, request.thorough
    found = survey(workspace, built.desired, reading.head(), consent, thorough=thorough, reading=reading)
    return watching(workspace, found, request.strategy)


def _deliver(workspace: Workspace, request: DeployRequest, built: "Built | Promoted", reading: Reading) -> DeployReport:
    for _ in range(_ATTEMPTS):
        if (found := underway(reading)) is not None:
            from pipeline.commands.resolving import resolve  # noqa: PLC0415 - rarely is a rollout under way

            resolved = resolve(workspace, found, request, built)
            if resolved is not None:
                return resolved
            reading = _reading(workspace, request)
            continue
        with workspace.stage("plan") as told:
            situation = _survey(workspace, request, built, reading)
            told.append(summary_line(situation.plan))
        with workspace.stage("package"):
            built.verify()
        done = is_done(situation, request)
        if not done:
            workspace.follower.planned(situation.plan)
        guard(workspace, situation, request, reading.rollouts().known)
        if done and settled(workspace, situation.head, "deploy"):
            return report(workspace, situation, situation.head.current, changed=False)
        if done:
            reading = _reading(workspace, request)
            continue
        request = replace(request, carried=carried(journal_of_unfinished(workspace, situation.head), situation))
        about = {
            "plan": situation.plan.to_json(),
            "carried": request.carried,
            "desired": situation.desired.declared,
            "request": request.to_json(),
            **to_journal(situation.desired, situation.plan.changes, situation.current),
        }
        if situation.head.exists:
            upload_early(workspace, situation)
        with under_lock(workspace, situation.head, "deploy", about) as journal:
            if journal is not None:
                upload_early(workspace, situation)
                return _carry_out(workspace, situation, journal, request, reading.rollouts())
        reading = _reading(workspace, request)
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


def guard(workspace: Workspace, situation: Situation, request: DeployRequest, rollout: Rollout | None) -> None:
    """Refused when the plan may not be applied."""
    head = situation.head
    if request.expected not in (None, situation.desired.declared):
        raise Refused(
            f"continuing a deploy to {workspace.environment.name}: this checkout declares something else than that run",
            hint="check that run's commit out and resume again, or deploy this checkout: pipeline deploy",
        )
    unfinished = journal_of_unfinished(workspace, head)
    if not request.clear_hold:
        check_hold(head.current, unfinished, rollout, digest=situation.desired.digest, commit=workspace.commit)
    check_plan(situation.plan, max_deletions=request.max_deletions)
    if request.saved is not None:
        begun = (unfinished or {}).get("plan", {}).get("digest")
        check_saved(request.saved, situation.plan, begun=begun)
    if request.review is not None:
        request.review(situation.plan, head)


def carried(unfinished: Mapping[str, Any] | None, situation: Situation) -> dict[str, str]:
    """What runs that did not end had planned to do for the same declared state: address -> action."""
    if unfinished is None or unfinished.get("desired") != situation.desired.declared:
        return {}
    planned = {change["address"]: change["action"] for change in unfinished.get("plan", {}).get("changes", ())}
    return {**planned, **unfinished.get("carried", {})}


def journal_of_unfinished(workspace: Workspace, head: LedgerHead) -> Mapping[str, Any] | None:
    """The head of the journal of the last run, when that did not end well and had begun anything."""
    if head.lock is None or not head.unfinished or head.lock.outcome == REVERTED:
        return None
    return head_of(workspace.ledger, head.lock.run)


def is_done(situation: Situation, request: DeployRequest) -> bool:
    """True when AWS is as declared and the ledger says so too; what was kept before is kept without another word."""
    current = situation.head.current
    known = situation.current.resources if situation.current else {}
    if current is not None and current.hold is not None and request.clear_hold:
        return False
    return (
        all(change.action is Action.RETAIN and change.address in known for change in situation.plan.changes)
        and current is not None
        and not current.destroyed
        and current.desired_digest == situation.desired.digest
    )


def _carry_out(
    workspace: Workspace, situation: Situation, journal: Journal, request: DeployRequest, rollouts: Rollouts
) -> DeployReport:
    adding = [c for c in situation.plan.effective if c.action is not Action.DELETE]
    label(workspace, situation.head.next_number, workspace.commit)
    clearing = Clearing(workspace)
    with workspace.stage("apply") as told:
        applied = apply(workspace, adding, known_outputs(situation), journal, "applying the plan")
        told.append(counted(len(applied.done), "change"))
    publisher = Publisher(workspace.aws)
    with workspace.stage("publish"):
        moves = publisher.prepare(situation.desired, applied.outputs, frozenset(applied.done))
    check_functions(workspace, moves, applied.done)
    if request.strategy.steps:
        # Imported here: most deploys move everything at once, and what drives a rollout takes many modules.
        from pipeline.commands.resolving import shifted  # noqa: PLC0415 - as above
        from pipeline.commands.rolling_out import begin, carry_on, rollout_of  # noqa: PLC0415 - as above

        if (rollout := rollout_of(workspace, situation, request, applied, moves, rollouts.known)) is not None:
            begin(workspace, rollouts, rollout)
            attended = not rollout.detached
            return shifted(workspace, situation, carry_on(workspace, rollouts, journal, attended=attended))
    with workspace.stage("publish") as told:
        current, carried_on = situation.current, situation.head.unfinished
        served = publisher.serve(moves, applied.outputs, current, carried_on=carried_on)
        told.append(f"{counted(len(served.functions), 'function')}, {counted(len(served.apis), 'API')}")
        outputs = {**applied.outputs, **served.outputs}
    sites = [r for r in situation.desired if carried_on or r.address in applied.done]
    shown = show(workspace, sites, outputs, carried_on=carried_on)
    if failures := check_urls(workspace, url_checks(workspace, outputs), applied.done):
        take_back(workspace, current, moves, failures, shown)
    with workspace.stage("prune"):
        removing = removals(workspace, situation)
        pruned = apply(workspace, removing, outputs, journal, "removing what is no longer declared")
    with workspace.stage("record") as told:
        release = new_release(workspace, situation, pruned.outputs, served, request)
        cleared = record(workspace, situation.head, release, partial(clearing.clear_away, release))
        told.append(f"release {release.number}")
    return replace(report(workspace, situation, release, changed=True), pruned=cleared, sites=shown)
