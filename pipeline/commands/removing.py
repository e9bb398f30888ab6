"""The stages of a removal: everything that the ledger says we made goes; what bears data only by consent."""

from dataclasses import replace

from pipeline.applying.executor import Outcome
from pipeline.applying.observer import observe
from pipeline.commands.planning import Reading, Situation
from pipeline.commands.recording import new_release, record, report
from pipeline.commands.running import apply, known_outputs, settled, under_lock
from pipeline.commands.underway import underway
from pipeline.commands.unrecorded import left_by, ours, to_journal
from pipeline.commands.workspace import Workspace
from pipeline.errors import Refused
from pipeline.model.plan import Action
from pipeline.model.release import LedgerHead
from pipeline.model.report import DeployReport
from pipeline.model.resource import DesiredState
from pipeline.planning.planner import Consent, Question, make_plan
from pipeline.releasing.journal import Journal
from pipeline.releasing.publisher import Published


def survey_for_removal(workspace: Workspace, head: LedgerHead, consent: Consent) -> Situation:
    """The plan that leaves nothing: all that the ledger names, also what was taken back, and what a killed run made."""
    released = dict(head.current.resources) if head.current else {}
    left = left_by(workspace, head).beside(released)
    possible = left | workspace.loaded.desired[workspace.environment.name].by_address
    declared = DesiredState(tuple(r for r in possible.values() if r.address not in released))
    observed = observe(
        workspace.aws, workspace.types, declared, head.current, thorough=True, home=workspace.home_of(workspace.aws)
    )
    # What carries no mark may be somebody else's, unless a run did not end well that may have made it.
    made = declared.by_address if head.unfinished else left
    nothing = DesiredState(())
    plan = make_plan(
        Question(
            scope=workspace.scope,
            desired=nothing,
            observed=observed,
            specs=workspace.types.specs,
            released=released | ours(workspace, declared.by_address, observed, made=made),
            consent=consent,
            commit=workspace.commit,
        )
    )
    return Situation(nothing, observed, head, plan, head.current)


def destroy(workspace: Workspace, situation: Situation) -> DeployReport:
    """Carries out the removal that `survey_for_removal` planned, and records it; also what a run that died had not."""
    current, head = situation.current, situation.head
    open_still = head.unfinished and current is not None and not current.destroyed
    if not situation.plan.effective and not open_still:
        known = current.resources if current else {}
        if all(change.address in known for change in situation.plan.changes):
            settled(workspace, head, "destroy")
        return report(workspace, situation, current, changed=False)
    about = {
        "plan": situation.plan.to_json(),
        **to_journal(situation.desired, situation.plan.changes, situation.current),
    }
    with under_lock(workspace, situation.head, "destroy", about) as journal:
        if journal is None:
            raise Refused("taking the lock: another run changed the environment meanwhile", hint="run again")
        return _carry_out(workspace, situation, journal)


def _carry_out(workspace: Workspace, situation: Situation, journal: Journal) -> DeployReport:
    removing = [c for c in situation.plan.changes if c.action is Action.DELETE]
    with workspace.stage("destroy"):
        applied: Outcome = apply(workspace, removing, known_outputs(situation), journal, "destroying")
    with workspace.stage("record"):
        nothing_serves = Published({}, {}, {})
        release = replace(new_release(workspace, situation, applied.outputs, nothing_serves), destroyed=True)
        record(workspace, situation.head, release)
    return report(workspace, situation, release, changed=True)


def plan_removal(workspace: Workspace, consent: Consent) -> Situation:
    """Reads the ledger and AWS; what `destroy` would do. Refused while a release is being rolled out.

    The home region goes last: refused while another one has what stands on it.
    """
    with workspace.stage("plan"):
        reading = Reading(workspace)
        head = reading.head()
        if (found := underway(reading)) is not None:
            name = workspace.environment.name
            raise Refused(
                f"destroying {name}: release {found.rollout.release.number} is being rolled out",
                hint=f"pipeline abort --env {name}, then again",
            )
        _check_last(workspace)
        return survey_for_removal(workspace, head, consent)


def _check_last(workspace: Workspace) -> None:
    for other in workspace.others_of_home():
        current = other.ledger.head().current
        if current is not None and not current.destroyed:
            name = workspace.name
            raise Refused(
                f"destroying {name} in {workspace.scope.region}: {other.scope.region} still has release "
                f"{current.number}, which needs what there is once for all regions",
                hint="the same without --region, which goes through the regions in the right order",
            )
