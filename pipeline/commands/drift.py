"""`pipeline drift`: live AWS against the last release and against git."""

import click

from pipeline.commands.drifting import detect
from pipeline.commands.options import in_regions
from pipeline.commands.regions import Way
from pipeline.commands.workspace import Workspace
from pipeline.reporting.drift_text import render_drift

EPILOG = """\b
Examples:
  pipeline drift --env production
  pipeline drift --env production --detailed-exitcode   exit 3 when something differs
"""


@click.command(epilog=EPILOG)
@in_regions(Way.LOOK)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 3 when something differs.")
def command(space: Workspace, detailed_exitcode: bool) -> int:
    """Compare AWS with the last release and with this checkout. Builds nothing, changes nothing.

    The JSON document is that of a plan: `origin` says of every difference whether AWS was changed (drift), the specs
    were (git), or both.
    """
    found = detect(space)
    space.console.result(found.plan.to_json(), render_drift(found.plan, found.release, space.console.style))
    return 3 if detailed_exitcode and found.plan.differs else 0
