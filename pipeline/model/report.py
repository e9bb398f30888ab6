"""What a command has to say at its end: the same facts for people and for machines."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.model.delivery import Tried
from pipeline.model.plan import BACKUP, Action, Plan
from pipeline.model.release import Hold, Release
from pipeline.model.rollout import Measurement, Outcome
from pipeline.model.shift import Rollout

# The exit code of a run whose canary was taken back: the release before serves again.
REVERTED = 5


@dataclass(frozen=True)
class Canary:
    """How a rollout went, or how far it is. `waiting` says for what or whom, when no process drives it any more.

    `links` lead to the figures and logs of what was measured.
    """

    rollout: Rollout
    waiting: str | None = None
    links: Mapping[str, str] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """Of a run that was to bring the release about."""
        return REVERTED if self.rollout.status.outcome in (Outcome.ABORTED, Outcome.REVERTED) else 0

    def to_json(self) -> dict[str, Any]:
        """`canary` of the deploy document."""
        rollout, status = self.rollout, self.rollout.status
        return {
            "release": rollout.release.number,
            "commit": rollout.release.commit,
            "strategy": rollout.strategy.name,
            "outcome": str(status.outcome),
            "weight": status.weight,
            "step": min(status.step + 1, len(rollout.strategy.steps)),
            "reason": status.reason,
            "waiting": self.waiting,
            "hotfix": rollout.hotfix,
            "steps": [self._step(index) for index in range(len(rollout.strategy.steps))],
            "shifts": [shift.to_json() for shift in rollout.shifts],
            "links": dict(self.links),
        }

    def _step(self, index: int) -> dict[str, Any]:
        step = self.rollout.strategy.steps[index]
        looks = self.measurements(index)
        last = looks[-1] if looks else None
        return {
            "weight": step.weight,
            "bake_seconds": step.bake,
            "gate": step.gate,
            "verdict": str(last.verdict) if last else None,
            "reason": last.reason if last else None,
            "confidence": last.confidence if last else None,
            "canary": last.canary.to_json() if last else None,
            "stable": last.stable.to_json() if last else None,
            "looks": len(looks),
        }

    def measurements(self, step: int) -> tuple[Measurement, ...]:
        """All looks of one step."""
        return tuple(each for each in self.rollout.status.measurements if each.step == step)


@dataclass(frozen=True)
class RolloutReport:
    """What came of steering or continuing a rollout. `release` serves now."""

    environment: str
    release: int
    canary: Canary
    seconds: Mapping[str, float] = field(default_factory=dict)
    aws_calls: int = 0
    smoke: tuple[Tried, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The document of `promote`, `abort` and `pause`."""
        return {
            "release": self.release,
            "environment": self.environment,
            "commit": self.canary.rollout.release.commit,
            "canary": self.canary.to_json(),
            "smoke": [one.to_json() for one in self.smoke],
            "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
            "aws_calls": self.aws_calls,
        }


@dataclass(frozen=True)
class Pruned:
    """What was removed: how many of each. `problems` says what could not be, and why."""

    versions: int = 0
    deployments: int = 0
    objects: int = 0
    problems: tuple[str, ...] = ()
    layers: int = 0
    guardrails: int = 0

    def to_json(self) -> dict[str, Any]:
        """As reported."""
        return {
            "versions": self.versions,
            "layers": self.layers,
            "guardrails": self.guardrails,
            "deployments": self.deployments,
            "objects": self.objects,
            "problems": list(self.problems),
        }


