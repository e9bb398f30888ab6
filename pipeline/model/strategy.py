"""How traffic shifts to a new release, and when that is good enough: `rollout:` of pipeline.yaml as values."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal, Self

Name = Literal["all-at-once", "canary", "linear", "steps"]
Engine = Literal["pipeline", "codedeploy"]

_LEAST_INTERVAL = 60  # seconds: CloudWatch has Lambda's metrics by the minute


@dataclass(frozen=True)
class Step:
    """`weight` percent for the canary, watched for `bake` seconds; with a `gate` a person has to let it go on."""

    weight: float
    bake: int = 0
    gate: bool = False


@dataclass(frozen=True)
class Analysis:
    """When a canary is good enough; the words of the schema. Times in seconds, `p99` in milliseconds, `errors` percent.

    `errors` and `p99` hold whatever the stable release does; None: only the comparison with it counts. `client_errors`:
    4xx answers count, too, where the definition of a REST API shifts.
    """

    errors: float | None = None
    p99: int | None = None
    slowdown: float = 1.5
    min_requests: int = 50
    confidence: float = 0.95
    interval: int | None = None
    metric_delay: int = 120
    failure_limit: int = 0
    inconclusive_limit: int = 5
    error_limit: int = 4
    on_error: Literal["hold", "abort"] = "hold"
    alarms: tuple[str, ...] = ()
    client_errors: bool = True
    dry_run: bool = False


@dataclass(frozen=True)
class Strategy:
    """How traffic shifts: the steps, and after the last of them the promotion; all-at-once has none.

    `detach`: no process stays while a step is watched; scheduled runs go on with it.

    Weights increase and are less than 100, and each step has a bake or a gate. ValueError otherwise.
    """

    name: Name = "all-at-once"
    steps: tuple[Step, ...] = ()
    analysis: Analysis = Analysis()
    engine: Engine = "pipeline"
    detach: bool = False

    def __post_init__(self) -> None:
        weights = [0.0, *(step.weight for step in self.steps), 100.0]
        if any(weight >= more for weight, more in pairwise(weights)):
            raise ValueError(f"weights must increase between 0 and 100: {weights[1:-1]}")
        if any(step.bake <= 0 and not step.gate for step in self.steps):
            raise ValueError("a step needs a bake or a gate")

    def interval(self, step: Step) -> int:
        """Seconds between two looks in `step`."""
        return self.analysis.interval or max(_LEAST_INTERVAL, step.bake // 5)

    @property
    def looks(self) -> int:
        """How many looks there are when nothing has to wait: known beforehand, so that chance can be shared out."""
        return sum(-(-step.bake // self.interval(step)) for step in self.steps)

    def to_json(self) -> dict[str, Any]:
        """As kept in the ledger, so that a rollout goes on as it began."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        analysis = {**data["analysis"], "alarms": tuple(data["analysis"]["alarms"])}
        steps = tuple(Step(**step) for step in data["steps"])
        shape = {"name": data["name"], "detach": data.get("detach", False), "engine": data["engine"]}
        return cls(steps=steps, analysis=Analysis(**analysis), **shape)
