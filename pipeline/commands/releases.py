"""`pipeline releases`."""

from pathlib import Path

import click

from pipeline.commands.options import common, workspace
from pipeline.reporting.deploy_text import release_row, render_releases

EPILOG = """\b
Examples:
  pipeline releases --env production
  pipeline releases --env production --limit 100 --format json
"""


@click.command(epilog=EPILOG)
@common()
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many, newest first.")
def command(root: Path | None, env: str, form: str, local: bool, limit: int) -> int:
    """Show what was released: what served when, from which commit, by whom, and whether the environment is on hold."""

    space = workspace(root, env, form, local).without_specs()
    found = space.ledger.releases(limit)
    document = {"environment": env, "releases": [release_row(release) for release in found]}
    space.console.result(document, render_releases(found, space.console.style, env))
    return 0
