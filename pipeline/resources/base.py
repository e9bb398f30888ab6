"""The contract of a resource type, the port through which it reaches AWS, and helpers that types share.

A resource type is a module `pipeline/resources/<service>_<thing>.py` with a schema `<service>_<thing>.json` beside it.
The schema says what a user may write (JSON Schema, draft 2020-12) and carries the metadata of
`pipeline.model.type_spec.TypeSpec`. The module defines:

    read(aws, targets) -> dict[address, Observed]   all targets at once; an absent resource is left out
    create(aws, resource) -> outputs                the mark is written by the creating call itself
    update(aws, resource, observed, paths) -> outputs   only what `paths` (dotted, top-level or deeper) names
    delete(aws, observed) -> None                   quiet when it is gone already

where it can be used before it has all its settings:

    begin(aws, resource) -> outputs                 the creating call alone, mark included; `update` does the rest

where the release before needs something until the new one serves:

    retire(aws, resource) -> None                   after an update: removes what only the old release needed
    RETIRED_WITH                                    after updates of these properties alone; without it, of any

for what bears data:

    save(aws, observed) -> text                     before a replacement: keeps the data elsewhere; where

and, where needed, pure functions:

    canonical(properties, scope) -> properties      the author's YAML to the form that `read` returns
    check(resource, scope) -> iterable of Problem   rules of AWS that a schema cannot express
    derive(resource, scope) -> iterable of Resource resources that follow from this one
    compose(resource, stack, scope) -> resource, iterable of Resource
                                                    what all that is declared makes of this one, and what follows then
    warn(resource, scope) -> iterable of Problem    what a reader of the plan should know
    grants(properties, scope) -> iterable of Grant  who may do what because of this resource; values may be Unknown

where AWS keeps a name once for all regions (`oneForAllRegions` in the schema), so that the home region makes it:

    admit(resource, regions) -> resource            the home region's, ready for what `regions` add to it
    extend(resource, theirs, scope, alike) -> iterable of Resource
                                                    what another region adds; `theirs` is what the home region declares
    divide(resource, theirs, alike) -> iterable of Problem
                                                    why one for all regions cannot do for this one
    EXTENSIBLE                                      properties that `extend` is about

Verbs must converge: `create` may find what an earlier, killed run left (the engine then calls `update` instead, after
reading), `update` may be called again, `delete` too. A crash after any single call must be mended by reading and
planning again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol, TypeVar

from pipeline.model.access import Grant
from pipeline.model.resource import MARK_PREFIX, Mark, Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.type_spec import TypeSpec
from pipeline.model.values import Outputs, Properties, Value
from pipeline.resources.tags import broken_rules

T = TypeVar("T")
# True when two regions mean the same by a value.
Alike = Callable[[Value, Value], bool]


@dataclass(frozen=True)
class Target:
    """A resource to read: what is declared, or what the last release recorded when it is declared no longer.

    `recorded` holds the outputs of the last release ({} when there is none): ids that spare a search.
    `released` holds the properties of the last release, or None; `thorough` is False when rationed reads may be
    skipped because nothing suggests that they would differ (the released properties then stand in for them); `policies`
    says the same of the resource policies of functions, which have a rate of their own.
    """

    resource: Resource
    recorded: Outputs
    released: Properties | None = None
    thorough: bool = True
    policies: bool = True

    @property
    def address(self) -> str:
        """The resource's address."""
        return self.resource.address

    @property
    def name(self) -> str:
        """The resource's name."""
        return self.resource.name


@dataclass(frozen=True)
class Problem:
    """A finding about one resource; `path` leads to the property (keys and indexes), for file:line."""

    message: str
    path: tuple[str | int, ...] = ()
    hint: str | None = None


