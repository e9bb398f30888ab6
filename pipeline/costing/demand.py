"""What a table needs of provisioned capacity, from the units that it consumed in every five minutes. Pure.

Application Auto Scaling keeps the capacity at a target of utilization, 70 % by default, of the table and of each index.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/AutoScaling.html
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.model.cost import HOUR

PERIOD = 300  # autoscaling follows within minutes; CloudWatch keeps five-minute values for 63 days
TARGET = 0.7  # of utilization, as autoscaling is usually set


@dataclass(frozen=True)
class Demand:
    """Units of one kind: all of them, the rate of the highest five minutes, and the highest of each hour."""

    total: float
    peak: float
    hourly: tuple[float, ...]


def demand(values: Sequence[float], days: float) -> Demand:
    """`values` are sums of five minutes from the window's begin; what is missing at its end was without use."""
    per_hour, rates = HOUR // PERIOD, [value / PERIOD for value in values]
    hours = max(round(days * 24), 1)
    grouped = [max(rates[start : start + per_hour]) for start in range(0, len(rates), per_hour)]
    idle = max(hours - len(grouped), 0)
    return Demand(sum(values), max(rates, default=0.0), (*grouped, *([0.0] * idle)))


def capacity(rate: float, target: float = TARGET) -> int:
    """Units that keep `rate` at the target."""
    return max(math.ceil(rate / target), 1)


def scaled(demands: Sequence[Demand], bounds: Mapping[str, Any] | None = None) -> float:
    """What a table and its indexes have on average when each follows its use within `bounds`, hour by hour."""
    known = bounds or {}
    least, most = int(known.get("min") or 1), float(known.get("max") or math.inf)
    target = float(known.get("target") or TARGET * 100) / 100
    return sum(
        min(max(capacity(hour, target), least), most) / len(one.hourly) for one in demands for hour in one.hourly
    )


def declared(properties: Mapping[str, Any], what: str, demands: Sequence[Demand]) -> float:
    """Units (`what`: read or write) of a table that is provisioned as its spec says, and of its indexes.

    Indexes have the table's where they have none of their own.
    """
    if bounds := (properties.get("autoscaling") or {}).get(what):
        return scaled(demands, bounds)
    own = float(properties.get(f"{what}_capacity") or 1)
    indexes = properties.get("indexes") or ()
    return own + sum(float(index.get(f"{what}_capacity") or own) for index in indexes)
