"""The rollback window: the releases that can serve again, and what they need for that. Pure.

A release is inside as long as it is one of the last few, or served within the last days; whichever is longer. What only
releases outside of it name may be removed. `window.json` of the ledger holds what each release names, so that nobody
has to read all of them to know; it is made of the releases and can be made again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from pipeline.model.delivery import Retention
from pipeline.model.release import Release
from pipeline.model.resource import Resource
from pipeline.releasing.apis import APIS, entry_names
from pipeline.releasing.store import artifact_key
from pipeline.releasing.traffic import Kind

_LAYER = "lambda.layer"
_GUARDRAIL = "bedrock.guardrail"
_CODE = ("lambda.function", _LAYER)
_SITE = "s3.site"


@dataclass(frozen=True)
class Entry:
    """What release `number` names: `versions` (function, version), `layers` (layer, version), `guardrails` (id,
    version), `deployments` (kind, api id, api deployment), `files` (bucket, key) of static sites, and `objects`, the
    keys of the ledger that it cannot serve again without.

    `created` is ISO 8601 in UTC.
    """

    number: int
    created: str
    versions: frozenset[tuple[str, str]] = frozenset()
    layers: frozenset[tuple[str, str]] = frozenset()
    guardrails: frozenset[tuple[str, str]] = frozenset()
    deployments: frozenset[tuple[str, str, str]] = frozenset()
    files: frozenset[tuple[str, str]] = frozenset()
    objects: frozenset[str] = frozenset()

    @classmethod
    def of(cls, release: Release) -> Self:
        """What a release names. That of a destroy names nothing."""
        if release.destroyed:
            return cls(release.number, release.created)
        return cls(
            release.number,
            release.created,
            frozenset((name, str(entry["version"])) for name, entry in release.functions.items()),
            frozenset(_layers(release)),
            frozenset(_guardrails(release)),
            frozenset(_deployments(release)),
            frozenset(
                (str(r.properties["bucket"]), path) for r in release.own if r.type == _SITE for path in _files(r)
            ),
            frozenset(artifact_key(digest) for resource in release.own for digest in _contents(resource)),
        )

    def to_json(self) -> dict[str, Any]:
        """As kept in the ledger."""
        return {
            "release": self.number,
            "created": self.created,
            "versions": sorted(self.versions),
            "layers": sorted(self.layers),
            "guardrails": sorted(self.guardrails),
            "deployments": sorted(self.deployments),
            "files": sorted(self.files),
            "objects": sorted(self.objects),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(
            data["release"],
            data["created"],
            frozenset((name, version) for name, version in data["versions"]),
            frozenset((name, version) for name, version in data["layers"]),
            frozenset((guardrail, version) for guardrail, version in data["guardrails"]),
            frozenset((kind, api, deployment) for kind, api, deployment in data["deployments"]),
            frozenset((bucket, key) for bucket, key in data["files"]),
            frozenset(data["objects"]),
        )


def _files(resource: Resource) -> Mapping[str, str]:
    return resource.properties.get("files") or {}


def _contents(resource: Resource) -> Iterable[str]:
    """The digests of what the ledger has to have of a resource."""
    if resource.type in _CODE and resource.properties.get("code"):
        yield str(resource.properties["code"])
    elif resource.type == _SITE:
        yield from (digest.replace("sha256:", "file:", 1) for digest in _files(resource).values())


def _layers(release: Release) -> Iterable[tuple[str, str]]:
    """What its functions were published with."""
    for resource in release.desired:
        version = release.outputs.get(resource.address, {}).get("version") if resource.type == _LAYER else None
        if version is not None:
            yield resource.name, str(version)


def _guardrails(release: Release) -> Iterable[tuple[str, str]]:
    """What its functions were published with."""
    for resource in release.own:
        made = release.outputs.get(resource.address, {}) if resource.type == _GUARDRAIL else {}
        if "id" in made and "version" in made:
            yield str(made["id"]), str(made["version"])


def _deployments(release: Release) -> Iterable[tuple[str, str, str]]:
    for address, name in entry_names(release.desired).items():
        served = release.apis.get(name, {}).get("deployment")
        api = release.outputs.get(address, {}).get("id")
        if served and api:
            yield str(APIS[release.resources[address].type].kind), str(api), str(served)


@dataclass(frozen=True)
class Window:
    """`inside` are the entries of the window, `outside` those of older releases that something may be left of."""

    inside: tuple[Entry, ...]
    outside: tuple[Entry, ...]

    def needs(self, what: str) -> frozenset[Any]:
        """All that the releases inside name of one kind: `versions`, `layers`, `guardrails` and so on."""
        return frozenset().union(*(getattr(entry, what) for entry in self.inside))

    def spare(self, what: str) -> frozenset[Any]:
        """What is named outside alone."""
        return frozenset().union(*(getattr(entry, what) for entry in self.outside)) - self.needs(what)


def window_of(entries: Sequence[Entry], retention: Retention, now: datetime) -> Window:
    """Parts the entries. The newest, which serves, is always inside."""
    ordered = sorted(entries, key=lambda entry: entry.number)
    least = now - timedelta(days=retention.days)
    newest = len(ordered) - max(1, retention.releases)
    inside = [
        place >= newest or datetime.fromisoformat(ordered[place + 1].created) > least for place in range(len(ordered))
    ]
    return Window(
        tuple(entry for entry, kept in zip(ordered, inside, strict=True) if kept),
        tuple(entry for entry, kept in zip(ordered, inside, strict=True) if not kept),
    )


def functions_of(versions: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """function, layer or guardrail -> versions."""
    found: dict[str, set[str]] = {}
    for name, version in versions:
        found.setdefault(name, set()).add(version)
    return found


def apis_of(deployments: Iterable[tuple[str, str, str]]) -> dict[tuple[Kind, str], set[str]]:
    """API (kind of its stages, id) -> api deployments."""
    found: dict[tuple[Kind, str], set[str]] = {}
    for kind, api, deployment in deployments:
        found.setdefault((Kind(kind), api), set()).add(deployment)
    return found


def keys_of(files: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """bucket -> keys."""
    found: dict[str, list[str]] = {}
    for bucket, key in sorted(files):
        found.setdefault(bucket, []).append(key)
    return found
