"""What `cost` asks and carries out: usage of the last days, prices, advice, the delta of a plan, edits of specs."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.applying.pricing import listed_prices
from pipeline.applying.usage import UsageReader
from pipeline.commands.planning import Reading, survey
from pipeline.commands.workspace import Workspace
from pipeline.config.editing import NotEditable, assigned, edited, unlike, variables_in
from pipeline.costing import functions, tables
from pipeline.costing.delta import deltas, involved, not_counted
from pipeline.costing.estimating import estimate_all, invocations, metrics_of
from pipeline.costing.prices import Prices, products
from pipeline.errors import Interrupted, PipelineError, Refused
from pipeline.model.cost import Advice, Costs, Edit, PlanCosts, Usage
from pipeline.model.plan import Plan
from pipeline.model.resource import Resource
from pipeline.planning.drift import with_released_code
from pipeline.planning.planner import Consent
from pipeline.reporting.cost_text import plan_costs_markdown
from pipeline.reporting.plan_comment import Section

_PRICE_LIST = "the AWS Price List"
_PATIENCE = 8.0  # seconds for the Price List
_DAYS = 14  # of usage, for a pull request


def costs(workspace: Workspace, days: int) -> Costs:
    """The costs of what the last release made. Refused when nothing was released."""
    resources = _released(workspace)
    prices = prices_of(workspace)
    asked = [resource for resource in resources if resource.type == functions.FUNCTION]
    reader = UsageReader(workspace.aws, datetime.fromtimestamp(workspace.clock.now(), UTC), days)
    with workspace.stage("usage") as told:
        wanted = [*metrics_of(resources, prices), *(functions.concurrency(function.name) for function in asked)]
        usage = reader.read(wanted, resources)
        usage = replace(usage, cold_starts=reader.cold_starts([f for f in asked if _runs(f, usage)]))
        told.append(f"{len(set(wanted))} metrics of {days} days")
    kept = [resource for resource in resources if resource.type == tables.TABLE]
    return Costs(
        days,
        estimate_all(resources, usage, prices),
        tuple(tables.advise(table, usage, prices) for table in kept),
        tuple(functions.advise(function, usage, prices) for function in asked),
        tuple(prices.bases),
    )


def _runs(function: Resource, usage: Usage) -> bool:
    return usage.total(invocations(function.name)) > 0


def _released(workspace: Workspace) -> list[Resource]:
    """What the last release declared, each with its id where that is what CloudWatch counts by."""
    head = Reading(workspace).head()
    if head.current is None or head.current.destroyed:
        raise Refused(
            f"{workspace.environment.name} has no release, so nothing that was used",
            hint="deploy first, or ask what the plan would cost: pipeline cost --plan",
        )
    outputs = head.current.outputs
    return [
        replace(each, properties={**each.properties, "id": outputs.get(each.address, {}).get("id")})
        for each in head.current.own
    ]


def prices_of(workspace: Workspace) -> Prices:
    """Today's prices of the environment's region where AWS tells them, else those of the package."""
    region = workspace.scope.region
    with workspace.stage("prices") as told:
        # In the background: where the list cannot be reached, nobody wants to wait for all attempts.
        asked = workspace.aws.workers.submit(lambda: listed_prices(workspace.aws, products().values(), region))
        if not asked.done.wait(_PATIENCE):
            told.append(f"from the package: {_PRICE_LIST} does not answer within {_PATIENCE:g} s")
            return Prices(region)
        try:
            listed = asked.result()
        except PipelineError as error:
            told.append(f"from the package: {_PRICE_LIST} does not answer ({error})")
            return Prices(region)
        told.append(f"{len(listed)} of {len(products())} from {_PRICE_LIST}")
    today = datetime.fromtimestamp(workspace.clock.now(), UTC).date().isoformat()
    return Prices(region, listed, today)


def current_plan(workspace: Workspace) -> Plan:
    """The plan of this checkout, with the code that was released: nothing is built."""
    head = Reading(workspace).head()
    released = head.current.resources if head.current else {}
    desired = with_released_code(workspace.loaded.desired[workspace.environment.name], released)
    with workspace.stage("plan"):
        return survey(workspace, desired, head, Consent()).plan


def cost_sections(workspace: Workspace, plan: Plan) -> tuple[Section, ...]:
    """What a plan changes about the cost, for a pull request; nothing when that changes nothing or cannot be known."""
    try:
        found = plan_costs(workspace, plan, _DAYS)
    except Interrupted:
        raise
    except PipelineError as error:
        workspace.console.say(f"the cost of the plan is not shown: {error}")
        return ()
    return (Section(*plan_costs_markdown(found)),) if found.deltas else ()


def plan_costs(workspace: Workspace, plan: Plan, days: int) -> PlanCosts:
    """What a plan changes about the monthly cost, by the usage of the last days."""
    prices = prices_of(workspace)
    changed = involved(plan)
    reader = UsageReader(workspace.aws, datetime.fromtimestamp(workspace.clock.now(), UTC), days)
    with workspace.stage("usage"):
        usage = reader.read(metrics_of(changed, prices), changed)
    return PlanCosts(days, deltas(plan, usage, prices), tuple(prices.bases), not_counted(plan, usage, prices))


def apply(workspace: Workspace, advice: Iterable[Advice]) -> list[Edit]:
    """Writes the best option of each into its spec; AWS is not touched."""
    declared = workspace.loaded.desired[workspace.environment.name].by_address
    better = [each for each in advice if each.best is not None and each.best is not each.options[0]]
    found = [(declared.get(each.address), each) for each in better]
    return write(workspace.root, found, workspace.environment.file)


def write(root: Path, found: Iterable[tuple[Resource | None, Advice]], environment: str) -> list[Edit]:
    """The best option of each into the spec that declares it, or, where that has variables, the environment's file.

    From the last line of a file to its first: what is added moves the lines behind it.
    """

    def line(pair: tuple[Resource | None, Advice]) -> int:
        return pair[0].source.line if pair[0] and pair[0].source else 0

    return [_applied(root, resource, each, environment) for resource, each in sorted(found, key=line, reverse=True)]


def _applied(root: Path, resource: Resource | None, advice: Advice, environment: str) -> Edit:
    assert advice.best is not None
    settings = advice.best.settings
    source = resource.source if resource else None
    if source is None:
        return Edit(advice.address, None, settings, "it is not declared in this checkout")
    if not settings:
        return Edit(advice.address, source.file, settings, "its indexes have to be changed with it, by hand")
    file = root / source.file
    try:
        text = file.read_text(encoding="utf-8")
        if variables := variables_in(text, source.line, settings):
            values = _values(root, text, source.line, settings, variables)
            _assign(root / environment, values)
            return Edit(advice.address, environment, values, for_all=False)
        text = edited(text, source.line, settings)
    except NotEditable as error:
        return Edit(advice.address, source.file, settings, str(error))
    file.write_text(text, encoding="utf-8")
    return Edit(advice.address, source.file, settings)


def _values(
    root: Path, text: str, line: int, settings: Mapping[str, Any], variables: Mapping[str, str]
) -> dict[str, Any]:
    """Variable -> value. NotEditable when one environment alone cannot have them."""
    if others := [name for name in unlike(text, line, settings) if name not in variables]:
        raise NotEditable(
            f"{', '.join(variables)} is {_quoted(variables)}, this environment's own, but {', '.join(others)} would "
            "change for every environment: make variables of these as well, or write all of them into the spec"
        )
    specs = [file.read_text(encoding="utf-8") for file in (root / "aws").rglob("*.y*ml")]
    if shared := [name for name in variables.values() if sum(spec.count(f"${{{name}}}") for spec in specs) > 1]:
        raise NotEditable(f"${{{shared[0]}}} is in other places, too: give this entry a variable of its own")
    return {variables[name]: settings[name] for name in variables}


def _quoted(variables: Mapping[str, str]) -> str:
    return ", ".join(f"${{{name}}}" for name in variables.values())


def _assign(file: Path, values: Mapping[str, Any]) -> None:
    text = file.read_text(encoding="utf-8")
    for name, value in values.items():
        text = assigned(text, name, value)
    file.write_text(text, encoding="utf-8")
