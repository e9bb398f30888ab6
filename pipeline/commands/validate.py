"""`pipeline validate`: all environment files and specs against their schemas, and against each other."""

from pathlib import Path

import click

from pipeline.commands.options import common, workspace
from pipeline.config import load
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
    space = workspace(root, env, form, local)
    found = load(space.root, [env] if env else None, space.types, space.clock.today())
    for diagnostic in found.diagnostics:
        space.console.finding(diagnostic)
    environments = counted(len(found.environments), "environment")
    resources = counted(max((len(d.resources) for d in found.desired.values()), default=0), "resource")
    verdict = f"{counted(len(found.errors), 'error')}" if found.errors else f"{environments}, {resources} each: valid"
    space.console.result(diagnostics_json(found.diagnostics), verdict)
    return 2 if found.errors else 0
