"""A resource as declared, and as found in AWS."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from pipeline.errors import Diagnostic
from pipeline.model.values import (
    Expression,
    Outputs,
    Properties,
    Reference,
    Secret,
    Value,
    digest,
    plain,
    references_of,
    transform,
)

MARK_PREFIX = "pipeline:"


@dataclass(frozen=True)
class Source:
    """Where a resource is declared: `file` relative to the root, `line` and `column` from 1.

    `paths` maps a property path (tuple of keys and indexes) to its own (line, column).
    """

    file: str
    line: int = 1
    column: int = 1
    paths: Mapping[tuple[str | int, ...], tuple[int, int]] = field(default_factory=dict, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Resource:
    """One declared resource. `properties` are canonical: interpolated, defaults filled in, the names of the specs.

    `adopt` is set when the user agreed to take over an existing resource without our mark. `shared`: there is one for
    all regions, which the home region makes; here it is found, and never made, changed or deleted.
    """

    type: str
    name: str
    properties: Properties
    depends_on: tuple[str, ...] = ()
    source: Source | None = None
    adopt: bool = False
    shared: bool = False

    @property
    def address(self) -> str:
        """`type/name`, the same in specs' errors, plans, journals, tags and messages."""
        return f"{self.type}/{self.name}"

    @property
    def dependencies(self) -> tuple[str, ...]:
        """Addresses that must exist first: the declared ones and every one that a property refers to."""
        found = dict.fromkeys(self.depends_on)
        found.update(dict.fromkeys(reference.address for reference in references_of(self.properties)))
        found.pop(self.address, None)
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """As kept in a release; secrets only as their reference."""
        return {
            "type": self.type,
            "name": self.name,
            "properties": _stored(self.properties),
            "depends_on": list(self.depends_on),
            "source": {"file": self.source.file, "line": self.source.line} if self.source else None,
            **({"shared": True} if self.shared else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        source = data.get("source")
        return cls(
            type=data["type"],
            name=data["name"],
            properties=_restored(data["properties"]),
            depends_on=tuple(data.get("depends_on", ())),
            source=Source(source["file"], source["line"]) if source else None,
            shared=bool(data.get("shared", False)),
        )


def _stored(value: Any) -> Any:
    if isinstance(value, Expression):
        return {"$expression": [[p.address, p.output] if isinstance(p, Reference) else p for p in value.parts]}
    if isinstance(value, Secret):
        return {"$secret": value.reference, "version": value.version}
    if isinstance(value, Mapping):
        return {key: _stored(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_stored(item) for item in value]
    return value


def _restored(value: Any) -> Any:
    if isinstance(value, Mapping):
        if "$expression" in value:
            return Expression(tuple(Reference(*p) if isinstance(p, list) else p for p in value["$expression"]))
        if "$secret" in value:
            return Secret(value["$secret"], value.get("version", ""))
        return {key: _restored(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_restored(item) for item in value]
    return value


@dataclass(frozen=True)
class Mark:
    """The ownership mark found on a resource: who made it."""

    service: str
    environment: str
    address: str = ""

    def tags(self) -> dict[str, str]:
        """The mark as tags, for the create call."""
        return {
            f"{MARK_PREFIX}service": self.service,
            f"{MARK_PREFIX}environment": self.environment,
            f"{MARK_PREFIX}address": self.address,
        }

    @classmethod
    def from_tags(cls, tags: Mapping[str, str]) -> Self | None:
        """The mark among `tags`, or None."""
        service = tags.get(f"{MARK_PREFIX}service")
        if service is None:
            return None
        return cls(service, tags.get(f"{MARK_PREFIX}environment", ""), tags.get(f"{MARK_PREFIX}address", ""))


@dataclass(frozen=True)
class Observed:
    """A resource found in AWS: canonical properties (the same keys as a desired one), outputs, and its mark.

    `mark` is None when AWS shows no mark of ours; `markable` is False for resources that cannot carry one (then the
    ledger alone says whose it is). `pending` names states that only time resolves (an index still being built).
    `trusted` lists property paths that were taken from the last release instead of being read. `unclaimed`: without a
    mark, but empty and untouched, as a run leaves it that died before its mark was written; taking it takes nothing.
    `served` are the properties that all callers get, where a type keeps them apart from what it holds (a version).
    `limit`: AWS will not take what is declared, an error; or has little room left for more, a warning.
    """

    address: str
    properties: Properties
    outputs: Outputs
    mark: Mark | None = None
    markable: bool = True
    pending: str | None = None
    trusted: tuple[str, ...] = ()
    unclaimed: bool = False
    served: Properties | None = None
    limit: Diagnostic | None = None


@dataclass(frozen=True)
class DesiredState:
    """All resources wanted, by address."""

    resources: tuple[Resource, ...]

    def __iter__(self) -> Iterator[Resource]:
        return iter(self.resources)

    @property
    def by_address(self) -> dict[str, Resource]:
        """address -> resource."""
        return {resource.address: resource for resource in self.resources}

    @property
    def digest(self) -> str:
        """Equal for equal desired states, whatever the order of declaration."""
        ordered = sorted(self.resources, key=lambda resource: resource.address)
        return digest([[r.address, plain(r.properties), sorted(r.dependencies)] for r in ordered])

    @property
    def declared(self) -> str:
        """The digest of what was written down: equal before and after secrets were looked up, or changed."""
        return DesiredState(tuple(replace(r, properties=transform(r.properties, _unread)) for r in self)).digest


def _unread(leaf: Value) -> Value:
    return Secret(leaf.reference) if isinstance(leaf, Secret) else leaf


@dataclass(frozen=True)
class ObservedState:
    """What was found, by address; an address that was looked for and is absent is not in it."""

    resources: Mapping[str, Observed]

    def get(self, address: str) -> Observed | None:
        """The resource at `address`, or None."""
        return self.resources.get(address)
