"""`pipeline destroy`: removes what was made."""

import sys

import click

from pipeline.commands.options import in_regions
from pipeline.commands.questions import ask
from pipeline.commands.regions import Way
from pipeline.commands.removing import destroy, plan_removal
from pipeline.commands.workspace import Workspace
from pipeline.planning.planner import Consent
from pipeline.reporting.deploy_text import render_destroy
from pipeline.reporting.plan_text import render_plan

EPILOG = """\b
Examples:
  pipeline destroy --env dev --local
  pipeline destroy --env dev --include-data     tables, buckets and log groups as well
"""


@click.command(epilog=EPILOG)
@in_regions(Way.REMOVE)
@click.option("--include-data", is_flag=True, help="Delete what bears data as well: tables, buckets, log groups.")
@click.option("--yes", is_flag=True, help="Do not ask, on a terminal either.")
def command(space: Workspace, include_data: bool, yes: bool) -> int:
    """Remove what the ledger says was made. What bears data stays unless --include-data is given.

    The ledger itself stays: it holds the history. On a terminal the name of the environment is asked for first.
    """

    situation = plan_removal(space, Consent(include_data=include_data))
    if situation.plan.effective and not yes and sys.stdin.isatty() and space.console.format == "text":
        click.echo(render_plan(situation.plan, space.console.err_style), err=True)
        if ask(f"type {space.place} to destroy it") != space.place:
            raise click.Abort
    report = destroy(space, situation)
    space.console.result(report.to_json(), render_destroy(report, space.console.style))
    return 0
