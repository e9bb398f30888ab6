"""A rollout of one release as the ledger keeps it: what shifts, how, by which strategy, and how far it is. Values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from pipeline.model.release import Release
from pipeline.model.resource import Resource
from pipeline.model.rollout import Outcome, RolloutStatus
from pipeline.model.strategy import Strategy


class Way(StrEnum):
    """How something gets its share of the traffic.

    WEIGHTS: a Lambda alias shares its invocations between two versions. STAGE: an API's stage has a canary; a function
    that it calls is reached through an alias of its own by the canary's requests. PROMOTION: all at once, at the end.
    """

    WEIGHTS = "weights"
    STAGE = "stage"
    PROMOTION = "promotion"


@dataclass(frozen=True)
class Shift:
    """One pointer that a release moves: the alias or stage `name` of the function or API `owner`.

    `kind` is that of `pipeline.releasing.traffic`, `stable` and `canary` are versions or api deployments. `reason`
    says why it goes this way, for people; `sources` what feeds a function that no API calls. `moves` is False for a
    function that stays as it is, and is here because the canary of an API has to reach it.
    """

    address: str
    kind: str
    owner: str
    name: str
    stable: str
    canary: str
    way: Way
    reason: str = ""
    sources: tuple[str, ...] = ()
    moves: bool = True

    def to_json(self) -> dict[str, Any]:
        """As stored and shown."""
        return {**self.__dict__, "way": str(self.way), "sources": list(self.sources)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(**{**data, "way": Way(data["way"]), "sources": tuple(data["sources"])})


@dataclass(frozen=True)
class Rollout:
    """The rollout of `release`, which becomes the current one when it is promoted; until then `base` serves.

    `declared`: the digest by which a deploy of the same is known. `retiring`: addresses of updates whose second half
    waits for the promotion, `removing`: of what is no longer declared, `sites`: of what visitors are to see then.
    `consent` is what that deploy was allowed. `hotfix`: it was deployed as a fix. `detached`: no process stays for it.
    `engine`: what an engine other than our own has to remember. `rollback`: the rollback for which it is taken back,
    {"target", "asked", "actor", "at"}; that goes on when the run that began it dies. `alone`: from when to when `base`
    had all traffic before, where that is known. `left`: what releases that were taken back before this one have made,
    and neither it nor `base` declares.
    """

    release: Release
    strategy: Strategy
    shifts: tuple[Shift, ...]
    declared: str
    began: float
    base: int = 0
    status: RolloutStatus = field(default_factory=RolloutStatus)
    retiring: tuple[str, ...] = ()
    removing: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    consent: Mapping[str, Any] = field(default_factory=dict)
    hotfix: bool = False
    detached: bool = False
    engine: Mapping[str, Any] = field(default_factory=dict)
    rollback: Mapping[str, Any] | None = None
    alone: tuple[tuple[float, float], ...] | None = None
    left: tuple[Resource, ...] = ()

    def is_open(self, current: int) -> bool:
        """True while something is left to do: to shift, to take back, or to record what was promoted.

        `current` is the number of the release that the ledger says serves.
        """
        if self.status.outcome is Outcome.PROMOTED:
            return current < self.release.number
        return not self.status.outcome.finished

    def leads_back(self, current: int) -> bool:
        """True while a rollback has taken it back, and is no release yet."""
        return self.rollback is not None and self.base == current and not self.is_open(current)

    def remains(self, current: int) -> tuple[Resource, ...]:
        """What it and those before it declared, all taken back since release `current`, and may have left in AWS."""
        vain = self.base == current and self.status.outcome is Outcome.REVERTED
        return (*self.left, *self.release.own) if vain else ()

    def with_status(self, status: RolloutStatus) -> Self:
        """The same, as far as `status` says."""
        return replace(self, status=status)

    def to_json(self) -> dict[str, Any]:
        """As stored in the ledger, format 1."""
        return {
            "format": 1,
            "release": self.release.to_json(),
            "strategy": self.strategy.to_json(),
            "shifts": [shift.to_json() for shift in self.shifts],
            "declared": self.declared,
            "began": self.began,
            "base": self.base,
            "status": self.status.to_json(),
            "retiring": list(self.retiring),
            "removing": list(self.removing),
            "sites": list(self.sites),
            "consent": dict(self.consent),
            "hotfix": self.hotfix,
            "detached": self.detached,
            "engine": dict(self.engine),
            "rollback": dict(self.rollback) if self.rollback else None,
            "alone": None if self.alone is None else [list(interval) for interval in self.alone],
            "left": [resource.to_json() for resource in self.left],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`; KeyError or TypeError when the document is of another kind."""
        return cls(
            release=Release.from_json(data["release"]),
            strategy=Strategy.from_json(data["strategy"]),
            shifts=tuple(Shift.from_json(shift) for shift in data["shifts"]),
            declared=data["declared"],
            began=data["began"],
            base=data["base"],
            status=RolloutStatus.from_json(data["status"]),
            retiring=tuple(data.get("retiring", ())),
            removing=tuple(data.get("removing", ())),
            sites=tuple(data.get("sites", ())),
            consent=data.get("consent", {}),
            hotfix=data.get("hotfix", False),
            detached=data.get("detached", False),
            engine=data.get("engine", {}),
            rollback=data.get("rollback"),
            alone=None if data.get("alone") is None else tuple((start, end) for start, end in data["alone"]),
            left=tuple(Resource.from_json(entry) for entry in data.get("left", ())),
        )
