"""What a command has to say at its end: the same facts for people and for machines."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.model.plan import Plan


@dataclass(frozen=True)
class DeployReport:
    """The result of a deploy. `release` is None only when nothing was ever released (a refused first deploy).

    `changed` is False when everything was as declared already. `functions`, `apis`, `outputs` and `canary` have the
    shapes of product.md; `seconds` maps stage names to durations.
    """

    release: int | None
    environment: str
    service: str
    commit: str | None
    plan: Plan
    changed: bool
    functions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    apis: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    canary: tuple[Mapping[str, Any], ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    aws_calls: int = 0
    kept: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The deploy document of product.md."""
        return {
            "release": self.release,
            "environment": self.environment,
            "commit": self.commit,
            "changed": self.changed,
            "plan": {"digest": self.plan.digest, "summary": self.plan.summary},
            "functions": {name: dict(entry) for name, entry in self.functions.items()},
            "apis": {name: dict(entry) for name, entry in self.apis.items()},
            "outputs": dict(self.outputs),
            "canary": {"steps": [dict(step) for step in self.canary]},
            "kept": list(self.kept),
            "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
            "aws_calls": self.aws_calls,
        }
