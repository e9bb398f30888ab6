"""Makes what was applied the one that callers get: versions and api deployments, then aliases and stages.

Nothing is made or moved without need. A version is published by the function's own update, and publishing again what is
published gives the same version; an api deployment is found by the digest of its definition before one is made; a
pointer that serves the right thing is left alone. So a run that died anywhere in here is carried on by the next one.

Beside the alias that callers use, each function has an alias `previous` on the version that served before.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pipeline.model.release import Release
from pipeline.model.resource import Resource
from pipeline.model.values import Outputs, Reference, Unknown, Value, resolve
from pipeline.releasing.apis import APIS, entry_names
from pipeline.releasing.traffic import AliasRouter, Kind, Pointer, serve_all
from pipeline.resources._lambda_properties import code_sha256, described
from pipeline.resources.base import Aws

FUNCTION = "lambda.function"
PREVIOUS = "previous"


@dataclass(frozen=True)
class Move:
    """One pointer of the release: it serves `before` (None: nothing yet) and is to serve `after`."""

    resource: Resource
    pointer: Pointer
    before: str | None
    after: str

    @property
    def needed(self) -> bool:
        """False when the pointer serves the right thing already."""
        return self.before != self.after


@dataclass(frozen=True)
class Published:
    """What serves after a release.

    `functions`: name -> {"version", "previous", "code_sha256"}; `apis`: name -> {"deployment", "previous"}; `previous`
    is what served under the release before, None in the first. `code_sha256` is Lambda's own CodeSha256 (base64).
    `outputs`: the outputs of functions and APIs by address, as they are now.
    """

    functions: Mapping[str, Mapping[str, Any]]
    apis: Mapping[str, Mapping[str, Any]]
    outputs: Mapping[str, Outputs]


class Publisher:
    """Publishes and serves the functions and APIs of one environment."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def release(
        self,
        desired: Iterable[Resource],
        outputs: Mapping[str, Outputs],
        changed: Collection[str],
        previous: Release | None,
        *,
        carried_on: bool = False,
    ) -> Published:
        """Everything at once: what `changed` (addresses) is published, and every pointer serves it from then on.

        `outputs` are those after applying, by address. `carried_on`: a run before may have done a part of this, so
        that nothing is taken as done which is not seen. Raises AwsError, PipelineError.
        """
        return self.serve(self.prepare(desired, outputs, changed), outputs, previous, carried_on=carried_on)

    def serve(
        self, moves: Sequence[Move], outputs: Mapping[str, Outputs], previous: Release | None, *, carried_on: bool
    ) -> Published:
        """Points everything that `moves` names at what it is to serve, all at once."""
        serve_all(self._aws, [(move.pointer, move.after) for move in moves if move.needed])
        published = record(moves, outputs, previous)
        known = previous.functions if previous else {}
        new = {name for name, entry in known.items() if entry.get("previous") is None}
        self.keep_previous(published, [move.resource for move in moves if move.needed or carried_on], new=new)
        return published

    def keep_previous(
        self, published: Published, moved: Iterable[Resource], *, new: Collection[str] = frozenset()
    ) -> None:
        """Points the alias `previous` of the functions among `moved` at the version that served before.

        Those that `new` names most likely have no such alias yet.
        """
        router, thunks = AliasRouter(self._aws), []
        for resource in moved:
            entry = published.functions.get(resource.name, {}) if resource.type == FUNCTION else {}
            before = entry.get("previous")
            if before is None or before == entry["version"] or resource.properties.get("alias") == PREVIOUS:
                continue
            place = router.make if resource.name in new else router.serve
            thunks.append(partial(place, Pointer(Kind.ALIAS, resource.name, PREVIOUS), str(before)))
        self._aws.gather(thunks)

    def prepare(
        self, desired: Iterable[Resource], outputs: Mapping[str, Outputs], changed: Collection[str]
    ) -> tuple[Move, ...]:
        """Publishes what changed, and tells which pointer is to serve what. No caller notices."""
        served = [
            _resolved(resource, outputs) for resource in desired if resource.type == FUNCTION or resource.type in APIS
        ]
        return tuple(
            self._aws.gather([partial(self._move, r, outputs[r.address], changed=r.address in changed) for r in served])
        )

    def _move(self, resource: Resource, outputs: Outputs, *, changed: bool) -> Move:
        if resource.type == FUNCTION:
            pointer = Pointer(Kind.ALIAS, resource.name, str(resource.properties["alias"]))
            before, publish = outputs.get("version"), self.publish_function
        else:
            pointer = Pointer(APIS[resource.type].kind, str(outputs["id"]), str(outputs["stage"]))
            before, publish = outputs.get("deployment"), self.publish_api
        after = publish(resource, outputs) if changed or before is None else str(before)
        return Move(resource, pointer, before, after)

    def publish_function(self, resource: Resource, outputs: Outputs) -> str:
        """The version of what the function holds now; its update has published it, where there was one."""
        if (latest := outputs.get("latest")) is not None:
            return str(latest)
        text = described(self._aws.scope.label, resource.properties)
        return str(self._aws.call("lambda", "PublishVersion", FunctionName=resource.name, **text)["Version"])

    def publish_api(self, resource: Resource, outputs: Outputs) -> str:
        """The api deployment of the declared definition; a new one only when there is none."""
        deploys = APIS[resource.type]
        digest = deploys.digest(resource.properties)
        if outputs.get("definition") == digest:
            return str(outputs["deployment"])
        return deploys.deployment_of(self._aws, str(outputs["id"]), digest)


def _resolved(resource: Resource, outputs: Mapping[str, Outputs]) -> Resource:
    """The API with the values that its definition refers to: its digest is of these."""
    if resource.type == FUNCTION:
        return resource

    def lookup(reference: Reference) -> Value:
        return outputs.get(reference.address, {}).get(reference.output, Unknown(str(reference)))

    return replace(resource, properties=resolve(resource.properties, lookup))


def record(moves: Iterable[Move], outputs: Mapping[str, Outputs], previous: Release | None) -> Published:
    """What serves once the moves are made."""
    functions: dict[str, Mapping[str, Any]] = {}
    apis: dict[str, Mapping[str, Any]] = {}
    now: dict[str, Outputs] = {}
    moves = list(moves)
    names = entry_names(move.resource for move in moves)
    for move in moves:
        resource, own = move.resource, outputs[move.resource.address]
        if resource.type == FUNCTION:
            before = _before(move, resource.name, previous.functions if previous else {}, "version")
            code = code_sha256(resource.properties["code"]) if resource.properties.get("code") else None
            functions[resource.name] = {"version": move.after, "previous": before, "code_sha256": code}
            now[resource.address] = {**own, "version": move.after, "latest": move.after}
        else:
            name = names[resource.address]
            before = _before(move, name, previous.apis if previous else {}, "deployment")
            apis[name] = {"deployment": move.after, "previous": before}
            digest = {"definition": APIS[resource.type].digest(resource.properties)} if move.needed else {}
            now[resource.address] = {**own, "deployment": move.after, **digest}
    return Published(functions, apis, now)


def _before(move: Move, name: str, recorded: Mapping[str, Mapping[str, Any]], what: str) -> Any:
    """What the release before served: a run that died may have moved the pointer already, so the record goes first."""
    entry = recorded.get(name)
    if entry is not None:
        return entry.get(what)
    return move.before if move.needed else None
