"""The minutes in which the stable release served alone: with them the answers of an API are compared. Pure.

API Gateway's figures do not tell the requests of a canary apart, so what the API answered before the rollout stands for
the stable release. Minutes in which another release had traffic, such as one that was just taken back, say nothing.
"""

import math
from collections.abc import Iterable
from datetime import datetime

from pipeline.model.release import Release
from pipeline.model.rollout import Outcome
from pipeline.model.shift import Rollout

Interval = tuple[float, float]

_MINUTE = 60


def alone(current: Release, last: Rollout | None, until: float) -> tuple[Interval, ...]:
    """When `current` had all traffic, up to `until`, as far as it is known; `last` is the rollout before this one.

    Nothing served before a first release, so that its first minute, too, is its own.
    """
    since = datetime.fromisoformat(current.created).timestamp() if current.number > 1 else 0.0
    if last is None:
        return _positive([(since, until)])
    if last.release.number == current.number and last.status.outcome is Outcome.PROMOTED:
        return _positive([(last.status.ended or since, until)])
    if last.base != current.number:
        return _positive([(since, until)])
    measured = [each.at for each in last.status.measurements]
    ended = last.status.ended or max(measured, default=last.began)
    return _positive([(since, last.began), (max(since, ended), until)])


def latest(intervals: Iterable[Interval], seconds: float) -> tuple[tuple[int, int], ...]:
    """Whole minutes of `intervals`, the latest first: as many as `seconds` make, or all there are."""
    left = math.ceil(seconds / _MINUTE) * _MINUTE
    found = []
    for start, end in sorted(intervals, reverse=True):
        last = math.floor(end / _MINUTE) * _MINUTE
        first = max(math.ceil(start / _MINUTE) * _MINUTE, last - left)
        if first < last:
            found.append((first, last))
            left -= last - first
    return tuple(found)


def _positive(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    return tuple((start, end) for start, end in intervals if start < end)
