"""What a command has to say at its end: the same facts for people and for machines."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.model.plan import Plan
from pipeline.model.release import Hold, Release


@dataclass(frozen=True)
class Pruned:
    """What was removed: how many of each. `problems` says what could not be, and why."""

    versions: int = 0
    deployments: int = 0
    objects: int = 0
    problems: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As reported."""
        return {
            "versions": self.versions,
            "deployments": self.deployments,
            "objects": self.objects,
            "problems": list(self.problems),
        }


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
    pruned: Pruned = Pruned()

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
            "pruned": self.pruned.to_json(),
            "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
            "aws_calls": self.aws_calls,
        }


@dataclass(frozen=True)
class RollbackPlan:
    """What a rollback is about to do: release `release` will restore `target`; `origin` is what serves now.

    `moves`: one {"address", "from", "to", "anew"} for each function and API; `to` is None where the recorded version
    cannot serve any more and another one is made, for the reason `anew`. `not_reverted`: {"address", "what", "reason"}
    with `what` one of data, change, addition.
    """

    environment: str
    release: int
    origin: Release
    target: Release
    moves: tuple[Mapping[str, Any], ...]
    not_reverted: tuple[Mapping[str, Any], ...]

    def to_json(self) -> dict[str, Any]:
        """The document of `rollback --dry-run`."""
        return {
            "environment": self.environment,
            "release": self.release,
            "from": self.origin.number,
            "restores": self.target.number,
            "commit": self.target.commit,
            "moves": [dict(move) for move in self.moves],
            "not_reverted": [dict(entry) for entry in self.not_reverted],
        }


@dataclass(frozen=True)
class RollbackReport:
    """The result of a rollback: that of a deploy, and what it was from and to."""

    deploy: DeployReport
    plan: RollbackPlan
    hold: Hold | None

    def to_json(self) -> dict[str, Any]:
        """The deploy document with `restores`, `from`, `not_reverted` and `hold`."""
        about = {
            key: value for key, value in self.plan.to_json().items() if key in ("restores", "from", "not_reverted")
        }
        return {**self.deploy.to_json(), **about, "hold": self.hold.to_json() if self.hold else None}
