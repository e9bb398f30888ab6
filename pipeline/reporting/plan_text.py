"""A plan as text for terminals and logs. Pure."""

import json
from dataclasses import replace
from typing import Any

from pipeline.model.plan import Action, Change, FieldChange, Origin, Plan
from pipeline.reporting.access_text import access_lines
from pipeline.reporting.style import Style, counted, table

_WIDEST_VALUE = 100
_SITE = "s3.site"
_NAMES = {
    Action.CREATE: "to create",
    Action.UPDATE: "to update",
    Action.REPLACE: "to replace",
    Action.DELETE: "to delete",
}


def render_plan(plan: Plan, style: Style, *, details: bool = False) -> str:
    """The whole plan; `details` also lists every property of what is created."""
    lines = [style.bold(headline(plan)), ""]
    for change in plan.changes:
        lines += change_lines(change, style, details=details)
    if plan.changes:
        lines.append("")
    lines += access_lines(plan.access, style)
    lines += traffic_lines(plan, style)
    lines += [style.bold(summary_line(plan)), *finding_lines(plan, style)]
    if plan.blockers:
        lines.append(style.bold("as it stands, this plan cannot be deployed: deploy refuses it (exit 4)"))
    return "\n".join(lines)


def traffic_lines(plan: Plan, style: Style) -> list[str]:
    """How traffic shifts to what is made; nothing where it moves at once."""
    if plan.traffic is None:
        return []
    head = style.bold(f"traffic shifts by {plan.traffic.strategy}")
    return [head, *table(plan.traffic.ways, "  ").splitlines(), ""]


def headline(plan: Plan) -> str:
    """`shop in dev (eu-west-1, account 123456789012, commit c0ffee1)`."""
    commit = f", commit {plan.commit[:7]}" if plan.commit else ""
    return f"{plan.service} in {plan.environment} ({plan.region}, account {plan.account}{commit})"


def finding_lines(plan: Plan, style: Style) -> list[str]:
    """The warnings, then what blocks the plan."""
    warnings = [style("warning: ", fg="yellow") + _warning_text(w.address, w.message) for w in plan.warnings]
    return [*warnings, *(style("blocked: ", fg="red") + str(blocker) for blocker in plan.blockers)]


def summary_line(plan: Plan, *, done: bool = False) -> str:
    """`2 to create, 1 to update, 20 unchanged (1 undoes drift)`; what is zero is left out.

    With `done` as what was done: `2 created, 1 updated, 20 unchanged`.
    """
    counts = plan.summary
    words = {action: f"{action.value}d" for action in _NAMES} if done else _NAMES
    parts = [f"{counts[action.value]} {text}" for action, text in words.items() if counts[action.value]]
    kept = sum(change.action is Action.RETAIN for change in plan.changes)
    gone = sum(change.action is Action.FORGET for change in plan.changes)
    parts += [f"{kept} to keep though no longer declared"] if kept else []
    parts += [f"{gone} gone already"] if gone else []
    text = ", ".join([*parts, f"{plan.unchanged} unchanged"]) if parts else f"nothing to do, {plan.unchanged} unchanged"
    drift = counts["drift"]
    return text + (f" ({drift} {'undoes' if drift == 1 else 'undo'} drift)" if drift else "")


def change_lines(change: Change, style: Style, *, details: bool = False) -> list[str]:
    """A change, and below it the fields that differ; those of what is created only with `details`."""
    obvious = change.action is Action.CREATE and change.origin is Origin.GIT
    why = [change.reason] if change.reason and not obvious else []
    if change.origin is not Origin.GIT:
        why.append("drift" if change.origin is Origin.DRIFT else "drift and git")
    note = style.dim(f"  {'; '.join(why)}") if why else ""
    lines = [f"  {style.action(change.action)} {change.address}{note}"]
    if files := [field for field in change.fields if field.path.startswith("files.") and change.type == _SITE]:
        lines.append(f"        {counted(len(files), 'file')} to upload")
        change = change if details else replace(change, fields=tuple(f for f in change.fields if f not in files))
    if change.action in (Action.UPDATE, Action.REPLACE) or (details and change.action is Action.CREATE):
        lines += [_field_line(field, change.action, style) for field in change.fields]
    return lines


def _field_line(field: FieldChange, action: Action, style: Style) -> str:
    after = _value(field.after)
    forces = (
        style("  forces replacement", fg="magenta") if field.forces_replacement and action is Action.REPLACE else ""
    )
    if action is Action.CREATE:
        return f"        {field.path}: {after}"
    if told := _moved(field.before, field.after):
        return f"        {field.path}: {told}{forces}"
    return f"        {field.path}: {style.dim(_value(field.before))} -> {after}{forces}"


def _moved(before: Any, after: Any) -> str | None:
    """What came into a list and what left it, where it is too long to be shown twice; None for all else."""
    if not (isinstance(before, (list, tuple)) and isinstance(after, (list, tuple))):
        return None
    if max(len(_text(before)), len(_text(after))) <= _WIDEST_VALUE:
        return None
    added = [one for one in after if one not in before]
    removed = [one for one in before if one not in after]
    parts = [f"{word} {_value(ones)}" for word, ones in (("added", added), ("removed", removed)) if ones]
    return ", ".join(parts) or None


def _value(value: Any) -> str:
    if value is None:
        return "(none)"
    text = _text(value)
    return text if len(text) <= _WIDEST_VALUE else text[: _WIDEST_VALUE - 1] + "…"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _warning_text(address: str | None, message: str) -> str:
    return f"{address}: {message}" if address and not message.startswith(address) else message
