"""`pipeline abort`: take a canary back."""

import click

from pipeline.commands.options import in_regions
from pipeline.commands.regions import Way
from pipeline.commands.steering import abortion, steer
from pipeline.commands.workspace import Workspace
from pipeline.reporting.rollout_text import render_rollout

EPILOG = """\b
Examples:
  pipeline abort --env production --reason "support is called"
"""


@click.command(epilog=EPILOG)
@in_regions(Way.STEER)
@click.option("--reason", default="", metavar="TEXT", help="Why, for those who read the ledger.")
def command(space: Workspace, reason: str) -> int:
    """Take a canary back: the release before gets all traffic, everywhere at once.

    It works from anywhere, at any time, until the end of the promotion. The run that drives the rollout ends with 5.
    """
    space = space.without_specs()
    report = steer(space, "abort", abortion(space, reason))
    space.console.result(report.to_json(), render_rollout(report, space.console.style))
    return 0
