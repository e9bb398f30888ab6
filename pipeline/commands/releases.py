"""`pipeline releases`."""

from pathlib import Path
from typing import Any

import click

from pipeline.commands.options import common, workspace
from pipeline.model.report import Canary
from pipeline.releasing.rollouts import Rollouts
from pipeline.reporting.deploy_text import release_row, render_releases
from pipeline.reporting.rollout_text import rollout_note

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
    rollouts = Rollouts(space.ledger)
    found, rollout = space.ledger.releases(limit), rollouts.look()
    document: dict[str, Any] = {"environment": env, "releases": [release_row(release) for release in found]}
    style = space.console.style
    text = render_releases(found, style, env)
    if rollout is not None:
        canary = Canary(rollout)
        document["rollout"] = canary.to_json()
        text += "".join(f"\n\n{line}" for line in rollout_note(canary, env, found, style))
    space.console.result(document, text)
    return 0
