"""`pipeline plan`: reads AWS, shows the difference, changes nothing."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.commands.bundling import Built, build
from pipeline.commands.options import in_regions
from pipeline.commands.planning import Reading, survey
from pipeline.commands.regions import Way
from pipeline.commands.requesting import told_of
from pipeline.commands.underway import strategy_of, underway, watching
from pipeline.commands.workspace import Workspace
from pipeline.errors import BadInput, Diagnostic
from pipeline.model.plan import Plan
from pipeline.planning.planner import Consent
from pipeline.reporting.plan_text import render_plan

if TYPE_CHECKING:
    from pipeline.commands.promoting import Promoted

EPILOG = """\b
Examples:
  pipeline plan --env dev --local
  pipeline plan --env production --out plan.json
  pipeline plan --env production --from staging         what deploy --from staging would do
  pipeline plan --env production --detailed-exitcode    exit 3 when there are changes
"""


@click.command(epilog=EPILOG)
@in_regions(Way.LOOK)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Also write the plan here, for deploy --plan."
)
@click.option("--details", is_flag=True, help="List every property of what is created.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 3 when there are changes.")
@click.option("--include-data", is_flag=True, help="Plan deletions of what bears data, too.")
@click.option("--thorough", is_flag=True, help="Spare no reads of a large service: sees all that drift sees.")
@click.option("--from", "source", metavar="ENVIRONMENT", help="Plan with the code that this one serves; build nothing.")
@click.option("--adopt", multiple=True, metavar="ADDRESS", help="Take over an existing resource; may be repeated.")
def command(
    space: Workspace, out: Path | None, details: bool, detailed_exitcode: bool,
    include_data: bool, thorough: bool, source: str | None, adopt: tuple[str, ...],
) -> int:  # fmt: skip
    """Show what a deploy would change. Reads AWS, changes nothing."""
    found = plan(
        space,
        consent=Consent(include_data=include_data, adopt=frozenset(adopt)),
        out=out,
        details=details,
        source=source,
        thorough=thorough,
    )
    return 3 if detailed_exitcode and found.differs else 0


def plan(
    workspace: Workspace, *, consent: Consent, out: Path | None, details: bool, imports: bool = True,
    source: str | None = None, thorough: bool = False,
) -> Plan:  # fmt: skip
    """Computes and shows the plan; writes it to `out` when given. Without `imports` none of the code runs.

    `source`: the environment whose code is planned with instead of what would be built. `thorough`: see DeployRequest.
    """
    with workspace.stage("validate"):
        _ = workspace.loaded
    reading = Reading(workspace, ahead=source is None, thorough=thorough)
    with workspace.stage("package") as told:
        built = _code(workspace, source, told, imports=imports)
    with built, workspace.stage("plan"):
        # What the home region makes may be missing: it is deployed before this one.
        agreed = replace(consent, home_first=True)
        situation = survey(workspace, built.desired, reading.head(), agreed, thorough=thorough, reading=reading)
        found = watching(workspace, situation, strategy_of(workspace)).plan
        found = replace(found, warnings=(*found.warnings, *_of_rollout(workspace, reading)))
        built.verify()
    document = found.to_json()
    if out is not None:
        _write(out, json.dumps(_saved(workspace, out, document), indent=2) + "\n")
        workspace.console.say(f"wrote {out}")
    workspace.console.result(document, render_plan(found, workspace.console.style, details=details))
    return found


def _code(workspace: Workspace, source: str | None, told: list[str], *, imports: bool) -> "Built | Promoted":
    if source is None:
        return build(workspace, imports=imports)
    from pipeline.commands.promoting import promoted  # noqa: PLC0415 - few plans take the code from elsewhere

    found = promoted(workspace, source)
    told.append(told_of(found.source))
    return found


def _of_rollout(workspace: Workspace, reading: Reading) -> list[Diagnostic]:
    """What a reader should know of a rollout that is under way: the plan is made beside it."""
    rollout = found.rollout if (found := underway(reading)) is not None else None
    if rollout is None:
        return []
    number, weight = rollout.release.number, rollout.status.weight
    text = f"release {number} is being rolled out in {workspace.environment.name}, at {weight:g} %; deploying waits"
    return [Diagnostic(text, severity="warning")]


def _saved(workspace: Workspace, out: Path, document: Mapping[str, Any]) -> Mapping[str, Any]:
    """What goes into the file: the plan; of several regions those that were made before it, too."""
    if workspace.region is None:
        return document
    environment = workspace.environment
    first = workspace.alone or environment.region == environment.home
    earlier = [] if first else json.loads(out.read_text(encoding="utf-8"))["regions"]
    return {"environment": environment.name, "regions": [*earlier, document]}


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(
            f"writing the plan to {path}: {error.strerror}", hint="name a file in a folder that is there"
        ) from error
