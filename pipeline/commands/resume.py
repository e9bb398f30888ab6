"""`pipeline resume`: continues what a dead run left."""

from pathlib import Path

import click

from pipeline.commands.options import common, workspace
from pipeline.commands.resuming import render_resumed, resume

EPILOG = """\b
Examples:
  pipeline resume --env production
"""


@click.command(epilog=EPILOG)
@common()
def command(root: Path | None, env: str, form: str, local: bool) -> int:
    """Continue the last run if it did not end: it was killed, stopped, or something broke.

    A rollback is ended from the ledger. A deploy is continued when this checkout is what that run deployed. A destroy
    is not continued by itself (exit 4). With nothing to continue it says so and exits 0.
    """
    space = workspace(root, env, form, local)
    done = resume(space)
    space.console.result(done.to_json(), render_resumed(done, space.console.style))
    return 0
