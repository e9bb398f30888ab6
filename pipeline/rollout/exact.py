"""Exact tests for small counts, and what many of them at once may claim. Pure arithmetic: no approximation, no tables.

Canaries see few requests and fewer errors, where tests by the normal distribution are wrong. Fisher's test
(https://en.wikipedia.org/wiki/Fisher%27s_exact_test) asks: given so many bad requests in all, and a random choice of
who serves each request, how often would the canary get at least as many of them as it did? It takes no assumption
about traffic, error rates or priors; a random choice per request is what Lambda's weighted aliases do
(https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

LogProbability = Callable[[int], float]

_NEGLIGIBLE = 1e-17  # beside a sum of at least one larger term


@dataclass(frozen=True)
class Tail:
    """How probable it is to look at least this bad by chance (`p`), and the least that it could have been.

    `least` depends on how much was seen, not on how bad it was: a test that cannot become small cannot accuse.
    """

    p: float
    least: float


def fisher(bad: int, of: int, bad_stable: int, of_stable: int) -> Tail:
    """One-sided: `bad` requests among the canary's `of`, `bad_stable` among the stable release's `of_stable`.

    Counts of bad requests above those of requests (metrics arrive at different moments) count as all of them.
    """
    bad, bad_stable = min(bad, of), min(bad_stable, of_stable)
    total, every = bad + bad_stable, of + of_stable

    def log_probability(count: int) -> float:
        return _log_choose(of, count) + _log_choose(of_stable, total - count) - _log_choose(every, total)

    lowest, highest = max(0, total - of_stable), min(total, of)
    return Tail(_upper(bad, lowest, highest, log_probability), math.exp(min(0.0, log_probability(highest))))


def binomial(bad: int, of: int, rate: float) -> Tail:
    """One-sided: `bad` of `of` requests or more when each is bad with the probability `rate`."""
    if rate <= 0:
        return Tail(0.0 if bad > 0 else 1.0, 0.0 if of else 1.0)

    def log_probability(count: int) -> float:
        return _log_choose(of, count) + count * math.log(rate) + (of - count) * math.log1p(-rate)

    return Tail(_upper(min(bad, of), 0, of, log_probability), rate**of)


def accusers(least: Sequence[float], level: float) -> int:
    """By how much `level` has to be divided among tests, so that all of them together keep it.

    Bonferroni's division by their number, but only by that of those that can become small enough: in most functions
    nothing went wrong on either side, and they can accuse nobody. R. E. Tarone, A modified Bonferroni method for
    discrete data, Biometrics 46 (1990), 515-522, https://doi.org/10.2307/2531456
    """
    for divisor in range(1, len(least)):
        if sum(1 for each in least if each <= level / divisor) <= divisor:
            return divisor
    return max(1, len(least))


def spending(look: int, planned: int) -> float:
    """The share of the whole error probability that the `look`-th look (from 1) may use; all shares add up to 1.

    Looking again and again finds something by chance at last. So four fifths are divided evenly among the looks known
    beforehand, and the last fifth among all later ones (waiting for traffic or at a gate), however many: 1/2, 1/6,
    1/12, … of it. By Boole's inequality the sum bounds the probability of any false alarm, however looks overlap; see
    alpha spending, K. K. G. Lan and D. L. DeMets, Biometrika 70 (1983), 659-663, https://doi.org/10.1093/biomet/70.3.659
    """
    if look <= planned:
        return 0.8 / planned
    later = look - planned
    return 0.2 / (later * (later + 1))


def _log_choose(total: int, chosen: int) -> float:
    return math.lgamma(total + 1) - math.lgamma(chosen + 1) - math.lgamma(total - chosen + 1)


def _upper(count: int, lowest: int, highest: int, log_probability: LogProbability) -> float:
    """The probability of `count` or more, for a distribution with one mode between `lowest` and `highest`."""
    if count <= lowest:
        return 1.0
    rising = count < highest and log_probability(count) < log_probability(count + 1)
    if rising:  # below the mode: what is missing is the smaller part
        return max(0.0, 1.0 - _sum(range(count - 1, lowest - 1, -1), log_probability))
    return min(1.0, _sum(range(count, highest + 1), log_probability))


def _sum(counts: range, log_probability: LogProbability) -> float:
    """The sum over counts that lead away from the mode."""
    found = 0.0
    for count in counts:
        term = math.exp(log_probability(count))
        found += term
        if term <= found * _NEGLIGIBLE:
            break
    return found
