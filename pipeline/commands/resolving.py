"""What becomes of a rollout that is under way when somebody deploys."""

from dataclasses import replace

from pipeline.commands.bundling import Built
from pipeline.commands.planning import Situation
from pipeline.commands.promoting import Promoted
from pipeline.commands.recording import report
from pipeline.commands.requesting import DeployRequest
from pipeline.commands.steering import abort, drive
from pipeline.commands.underway import Underway
from pipeline.commands.workspace import Workspace
from pipeline.errors import Refused
from pipeline.model.plan import Plan
from pipeline.model.report import Canary, DeployReport
from pipeline.model.resource import DesiredState, ObservedState
from pipeline.model.rollout import Outcome
from pipeline.rollout.events import AbortRequested


def resolve(
    workspace: Workspace, found: Underway, request: DeployRequest, built: Built | Promoted
) -> DeployReport | None:
    """What becomes of a rollout that is under way; a report when it is of this very release. None: look again.

    The same is carried on. Something else waits until a person decided, unless it is the fix, or the run that drove
    the rollout died: then the canary is taken back first.
    """
    rollout, name = found.rollout, workspace.environment.name
    what = f"release {rollout.release.number} of commit {(rollout.release.commit or '-')[:7]}"
    if request.hotfix:
        workspace.console.say(f"taking {what} back for this fix")
        abort(workspace, found, f"for the fix of commit {(workspace.commit or '-')[:7]}")
        return None
    if rollout.declared == built.desired.declared:
        workspace.console.say(f"{what} is being rolled out: going on with it")
        canary = drive(workspace, found, "deploy", attended=not (rollout.detached or request.detach))
        return continued(workspace, canary) if canary is not None else None
    if not found.was_left:
        raise Refused(
            f"deploying {name}: {what} is being rolled out, at {rollout.status.weight:g} %",
            hint=f"pipeline promote --env {name} or pipeline abort --env {name} first; "
            f"for the fix: pipeline deploy --env {name} --hotfix",
        )
    reason = f"superseded by commit {(workspace.commit or '-')[:7]}"
    drive(workspace, found, "deploy", attended=True, event=AbortRequested(workspace.actor, reason))
    return None


def continued(workspace: Workspace, canary: Canary) -> DeployReport:
    """The report of a rollout that another run began: its plan is in its release."""
    scope, head = workspace.scope, workspace.ledger.head()
    nothing = Plan(scope.service, scope.environment, scope.region, scope.account, workspace.commit, ())
    situation = Situation(DesiredState(()), ObservedState({}), head, nothing, head.current)
    told = shifted(workspace, situation, canary)
    return replace(told, planned=canary.rollout.release.plan)


def shifted(workspace: Workspace, situation: Situation, canary: Canary) -> DeployReport:
    """The report of a deploy whose traffic shifted in steps."""
    promoted = canary.rollout.status.outcome is Outcome.PROMOTED
    release = canary.rollout.release if promoted else situation.head.current
    return replace(report(workspace, situation, release, changed=True), canary=canary)
