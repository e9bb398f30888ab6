"""Whether a release is being rolled out, and how one is going to be: what every plan and deploy asks first.

What drives a rollout is elsewhere (`rolling_out`, `steering`): importing that takes longer than most deploys need it.
"""

from dataclasses import dataclass

from pipeline.commands.planning import Reading, Situation
from pipeline.commands.workspace import Workspace
from pipeline.errors import BadInput
from pipeline.model.release import LedgerHead
from pipeline.model.shift import Rollout
from pipeline.model.strategy import Strategy
from pipeline.releasing.rollouts import Rollouts
from pipeline.rollout.codedeploy import role_name
from pipeline.rollout.strategy import filled

# How the lock says that a run ended: nothing is broken, but the rollout is not over, or was taken back.
WAITING, REVERTED = "waiting", "reverted"


@dataclass(frozen=True)
class Underway:
    """A rollout that is not over, and the head of the ledger that says so."""

    head: LedgerHead
    rollouts: Rollouts

    @property
    def rollout(self) -> Rollout:
        """The rollout as it was last seen."""
        return self.rollouts.current

    @property
    def was_left(self) -> bool:
        """True when the run that drove it died or broke, as far as the lock says; not when it waits on purpose."""
        lock = self.head.lock
        return lock is not None and (lock.held or lock.outcome not in (WAITING, REVERTED, "succeeded"))


def underway(reading: Reading) -> Underway | None:
    """The rollout that is not over, if there is one."""
    head, rollouts = reading.head(), reading.rollouts()
    number = head.current.number if head.current else 0
    return Underway(head, rollouts) if rollouts.known is not None and rollouts.known.is_open(number) else None


def watching(workspace: Workspace, situation: Situation, strategy: Strategy) -> Situation:
    """The situation, with a blocker for each alarm of the strategy that there is not."""
    if not strategy.analysis.alarms:
        return situation
    from pipeline.commands.alarming import with_alarms_found  # noqa: PLC0415 - few rollouts watch alarms

    return with_alarms_found(workspace, situation)


def strategy_of(workspace: Workspace) -> Strategy:
    """How the environment's traffic is to shift. BadInput for alarms with variables that it does not have."""
    environment, project = workspace.environment, workspace.loaded.project
    strategy = filled(project.rollout_for(environment.name), environment.values)
    role, declared = role_name(environment.scope), workspace.loaded.desired[environment.name].by_address
    if strategy.engine == "codedeploy" and f"iam.role/{role}" not in declared:
        raise BadInput(
            f"{project.source}: engine codedeploy wants a role {role}, which is not declared",
            hint="declare it among the roles, for codedeploy.amazonaws.com with AWSCodeDeployRoleForLambda",
        )
    return strategy
