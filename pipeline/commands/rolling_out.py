"""The stages of a rollout: begin it once everything is published, drive it, and settle what came of it.

The same functions carry it on in another process: everything that they need is in the ledger.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from pipeline.applying.executor import Outcome as Applied
from pipeline.commands.advising import advice
from pipeline.commands.alarming import missing_of
from pipeline.commands.planning import Situation, survey
from pipeline.commands.probing import check_urls
from pipeline.commands.recording import new_release, record, removals
from pipeline.commands.requesting import DeployRequest
from pipeline.commands.running import Clearing, apply, known_outputs
from pipeline.commands.showing import show
from pipeline.commands.underway import REVERTED, WAITING
from pipeline.commands.watching import Watching
from pipeline.commands.workspace import Workspace
from pipeline.errors import Interrupted, PipelineError, Refused
from pipeline.model.plan import Action, Change, Origin
from pipeline.model.release import LedgerHead
from pipeline.model.report import Canary
from pipeline.model.resource import DesiredState
from pipeline.model.rollout import Outcome
from pipeline.model.shift import Rollout, Shift, Way
from pipeline.model.values import Outputs
from pipeline.planning.planner import Consent
from pipeline.releasing.codedeploy import CodeDeploy
from pipeline.releasing.driver import Driver, Surroundings, states_of
from pipeline.releasing.journal import Journal
from pipeline.releasing.links import links_of
from pipeline.releasing.metrics import CloudWatch
from pipeline.releasing.publisher import Move, Published, Publisher
from pipeline.releasing.publisher import record as record_of
from pipeline.releasing.rollouts import Rollouts
from pipeline.releasing.shifting import Traffic, shifts_of
from pipeline.releasing.sites import SITE
from pipeline.reporting.rollout_text import awaited
from pipeline.resources.base import Aws
from pipeline.rollout.alarms import Alarm
from pipeline.rollout.baseline import alone

ALL = 100  # percent: what a release has that was promoted


def rollout_of(
    workspace: Workspace,
    situation: Situation,
    request: DeployRequest,
    applied: Applied,
    moves: Sequence[Move],
    last: Rollout | None,
) -> Rollout | None:
    """The rollout of what was published; None where everything moves at once: by strategy, or because it must.

    `last` is the one before it.
    """
    current = situation.current
    if not request.strategy.steps or current is None or not any(move.needed for move in moves):
        return None
    published, began = record_of(moves, applied.outputs, current), workspace.clock.now()
    removing, unsure = removals(workspace, situation), situation.head.unfinished
    rollout = Rollout(
        release=new_release(workspace, situation, {**applied.outputs, **published.outputs}, published, request),
        strategy=request.strategy,
        shifts=shifts_of(workspace.aws, situation.desired, moves, request.strategy.engine),
        declared=situation.desired.declared,
        began=began,
        base=current.number,
        retiring=tuple(change.address for change in removing if change.action is Action.RETIRE),
        removing=tuple(change.address for change in removing if change.action is Action.DELETE),
        sites=tuple(r.address for r in situation.desired if r.type == SITE and (unsure or r.address in applied.done)),
        consent=request.to_json(),
        hotfix=request.hotfix,
        detached=request.detach or request.strategy.detach,
        alone=alone(current, last, began),
    )
    declared = rollout.release.resources
    rollout = replace(rollout, left=tuple(r for r in situation.head.left if r.address not in declared))
    if is_shared(rollout):
        return rollout
    workspace.console.say("nothing of this release can share its traffic with what serves now: all at once")
    return None


def begin(workspace: Workspace, rollouts: Rollouts, rollout: Rollout) -> None:
    """Writes the rollout into the ledger; from then on it is carried on, whoever dies. Refused when alarms are gone."""
    names = rollout.strategy.analysis.alarms
    alarms: Sequence[Alarm] = ()
    if names:
        try:
            alarms = CloudWatch(workspace.aws, rollout).alarms(names)
        except Interrupted:
            raise
        except PipelineError as error:
            workspace.console.say(f"looking at the alarms before the rollout: {error}")
    if missing := missing_of(workspace, alarms):
        raise Refused(f"rolling out release {rollout.release.number}: nothing has moved", diagnostics=missing)
    before = states_of(alarms)
    rollouts.begin(replace(rollout, status=replace(rollout.status, alarms=before)))


def is_shared(rollout: Rollout) -> bool:
    """True when anything of the release can share its traffic with what serves now."""
    return any(shift.way is not Way.PROMOTION and shift.moves for shift in rollout.shifts)


def carry_on(workspace: Workspace, rollouts: Rollouts, journal: Journal, *, attended: bool) -> Canary:
    """Drives the rollout as far as it goes now, and settles what came of it. Needs the lock."""
    rollout = rollouts.current
    with workspace.stage("shift") as told, Watching(workspace, rollout) as watching:
        around = Surroundings(
            workspace.clock.now, workspace.clock.sleep, partial(_guard, workspace), watching.tell, journal.note
        )
        try:
            ended = _engine(workspace, rollouts, around).drive(attended=attended)
        except Interrupted as error:
            error.hint = _interrupted(workspace, rollouts.current)
            raise
        told.append(watching.summary(ended))
    if ended.status.outcome is Outcome.PROMOTED:
        return _promoted(workspace, rollouts, journal)
    links = links_of(ended, workspace.scope)
    if ended.status.outcome is Outcome.REVERTED:
        rollouts.keep()
        journal.outcome = REVERTED
        return Canary(ended, links=links)
    journal.outcome = WAITING
    return Canary(ended, advice(workspace, awaited(ended, workspace.environment.name, workspace.clock.now())), links)


def _engine(workspace: Workspace, rollouts: Rollouts, around: Surroundings) -> Driver | CodeDeploy:
    """Who shifts: this program, or AWS CodeDeploy."""
    aws, rollout = workspace.aws, rollouts.current
    traffic = _Whole(aws, rollout.shifts, partial(_show_base, workspace, rollouts))
    if rollout.strategy.engine == "codedeploy":
        return CodeDeploy(aws, rollouts, traffic, around)
    return Driver(rollouts, traffic, CloudWatch(aws, rollout), around)


class _Whole(Traffic):
    """The traffic of a release with its static sites: what is taken back was shown to visitors, too, once promoted."""

    def __init__(self, aws: Aws, shifts: Iterable[Shift], show_base: Callable[[], None]) -> None:
        super().__init__(aws, shifts)
        self._show_base = show_base

    def revert(self) -> None:
        """Functions and APIs first: old pages may call what the new ones do not need any more."""
        super().revert()
        self._show_base()


def _show_base(workspace: Workspace, rollouts: Rollouts) -> None:
    """The sites as the stable release has them; nothing to do unless this one was promoted before it was taken back."""
    rollout = rollouts.current
    base = workspace.ledger.head().current if rollout.sites and rollout.status.weight == ALL else None
    if base is not None and base.number == rollout.base:
        sites = [r for r in base.desired if r.address in rollout.sites]
        show(workspace, sites, base.outputs, carried_on=True, back=True)


def _guard(workspace: Workspace) -> None:
    if workspace.aws.guard is not None:
        workspace.aws.guard()


def _interrupted(workspace: Workspace, rollout: Rollout) -> str:
    name = workspace.environment.name
    return advice(
        workspace,
        f"the canary keeps its {rollout.status.weight:g} %: pipeline resume --env {name} goes on, "
        f"pipeline abort --env {name} takes it back",
    )


def _promoted(workspace: Workspace, rollouts: Rollouts, journal: Journal) -> Canary:
    """The release serves: what only the one before needed goes, and the release is recorded."""
    rollout = rollouts.current
    head = workspace.ledger.head()
    release = rollout.release
    if head.current is None or head.current.number < release.number:
        sites = [r for r in release.desired if r.address in rollout.sites]
        show(workspace, sites, release.outputs, carried_on=True)
        if failures := check_urls(workspace, release.smoke):
            rollouts.take_back(f"smoke tests after the promotion: {'; '.join(failures)}")
            return carry_on(workspace, rollouts, journal, attended=True)
        addresses = [shift.address for shift in rollout.shifts if shift.moves]
        moved = [r for r in release.desired if r.address in addresses]
        Publisher(workspace.aws).keep_previous(Published(release.functions, release.apis, {}), moved)
        outputs = _prune(workspace, rollout, head, journal)
        with workspace.stage("record") as told:
            release = replace(release, outputs={a: outputs.get(a, v) for a, v in release.outputs.items()})
            record(workspace, head, release)
            told.append(f"release {release.number}")
        if workspace.needs_specs:  # the ledger alone does not say for how long one wants to roll back
            Clearing(workspace).clear_away(release)
    rollouts.keep()
    return Canary(replace(rollout, release=release), links=links_of(rollout, workspace.scope))


def _prune(workspace: Workspace, rollout: Rollout, head: LedgerHead, journal: Journal) -> Mapping[str, Outputs]:
    """Removes what is no longer declared, by the world as it is after the bake; the outputs then."""
    if not rollout.removing and not rollout.retiring:
        return {}
    with workspace.stage("prune"):
        consent = Consent(rollout.consent["include_data"], frozenset(rollout.consent["adopt"]))
        known = replace(head, left=rollout.left)
        situation = survey(workspace, DesiredState(rollout.release.desired), known, consent, thorough=True)
        changes = [*_retiring(rollout, situation), *_removing(rollout, situation)]
        applied = apply(workspace, changes, known_outputs(situation), journal, "removing what is no longer declared")
    return applied.outputs


def _retiring(rollout: Rollout, situation: Situation) -> list[Change]:
    resources = rollout.release.resources
    return [
        Change(address, Action.RETIRE, Origin.GIT, desired=resources[address], observed=situation.observed.get(address))
        for address in rollout.retiring
        if address in resources and situation.observed.get(address) is not None
    ]


def _removing(rollout: Rollout, situation: Situation) -> list[Change]:
    return [
        change
        for change in situation.plan.effective
        if change.action is Action.DELETE and change.address in rollout.removing
    ]
