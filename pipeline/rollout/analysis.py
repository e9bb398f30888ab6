"""Figures of the canary and of the stable release -> one verdict for the whole release. Pure.

Everything is a count of bad requests (errors, slow ones), compared exactly with that of the stable release in the same
minutes. `confidence: 0.95` is a promise about the whole rollout: a release that is no worse is stopped by chance at
most once in 20 times, however many functions it has and however often one looks. To keep it, a look may use its share
of that one in 20 only (`exact.spending`), divided among the tests that could accuse at all (`exact.accusers`), and the
confidence that a verdict names has that allowance in it. Absolute limits (`errors`, `p99`) are tested the same way.

Failing needs certainty, and no minimum of requests: three errors in three of them can be enough. Passing needs that
both releases have had `min_requests`, and that nothing else is open. No traffic is never a success.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from pipeline.model.rollout import Figures, Measurement, Result
from pipeline.model.strategy import Analysis
from pipeline.rollout import latency
from pipeline.rollout.alarms import Alarm, AlarmFindings, judge_alarms
from pipeline.rollout.exact import Tail, accusers, binomial, fisher

_WHOLE = "all together"
_NOUNS = {"function": "error", "api": "5xx answer", "definition": "4xx answer"}
_MOST_REASONS = 3
# One error among the first requests of a small share may be certain enough by itself, and still be anybody's fault.
_LEAST_ERRORS = 2


@dataclass(frozen=True)
class Sample:
    """What is compared under one name: a function, or an API whose figures tell the canary's requests apart.

    An API's `errors` are its 5xx answers: a handler that catches its failure and answers 500 has no errors of its own.
    Those of its definition are 4xx answers: what a definition does not know is refused, and no function notices.
    Where only the API as a whole can be seen, `stable` may be its minutes before the release, with `against` "before".
    """

    name: str
    canary: Figures
    stable: Figures
    kind: Literal["function", "api", "definition"] = "function"
    against: str = "stable"

    @property
    def noun(self) -> str:
        """What its errors are called."""
        return _NOUNS[self.kind]


@dataclass(frozen=True)
class Verdict:
    """The judgement of one look at a whole release.

    `confidence` (0 to 1): how sure it is that the canary is worse. `canary` and `stable` are sums over the functions,
    `samples` what they are made of. `notes` did not count. `alarms` is what RolloutStatus.alarms becomes.
    """

    result: Result
    reason: str
    confidence: float = 0.0
    canary: Figures = field(default_factory=Figures)
    stable: Figures = field(default_factory=Figures)
    samples: tuple[Sample, ...] = ()
    notes: tuple[str, ...] = ()
    alarms: Mapping[str, str] | None = None

    def __str__(self) -> str:
        return f"{self.reason}: {self.result}"

    def measurement(self, *, step: int, weight: float, at: float, window: tuple[float, float]) -> Measurement:
        """The same as the ledger keeps it."""
        start, end = window
        return Measurement(
            step,
            weight,
            at,
            start,
            end,
            self.result,
            self.reason,
            self.confidence,
            self.canary,
            self.stable,
            self.notes,
        )


@dataclass(frozen=True)
class _Test:
    """One exact test: whether `name` is worse, its counts in words, and what it claims when it is certain."""

    name: str
    tail: Tail
    counts: str
    claim: str = "worse"


@dataclass(frozen=True)
class _Tested:
    """What all tests of a look say: the certain ones in words, and the highest confidence that something is worse."""

    certain: tuple[str, ...] = ()
    confidence: float = 0.0


def outage(cause: str) -> Verdict:
    """The verdict when figures could not be had: an error, which says nothing about the release."""
    return Verdict(Result.ERROR, f"asking for metrics: {cause}")


def judge(
    samples: Iterable[Sample],
    settings: Analysis,
    *,
    share: float = 1.0,
    alarms: Iterable[Alarm] = (),
    before: Mapping[str, str] | None = None,
) -> Verdict:
    """One verdict for the release: failed when something is worse, successful when nothing is and enough is known.

    `share` is what this look may use of the error probability (`Measure.share`), `before` the alarms' earlier states.
    """
    every = tuple(samples)
    parts = [s for s in every if s.kind == "function" and s.against == "stable"]
    parts = parts or [s for s in every if s.kind != "definition"]
    canary, stable = Figures.total(s.canary for s in parts), Figures.total(s.stable for s in parts)
    whole = Sample(_WHOLE, canary, stable, kind=parts[0].kind if parts else "function")
    tests = [test for sample in every for test in _tests(sample, settings, alone=len(every) == 1)]
    if len(parts) > 1:
        tests.append(_compared(whole, f"{whole.name}: "))
    tested = _tested(tests, settings, share)
    found = judge_alarms(alarms, before or {})
    result, reason = _decide(tested, found, [*found.silent, *_open(every, whole, settings)], whole)
    notes = (*found.notes, *_notes(every))
    return Verdict(result, reason, tested.confidence, whole.canary, whole.stable, every, notes, found.before)


def _tests(sample: Sample, settings: Analysis, *, alone: bool) -> Iterator[_Test]:
    """The tests of one function or API."""
    prefix = "" if alone else f"{sample.name}: "
    canary, stable = sample.canary, sample.stable
    if not canary.requests:
        return
    if stable.requests:
        yield _compared(sample, prefix)
        for tail, counts in latency.comparisons(canary, stable, settings):
            yield _Test(sample.name, tail, prefix + counts.replace("stable", sample.against), "slower")
    if settings.errors is not None and sample.kind != "definition":
        counts = f"{prefix}{_counted(sample)}, {settings.errors:g} % is allowed"
        tail = binomial(canary.errors, canary.requests, settings.errors / 100)
        yield _Test(sample.name, tail, counts, "too many")
    if settings.p99 is not None and (limit := latency.above_limit(canary, settings.p99)):
        yield _Test(sample.name, limit[0], f"{prefix}{limit[1]}, 1 % is allowed", "too slow")


def _compared(sample: Sample, prefix: str) -> _Test:
    canary, stable = sample.canary, sample.stable
    tail = fisher(canary.errors, canary.requests, stable.errors, stable.requests)
    if canary.errors < _LEAST_ERRORS:
        tail = replace(tail, p=1.0)
    return _Test(sample.name, tail, f"{prefix}{_counts(sample)}")


def _tested(tests: Sequence[_Test], settings: Analysis, share: float) -> _Tested:
    level = (1 - settings.confidence) * share
    divisor = accusers([test.tail.least for test in tests], level)
    sure = sorted(((1 - min(1.0, test.tail.p * divisor / share), test) for test in tests), key=lambda pair: -pair[0])
    certain: dict[tuple[str, str], str] = {}  # of several tests with one claim the surest speaks
    for confidence, test in sure:
        if test.tail.p * divisor <= level:
            text = f"{test.counts}: {test.claim} with {_percent(confidence)} confidence"
            certain.setdefault((test.name, test.claim), text)
    if len(certain) > 1:
        certain.pop((_WHOLE, "worse"), None)  # it only repeats
    return _Tested(tuple(certain.values()), sure[0][0] if sure else 0.0)


def _decide(tested: _Tested, alarms: AlarmFindings, doubts: Sequence[str], whole: Sample) -> tuple[Result, str]:
    """The result and its reasons. What is surely bad counts before what is not known."""
    for result, reasons in (
        (Result.FAILED, (*tested.certain, *alarms.red)),
        (Result.ERROR, alarms.missing),
        (Result.INCONCLUSIVE, doubts),
    ):
        if reasons:
            more = len(reasons) - _MOST_REASONS
            return result, "; ".join(reasons[:_MOST_REASONS]) + (f"; and {more} more" if more > 0 else "")
    return Result.SUCCESSFUL, f"{_counts(whole)}: no worse"


def _open(samples: Sequence[Sample], whole: Sample, settings: Analysis) -> Iterator[str]:
    """What is not known well enough to call it a success."""
    if not whole.canary.requests:
        yield "no requests reached the canary"
        return
    if min(whole.canary.requests, whole.stable.requests) < settings.min_requests:
        yield f"{_counts(whole)}: at least {settings.min_requests} requests of each are wanted"
    for sample in samples:
        prefix = "" if len(samples) == 1 else f"{sample.name}: "
        rate = sample.canary.error_rate or 0
        if settings.errors is not None and sample.kind != "definition" and rate > settings.errors:
            yield f"{prefix}{_counted(sample)}, {settings.errors:g} % is allowed: not certain yet"
        if _is_incomparable(sample, settings):
            yield f"{prefix}{_counts(sample)}: too few to compare with"
        slow = latency.doubtful(sample.canary, sample.stable, settings)
        if slow:
            yield f"{prefix}{slow}: not certain yet"


def _is_incomparable(sample: Sample, settings: Analysis) -> bool:
    """True when an API answers more errors than before, and was called too little before for any test to tell why.

    A function's two versions had their requests in the same minutes, by chance; an API's minutes before may be a night.
    """
    canary, before = sample.canary, sample.stable
    worse = canary.errors >= _LEAST_ERRORS and (canary.error_rate or 0) > (before.error_rate or 0)
    return sample.against != "stable" and worse and before.requests < settings.min_requests


def _notes(samples: Sequence[Sample]) -> Iterator[str]:
    """What is worth saying and does not count. Throttled requests reached no version, so none is to blame for them."""
    idle = [sample.name for sample in samples if not sample.canary.requests]
    if idle and len(idle) < len(samples):
        more = len(idle) - _MOST_REASONS
        yield f"no requests yet: {', '.join(idle[:_MOST_REASONS])}" + (f" and {more} more" if more > 0 else "")
    for sample in samples:
        if sample.canary.throttles or sample.stable.throttles:
            count = sample.canary.throttles + sample.stable.throttles
            yield f"{sample.name}: {_number(count, 'request')} throttled"


def _counts(sample: Sample) -> str:
    stable = sample.stable
    return f"{_counted(sample)}, {sample.against} {stable.errors} in {stable.requests}"


def _counted(sample: Sample) -> str:
    return f"{_number(sample.canary.errors, sample.noun)} in {_number(sample.canary.requests, 'request')}"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _percent(confidence: float) -> str:
    """Rounded down, so that it never claims too much."""
    if confidence >= 0.999:
        return "more than 99.9 %"
    digits = 1 if confidence >= 0.99 else 0
    scale = 10**digits
    return f"{math.floor(round(confidence * 100 * scale, 9)) / scale:g} %"
