"""On demand or provisioned: what each table would have cost either way, from the units that it really consumed. Pure.

    on demand     units x price
    fixed         the highest five minutes with some room, all hours of the month
    autoscaled    hour by hour what the highest five minutes of that hour need at the target of utilization, which
                  Application Auto Scaling keeps, 70 % by default

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/AutoScaling.html
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.costing.estimating import consumed
from pipeline.costing.prices import Prices
from pipeline.model.cost import DAYS_A_MONTH, HOUR, HOURS_A_MONTH, Advice, Option, Usage
from pipeline.model.resource import Resource

TARGET = 0.7  # of utilization, as autoscaling is usually set
_ENOUGH = 3.0  # days of data before something is recommended
_WORTH_IT = 0.1  # dollars a month: below that nobody should change anything

ON_DEMAND, FIXED, SCALED = "on demand", "provisioned, fixed", "provisioned, autoscaled"
TABLE = "dynamodb.table"


@dataclass(frozen=True)
class _Demand:
    """Units of one kind: all of them, the rate of the highest five minutes, and the highest of each hour."""

    total: float
    peak: float
    hourly: tuple[float, ...]


def advise(resource: Resource, usage: Usage, prices: Prices) -> Advice:
    """The three options for a table, the current one first."""
    indexes = resource.properties.get("indexes") or ()
    names = [None, *(str(index["name"]) for index in indexes)]
    reads = [_demand(usage.series.get(consumed(resource.name, "Read", name), ()), usage) for name in names]
    writes = [_demand(usage.series.get(consumed(resource.name, "Write", name), ()), usage) for name in names]
    options = [
        _on_demand(reads, writes, usage, prices),
        _fixed(reads, writes, prices),
        _scaled(reads, writes, prices),
    ]
    current = _current(resource)
    ordered = sorted(options, key=lambda option: option.name != current)
    return Advice(resource.address, tuple(ordered), *_choice(ordered, usage, reads + writes))


def _current(resource: Resource) -> str:
    if resource.properties.get("billing_mode") != "PROVISIONED":
        return ON_DEMAND
    return SCALED if resource.properties.get("autoscaling") else FIXED


def _choice(options: Sequence[Option], usage: Usage, demands: Iterable[_Demand]) -> tuple[Option | None, str]:
    if not any(demand.total for demand in demands):
        return None, f"it was not used within {usage.days:g} days: on demand costs nothing then"
    if usage.days < _ENOUGH:
        return None, f"{usage.days:g} days are too few to recommend anything: look at {_ENOUGH:g} or more"
    best = min(options, key=lambda option: option.dollars)
    saving = options[0].dollars - best.dollars
    if best is options[0] or saving < _WORTH_IT:
        return options[0], f"nothing would save more than {_WORTH_IT:.2f} a month"
    return best, f"saves {saving:.2f} a month if the next weeks are like these {usage.days:g} days"


def _demand(values: Sequence[float], usage: Usage) -> _Demand:
    """`values` are sums of five minutes; those without use may be missing."""
    per_hour, rates = HOUR // 300, [value / 300 for value in values]
    hours = max(round(usage.days * 24), 1)
    grouped = [max(rates[start : start + per_hour]) for start in range(0, len(rates), per_hour)]
    idle = max(hours - len(grouped), 0)
    return _Demand(sum(values), max(rates, default=0.0), (*grouped, *([0.0] * idle)))


def _on_demand(reads: Sequence[_Demand], writes: Sequence[_Demand], usage: Usage, prices: Prices) -> Option:
    month = DAYS_A_MONTH / usage.days
    read, write = (sum(one.total for one in demands) * month for demands in (reads, writes))
    price_r, price_w = prices.of("dynamodb.read_requests"), prices.of("dynamodb.write_requests")
    basis = f"{read:,.0f} read and {write:,.0f} write units a month"
    dollars = read * price_r.amount + write * price_w.amount
    return Option(ON_DEMAND, dollars, basis, {"billing_mode": "PAY_PER_REQUEST"})


def _fixed(reads: Sequence[_Demand], writes: Sequence[_Demand], prices: Prices) -> Option:
    read, write = ([_capacity(one.peak) for one in demands] for demands in (reads, writes))
    basis = (
        f"{sum(read)} read and {sum(write)} write units at all hours: the highest five minutes at {TARGET:.0%}; "
        "shorter bursts are not seen"
    )
    settings: dict[str, Any] = {"billing_mode": "PROVISIONED", "read_capacity": read[0], "write_capacity": write[0]}
    if len(read) > 1:  # each index needs its own, within its own entry
        settings = {}
    return Option(FIXED, _hours(sum(read), sum(write), prices), basis, settings)


def _scaled(reads: Sequence[_Demand], writes: Sequence[_Demand], prices: Prices) -> Option:
    read, write = (
        sum(_capacity(hour) for one in demands for hour in one.hourly) / len(demands[0].hourly)
        for demands in (reads, writes)
    )
    basis = (
        f"{read:.1f} read and {write:.1f} write units on average: hour by hour the highest five minutes at {TARGET:.0%}"
    )
    bounds = {"read": {"min": 1, "max": _most(reads)}, "write": {"min": 1, "max": _most(writes)}}
    return Option(SCALED, _hours(read, write, prices), basis, {"billing_mode": "PROVISIONED", "autoscaling": bounds})


def _most(demands: Sequence[_Demand]) -> int:
    """Twice what was needed, ten at least: autoscaling has to have somewhere to go."""
    return max(2 * max(_capacity(one.peak) for one in demands), 10)


def _capacity(rate: float) -> int:
    return max(math.ceil(rate / TARGET), 1)


def _hours(read: float, write: float, prices: Prices) -> float:
    by_kind: Mapping[str, float] = {"read": read, "write": write}
    return sum(units * HOURS_A_MONTH * prices.of(f"dynamodb.{kind}_capacity").amount for kind, units in by_kind.items())
