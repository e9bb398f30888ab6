"""Compares live AWS with the last release and with git: reads everything, builds nothing, changes nothing."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from pipeline.applying.observer import spared
from pipeline.commands.advising import advice
from pipeline.commands.hub import Hub
from pipeline.commands.notifying import notify, notify_end
from pipeline.commands.planning import Reading, survey, warnings_of
from pipeline.commands.regions import each_region, regions_at
from pipeline.commands.summarizing import summarize
from pipeline.commands.telling import Telling
from pipeline.commands.workspace import Workspace
from pipeline.errors import Diagnostic, Interrupted, PipelineError
from pipeline.model.plan import Plan
from pipeline.model.release import Release
from pipeline.planning.drift import drifted, overlooked, remarks, with_released_code
from pipeline.planning.planner import Consent
from pipeline.reporting.diagnostics import diagnostics_json
from pipeline.reporting.drift_text import drift_issue, drift_summary, failure_summary, render_drift


@dataclass(frozen=True)
class Drift:
    """What differs, as the plan that would mend it, and the release that it was compared with (None: there is none)."""

    plan: Plan
    release: Release | None

    @property
    def drifted(self) -> bool:
        """True when somebody changed something outside of git."""
        return self.release is not None and bool(drifted(self.plan))


def detect(workspace: Workspace) -> Drift:
    """What differs in the environment. Code is compared with the digest that was released, so nothing is built."""
    with workspace.stage("validate"):
        _ = workspace.loaded
    reading = Reading(workspace)
    head = reading.head()
    released = head.current.resources if head.current else {}
    desired = with_released_code(workspace.loaded.desired[workspace.environment.name], released)
    with workspace.stage("compare"):
        found = survey(workspace, desired, head, Consent(), thorough=True, reading=reading)
    # What the types warn of is the business of plans: it is as it was at the last release.
    usual = warnings_of(workspace, found.desired)
    warnings = [warning for warning in found.plan.warnings if warning not in usual]
    told = remarks(found.desired, replace(head, current=found.current), found.plan, workspace.types.specs)
    told += overlooked(found.plan, spared(found.desired, found.current))
    told = [replace(one, hint=advice(workspace, one.hint or "")) for one in told]
    return Drift(replace(found.plan, warnings=(*warnings, *told)), head.current)


def detect_all(names: Iterable[str], surroundings: Callable[[str], Workspace], hub: Hub | None) -> int:
    """Reports every environment, whatever becomes of the others; the exit code is that of the first that failed.

    Drift is no failure. In GitHub Actions it is a warning of the run, the job's summary has the report, and an issue
    of each environment is open as long as it has drifted, in whichever region.
    """
    failed = 0
    for space in (one for name in names for one in each_region(surroundings(name))):
        place, regions = hub.place(space.place) if hub else space.place, regions_at(space)
        try:
            found = detect(space)
        except Interrupted:
            raise
        except PipelineError as error:
            failed = failed or error.exit_code
            _failed(space, error)
            notify_end(space, place, error.exit_code, f"comparing: {error}")
        else:
            _report(space, found, place)
            if hub is not None:
                report = drift_issue(found.plan, found.release, hub.run, regions=len(regions))
                Telling(hub, space.name, space.region, regions).drift(report, drifted=found.drifted)
    return failed


def _report(space: Workspace, found: Drift, place: str) -> None:
    plan = found.plan
    space.console.result(plan.to_json(), render_drift(plan, found.release, space.console.style))
    if found.drifted:
        were = "resource was" if plan.summary["drift"] == 1 else "resources were"
        text = f"{space.place} has drifted: {plan.summary['drift']} {were} changed outside of git"
        space.console.warn(Diagnostic(text, severity="warning"))
        notify(space, "drifted", place, text)
    summarize(space, f"{drift_summary(plan, found.release)}\n")


def _failed(space: Workspace, error: PipelineError) -> None:
    space.console.error(error.with_context(f"comparing {space.place}"))
    if space.console.format == "json":
        told = {"message": str(error), "hint": error.hint, "exit_code": error.exit_code}
        space.console.result({"environment": space.name, "error": told, **diagnostics_json(error.diagnostics)}, "")
    summarize(space, f"{failure_summary(space.place, error)}\n")
