"""What the doctor found, as text. Pure."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from pipeline.reporting.style import Style, counted

_SIGNS = {"error": ("✗", "red"), "warning": ("!", "yellow"), "unknown": ("?", "magenta"), "info": ("i", "cyan")}


def render_doctor(document: Mapping[str, Any], titles: Mapping[str, str], style: Style) -> str:
    """Each finding with its evidence and fix, the worst first; what could not be looked at; what is fine."""
    lines: list[str] = []
    findings = document["findings"]
    for finding, after in zip_longest(findings, findings[1:]):
        lines += _told(finding, style)
        if after is None or after["id"] != finding["id"]:
            lines.append(style.dim(f"    {finding['docs']}"))
    for hindrance in document["not_looked_at"]:
        lines += _hindered(hindrance, style)
    if lines:
        lines.append("")
    lines += _fine(document["fine"], titles, style)
    lines.append(style.bold(_summary(document["summary"], len(document["fine"]))))
    return "\n".join(lines)


def _told(finding: Mapping[str, Any], style: Style) -> list[str]:
    sign, colour = _SIGNS[finding["severity"]]
    lines = [f"{style(sign, fg=colour, bold=True)} {style.dim(finding['id'])}  {style.bold(str(finding['finding']))}"]
    lines += [f"    {line}" for line in finding["evidence"] if line]
    if finding["fix"]:
        lines.append(f"    try: {finding['fix']}")
    if finding["fixable"] and "--fix" not in str(finding["fix"]):
        lines.append(f"    or let it be done: --fix {finding['id']}")
    return lines


def _hindered(hindrance: Mapping[str, Any], style: Style) -> list[str]:
    sign, colour = _SIGNS["unknown"]
    head = style.bold(f"not looked at: {', '.join(hindrance['checks'])}")
    lines = [f"{style(sign, fg=colour, bold=True)} {head}", f"    {hindrance['cause']}"]
    lines += [f"    {hindrance['evidence']}"] if hindrance["evidence"] else []
    return lines + ([f"    try: {hindrance['fix']}"] if hindrance["fix"] else [])


def _fine(checks: Sequence[str], titles: Mapping[str, str], style: Style) -> list[str]:
    tick = style("✓", fg="green", bold=True)
    width = max((len(check) for check in checks), default=0)
    return [f"{tick} {check.ljust(width)}  {style.dim(titles[check])}" for check in checks]


def _summary(counts: Mapping[str, int], fine: int) -> str:
    parts = [counted(counts[name], name) for name in ("error", "warning") if counts[name]]
    parts += [f"{counts['unknown']} not looked at"] if counts["unknown"] else []
    parts += [f"{counts['info']} to know"] if counts["info"] else []
    return ", ".join([*parts, f"{counted(fine, 'check')} found nothing"])
