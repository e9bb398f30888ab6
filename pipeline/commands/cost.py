"""`pipeline cost`: what a service costs, what would cost less, and what the current plan changes about it."""

import click

from pipeline.commands.costing import apply, costs, current_plan, plan_costs
from pipeline.commands.options import in_regions
from pipeline.commands.regions import Way
from pipeline.commands.workspace import Workspace
from pipeline.reporting.cost_text import costs_json, plan_costs_json, render_costs, render_plan_costs

EPILOG = """\b
Examples:
  pipeline cost --env production                 by the usage of the last 14 days
  pipeline cost --env production --days 60
  pipeline cost --env production --plan          what a deploy of this checkout would change
  pipeline cost --env production --apply         write what saves money into the specs; then: git diff
"""


@click.command(epilog=EPILOG)
@in_regions(Way.LOOK)
@click.option("--days", type=click.IntRange(1, 63), default=14, show_default=True, help="Usage of how many days.")
@click.option("--plan", "of_plan", is_flag=True, help="Show what a deploy of this checkout would change.")
@click.option("--apply", "write", is_flag=True, help="Write the best option of each table into its spec.")
def command(space: Workspace, days: int, of_plan: bool, write: bool) -> int:
    """Show what the service costs a month by how it was used, and what would cost less.

    Every figure says what it stands on. AWS is only read; --apply changes specs, for you to look at and commit.
    """
    if of_plan and write:
        raise click.UsageError("--apply is for what is deployed, not for --plan")
    if of_plan:
        changed = plan_costs(space, current_plan(space), days)
        space.console.result(
            plan_costs_json(space.name, changed),
            render_plan_costs(space.name, changed, space.console.style),
        )
        return 0
    found = costs(space, days)
    edits = apply(space, found.tables) if write else None
    space.console.result(
        costs_json(space.name, found, edits),
        render_costs(space.name, found, edits, space.console.style),
    )
    return 0
