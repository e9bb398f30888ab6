"""The plan: the difference between desired and observed, as data that is stored, compared and rendered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from pipeline.errors import Diagnostic
from pipeline.model.access import Widening
from pipeline.model.resource import Observed, Resource
from pipeline.model.values import digest


class Action(StrEnum):
    """What will be done to one resource.

    RETAIN: no longer wanted, but kept in AWS because it bears data; FORGET: no longer wanted and already gone.
    RETIRE is in no plan: the second half of an update, when the new release serves.
    """

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    RETAIN = "retain"
    FORGET = "forget"
    RETIRE = "retire"

    @property
    def mark(self) -> str:
        """The sign in front of a line of the plan."""
        return _MARKS[self.value]


_MARKS = {"create": "+", "update": "~", "replace": "±", "delete": "-", "retain": "=", "forget": ".", "retire": "~"}


class Origin(StrEnum):
    """Why desired and observed differ: the specs changed (git), AWS changed (drift), or both."""

    GIT = "git"
    DRIFT = "drift"
    BOTH = "both"


# Output of a resource that was replaced: where the data of the one before it is kept.
BACKUP = "backup"


@dataclass(frozen=True)
class FieldChange:
    """One property that differs. `before` and `after` are shown values: JSON, placeholders for secrets and unknowns.

    `known` is False when `after` can be told only after applying.
    """

    path: str
    before: Any
    after: Any
    known: bool = True
    origin: Origin = Origin.GIT
    forces_replacement: bool = False

    def to_json(self) -> dict[str, Any]:
        """The shape of product.md's plan document."""
        return {"path": self.path, "before": self.before, "after": self.after, "known": self.known}


@dataclass(frozen=True)
class Change:
    """One change of a plan. `desired` and `observed` are what the executor works with; they are not printed."""

    address: str
    action: Action
    origin: Origin
    fields: tuple[FieldChange, ...] = ()
    destructive: bool = False
    reason: str = ""
    desired: Resource | None = None
    observed: Observed | None = None

    @property
    def type(self) -> str:
        """The resource type that the address begins with."""
        return self.address.partition("/")[0]

    def to_json(self) -> dict[str, Any]:
        """The shape of product.md's plan document."""
        return {
            "address": self.address,
            "action": self.action.value,
            "origin": self.origin.value,
            "fields": [field.to_json() for field in self.fields],
            "destructive": self.destructive,
            "reason": self.reason,
        }


SUMMARY_KEYS = ("create", "update", "replace", "delete", "unchanged", "drift")


@dataclass(frozen=True)
class Traffic:
    """How traffic shifts to what a plan makes: the strategy in words, and (address, how) of everything that moves."""

    strategy: str
    ways: tuple[tuple[str, str], ...]

    def to_json(self) -> dict[str, Any]:
        """As in the plan document."""
        return {"strategy": self.strategy, "ways": [{"address": a, "how": how} for a, how in self.ways]}


@dataclass(frozen=True)
class Plan:
    """All changes in a safe order, with what they were computed for.

    `unchanged` counts the resources that are as declared; `warnings` are what a reader should know.
    `blockers` are findings that forbid applying (a resource of somebody else, protected data). `access` is what the
    changes allow that was not allowed before, `traffic` how traffic shifts, where that goes in steps.
    """

    service: str
    environment: str
    region: str
    account: str
    commit: str | None
    changes: tuple[Change, ...]
    unchanged: int = 0
    warnings: tuple[Diagnostic, ...] = ()
    blockers: tuple[Diagnostic, ...] = ()
    access: tuple[Widening, ...] = ()
    traffic: Traffic | None = None

    @property
    def digest(self) -> str:
        """`sha256:` of the canonical changes: two plans with one digest do the same."""
        return _digest([change.to_json() for change in self.changes])

    @property
    def summary(self) -> dict[str, int]:
        """Counts by action, with `unchanged`, and `drift`: how many changes undo what happened outside of git."""
        counts = dict.fromkeys(SUMMARY_KEYS, 0)
        for change in self.changes:
            if change.action.value in counts:
                counts[change.action.value] += 1
            if change.origin is not Origin.GIT:
                counts["drift"] += 1
        return counts | {"unchanged": self.unchanged}

    def summary_with(self, carried: Mapping[str, str]) -> dict[str, int]:
        """The counts together with those of what was `carried` out of the same before: address -> action."""
        counts, mine = self.summary, {change.address: change.action.value for change in self.changes}
        for address, action in carried.items():
            if action not in counts:
                continue
            if (before := mine.get(address, "")) in counts:
                counts[before] -= 1
            elif action != Action.DELETE.value:
                counts["unchanged"] = max(0, counts["unchanged"] - 1)
            counts[action] += 1
        return counts

    @property
    def effective(self) -> tuple[Change, ...]:
        """The changes that call AWS."""
        return tuple(c for c in self.changes if c.action not in (Action.RETAIN, Action.FORGET))

    @property
    def differs(self) -> bool:
        """True when a deploy would do something; what is kept for its data is none of that."""
        return any(change.action is not Action.RETAIN for change in self.changes)

    @property
    def widens_access(self) -> bool:
        """True when anybody may do more afterwards than before."""
        return bool(self.access)

    def to_json(self) -> dict[str, Any]:
        """The plan document, format 1; what blocks the plan stands among the warnings."""
        return {
            "format": 1,
            "service": self.service,
            "environment": self.environment,
            "region": self.region,
            "account": self.account,
            "commit": self.commit,
            "digest": self.digest,
            "summary": self.summary,
            "changes": [change.to_json() for change in self.changes],
            "access": [widening.to_json() for widening in self.access],
            **({"traffic": self.traffic.to_json()} if self.traffic else {}),
            "warnings": [
                *({"address": w.address, "message": w.message} for w in self.warnings),
                *({"address": b.address, "message": f"blocked: {b}"} for b in self.blockers),
            ],
        }


@dataclass(frozen=True)
class SavedPlan:
    """What `plan --out` wrote, or a preview for later review, as far as it is compared with a plan made anew."""

    environment: str
    account: str
    region: str
    commit: str | None
    digest: str
    changes: tuple[Mapping[str, Any], ...] = ()
    access: tuple[Mapping[str, Any], ...] = ()

    @property
    def intact(self) -> bool:
        """False when the document was edited after it was made: it shows other changes than its digest is of."""
        return self.digest == _digest(self.changes)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Reads a plan document; KeyError or TypeError when it is none."""
        if data["format"] != 1:
            raise KeyError("format")
        return cls(
            environment=data["environment"],
            account=data["account"],
            region=data["region"],
            commit=data["commit"],
            digest=data["digest"],
            changes=tuple(_with_texts(change, "address", "action") for change in data["changes"]),
            access=tuple(_with_texts(access) for access in data.get("access", ())),
        )


def _digest(changes: Iterable[Mapping[str, Any]]) -> str:
    return digest(sorted(changes, key=lambda change: (change["address"], change["action"])))


def _with_texts(entry: Any, *keys: str) -> Mapping[str, Any]:
    if not isinstance(entry, Mapping) or not all(isinstance(entry[key], str) for key in keys):
        raise TypeError("not as in a plan document")
    return dict(entry)
