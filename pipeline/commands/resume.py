"""`pipeline resume`: continues what a dead run left."""

import click

from pipeline.commands.options import in_regions
from pipeline.commands.regions import Way
from pipeline.commands.resuming import render_resumed, resume
from pipeline.commands.workspace import Workspace

EPILOG = """\b
Examples:
  pipeline resume --env production
  pipeline resume --env production --due     every few minutes, where rollouts are detached
"""


@click.command(epilog=EPILOG)
@in_regions(Way.CHANGE)
@click.option("--due", is_flag=True, help="For schedules: only what is due now, ending no pause; then clear away.")
def command(space: Workspace, due: bool) -> int:
    """Continue the last run if it did not end: it was killed, stopped, something broke, or its canary waits.

    A rollout goes on from the ledger; a pause of it ends. A rollback is ended from the ledger. A deploy is continued
    when this checkout is what that run deployed. A destroy is not continued by itself (exit 4). With nothing to
    continue it says so and exits 0.
    """
    done = resume(space, due=due)
    space.console.result(done.to_json(), render_resumed(done, space.console.style))
    return done.exit_code
