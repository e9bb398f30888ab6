"""`pipeline promote`: let a canary go on."""

import click

from pipeline.commands.options import in_regions
from pipeline.commands.regions import Way
from pipeline.commands.steering import promotion, steer
from pipeline.commands.workspace import Workspace
from pipeline.reporting.rollout_text import render_rollout

EPILOG = """\b
Examples:
  pipeline promote --env production
  pipeline promote --env production --all     past all gates and steps that are left
"""


@click.command(epilog=EPILOG)
@in_regions(Way.STEER)
@click.option("--all", "everything", is_flag=True, help="All traffic now, whatever steps are left.")
def command(space: Workspace, everything: bool) -> int:
    """Let a canary go on: open the gate of its step, or, where that has none, give it all traffic now.

    It works from anywhere, at any time: a run that drives the rollout sees it within seconds; where none does, this
    command carries it out. Refused when the last look failed.
    """
    space = space.without_specs()
    report = steer(space, "promote", promotion(space, everything=everything))
    space.console.result(report.to_json(), render_rollout(report, space.console.style))
    return report.canary.exit_code
