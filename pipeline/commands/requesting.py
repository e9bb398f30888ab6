"""What the user asked a deploy for, as a value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from pipeline.model.plan import Plan, SavedPlan
from pipeline.model.release import LedgerHead
from pipeline.model.strategy import Strategy
from pipeline.planning.planner import Consent


@dataclass(frozen=True)
class DeployRequest:
    """What the user asked for. `clear_hold`: deploys although the environment was rolled back, and ends the hold.

    `expected`: the digest of the one desired state (`DesiredState.declared`) that may be deployed, where that matters.
    `review` raises Refused when the plan does what nobody saw who should have.
    `hotfix`: it is the fix of what serves, so a rollout that is under way is taken back for it. `detach`: no process
    stays while traffic shifts. `source`: the environment whose code is deployed instead of what would be built;
    `promoted` says which release of it that is: {"environment", "release", "commit"}. `carried`: what a run that did
    not end had planned for the same, address -> action: the release is of all of it. `thorough`: reads all that can be
    read of AWS, as drift does.
    """

    consent: Consent = Consent()
    saved: SavedPlan | None = None
    max_deletions: int = 10
    clear_hold: bool = False
    expected: str | None = None
    review: Callable[[Plan, LedgerHead], None] | None = None
    hotfix: bool = False
    detach: bool = False
    strategy: Strategy = field(default_factory=Strategy)
    source: str | None = None
    promoted: Mapping[str, Any] | None = None
    carried: Mapping[str, str] = field(default_factory=dict)
    thorough: bool = False

    def to_json(self) -> dict[str, Any]:
        """What a resuming run has to know of it."""
        return {
            "include_data": self.consent.include_data,
            "adopt": sorted(self.consent.adopt),
            "max_deletions": self.max_deletions,
            "clear_hold": self.clear_hold,
            "hotfix": self.hotfix,
            "detach": self.detach,
            "promoted": dict(self.promoted) if self.promoted else None,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        consent = Consent(data["include_data"], frozenset(data["adopt"]))
        return cls(
            consent,
            None,
            data["max_deletions"],
            data["clear_hold"],
            hotfix=data.get("hotfix", False),
            detach=data.get("detach", False),
            source=promoted["environment"] if (promoted := data.get("promoted")) else None,
            promoted=promoted,
        )


def told_of(source: Mapping[str, Any]) -> str:
    """Where code was taken from, for people."""
    commit = f", commit {source['commit'][:7]}" if source["commit"] else ""
    return f"the code of release {source['release']} of {source['environment']}{commit}"
