"""The stages of a rollback that was chosen: lock, traffic, record, converge, record.

Traffic comes first, without any analysis; the release is recorded as soon as it serves, so that whatever dies after
that leaves an environment that is on hold and known to serve what it serves. Then the rest follows.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from pipeline.commands.advising import options_of
from pipeline.commands.choosing import Rollback, plan_of, plan_rollback, without_rollout
from pipeline.commands.counterparts import asked_here
from pipeline.commands.planning import Reading, Situation, survey
from pipeline.commands.recording import removals, report
from pipeline.commands.running import apply, known_outputs, label, under_lock
from pipeline.commands.showing import show
from pipeline.commands.unrecorded import between
from pipeline.commands.workspace import Workspace
from pipeline.errors import ChangesFailed, Interrupted, PipelineError, Refused
from pipeline.model.plan import Action, Change, Plan
from pipeline.model.release import Hold, Release
from pipeline.model.report import RollbackPlan, RollbackReport, Shown
from pipeline.model.resource import DesiredState, ObservedState, Resource
from pipeline.model.values import Outputs
from pipeline.planning.planner import Consent
from pipeline.planning.safety import check_plan
from pipeline.releasing import restoring
from pipeline.releasing.apis import entry_names
from pipeline.releasing.hold import hold_after
from pipeline.releasing.journal import Journal
from pipeline.releasing.publisher import FUNCTION, Published, Publisher
from pipeline.reporting.plan_text import summary_line
from pipeline.reporting.rollback_text import render_rollback_plan
from pipeline.reporting.style import counted

_ATTEMPTS = 5
# Releases among which one is looked for that this run of a workflow has made.
_LOOKED_THROUGH = 50


def roll_back(workspace: Workspace, rollback: Rollback) -> RollbackReport:
    """Carries out what `plan_rollback` found. Refused when another run changed what serves since: look again first."""
    rollback = without_rollout(workspace, rollback)
    for _ in range(_ATTEMPTS):
        if rollback.done:
            return _nothing_done(workspace, rollback)
        moves = plan_of(workspace, rollback)
        about = {
            "target": rollback.target.number,
            "asked": rollback.asked,
            "release": rollback.number,
            "from": rollback.origin.number,
            "origin": {"commit": rollback.origin.commit, "created": rollback.origin.created, "how": rollback.how},
            "moves": moves.to_json(),
            **between(DesiredState(rollback.current.own), rollback.desired),
        }
        with under_lock(workspace, rollback.head, "rollback", about) as journal:
            if journal is not None:
                return _carry_out(workspace, rollback, moves, journal)
        again = plan_rollback(workspace, rollback.asked)
        if (again.current.number, again.target.number) != (rollback.current.number, rollback.target.number):
            raise Refused(
                f"rolling back {workspace.environment.name}: another run made release {again.current.number} meanwhile",
                hint="look at `pipeline releases`, then say which release is wanted",
            )
        rollback = again
    raise Refused("taking the lock: other runs kept changing the environment", hint="run again when they have ended")


def rollback_to(workspace: Workspace, target: str, *, again: bool = False) -> RollbackReport:
    """Rolls back without asking: for CI.

    `again`: the run of the workflow was started once more. What it has done it does not do a second time: something
    else may have been deployed since.
    """
    by_ledger = workspace.without_specs()
    if again and (echo := _echo(by_ledger)) is not None:
        return echo
    rollback = plan_rollback(by_ledger, asked_here(by_ledger, target))
    workspace.console.say(render_rollback_plan(plan_of(by_ledger, rollback), workspace.console.err_style))
    return roll_back(by_ledger, rollback)


def _echo(workspace: Workspace) -> RollbackReport | None:
    """What to say when this very run of the workflow has rolled back already, and another release serves since."""
    listed = workspace.ledger.releases(_LOOKED_THROUGH)
    mine = next((r for r in listed if r.restores is not None and r.run_url == workspace.run_url is not None), None)
    if mine is None or mine.number == listed[0].number:
        return None
    head = Reading(workspace).head()
    current = head.current or listed[0]
    scope = workspace.scope
    nothing = Plan(scope.service, scope.environment, scope.region, scope.account, current.commit, ())
    situation = Situation(DesiredState(()), ObservedState({}), head, nothing, head.current)
    told = report(workspace, situation, current, changed=False)
    plan = RollbackPlan(workspace.environment.name, mine.number, current, mine, (), (), command=options_of(workspace))
    return RollbackReport(replace(told, commit=current.commit), plan, current.hold, echo=mine.number)


def _carry_out(workspace: Workspace, rollback: Rollback, plan: RollbackPlan, journal: Journal) -> RollbackReport:
    with workspace.stage("traffic") as told:
        restoring.restore(workspace.aws, rollback.outlook.points)
        shown = _show_sites(workspace, rollback)
        first = _first_record(workspace, rollback)
        etag = _record_first(workspace, rollback, first)
        waiting = sum(1 for point in rollback.outlook.points if point.anew)
        but = f", but for {counted(waiting, 'pointer')} to what is made anew" if waiting else ""
        told.append(f"release {rollback.target.number} serves again, as release {rollback.number}{but}")
    label(workspace, rollback.number, rollback.target.commit)
    try:
        situation, outputs, published = _converge(workspace, rollback, journal)
        with workspace.stage("record"):
            last = _last_record(first, situation, outputs, published)
            workspace.ledger.put_current(last, etag)
            workspace.ledger.put_copy(last)
    except Interrupted:
        raise
    except PipelineError as error:
        raise _incomplete(workspace, rollback, error) from error
    done = _report(workspace, situation, last, plan, changed=True)
    return replace(done, deploy=replace(done.deploy, sites=shown))


def _show_sites(workspace: Workspace, rollback: Rollback) -> Mapping[str, Shown]:
    """The static sites as they were: every content is in the ledger."""
    outputs = restoring.outputs_after(rollback.target, rollback.current, rollback.outlook.points)
    carried_on = rollback.begun is not None or rollback.head.unfinished
    return show(workspace, rollback.desired, outputs, carried_on=carried_on)


def _first_record(workspace: Workspace, rollback: Rollback) -> Release:
    """What serves once the pointers have moved; what is made anew still serves what it did."""
    target, current, points = rollback.target, rollback.current, rollback.outlook.points
    waiting = {point.resource.address for point in points if point.anew}
    functions = {r.name: r.address for r in target.desired if r.type == FUNCTION}
    apis = {name: address for address, name in entry_names(target.desired).items()}
    return replace(
        target,
        number=rollback.number,
        created=workspace.clock.stamp(),
        actor=workspace.actor,
        run=workspace.run_id,
        run_url=workspace.run_url,
        restores=target.number,
        hold=_hold(workspace, rollback),
        plan={},
        desired=(*rollback.desired, *_beside(rollback)),
        desired_digest=rollback.desired.digest,
        outputs=restoring.outputs_after(target, current, points),
        formers=current.formers,
        functions=_entries(rollback, target.functions, current.functions, functions, waiting),
        apis=_entries(rollback, target.apis, current.apis, apis, waiting),
    )


def _beside(rollback: Rollback) -> Iterator[Resource]:
    """What was made since the old release, also by what was taken back: the next deploy decides about it."""
    yield from restoring.additions(rollback.target, rollback.current)
    declared = rollback.desired.by_address
    yield from (resource for resource in rollback.head.left if resource.address not in declared)


Entries = Mapping[str, Mapping[str, Any]]


def _entries(
    rollback: Rollback, then: Entries, now: Entries, addresses: Mapping[str, str], waiting: Collection[str]
) -> Entries:
    """The recorded entries with `previous` as it is from now on; those that have to wait as they are now."""
    found: dict[str, Mapping[str, Any]] = {}
    for name, entry in then.items():
        if addresses.get(name) not in waiting:
            found[name] = {**entry, "previous": _previous(rollback, name, entry, now)}
        elif name in now:
            found[name] = now[name]
    return found


def _previous(rollback: Rollback, name: str, entry: Mapping[str, Any], now: Entries) -> Any:
    """What served before the rollback; the record of a run that died knows it, if there is one."""
    if rollback.recorded:
        return now.get(name, {}).get("previous")
    serving = "version" if "version" in entry else "deployment"
    return now.get(name, {}).get(serving)


def _hold(workspace: Workspace, rollback: Rollback) -> Hold | None:
    if rollback.recorded and rollback.current.hold is not None:
        return rollback.current.hold
    return hold_after(rollback.origin, rollback.target.number, since=workspace.clock.stamp(), by=workspace.actor)


def _record_first(workspace: Workspace, rollback: Rollback, first: Release) -> str:
    """Makes it the current release; a release before it that lacks its copy in the history gets that first."""
    ledger, head = workspace.ledger, rollback.head
    if head.unfinished and not rollback.recorded:
        ledger.put_copy(rollback.current)
    return ledger.put_current(first, head.current_etag)


def _converge(
    workspace: Workspace, rollback: Rollback, journal: Journal
) -> tuple[Situation, dict[str, Outputs], Published]:
    """Brings everything else to the old release: what is known, what may be changed, and nothing is deleted."""
    with workspace.stage("converge") as told:
        found = survey(workspace, rollback.desired, rollback.head, Consent(prune=False), thorough=True)
        situation = _without_data(workspace, rollback, found)
        told.append(summary_line(situation.plan))
        check_plan(situation.plan, max_deletions=len(situation.plan.changes))
        changes = list(situation.plan.effective)
        applied = apply(workspace, changes, known_outputs(situation), journal, "bringing back the rest")
        publisher, done = Publisher(workspace.aws), frozenset(applied.done)
        made = publisher.release(situation.desired, applied.outputs, done, rollback.current)
        published = _with_previous(rollback, made)
        moved = [p.resource for p in rollback.outlook.points if p.moves or rollback.begun]
        publisher.keep_previous(published, moved)
        outputs = {**applied.outputs, **published.outputs}
        retired = apply(workspace, removals(workspace, situation), outputs, journal, "removing what is not needed")
    return situation, retired.outputs, published


def _without_data(workspace: Workspace, rollback: Rollback, situation: Situation) -> Situation:
    """The same without changes of what bears data, and with versions of their own for what has to be made anew."""
    specs, plan = workspace.types.specs, situation.plan
    anew = {point.resource.address for point in rollback.outlook.points if point.anew}

    def touches_data(change: Change) -> bool:
        return specs[change.type].data_bearing and change.action in (Action.UPDATE, Action.REPLACE)

    kept = {change.address for change in plan.changes if change.desired is not None and touches_data(change)}
    changes = [
        replace(change, observed=replace(change.observed, served=None))
        if change.address in anew and change.observed is not None
        else change
        for change in plan.changes
        if change.address not in kept
    ]
    blockers = [blocker for blocker in plan.blockers if blocker.address not in kept]
    unchanged = plan.unchanged + len(kept)
    return replace(
        situation,
        plan=replace(
            plan, commit=rollback.target.commit, changes=tuple(changes), blockers=tuple(blockers), unchanged=unchanged
        ),
    )


def _with_previous(rollback: Rollback, made: Published) -> Published:
    """The same with what served before the rollback began as `previous`."""
    now = rollback.current
    return replace(
        made,
        functions={n: {**e, "previous": _previous(rollback, n, e, now.functions)} for n, e in made.functions.items()},
        apis={n: {**e, "previous": _previous(rollback, n, e, now.apis)} for n, e in made.apis.items()},
    )


def _last_record(first: Release, situation: Situation, outputs: Mapping[str, Outputs], published: Published) -> Release:
    kept = [c.desired for c in situation.plan.changes if c.action is Action.RETAIN and c.desired is not None]
    desired = (*situation.desired, *kept)
    addresses = {resource.address for resource in desired}
    return replace(
        first,
        desired=desired,
        desired_digest=situation.desired.digest,
        outputs={address: values for address, values in outputs.items() if address in addresses},
        functions=published.functions,
        apis=published.apis,
        plan={"digest": situation.plan.digest, "summary": situation.plan.summary},
    )


def _incomplete(workspace: Workspace, rollback: Rollback, error: PipelineError) -> PipelineError:
    """Something broke after the traffic had moved: the exit code must not say that nothing was done."""
    doing = f"release {rollback.target.number} serves again and is recorded as release {rollback.number}; the rest"
    hint = f"mend the cause, then pipeline resume {options_of(workspace)}"
    if isinstance(error, ChangesFailed):
        told = error.with_context(doing)
        told.hint = hint
        return told
    return PipelineError(f"{doing}: {error}", hint=error.hint or hint, diagnostics=error.diagnostics)


def _nothing_done(workspace: Workspace, rollback: Rollback) -> RollbackReport:
    scope = workspace.scope
    nothing = Plan(scope.service, scope.environment, scope.region, scope.account, rollback.target.commit, ())
    situation = Situation(rollback.desired, ObservedState({}), rollback.head, nothing, rollback.current)
    return _report(workspace, situation, rollback.current, plan_of(workspace, rollback), changed=False)


def _report(
    workspace: Workspace, situation: Situation, release: Release, plan: RollbackPlan, *, changed: bool
) -> RollbackReport:
    told = report(workspace, situation, release, changed=changed)
    return RollbackReport(replace(told, commit=release.commit), plan, release.hold)
