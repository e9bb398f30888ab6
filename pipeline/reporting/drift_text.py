"""A drift report for terminals and for the summary of a workflow's job. Pure."""

from collections.abc import Sequence

from pipeline.errors import PipelineError
from pipeline.model.plan import Change, Origin, Plan
from pipeline.model.release import Release
from pipeline.planning.drift import drifted
from pipeline.reporting.markdown import code, units
from pipeline.reporting.parts import share_of
from pipeline.reporting.plan_text import change_lines, finding_lines, headline
from pipeline.reporting.status_text import Run
from pipeline.reporting.style import Style, counted

# GitHub refuses an issue with more than 65,536 characters as a whole; the rest is for what stands around the lines.
_MOST = 64_000


def render_drift(plan: Plan, release: Release | None, style: Style) -> str:
    """What was changed in AWS, then what was edited in git, then what of it is worth knowing."""
    lines = [style.bold(headline(plan)), _compared_with(release), ""]
    if release is None:
        return "\n".join([*lines, style.bold(_verdict(plan, release))])
    drift = drifted(plan)
    edited = [change for change in plan.changes if change.origin is Origin.GIT]
    lines += _block("changed in AWS (what it has -> what is declared):", drift, style)
    lines += _block("edited in git, not deployed:", edited, style)
    return "\n".join([*lines, style.bold(_verdict(plan, release)), *finding_lines(plan, style)])


def _compared_with(release: Release | None) -> str:
    if release is None:
        return "nothing was released there yet"
    if release.destroyed:
        return f"destroyed {release.created[:16].replace('T', ' ')} UTC by {release.actor}"
    commit = f" of commit {release.commit[:7]}" if release.commit else ""
    return f"against release {release.number}{commit}, {release.created[:16].replace('T', ' ')} UTC by {release.actor}"


def _block(title: str, changes: Sequence[Change], style: Style) -> list[str]:
    if not changes:
        return []
    return [title, *(line for change in changes for line in change_lines(change, style)), ""]


def _verdict(plan: Plan, release: Release | None) -> str:
    """`no drift, 28 as released`; `1 drifted, 2 edited in git, 25 as released`."""
    if release is None:
        return f"no drift: {counted(len(plan.changes), 'resource')} to create at the first deploy"
    drift = len(drifted(plan))
    edited = len(plan.changes) - drift
    parts = [f"{drift} drifted" if drift else "no drift"]
    parts += [f"{edited} edited in git"] if edited else []
    return ", ".join([*parts, f"{plan.unchanged} as released"])


def drift_summary(plan: Plan, release: Release | None, *, region: bool = False) -> str:
    """The report in Markdown, for the summary of a job: what differs, without any value of it.

    With `region` it says which one of several it is about.
    """
    sign = "⚠️" if release and drifted(plan) else "✅"
    where = f" in {code(plan.region)}" if region else ""
    lines = [f"### {sign} {code(plan.environment)}{where}: {_verdict(plan, release)}"]
    if release is None:
        return lines[0]
    lines += ["", code(_compared_with(release))]
    lines += [""] if plan.changes or plan.warnings else []
    for change in plan.changes:
        paths = ", ".join(code(field.path) for field in change.fields) if change.action.value != "create" else ""
        why = {"git": "edited in git", "drift": "**drift**", "both": "**drift**, and edited in git"}[change.origin]
        lines.append(f"- {code(f'{change.action.mark} {change.address}')} {why}{f': {paths}' if paths else ''}")
    lines += [f"- warning: {code(str(warning))}" for warning in plan.warnings]
    return "\n".join(lines)


def drift_issue(plan: Plan, release: Release | None, run: Run, *, regions: int = 0) -> str:
    """The report as the text of an issue that is open while there is drift; of one of several `regions` its part."""
    what = (
        "A deploy undoes it; to keep what was changed by hand, write it into the specs."
        if release and drifted(plan)
        else "It is as it was released again."
    )
    lines, room = [], share_of(_MOST, regions) if regions else _MOST
    for line in drift_summary(plan, release, region=regions > 0).split("\n"):
        room -= units(line) + 1
        lines.append(line)
        if room < 0:
            lines[-1] = "- … and more: see the job's summary of the run"
            break
    return "\n".join([*lines, "", f"{what} Compared by {run}."])


def failure_summary(environment: str, error: PipelineError) -> str:
    """The same of an environment that could not be compared."""
    lines = [f"### ❌ {code(environment)}: could not be compared", "", f"- {code(str(error))}"]
    return "\n".join([*lines, *(f"- {code(str(finding))}" for finding in error.diagnostics)])
