"""A release: our immutable record of what served, from which commit, with which versions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from pipeline.model.delivery import Check
from pipeline.model.resource import Resource


@dataclass(frozen=True)
class Hold:
    """Why plain deploys of an environment are refused: somebody rolled it back, and nobody said yet that it is mended.

    `since` is ISO 8601 in UTC, `by` who rolled back, `bad_commit` the commit that was rolled back from (None: unknown).
    """

    since: str
    by: str
    reason: str
    bad_commit: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As stored."""
        return dict(self.__dict__)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(data["since"], data["by"], data["reason"], data.get("bad_commit"))


@dataclass(frozen=True)
class Release:
    """Release `number` of an environment.

    `desired` is the whole declared state; `outputs` what each resource gave (address -> name -> value). `functions`:
    name -> {"version", "previous", "code_sha256"}; `apis`: name -> {"deployment", "previous"}. `plan`: {"digest",
    "summary"}. `created` is ISO 8601 in UTC. `restores` names the release that a rollback brought back; `hold` is set
    by a rollback and stays until a deploy clears it. `destroyed` marks the record of a destroy: what is still in
    `desired` was kept. `hotfix`: it was deployed as a fix of what served before. `promoted_from`: the release of
    another environment whose code it has, {"environment", "release", "commit"}. `formers`: address -> those that the
    resource had in earlier releases, the latest first.
    """

    number: int
    service: str
    environment: str
    region: str
    account: str
    commit: str | None
    created: str
    actor: str
    run: str
    desired: tuple[Resource, ...] = ()
    desired_digest: str = ""
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    functions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    apis: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    plan: Mapping[str, Any] = field(default_factory=dict)
    restores: int | None = None
    run_url: str | None = None
    destroyed: bool = False
    hold: Hold | None = None
    smoke: tuple[Check, ...] = ()
    hotfix: bool = False
    promoted_from: Mapping[str, Any] | None = None
    formers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def resources(self) -> dict[str, Resource]:
        """address -> what was declared."""
        return {resource.address: resource for resource in self.desired}

    @property
    def own(self) -> tuple[Resource, ...]:
        """What it declares, without what the home region has for all regions."""
        return tuple(resource for resource in self.desired if not resource.shared)

    def to_json(self) -> dict[str, Any]:
        """As stored in the ledger, format 1."""
        return {
            "format": 1,
            "release": self.number,
            "service": self.service,
            "environment": self.environment,
            "region": self.region,
            "account": self.account,
            "commit": self.commit,
            "created": self.created,
            "actor": self.actor,
            "run": self.run,
            "run_url": self.run_url,
            "restores": self.restores,
            "hold": self.hold.to_json() if self.hold else None,
            "destroyed": self.destroyed,
            "smoke": [check.to_json() for check in self.smoke],
            "hotfix": self.hotfix,
            "promoted_from": dict(self.promoted_from) if self.promoted_from else None,
            "formers": {address: list(before) for address, before in self.formers.items()},
            "plan": dict(self.plan),
            "functions": {name: dict(entry) for name, entry in self.functions.items()},
            "apis": {name: dict(entry) for name, entry in self.apis.items()},
            "outputs": {address: dict(values) for address, values in self.outputs.items()},
            "desired_digest": self.desired_digest,
            "desired": [resource.to_json() for resource in self.desired],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`; KeyError when the document is of another kind."""
        return cls(
            number=data["release"],
            service=data["service"],
            environment=data["environment"],
            region=data["region"],
            account=data["account"],
            commit=data["commit"],
            created=data["created"],
            actor=data["actor"],
            run=data["run"],
            run_url=data.get("run_url"),
            restores=data.get("restores"),
            hold=Hold.from_json(data["hold"]) if data.get("hold") else None,
            destroyed=data.get("destroyed", False),
            smoke=tuple(Check.from_json(check) for check in data.get("smoke", ())),
            hotfix=data.get("hotfix", False),
            promoted_from=data.get("promoted_from"),
            formers={address: tuple(before) for address, before in data.get("formers", {}).items()},
            plan=data.get("plan", {}),
            functions=data.get("functions", {}),
            apis=data.get("apis", {}),
            outputs=data.get("outputs", {}),
            desired_digest=data.get("desired_digest", ""),
            desired=tuple(Resource.from_json(entry) for entry in data.get("desired", ())),
        )


@dataclass(frozen=True)
class LockState:
    """The content of lock.json.

    `token` grows by one with every taking: the fencing token. `run` holds the lock while `held`; else `run` was the
    last one and `outcome` says how it ended. `host`, `pid` and `started` identify the holding process.
    """

    token: int
    held: bool
    run: str
    actor: str = ""
    host: str = ""
    pid: int = 0
    since: str = ""
    expires: float = 0.0
    lease_seconds: float = 0.0
    run_url: str | None = None
    outcome: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As stored."""
        return {"format": 1, **self.__dict__}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(**{key: value for key, value in data.items() if key != "format"})

    @property
    def unfinished(self) -> bool:
        """True when the last run did not end well, so that nothing recorded may be trusted unread."""
        return self.held or self.outcome != "succeeded"


@dataclass(frozen=True)
class LedgerHead:
    """What the ledger says now: the current release and the lock, each with the ETag for a conditional write.

    `exists` is False when there is no ledger bucket yet. `taken` is the number of the last rollout: one that was taken
    back keeps it. `left` is what releases that were taken back since the current one declared, and it does not.
    """

    exists: bool
    current: Release | None = None
    current_etag: str | None = None
    lock: LockState | None = None
    lock_etag: str | None = None
    taken: int = 0
    left: tuple[Resource, ...] = ()

    @property
    def next_number(self) -> int:
        """The number of the next release: no other was ever called by it."""
        return max(self.current.number if self.current else 0, self.taken) + 1

    @property
    def unfinished(self) -> bool:
        """True when an earlier run left something open."""
        return self.lock is not None and self.lock.unfinished
