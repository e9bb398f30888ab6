"""Provisioned concurrency: what it would cost to keep instances of a function ready, and what for. Pure.

What it buys are cold starts that do not happen. Running on such instances costs less, which pays for them only where
they are busy most of the time and is not in the figures. So nothing is recommended, both sides are shown. https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
"""

import math

from pipeline.costing.estimating import duration, invocations
from pipeline.costing.prices import Prices
from pipeline.model.cost import DAY, HOURS_A_MONTH, Advice, Metric, Option, Usage
from pipeline.model.resource import Resource

FUNCTION = "lambda.function"


def concurrency(function: str) -> Metric:
    """The most instances that ran at once, by the hour."""
    return Metric("AWS/Lambda", "ConcurrentExecutions", "Maximum", (("FunctionName", function),))


def advise(resource: Resource, usage: Usage, prices: Prices) -> Advice:
    """As it is, and with as many instances kept ready as ran at once on average and at most."""
    now = int(resource.properties.get("provisioned_concurrency") or 0)
    count = usage.total(invocations(resource.name))
    busy = usage.total(duration(resource.name)) / 1000 / (usage.days * DAY)
    peak = int(max(usage.series.get(concurrency(resource.name), ()), default=0))
    numbers = dict.fromkeys([now, *([max(math.ceil(busy), 1), peak] if peak else [])])
    return Advice(
        resource.address,
        tuple(_kept(resource, n, prices) for n in numbers),
        None,
        _reason(resource, usage, count, busy, peak),
    )


def _kept(resource: Resource, instances: int, prices: Prices) -> Option:
    if not instances:
        return Option("none kept ready", 0.0, "every instance starts when it is needed", {})
    arm = ".arm64" if resource.properties.get("architecture") == "arm64" else ""
    price = prices.of(f"lambda.provisioned{arm}")
    seconds = instances * float(resource.properties.get("memory") or 128) / 1024 * HOURS_A_MONTH * 3600
    basis = f"{seconds:,.0f} {price.unit} a month, besides what running costs (less, on these)"
    return Option(f"{instances} kept ready", seconds * price.amount, basis, {"provisioned_concurrency": instances})


def _reason(resource: Resource, usage: Usage, count: float, busy: float, peak: int) -> str:
    if not count:
        return f"it did not run within {usage.days:g} days"
    cold = usage.cold_starts.get(resource.address)
    starts = "cold starts unknown (its logs could not be asked)"
    if cold is not None:
        starts = f"{cold:,} cold starts in {count:,.0f} invocations ({cold / count:.1%})"
    return f"{starts}; {busy:.2f} instances busy on average, {peak} at most"