@dataclass(frozen=True)
class Shown:
    """What changed for visitors of a site: the paths in the bucket, and what CloudFront was told."""

    files: tuple[str, ...] = ()
    invalidated: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As reported."""
        return {"files": list(self.files), "invalidated": list(self.invalidated)}


@dataclass(frozen=True)
class DeployReport:
    """The result of a deploy. `release` serves; None only when nothing was ever released (a refused first deploy).

    `changed` is False when everything was as declared already. `functions`, `apis` and `outputs` have the shapes of
    product.md; `canary` is the rollout, where traffic shifted in steps, and `planned` the digest and summary of the
    plan that another run had when it began that; `seconds` maps stage names to durations. `smoke` is what
    came of the smoke tests.
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
    canary: Canary | None = None
    planned: Mapping[str, Any] | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    aws_calls: int = 0
    smoke: tuple[Tried, ...] = ()
    kept: tuple[str, ...] = ()
    pruned: Pruned = Pruned()
    sites: Mapping[str, Shown] = field(default_factory=dict)

    @property
    def backups(self) -> dict[str, Any]:
        """Where the data is kept of what was replaced, by address."""
        replaced = (c.address for c in self.plan.changes if c.action is Action.REPLACE)
        return {a: self.outputs[f"{a}.{BACKUP}"] for a in replaced if f"{a}.{BACKUP}" in self.outputs}

    @property
    def exit_code(self) -> int:
        """What the command ends with."""
        return self.canary.exit_code if self.canary else 0

    def to_json(self) -> dict[str, Any]:
        """The deploy document of product.md."""
        return {
            "release": self.release,
            "environment": self.environment,
            "commit": self.commit,
            "changed": self.changed,
            "plan": self.planned or {"digest": self.plan.digest, "summary": self.plan.summary},
            "functions": {name: dict(entry) for name, entry in self.functions.items()},
            "apis": {name: dict(entry) for name, entry in self.apis.items()},
            "outputs": dict(self.outputs),
            "canary": self.canary.to_json() if self.canary else {"steps": []},
            "smoke": [one.to_json() for one in self.smoke],
            "kept": list(self.kept),
            "backups": self.backups,
            "pruned": self.pruned.to_json(),
            "sites": {address: shown.to_json() for address, shown in self.sites.items()},
            "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
            "aws_calls": self.aws_calls,
        }


@dataclass(frozen=True)
class RollbackPlan:
    """What a rollback is about to do: release `release` will restore `target`; `origin` is what serves now.

    `how` tells of an origin that the ledger has not as what serves: it is being rolled out, or was left half done.
    `moves`: one {"address", "from", "to", "anew", "shared"} for each function and API; `to` is None where the recorded
    version cannot serve any more and another one is made, for the reason `anew`; `shared` while something else has a
    share beside `from`. `command`: the options that say which environment that is. `sites`: one
    {"address", "files"} for each static site: how many of its files change back. `not_reverted`: {"address", "what",
    "reason"} with `what` one of data, change, addition.
    """

    environment: str
    release: int
    origin: Release
    target: Release
    moves: tuple[Mapping[str, Any], ...]
    not_reverted: tuple[Mapping[str, Any], ...]
    sites: tuple[Mapping[str, Any], ...] = ()
    how: str = ""
    command: str = ""

    def to_json(self) -> dict[str, Any]:
        """The document of `rollback --dry-run`."""
        return {
            "environment": self.environment,
            "release": self.release,
            "from": self.origin.number,
            "restores": self.target.number,
            "commit": self.target.commit,
            "moves": [dict(move) for move in self.moves],
            "sites": [dict(site) for site in self.sites],
            "not_reverted": [dict(entry) for entry in self.not_reverted],
        }


@dataclass(frozen=True)
class RollbackReport:
    """The result of a rollback: that of a deploy, and what it was from and to.

    `echo` is the release that this very run of a workflow made when it was started before; then nothing was done.
    """

    deploy: DeployReport
    plan: RollbackPlan
    hold: Hold | None
    echo: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The deploy document with `restores`, `from`, `not_reverted` and `hold`."""
        about = {
            key: value for key, value in self.plan.to_json().items() if key in ("restores", "from", "not_reverted")
        }
        return {**self.deploy.to_json(), **about, "hold": self.hold.to_json() if self.hold else None}
