"""`pipeline validate`: all environment files and specs against their schemas, and against each other."""

from pathlib import Path

import click

from pipeline.commands.options import common, workspace
from pipeline.commands.workspace import Workspace
from pipeline.reporting.diagnostics import diagnostics_json
from pipeline.reporting.style import counted

EPILOG = """\b
Examples:
  pipeline validate
  pipeline validate --env production --format json
"""


@click.command(epilog=EPILOG)
@common(env=False)
def command(root: Path | None, env: str | None, form: str, local: bool) -> int:
    """Check all environment files and specs; without --env, every environment. Every error at once, exit 2."""
    return validate(workspace(root, env, form, local))


def validate(workspace: Workspace) -> int:
    """Shows every finding; the exit code, 2 when one is an error."""
    env, console = workspace.environment_name, workspace.console
    found = workspace.read([env] if env else None)
    for diagnostic in found.diagnostics:
        console.finding(diagnostic)
    environments = counted(len(found.environments), "environment")
    sizes = sorted(len(desired.resources) for desired in found.desired.values()) or [0]
    resources = ("" if sizes[0] == sizes[-1] else f"{sizes[0]} to ") + counted(sizes[-1], "resource")
    verdict = f"{counted(len(found.errors), 'error')}" if found.errors else f"{environments}, {resources} each: valid"
    console.result(diagnostics_json(found.diagnostics), verdict)
    return 2 if found.errors else 0
