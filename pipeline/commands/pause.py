"""`pipeline pause`: leave a canary as it is."""

from pathlib import Path

import click

from pipeline.commands.options import common, workspace
from pipeline.commands.steering import pause, steer
from pipeline.reporting.rollout_text import render_rollout

EPILOG = """\b
Examples:
  pipeline pause --env production --reason "lunch"
"""


@click.command(epilog=EPILOG)
@common()
@click.option("--reason", default="", metavar="TEXT", help="Why, for those who read the ledger.")
def command(root: Path | None, env: str, form: str, local: bool, reason: str) -> int:
    """Leave a canary as it is until somebody resumes, promotes or aborts it.

    The run that drives the rollout ends: no process waits for people.
    """
    space = workspace(root, env, form, local).without_specs()
    report = steer(space, "pause", pause(space, reason))
    space.console.result(report.to_json(), render_rollout(report, space.console.style))
    return 0
