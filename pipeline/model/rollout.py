"""A rollout as values: how far the shift of a release has come, and what was measured on the way.

They are kept in the ledger, so each can be written as JSON and read back. Times are Unix seconds, weights and rates
percent, latencies milliseconds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self


class Result(StrEnum):
    """What one measurement says. Inconclusive (too little is known) and error (nothing could be asked) are no success.

    The four results of https://argo-rollouts.readthedocs.io/en/stable/features/analysis/
    """

    SUCCESSFUL = "successful"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


class Outcome(StrEnum):
    """How far a rollout is. `ABORTED`: decided, the stable release does not have all traffic back yet."""

    RUNNING = "running"
    ABORTED = "aborted"
    REVERTED = "reverted"
    PROMOTED = "promoted"

    @property
    def finished(self) -> bool:
        """True when nothing is left to do: one release has all traffic."""
        return self in (Outcome.REVERTED, Outcome.PROMOTED)


@dataclass(frozen=True)
class Figures:
    """What one version did in a window.

    `latency` maps the names that CloudWatch has for percentiles (`p50`, `p99`, `p99.9`) to milliseconds; without
    requests it is empty. `throttles` are requests that reached no version: they are not among `requests`.
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    """

    requests: int = 0
    errors: int = 0
    throttles: int = 0
    latency: Mapping[str, float] = field(default_factory=dict)

    @property
    def p50(self) -> float | None:
        """The median latency, where known."""
        return self.latency.get("p50")

    @property
    def p99(self) -> float | None:
        """The latency that one request in a hundred exceeds, where known."""
        return self.latency.get("p99")

    @property
    def error_rate(self) -> float | None:
        """Percent of the requests that ended in an error; None without requests."""
        return 100 * self.errors / self.requests if self.requests else None

    @classmethod
    def total(cls, figures: Iterable["Figures"]) -> "Figures":
        """The counts of several together. Percentiles cannot be added: of each, the slowest counts."""
        every = tuple(figures)
        slowest: dict[str, float] = {}
        for each in every:
            for name, value in each.latency.items():
                slowest[name] = max(value, slowest.get(name, value))
        return cls(
            requests=sum(each.requests for each in every),
            errors=sum(each.errors for each in every),
            throttles=sum(each.throttles for each in every),
            latency=slowest,
        )

    def to_json(self) -> dict[str, Any]:
        """As stored and shown."""
        return {**asdict(self), "latency": dict(self.latency)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(**data)


@dataclass(frozen=True)
class Measurement:
    """One look at the canary beside the stable release, in step `step` (from 0) at `weight` percent.

    `start` and `end` bound the minutes that were compared, `at` is when it was done. `canary` and `stable` are those
    of the whole release. `confidence` (0 to 1): how sure it is that the canary is worse, after the allowance for many
    looks at many functions. `notes` did not count.
    """

    step: int
    weight: float
    at: float
    start: float
    end: float
    verdict: Result
    reason: str
    confidence: float = 0.0
    canary: Figures = Figures()
    stable: Figures = Figures()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As stored and shown."""
        return {
            **self.__dict__,
            "verdict": str(self.verdict),
            "canary": self.canary.to_json(),
            "stable": self.stable.to_json(),
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        changed = {
            "verdict": Result(data["verdict"]),
            "canary": Figures.from_json(data["canary"]),
            "stable": Figures.from_json(data["stable"]),
            "notes": tuple(data["notes"]),
        }
        return cls(**{**data, **changed})


@dataclass(frozen=True)
class RolloutStatus:
    """How far a rollout is. A new one is `RolloutStatus()`, with the alarms as they were before it.

    `step` (from 0) is the one under way, as many as there are steps when only the promotion is left. `weight` is what
    the canary was last seen to have, `since` when it got that of this step (None: it has not yet). `judged`: the bake
    is over and was passed. `approved` names who opened the gate of this step. `paused` waits for a person, for
    `reason`; for an aborted rollout `reason` is why. `looks` counts measurements that got an answer; `failures` those
    that failed; `inconclusive` those of this step after its bake; `errors` the last ones in a row. `alarms` maps names
    to their state before the release, or OK once they were seen so. `ended`: when one release had all traffic.
    """

    step: int = 0
    weight: float = 0
    since: float | None = None
    judged: bool = False
    approved: str | None = None
    paused: bool = False
    reason: str = ""
    outcome: Outcome = Outcome.RUNNING
    looks: int = 0
    failures: int = 0
    inconclusive: int = 0
    errors: int = 0
    alarms: Mapping[str, str] = field(default_factory=dict)
    measurements: tuple[Measurement, ...] = ()
    ended: float | None = None

    @property
    def last(self) -> Measurement | None:
        """The latest measurement of this step."""
        latest = self.measurements[-1] if self.measurements else None
        return latest if latest and latest.step == self.step and self.since is not None else None

    def to_json(self) -> dict[str, Any]:
        """As stored, format 1."""
        return {
            "format": 1,
            **self.__dict__,
            "outcome": str(self.outcome),
            "alarms": dict(self.alarms),
            "measurements": [each.to_json() for each in self.measurements],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`; TypeError or KeyError when the document is of another kind."""
        known = {key: value for key, value in data.items() if key != "format"}
        changed = {
            "outcome": Outcome(data["outcome"]),
            "measurements": tuple(Measurement.from_json(each) for each in data["measurements"]),
        }
        return cls(**{**known, **changed})
