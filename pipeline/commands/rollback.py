"""`pipeline rollback`: an old release serves again."""

import sys

import click

from pipeline.commands.choosing import plan_of, plan_rollback
from pipeline.commands.counterparts import asked_here
from pipeline.commands.options import in_regions
from pipeline.commands.questions import confirm
from pipeline.commands.regions import Way
from pipeline.commands.rolling_back import roll_back
from pipeline.commands.workspace import Workspace
from pipeline.errors import BadInput
from pipeline.intake.words import RELEASE_FORM, release_of
from pipeline.reporting.rollback_text import render_rollback, render_rollback_plan

EPILOG = """\b
Examples:
  pipeline rollback --env production --to previous
  pipeline rollback --env production --to 41 --dry-run     what it would do
"""


@click.command(epilog=EPILOG)
@in_regions(Way.CHANGE)
@click.option("--to", "target", required=True, metavar="RELEASE", help="Number of a release, or previous.")
@click.option("--dry-run", is_flag=True, help="Show what it would do; change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask, on a terminal either.")
def command(space: Workspace, target: str, dry_run: bool, yes: bool) -> int:
    """Let an old release serve again: its versions and api deployments within seconds, then all the rest.

    It needs no build and nothing of the checkout but the environment's file: everything is in the ledger. Data stays
    as it is. Afterwards the environment is on hold until a deploy says --clear-hold.
    """
    space = space.without_specs()
    rollback = plan_rollback(space, asked_here(space, asked_for(target)))
    plan = plan_of(space, rollback)
    if dry_run:
        space.console.result(plan.to_json(), render_rollback_plan(plan, space.console.style))
        return 0
    space.console.say(render_rollback_plan(plan, space.console.err_style))
    if not rollback.done and not yes and sys.stdin.isatty() and space.console.format == "text":
        confirm(f"roll {space.place} back to release {rollback.target.number}?")
    report = roll_back(space, rollback)
    space.console.result(report.to_json(), render_rollback(report, space.console.style))
    return 0


def asked_for(text: str) -> str:
    """A release as somebody wrote it: a number, or `previous`. BadInput when it is neither."""
    found = release_of(text)
    if found is None:
        raise BadInput(f"--to {text!r} is no release: {RELEASE_FORM} is wanted", hint="see `pipeline releases`")
    return found
