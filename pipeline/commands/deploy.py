"""`pipeline deploy`: brings an environment to what the checkout declares."""

import json
from pathlib import Path

import click

from pipeline.commands.delivering import deploy
from pipeline.commands.options import in_regions
from pipeline.commands.regions import Way
from pipeline.commands.requesting import DeployRequest
from pipeline.commands.workspace import Workspace
from pipeline.errors import BadInput
from pipeline.model.plan import SavedPlan
from pipeline.planning.planner import Consent
from pipeline.planning.safety import DEFAULT_MAX_DELETIONS
from pipeline.reporting.deploy_text import render_deploy

EPILOG = """\b
Examples:
  pipeline deploy --env dev --local
  pipeline deploy --env production --plan plan.json     exactly this plan, or nothing
  pipeline deploy --env production --from staging       exactly the bytes that staging serves
"""


@click.command(epilog=EPILOG)
@in_regions(Way.CHANGE)
@click.option(
    "--plan",
    "saved",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Apply exactly this plan, or refuse (exit 4).",
)
@click.option("--from", "source", metavar="ENVIRONMENT", help="Deploy the code that this one serves; build nothing.")
@click.option("--hotfix", is_flag=True, help="This is the fix: take a canary that is under way back for it.")
@click.option("--detach", is_flag=True, help="End once the canary has its share; `resume --due` goes on.")
@click.option("--clear-hold", is_flag=True, help="Deploy although the environment was rolled back; ends the hold.")
@click.option("--include-data", is_flag=True, help="Agree to delete or replace what bears data.")
@click.option("--thorough", is_flag=True, help="Spare no reads of a large service: undoes all that drift finds.")
@click.option("--adopt", multiple=True, metavar="ADDRESS", help="Take over an existing resource; may be repeated.")
@click.option(
    "--max-deletions",
    type=click.IntRange(0),
    default=DEFAULT_MAX_DELETIONS,
    show_default=True,
    help="Refuse a plan that deletes or replaces more.",
)
def command(
    space: Workspace, saved: Path | None, source: str | None,
    hotfix: bool, detach: bool, clear_hold: bool, include_data: bool, thorough: bool, adopt: tuple[str, ...],
    max_deletions: int,
) -> int:  # fmt: skip
    """Bring an environment to what this checkout declares: validate, package, plan, apply, publish, shift, record.

    Where pipeline.yaml has a rollout, traffic shifts in steps, and a release that is worse is taken back (exit 5).
    Running it again continues what a killed run left; with nothing to do it changes nothing.
    """

    reviewed = read_plan(saved, space.region) if saved else None
    consent = Consent(include_data, frozenset(adopt))
    request = DeployRequest(
        consent, reviewed, max_deletions, clear_hold, hotfix=hotfix, detach=detach, source=source, thorough=thorough
    )
    report = deploy(space, request)
    space.console.result(report.to_json(), render_deploy(report, space.console.style))
    return report.exit_code


def read_plan(path: Path, region: str | None = None) -> SavedPlan:
    """A plan that `plan --out` wrote, of several regions that of `region`. BadInput when it is none."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if region is not None and "regions" in document:
            document = next((plan for plan in document["regions"] if plan["region"] == region), None)
            if document is None:
                raise BadInput(f"{path} holds no plan of {region}", hint="make one with pipeline plan --out FILE")
        return SavedPlan.from_json(document)
    except OSError as error:
        raise BadInput(
            f"reading the plan {path}: {error.strerror}", hint="make one with pipeline plan --out FILE"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(
            f"{path} is no plan document of format 1", hint="make one with pipeline plan --out FILE"
        ) from error
