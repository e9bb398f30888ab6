"""Whether the alarms are there that a rollout is to watch: without them it could only fail after its first bake."""

from collections.abc import Iterable
from dataclasses import replace

from pipeline.commands.planning import Situation
from pipeline.commands.workspace import Workspace
from pipeline.errors import Diagnostic, PipelineError
from pipeline.releasing.metrics import look_at_alarms
from pipeline.rollout.alarms import Alarm
from pipeline.rollout.strategy import filled

ALARMS = ("cloudwatch.alarm", "cloudwatch.composite_alarm")


def with_alarms_found(workspace: Workspace, situation: Situation) -> Situation:
    """The situation, with a blocker for each alarm that is neither there nor declared; where traffic shifts in steps.

    Who may not ask is told nothing: what the rollout itself finds missing, it says before it begins.
    """
    if situation.plan.traffic is None:
        return situation
    declared = {str(r.properties.get("name") or r.name) for r in situation.desired if r.type in ALARMS}
    unknown = [name for name in _names(workspace) if name not in declared]
    try:
        missing = missing_of(workspace, look_at_alarms(workspace.aws, unknown)) if unknown else []
    except PipelineError:
        return situation
    plan = situation.plan
    return replace(situation, plan=replace(plan, blockers=(*plan.blockers, *missing)))


def missing_of(workspace: Workspace, alarms: Iterable[Alarm]) -> list[Diagnostic]:
    """A finding for each alarm that there is not, with the place that names it."""
    named = dict(zip(_names(workspace), workspace.loaded.project.alarms_for(workspace.environment.name), strict=False))
    gone = ((alarm, named[alarm.name]) for alarm in alarms if alarm.state is None and alarm.name in named)
    return [
        Diagnostic(
            f"{where.key}: there is no alarm {alarm.name} in {workspace.scope.region}",
            file=where.place.file,
            line=where.place.line,
            column=where.place.column,
            hint="declare it (alarms, in aws/), correct the name, or take it out of the list",
        )
        for alarm, where in gone
    ]


def _names(workspace: Workspace) -> tuple[str, ...]:
    environment = workspace.environment
    return filled(workspace.loaded.project.rollout_for(environment.name), environment.values).analysis.alarms
