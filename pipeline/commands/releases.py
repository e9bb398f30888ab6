"""`pipeline releases`."""

from typing import Any

import click

from pipeline.commands.advising import advice, options_of
from pipeline.commands.options import in_regions
from pipeline.commands.regions import Way
from pipeline.commands.workspace import Workspace
from pipeline.model.report import Canary
from pipeline.model.shift import Rollout
from pipeline.releasing.lock import CLOCK_SKEW
from pipeline.releasing.rollouts import Rollouts
from pipeline.reporting.deploy_text import release_row, render_releases
from pipeline.reporting.rollout_text import awaited, rollout_note

EPILOG = """\b
Examples:
  pipeline releases --env production
  pipeline releases --env production --limit 100 --format json
"""


@click.command(epilog=EPILOG)
@in_regions(Way.LOOK)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many, newest first.")
def command(space: Workspace, limit: int) -> int:
    """Show what was released: what served when, from which commit, by whom, and whether the environment is on hold."""

    space = space.without_specs()
    rollouts = Rollouts(space.ledger)
    found, rollout = space.ledger.releases(limit), rollouts.look()
    document: dict[str, Any] = {
        "environment": space.name,
        "releases": [release_row(release) for release in found],
    }
    style = space.console.style
    text = render_releases(found, style, space.name, options_of(space, here=True))
    if rollout is not None:
        canary = Canary(rollout, _waiting(space, rollout))
        document["rollout"] = canary.to_json()
        text += "".join(f"\n\n{advice(space, line)}" for line in rollout_note(canary, space.name, found, style))
    space.console.result(document, text)
    return 0


def _waiting(space: Workspace, rollout: Rollout) -> str | None:
    """For what the rollout waits; None when it is over, or while a run that lives sees to it."""
    head, now = space.ledger.head(), space.clock.now()
    if not rollout.is_open(head.current.number if head.current else 0):
        return None
    driven = head.lock is not None and head.lock.held and now <= head.lock.expires + CLOCK_SKEW
    return None if driven else advice(space, awaited(rollout, space.name, now))
