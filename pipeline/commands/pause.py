"""`pipeline pause`: leave a canary as it is."""

import click

from pipeline.commands.options import in_regions
from pipeline.commands.regions import Way
from pipeline.commands.steering import pause, steer
from pipeline.commands.workspace import Workspace
from pipeline.reporting.rollout_text import render_rollout

EPILOG = """\b
Examples:
  pipeline pause --env production --reason "lunch"
"""


@click.command(epilog=EPILOG)
@in_regions(Way.STEER)
@click.option("--reason", default="", metavar="TEXT", help="Why, for those who read the ledger.")
def command(space: Workspace, reason: str) -> int:
    """Leave a canary as it is until somebody resumes, promotes or aborts it.

    The run that drives the rollout ends: no process waits for people.
    """
    space = space.without_specs()
    report = steer(space, "pause", pause(space, reason))
    space.console.result(report.to_json(), render_rollout(report, space.console.style))
    return 0