class Aws(Protocol):
    """The one way to AWS. Implemented by `pipeline.clients`, and by small fakes in tests."""

    @property
    def scope(self) -> Scope:
        """Where the run acts."""

    def call(self, service: str, operation: str, /, *, region: str | None = None, **params: Any) -> dict[str, Any]:
        """Makes one API call (service as boto3 names it, operation as AWS does) and gives its answer.

        Paced, serialised and retried as the rules say. Raises AwsError, AmbiguousOutcome, Interrupted.
        """

    def pages(self, service: str, operation: str, /, key: str, **params: Any) -> list[Any]:
        """All items under `key` over all pages of a list operation."""

    def found(self, service: str, operation: str, /, **params: Any) -> dict[str, Any] | None:
        """Like `call`, but None when the error means that the resource does not exist."""

    def gather(self, thunks: Iterable[Callable[[], T]]) -> list[T]:
        """Runs the thunks in parallel; results in order; the first error is raised after all have ended."""

    def wait(self, what: str, poll: Callable[[], T | None], *, every: float, budget: float) -> T:
        """Polls until a value comes, every `every` seconds for at most `budget`; tells progress; AwsError after it."""

    def artifact(self, digest: str) -> Mapping[str, str]:
        """The S3 location {"bucket", "key"} of a built archive (`sha256:<hex>`), uploading it when it is not there."""


