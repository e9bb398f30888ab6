"""The end of a deploy and the list of releases, as text. Pure."""

from collections.abc import Sequence
from typing import Any

from pipeline.model.release import Release
from pipeline.model.report import Canary, DeployReport, Pruned
from pipeline.model.rollout import Outcome
from pipeline.reporting.plan_text import summary_line
from pipeline.reporting.rollout_text import headline, render_canary
from pipeline.reporting.style import Style, counted, seconds, table


def render_deploy(report: DeployReport, style: Style) -> str:
    """What serves now, where it answers, and what it took."""
    total = sum(report.seconds.values())
    tick = style("✓", fg="green", bold=True)
    if report.canary is not None and report.canary.rollout.status.outcome is not Outcome.PROMOTED:
        return _render_unfinished(report, report.canary, style, total)
    if not report.changed:
        what = f"nothing to do: release {report.release} is what {report.environment} should be"
    else:
        what = f"release {report.release} is live in {report.environment}"
    lines = [f"{tick} {style.bold(what)} {style.dim(f'({seconds(total)}, {report.aws_calls} AWS calls)')}"]
    if report.canary is not None:
        lines += render_canary(report.canary, style)
    if report.changed and report.planned is None:
        lines.append(f"  {summary_line(report.plan, done=True)}")
    lines += [f"  {line}" for line in (*_versions(report), *site_lines(report))]
    urls = [(address, value) for address, value in sorted(report.outputs.items()) if address.endswith(".url")]
    if urls:
        lines += ["", table([(address.removesuffix(".url"), str(value)) for address, value in urls], "  ")]
    if report.kept:
        lines += ["", f"  kept, because it holds data: {', '.join(report.kept)}"]
    lines += [f"  the data of {address} before is kept in {where}" for address, where in report.backups.items()]
    lines += [f"  {line}" for line in pruned_lines(report.pruned)]
    return "\n".join(lines)


def site_lines(report: DeployReport) -> list[str]:
    """One line for each static site whose content changed."""
    return [
        f"{address}: {counted(len(shown.files), 'file')} changed"
        + (f", {counted(len(shown.invalidated), 'path')} invalidated" if shown.invalidated else "")
        for address, shown in sorted(report.sites.items())
        if shown.files or shown.invalidated
    ]


def pruned_lines(pruned: Pruned) -> list[str]:
    """What went because no release needs it any more, and what could not go."""
    gone = {
        "version": pruned.versions, "layer version": pruned.layers, "guardrail version": pruned.guardrails,
        "api deployment": pruned.deployments, "ledger object": pruned.objects,
    }  # fmt: skip
    told = ", ".join(counted(count, what) for what, count in gone.items() if count)
    lines = [f"removed, because no release needs it any more: {told}"] if told else []
    return [*lines, *(f"left for later: {problem}" for problem in pruned.problems)]


def _render_unfinished(report: DeployReport, canary: Canary, style: Style, total: float) -> str:
    """A release that was taken back, or that waits with a share of the traffic."""
    took = style.dim(f"({seconds(total)}, {report.aws_calls} AWS calls)")
    head = headline(canary, report.environment, report.release, style)
    return "\n".join([f"{head} {took}", *render_canary(canary, style)])


def _versions(report: DeployReport) -> list[str]:
    """One line per function that moved to another version, one for all that did not."""
    if not report.changed or not report.functions:
        return []
    moved = {
        name: (entry["previous"], entry["version"])
        for name, entry in sorted(report.functions.items())
        if entry.get("previous") not in (None, entry["version"])
    }
    lines = [f"{name}: version {before} → {after}" for name, (before, after) in moved.items()]
    others = len(report.functions) - len(moved)
    versions = [str(entry["version"]) for entry in report.functions.values() if entry.get("previous") is None]
    new = len(versions)
    if new:
        first = new == others and set(versions) == {"1"}  # one that a rollback kept, and is declared again, counts on
        lines.append(f"{counted(new, 'new function')}{' at version 1' if first else ''}")
    if others > new:
        lines.append(f"{counted(others - new, 'function')} as before")
    return lines


def render_releases(releases: Sequence[Release], style: Style, environment: str, options: str) -> str:
    """A table, newest first; the first line is what serves. `options`: those of a command about the same."""
    if not releases:
        return f"nothing was released in {environment} yet"
    rows = [("", "release", "when (UTC)", "commit", "by", "functions", "what")]
    for position, release in enumerate(releases):
        rows.append(
            (
                "●" if position == 0 and not release.destroyed else " ",
                str(release.number),
                release.created[:19].replace("T", " "),
                (release.commit or "-")[:7],
                release.actor,
                str(len(release.functions)),
                _what(release),
            )
        )
    lines = table(rows).splitlines()
    text = "\n".join([style.bold(lines[0]), *lines[1:]])
    if (hold := releases[0].hold) is None:
        return text
    why = f"{hold.reason} by {hold.by}" + (f", bad commit {hold.bad_commit[:7]}" if hold.bad_commit else "")
    note = f"{environment} is on hold since {hold.since[:16].replace('T', ' ')}: {why}"
    hint = f"  once the fix is there: pipeline deploy {options} --clear-hold"
    return f"{text}\n\n{style(note, fg='yellow', bold=True)}\n{hint}"


def _what(release: Release) -> str:
    if release.destroyed:
        return "destroyed"
    if release.restores is not None:
        return f"restores release {release.restores}"
    summary = release.plan.get("summary", {})
    if source := release.promoted_from:
        return f"promoted from release {source['release']} of {source['environment']}"
    parts = [f"{mark}{summary[key]}" for key, mark in _SIGNS.items() if summary.get(key)]
    return " ".join(parts) or "no change in AWS"


_SIGNS = {"create": "+", "update": "~", "replace": "±", "delete": "-"}


def release_row(release: Release) -> dict[str, Any]:
    """A release as JSON, without the declared state."""
    document = release.to_json()
    return {key: value for key, value in document.items() if key not in ("format", "desired", "outputs")}


def render_destroy(report: DeployReport, style: Style) -> str:
    """What is gone and what was kept."""
    tick = style("✓", fg="green", bold=True)
    gone = counted(report.plan.summary["delete"], "resource")
    lines = [f"{tick} {style.bold(f'{report.environment} is destroyed')}: {gone} deleted" if report.changed
             else f"{tick} nothing to destroy in {report.environment}"]  # fmt: skip
    if report.kept:
        lines += ["  kept, because it holds data (--include-data deletes it):"]
        lines += [f"    {address}" for address in report.kept]
    return "\n".join(lines)
