"""A rollback before and after, as text: what on-call reads at night. Pure."""

from collections.abc import Mapping
from typing import Any

from pipeline.model.release import Release
from pipeline.model.report import RollbackPlan, RollbackReport
from pipeline.reporting.deploy_text import site_lines
from pipeline.reporting.style import Style, counted, seconds, table

# By this the comment is found again that tells a pull request of its rollback.
ROLLBACK_NOTICE = "<!-- pipeline:rollback"
_WORDS = {"data": "data", "change": "stays changed", "addition": "stays"}


def render_rollback_plan(plan: RollbackPlan, style: Style) -> str:
    """From and to of every function and API, and what stays as it is."""
    how = f", {plan.how}," if plan.how else ""
    head = f"{plan.environment}: back from {_named(plan.origin)}{how} to {_named(plan.target)}"
    if not plan.how and plan.target.number == plan.origin.number:
        head = f"{plan.environment}: back to what {_named(plan.target)} is recorded with"
    lines = [style.bold(head), ""]
    moves = [move for move in plan.moves if move["from"] != move["to"] or move.get("shared")]
    if moves:
        lines.append(table([(move["address"], _arrow(move), move["anew"] or "") for move in moves], "  "))
    if still := len(plan.moves) - len(moves):
        lines.append(style.dim(f"  {counted(still, 'pointer')} on the recorded version already"))
    lines += [f"  {site['address']}: {counted(site['files'], 'file')} to change back" for site in plan.sites]
    if plan.not_reverted:
        lines += ["", style.bold("not reverted")]
        rows = [(entry["address"], _WORDS[entry["what"]], entry["reason"]) for entry in plan.not_reverted]
        lines.append(table(rows, "  "))
    return "\n".join(lines)


def _named(release: Release) -> str:
    commit = f", commit {release.commit[:7]}" if release.commit else ""
    restores = f", which restores {release.restores}" if release.restores is not None else ""
    return f"release {release.number} ({release.created[:16].replace('T', ' ')}{commit}{restores})"


def _arrow(move: Mapping[str, Any]) -> str:
    after = move["to"] if move["to"] is not None else "made anew"
    before = f"{move['from'] or 'none'}{' and a canary' if move.get('shared') else ''}"
    return f"{before} → {after}"


def render_rollback(report: RollbackReport, style: Style) -> str:
    """What serves now, what it took, and how to go on."""
    deploy, plan = report.deploy, report.plan
    tick = style("✓", fg="green", bold=True)
    took = style.dim(f"({seconds(sum(deploy.seconds.values()))}, {deploy.aws_calls} AWS calls)")
    if report.echo is not None:
        what = f"nothing to do: this run has rolled {plan.environment} back before, as release {report.echo}"
        again = f"  release {deploy.release} serves since; to roll that back, begin anew: push the tag again"
        return f"{tick} {style.bold(what)} {took}\n{again}"
    if not deploy.changed:
        what = f"nothing to do: release {plan.target.number} serves in {plan.environment}"
        return f"{tick} {style.bold(what)} {took}"
    what = f"release {plan.target.number} serves in {plan.environment} again, as release {plan.release}"
    lines = [f"{tick} {style.bold(what)} {took}"]
    if traffic := deploy.seconds.get("traffic"):
        anew = sum(1 for move in plan.moves if move["anew"])
        later = f"; {counted(anew, 'pointer')} only once what it serves was made anew" if anew else ""
        lines.append(f"  traffic moved within {seconds(traffic)}{later}")
    versions = [f"{name} {entry['version']}" for name, entry in sorted(deploy.functions.items())]
    if versions:
        lines.append(f"  {counted(len(versions), 'function')}: {', '.join(versions)}")
    lines += [f"  {line}" for line in site_lines(deploy)]
    if report.hold is not None:
        lines += [
            "",
            f"  {plan.environment} is on hold: no deploy brings back what was rolled back.",
            f"  once the fix is there: pipeline deploy {plan.command} --clear-hold",
        ]
    return "\n".join(lines)