class ResourceType:
    """A discovered resource type: its schema and its verbs."""

    def __init__(self, module: ModuleType, spec: TypeSpec) -> None:
        self.spec = spec
        self.name = spec.name
        self.module = module

    def read(self, aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
        """What AWS has of the targets, by address."""
        result: dict[str, Observed] = self.module.read(aws, targets)
        return result

    def create(self, aws: Aws, resource: Resource) -> Outputs:
        """Makes the resource; its outputs."""
        outputs: Outputs = self.module.create(aws, resource)
        return outputs

    def update(self, aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
        """Changes what `paths` names; the outputs afterwards."""
        outputs: Outputs = self.module.update(aws, resource, observed, paths)
        return outputs

    def delete(self, aws: Aws, observed: Observed) -> None:
        """Removes the resource."""
        self.module.delete(aws, observed)

    def begin(self, aws: Aws, resource: Resource) -> Outputs:
        """Makes the resource as far as its first call goes. For types that have it."""
        outputs: Outputs = self.module.begin(aws, resource)
        return outputs

    def retires(self, paths: Iterable[str]) -> bool:
        """True when an update of `paths` leaves something to `retire`."""
        with_one_of: Sequence[str] | None = getattr(self.module, "RETIRED_WITH", None)
        return hasattr(self.module, "retire") and (with_one_of is None or touches(frozenset(paths), *with_one_of))

    def retire(self, aws: Aws, resource: Resource) -> None:
        """Removes what only the release before needed."""
        if hasattr(self.module, "retire"):
            self.module.retire(aws, resource)

    def save(self, aws: Aws, observed: Observed) -> str | None:
        """Keeps the data of a resource that is about to be replaced; where. None when it cannot."""
        function = getattr(self.module, "save", None)
        return function(aws, observed) if function else None

    def canonical(self, properties: Properties, scope: Scope) -> Properties:
        """The author's properties in the form that `read` returns; the schema's defaults are already filled in."""
        function = getattr(self.module, "canonical", None)
        result: Properties = function(properties, scope) if function else properties
        return result

    def check(self, resource: Resource, scope: Scope) -> list[Problem]:
        """Problems that AWS would refuse and the schema cannot see."""
        function = getattr(self.module, "check", None)
        found = list(function(resource, scope)) if function else []
        return found + [Problem(*rule) for rule in broken_rules(resource)] if self._has_tags else found

    @property
    def _has_tags(self) -> bool:
        return "tags" in self.spec.schema.get("properties", {})

    def warn(self, resource: Resource, scope: Scope) -> list[Problem]:
        """What a reader of the plan should know."""
        function = getattr(self.module, "warn", None)
        return list(function(resource, scope)) if function else []

    def grants(self, properties: Properties, scope: Scope) -> list[Grant]:
        """Who may do what because of a resource with these properties."""
        function = getattr(self.module, "grants", None)
        return list(function(properties, scope)) if function else []

    def yields(self, observed: Observed, declared: Sequence[Resource]) -> Observed:
        """What of a resource that is declared no longer may go: not what those that are declared have, too."""
        function = getattr(self.module, "yields", None)
        result: Observed = function(observed, declared) if function else observed
        return result

    @property
    def composes(self) -> bool:
        """True when what is declared besides makes a difference to a resource of this type."""
        return hasattr(self.module, "compose")

    def compose(
        self, resource: Resource, stack: Sequence[Resource], scope: Scope
    ) -> tuple[Resource, Sequence[Resource]]:
        """The resource as the whole stack makes it, and resources that follow from that."""
        completed, follows = self.module.compose(resource, stack, scope)
        return completed, list(follows)

    @property
    def extensible(self) -> tuple[str, ...]:
        """The properties of a shared resource that each region adds its own to."""
        return getattr(self.module, "EXTENSIBLE", ())

    def admitting(self, resource: Resource, regions: Sequence[str]) -> Resource:
        """The home region's resource, ready for what other regions add to it."""
        function = getattr(self.module, "admit", None)
        result: Resource = function(resource, regions) if function and regions else resource
        return result

    def extended(self, resource: Resource, theirs: Resource, scope: Scope, alike: Alike) -> list[Resource]:
        """What another region adds to the resource that the home region makes."""
        function = getattr(self.module, "extend", None)
        return list(function(resource, theirs, scope, alike)) if function else []

    def divided(self, resource: Resource, theirs: Resource, alike: Alike) -> list[Problem]:
        """Why the resource that the home region makes cannot be this region's, too."""
        function = getattr(self.module, "divide", None)
        return list(function(resource, theirs, alike)) if function else []

    def derive(self, resource: Resource, scope: Scope) -> list[Resource]:
        """Resources that follow from this one."""
        function = getattr(self.module, "derive", None)
        return list(function(resource, scope)) if function else []


def read_each(
    aws: Aws, targets: Sequence[Target], read_one: Callable[[Aws, Target], Observed | None]
) -> dict[str, Observed]:
    """Reads every target by itself, in parallel; for types that AWS offers no list for."""
    found = aws.gather([lambda target=target: read_one(aws, target) for target in targets])  # type: ignore[misc]  # mypy cannot infer a lambda's default argument
    return {observed.address: observed for observed in found if observed is not None}


def tags_for(aws: Aws, resource: Resource) -> dict[str, str]:
    """The user's tags with the ownership mark."""
    tags: dict[str, str] = dict(resource.properties.get("tags") or {})
    return tags | aws.scope.mark(resource.address).tags()


def split_tags(tags: Mapping[str, str]) -> tuple[dict[str, str], Mark | None]:
    """The user's tags and the ownership mark among all tags of a resource; AWS's own `aws:` tags are left out."""
    own = {key: value for key, value in tags.items() if not key.startswith((MARK_PREFIX, "aws:"))}
    return own, Mark.from_tags(tags)


def tag_list(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Tags as the list of pairs that many services take."""
    return [{key: name, value: text} for name, text in sorted(tags.items())]


def tag_map(tags: Iterable[Mapping[str, str]], key: str = "Key", value: str = "Value") -> dict[str, str]:
    """The inverse of `tag_list`; a tag without a value has an empty one."""
    return {tag[key]: tag.get(value, "") for tag in tags}


def stale_tags(observed: Observed, wanted: Mapping[str, str]) -> list[str]:
    """Keys of the user's tags that AWS has and the specs do not."""
    return sorted(set(observed.properties.get("tags") or {}) - set(wanted))


def touches(paths: frozenset[str], *names: str) -> bool:
    """True when one of `names` (top-level properties) is among the changed paths."""
    return any(path.split(".", 1)[0] in names for path in paths)
