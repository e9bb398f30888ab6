"""Diagnostics for people, for programs and for GitHub. Pure."""

from collections.abc import Iterable
from typing import Any

from pipeline.errors import Diagnostic


def diagnostics_text(diagnostics: Iterable[Diagnostic]) -> str:
    """One finding per line, `file:line:column: error: message`, with `  try: hint` below it; sorted."""
    lines = []
    for found in sorted(diagnostics, key=Diagnostic.sort_key):
        place = f"{found.place}: " if found.file else ""
        lines.append(f"{place}{found.severity}: {found.message}")
        if found.hint:
            lines.append(f"  try: {found.hint}")
    return "\n".join(lines)


def diagnostics_json(diagnostics: Iterable[Diagnostic]) -> dict[str, Any]:
    """The document of `validate --format json`."""
    found = sorted(diagnostics, key=Diagnostic.sort_key)
    return {
        "errors": [d.to_json() for d in found if d.severity == "error"],
        "warnings": [d.to_json() for d in found if d.severity == "warning"],
    }


def annotations(diagnostics: Iterable[Diagnostic], prefix: str = "") -> str:
    """One GitHub Actions annotation per line; sorted. `prefix`: see `workflow_command`."""
    found = sorted(diagnostics, key=Diagnostic.sort_key)
    return "\n".join(workflow_command(each.severity, each, prefix) for each in found)


def workflow_command(level: str, diagnostic: Diagnostic, prefix: str = "") -> str:
    """A GitHub Actions annotation: `::error file=...,line=...,col=...::message`.

    `prefix` leads from the repository's root to the project's (`services/orders/`), since GitHub wants the file from
    there. https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
    """
    file = f"{prefix}{diagnostic.file}" if diagnostic.file else None
    places = {"file": file, "line": diagnostic.line, "col": diagnostic.column}
    given = ",".join(f"{key}={escaped(str(value), more=True)}" for key, value in places.items() if value is not None)
    hint = f"; try: {diagnostic.hint}" if diagnostic.hint else ""
    return f"::{level}{' ' + given if given else ''}::{escaped(diagnostic.message + hint)}"


def escaped(text: str, *, more: bool = False) -> str:
    """Text as a workflow command takes it; `more` for its properties, where `:` and `,` mean something, too.

    https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
    """
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if more else text
