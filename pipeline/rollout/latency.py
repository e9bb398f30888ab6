"""Is the canary slower? From percentiles alone, without assuming anything about how latencies are distributed. Pure.

The ratio of two percentiles says little about few requests: the p99 of a hundred is its slowest one, and the median of
a function with a fast and a slow route jumps between them. So percentiles are read as counts. If the canary's p90 lies
above what only one in a hundred requests of the stable release exceeded, at least a tenth of its requests did, and
counts can be compared exactly: a precedence test (L. S. Nelson, Tables for a precedence life test, Technometrics 5
(1963), 491-499, https://doi.org/10.1080/00401706.1963.10490124), whose null distribution is Fisher's. The tolerance
(`slowdown`, and what nobody notices) moves the bound up, which only makes the test more careful.
"""

import math
from collections.abc import Iterator

from pipeline.model.rollout import Figures
from pipeline.model.strategy import Analysis
from pipeline.rollout.exact import Tail, binomial, fisher

# What a metric provider should ask for: the closer together, the better counts are known.
PERCENTILES = ("p25", "p50", "p75", "p90", "p94", "p96", "p97", "p98", "p99", "p99.9")

_BOUNDS = ("p50", "p90", "p99", "p99.9")
_UNNOTICED = 50.0  # milliseconds
_LEAST_TAIL = 5  # requests beyond a percentile for it to mean something


def comparisons(canary: Figures, stable: Figures, settings: Analysis) -> Iterator[tuple[Tail, str]]:
    """Each test of "the canary is no slower than the stable release", with its counts in words."""
    for name in _BOUNDS:
        if name in stable.latency and canary.requests and canary.latency:
            bound = tolerated(stable.latency[name], settings)
            at_least = _slower(canary, bound)
            at_most = math.ceil(round(stable.requests * _beyond(name), 6))
            text = (
                f"at least {at_least} of {canary.requests} requests took more than {milliseconds(bound)}, "
                f"stable at most {at_most} of {stable.requests}"
            )
            # What could have been seen at worst is that all of them did.
            least = fisher(canary.requests, canary.requests, at_most, stable.requests).p
            yield Tail(fisher(at_least, canary.requests, at_most, stable.requests).p, least), text


def above_limit(canary: Figures, limit: int) -> tuple[Tail, str] | None:
    """The test of "one request in a hundred at most takes more than `limit`"; None when the figures cannot tell."""
    if not canary.requests or not canary.latency:
        return None
    slow = _slower(canary, limit)
    text = f"at least {slow} of {canary.requests} requests took more than {milliseconds(limit)}"
    return binomial(slow, canary.requests, 0.01), text


def doubtful(canary: Figures, stable: Figures, settings: Analysis) -> str | None:
    """What the p99 makes one suspect though no test is certain; None when it is as tolerated, or says too little."""
    enough = _LEAST_TAIL * 100
    if canary.p99 is None or canary.requests < 100:
        return None
    if settings.p99 is not None and canary.p99 > settings.p99:
        return f"p99 {milliseconds(canary.p99)}, {milliseconds(settings.p99)} is allowed"
    if stable.p99 is None or min(canary.requests, stable.requests) < enough:
        return None
    bound = tolerated(stable.p99, settings)
    if canary.p99 <= bound:
        return None
    return f"p99 {milliseconds(canary.p99)}, stable {milliseconds(stable.p99)}: {milliseconds(bound)} is tolerated"


def tolerated(stable: float, settings: Analysis) -> float:
    """How slow the canary may be where the stable release takes `stable` milliseconds."""
    return max(stable * settings.slowdown, stable + _UNNOTICED)


def milliseconds(value: float) -> str:
    """A latency as people write it."""
    return f"{value / 1000:.3g} s" if value >= 10_000 else f"{value:.0f} ms"


def _slower(figures: Figures, bound: float) -> int:
    """How many requests took more than `bound` at least, as far as the percentiles tell."""
    shares = [_beyond(name) for name, value in figures.latency.items() if value > bound]
    return math.floor(round(figures.requests * max(shares, default=0), 6))


def _beyond(percentile: str) -> float:
    """The share of requests beyond a percentile: 0.01 for `p99`."""
    return 1 - float(percentile.removeprefix("p")) / 100
