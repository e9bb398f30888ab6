"""What a plan changes about the monthly cost, if the service goes on being used as it was. Pure.

A new resource has no usage yet: what it costs whether or not it is used is known, the rest is said by its price.
"""

from dataclasses import replace

from pipeline.costing.estimating import ESTIMATORS, estimate, estimate_all, metrics_of
from pipeline.costing.prices import Prices
from pipeline.model.cost import Delta, Estimate, Usage
from pipeline.model.plan import Action, Change, Plan
from pipeline.model.resource import Resource

_GOES = (Action.DELETE,)


def deltas(plan: Plan, usage: Usage, prices: Prices) -> tuple[Delta, ...]:
    """One for each change of the plan that costs anything, before or after."""
    found = (_delta(change, usage, prices) for change in plan.changes if change.type in ESTIMATORS)
    return tuple(delta for delta in found if delta is not None)


def _delta(change: Change, usage: Usage, prices: Prices) -> Delta | None:
    if change.action in (Action.RETAIN, Action.FORGET):
        return None
    before, after = _before(change), _after(change)
    known = any(usage.series.get(metric) for metric in metrics_of([r for r in (before, after) if r], prices))
    was, will = (estimate(r, usage, prices) if r else Estimate() for r in (before, after))
    if not (was.lines or will.lines) or (change.action is Action.UPDATE and was.dollars == will.dollars):
        return None
    return Delta(change.address, change.action.value, was.dollars, will.dollars, known, will.lines or was.lines)


def involved(plan: Plan) -> list[Resource]:
    """What the changes of the plan are about, as it was and as it will be: whose usage is to be known."""
    found = [each for change in plan.changes for each in (_before(change), _after(change))]
    return [resource for resource in found if resource is not None and resource.type in ESTIMATORS]


def not_counted(plan: Plan, usage: Usage, prices: Prices) -> tuple[str, ...]:
    """What the figures of what is made or changed do not hold."""
    made = (Action.CREATE, Action.UPDATE, Action.REPLACE)
    after = [found for change in plan.changes if change.action in made and (found := _after(change)) is not None]
    return estimate_all(after, usage, prices).not_counted


def _after(change: Change) -> Resource | None:
    """With the id of what is there already: it is by that that CloudWatch knows some."""
    if change.action in _GOES or change.desired is None or change.observed is None:
        return None if change.action in _GOES else change.desired
    known = {"id": change.observed.outputs.get("id")}
    return replace(change.desired, properties={**change.desired.properties, **known})


def _before(change: Change) -> Resource | None:
    if change.observed is None:
        return None
    model = change.desired
    kind, _, name = change.address.partition("/")
    base = model or Resource(kind, name, {})
    return replace(base, properties={**change.observed.properties, "id": change.observed.outputs.get("id")})
