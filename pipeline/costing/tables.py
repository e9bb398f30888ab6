"""On demand or provisioned: what each table would have cost either way, from the units that it really consumed. Pure.

    on demand     units x price
    fixed         the highest five minutes with some room, all hours of the month
    declared      what the spec of a provisioned table says, within its bounds where it is scaled
    autoscaled    hour by hour what the highest five minutes of that hour need at the target of utilization, which
                  Application Auto Scaling keeps, 70 % by default

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/AutoScaling.html
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.costing.demand import TARGET, Demand, capacity, declared, demand, scaled
from pipeline.costing.estimating import consumed
from pipeline.costing.prices import Prices
from pipeline.model.cost import DAYS_A_MONTH, HOURS_A_MONTH, Advice, Option, Usage
from pipeline.model.resource import Resource

_ENOUGH = 3.0  # days of data before something is recommended
_WORTH_IT = 0.1  # dollars a month: below that nobody should change anything

ON_DEMAND, FIXED, SCALED = "on demand", "provisioned, fixed", "provisioned, autoscaled"
DECLARED = "provisioned, as declared"
_CAPACITY = ("read_capacity", "write_capacity", "autoscaling")
TABLE = "dynamodb.table"


def advise(resource: Resource, usage: Usage, prices: Prices) -> Advice:
    """What a table costs as it is, first, and what the other ways to pay for it would."""
    indexes = resource.properties.get("indexes") or ()
    names = [None, *(str(index["name"]) for index in indexes)]
    reads = [demand(usage.series.get(consumed(resource.name, "Read", name), ()), usage.days) for name in names]
    writes = [demand(usage.series.get(consumed(resource.name, "Write", name), ()), usage.days) for name in names]
    options = [
        *_declared(resource, reads, writes, prices),
        _on_demand(reads, writes, usage, prices),
        _fixed(reads, writes, prices),
        _scaled(reads, writes, prices),
    ]
    complete = [replace(option, settings=_whole(option, resource)) for option in options]
    return Advice(resource.address, tuple(complete), *_choice(complete, usage, reads + writes))


def _declared(
    resource: Resource, reads: Sequence[Demand], writes: Sequence[Demand], prices: Prices
) -> Iterable[Option]:
    if resource.properties.get("billing_mode") != "PROVISIONED":
        return
    read, write = (declared(resource.properties, what, used) for what, used in (("read", reads), ("write", writes)))
    how = "on average, within the bounds of its autoscaling" if resource.properties.get("autoscaling") else ""
    basis = f"{read:.4g} read and {write:.4g} write units {how or 'at all hours'}, its indexes' included"
    yield Option(DECLARED, _hours(read, write, prices), basis, {})


def _whole(option: Option, resource: Resource) -> Mapping[str, Any]:
    """The settings, and None for those of now that would be refused beside them; {} where indexes have such, too."""
    if not option.settings:
        return {}
    properties, indexes = resource.properties, resource.properties.get("indexes") or ()
    gone = [name for name in _CAPACITY if properties.get(name) and name not in option.settings]
    if option.name == SCALED:  # capacity beside autoscaling is what it begins with
        bounds: Mapping[str, Mapping[str, int]] = option.settings["autoscaling"]
        gone = _outside(properties, bounds)
        if any(_outside(index, bounds) for index in indexes):
            return {}
    if option.name == ON_DEMAND and any(index.get(name) for index in indexes for name in _CAPACITY):
        return {}
    return {**option.settings, **dict.fromkeys(gone)}


def _outside(holder: Mapping[str, Any], bounds: Mapping[str, Mapping[str, int]]) -> list[str]:
    """The capacities of a table or an index that autoscaling within these bounds could not begin with."""
    found = ((f"{way}_capacity", each) for way, each in bounds.items())
    return [name for name, each in found if holder.get(name) and not each["min"] <= holder[name] <= each["max"]]


def _choice(options: Sequence[Option], usage: Usage, demands: Iterable[Demand]) -> tuple[Option | None, str]:
    if not any(demand.total for demand in demands):
        unused = f"it was not used within {usage.days:g} days"
        return None, f"{unused}: on demand costs nothing then, and nothing is recommended"
    if usage.days < _ENOUGH:
        return None, f"{usage.days:g} days are too few to recommend anything: look at {_ENOUGH:g} or more"
    best = min(options, key=lambda option: option.dollars)
    saving = options[0].dollars - best.dollars
    if best is options[0] or saving < _WORTH_IT:
        return options[0], f"nothing would save more than {_WORTH_IT:.2f} a month"
    return best, f"saves {saving:.2f} a month if the next weeks are like these {usage.days:g} days"


def _on_demand(reads: Sequence[Demand], writes: Sequence[Demand], usage: Usage, prices: Prices) -> Option:
    month = DAYS_A_MONTH / usage.days
    read, write = (sum(one.total for one in demands) * month for demands in (reads, writes))
    price_r, price_w = prices.of("dynamodb.read_requests"), prices.of("dynamodb.write_requests")
    basis = f"{read:,.0f} read and {write:,.0f} write units a month"
    dollars = read * price_r.amount + write * price_w.amount
    return Option(ON_DEMAND, dollars, basis, {"billing_mode": "PAY_PER_REQUEST"})


def _fixed(reads: Sequence[Demand], writes: Sequence[Demand], prices: Prices) -> Option:
    read, write = ([capacity(one.peak) for one in demands] for demands in (reads, writes))
    basis = (
        f"{sum(read)} read and {sum(write)} write units at all hours: the highest five minutes at {TARGET:.0%}; "
        "shorter bursts are not seen"
    )
    settings: dict[str, Any] = {"billing_mode": "PROVISIONED", "read_capacity": read[0], "write_capacity": write[0]}
    if len(read) > 1:  # each index needs its own, within its own entry
        settings = {}
    return Option(FIXED, _hours(sum(read), sum(write), prices), basis, settings)


def _scaled(reads: Sequence[Demand], writes: Sequence[Demand], prices: Prices) -> Option:
    read, write = (scaled(demands) for demands in (reads, writes))
    basis = (
        f"{read:.1f} read and {write:.1f} write units on average: hour by hour the highest five minutes at {TARGET:.0%}"
    )
    bounds = {"read": {"min": 1, "max": _most(reads)}, "write": {"min": 1, "max": _most(writes)}}
    return Option(SCALED, _hours(read, write, prices), basis, {"billing_mode": "PROVISIONED", "autoscaling": bounds})


def _most(demands: Sequence[Demand]) -> int:
    """Twice what was needed, ten at least: autoscaling has to have somewhere to go."""
    return max(2 * max(capacity(one.peak) for one in demands), 10)


def _hours(read: float, write: float, prices: Prices) -> float:
    by_kind: Mapping[str, float] = {"read": read, "write": write}
    return sum(units * HOURS_A_MONTH * prices.of(f"dynamodb.{kind}_capacity").amount for kind, units in by_kind.items())
