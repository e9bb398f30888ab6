"""Whether a release can serve again: what of it AWS still has, and what each of its pointers serves now.

Looks, and changes nothing. A recorded version is never trusted by its number alone: a function that was deleted and
made again counts from 1.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from pipeline.errors import AwsError, Diagnostic
from pipeline.model.release import Release
from pipeline.model.resource import Resource
from pipeline.releasing.apis import APIS, entry_names
from pipeline.releasing.publisher import FUNCTION
from pipeline.releasing.sites import SITE
from pipeline.releasing.store import Ledger, artifact_key
from pipeline.releasing.traffic import Kind, Pointer, Serving, routers
from pipeline.resources.base import Aws, ResourceType, Target

LAYER, PERMISSION, GUARDRAIL = "lambda.layer", "lambda.permission", "bedrock.guardrail"
# How many releases are looked at for those that one can roll back to.
LOOKED_AT = 20


@dataclass(frozen=True)
class Point:
    """One pointer of the release: it serves `before` (None: there is no such pointer) and is to serve `after`.

    `shares` is True when it serves something beside `before`. With `anew` the recorded version cannot serve any more,
    for that reason; convergence makes another one of the same code, and only then the pointer moves. `published` is
    when the version was made, for functions.
    """

    resource: Resource
    pointer: Pointer
    before: str | None
    after: str
    shares: bool = False
    anew: str | None = None
    published: datetime | None = None

    @property
    def moves(self) -> bool:
        """True when it can be pointed at the recorded version right away, and is not yet."""
        return self.anew is None and (self.before != self.after or self.shares)


@dataclass(frozen=True)
class Outlook:
    """What rolling back to `target` would do. With `obstacles` it cannot be done."""

    target: Release
    points: tuple[Point, ...] = ()
    obstacles: tuple[Diagnostic, ...] = ()


def possible(ledger: Ledger, aws: Aws, types: Mapping[str, ResourceType], current: Release) -> list[Release]:
    """The newest releases that can be rolled back to, newest first."""
    listed = [r for r in ledger.releases(LOOKED_AT) if not r.destroyed and r.number != current.number]
    outlooks = aws.gather([partial(look, ledger, aws, types, release) for release in listed])
    return [outlook.target for outlook in outlooks if not outlook.obstacles]


def look(ledger: Ledger, aws: Aws, types: Mapping[str, ResourceType], target: Release) -> Outlook:
    """What of `target` is still there, in about two rounds of calls, whatever its size."""
    finder = _Finder(ledger, aws, types, target)
    found = [answer for answers in aws.gather(finder.questions()) for answer in answers]
    roles = {answer.name: answer.made for answer in found if isinstance(answer, _Role)}
    gone = {answer.address: answer.reason for answer in found if isinstance(answer, _Gone)}
    points = [_without(_with_role(answer, roles), gone) for answer in found if isinstance(answer, Point)]
    obstacles = tuple(answer for answer in found if isinstance(answer, Diagnostic))
    return Outlook(target, finder.with_missing_functions(points), obstacles)


def asked_of(release: Release, types: Mapping[str, ResourceType]) -> list[str]:
    """The services of AWS that looking at a release like this one asks, as boto3 names them."""
    asked = (r.type for r in release.desired if r.type == FUNCTION or r.type in APIS or _bears_data(types, r.type))
    guarded = ["bedrock"] if any(r.type == GUARDRAIL for r in release.own) else []
    return list(dict.fromkeys(["iam", *guarded, *(name.partition(".")[0] for name in asked)]))


def _bears_data(types: Mapping[str, ResourceType], name: str) -> bool:
    spec = types[name].spec if name in types else None
    return spec is not None and spec.data_bearing and not spec.disposable


@dataclass(frozen=True)
class _Role:
    """A role that functions of the release run as, and when it was made; None: it is gone."""

    name: str
    made: datetime | None


@dataclass(frozen=True)
class _Gone:
    """What functions of the release name and AWS has no more, in words; it is made again, and they with it."""

    address: str
    reason: str


Answers = Sequence[Point | Diagnostic | _Role | _Gone]


def _without(point: Point, gone: Mapping[str, str]) -> Point:
    """The point, not to be served by a version that names what is gone."""
    if point.anew or point.pointer.kind is not Kind.ALIAS:
        return point
    reasons = [gone[address] for address in point.resource.dependencies if address in gone]
    return replace(point, anew=reasons[0]) if reasons else point


def _with_role(point: Point, roles: Mapping[str, datetime | None]) -> Point:
    """The point, not to be served by a version whose role is gone, or another one by now.

    A version's environment is encrypted for the role itself, not for its name: one that was made again cannot read it.
    https://www.lastweekinaws.com/blog/the-sneaky-weakness-behind-aws-managed-kms-keys/
    """
    if point.anew or point.published is None:
        return point
    for name in _roles_of(point.resource):
        made = roles.get(name, point.published)
        if made is None:
            return replace(point, anew=f"its role {name} was deleted since")
        if made > point.published:
            return replace(point, anew=f"its role {name} was made again since")
    return point


def _roles_of(resource: Resource) -> list[str]:
    prefix = "iam.role/"
    return [address.removeprefix(prefix) for address in resource.dependencies if address.startswith(prefix)]


class _Finder:
    def __init__(self, ledger: Ledger, aws: Aws, types: Mapping[str, ResourceType], target: Release) -> None:
        self.ledger, self.aws, self.types, self.target = ledger, aws, types, target
        self.names = entry_names(target.desired)

    def questions(self) -> Iterable[Callable[[], Answers]]:
        """Everything there is to ask; the answers come in any order."""
        for resource in self.target.own:
            if resource.type not in self.types:
                yield partial(self._unknown, resource)
            elif resource.type == FUNCTION and resource.name in self.target.functions:
                yield partial(self._function, resource)
            elif resource.type in APIS and self.names[resource.address] in self.target.apis:
                yield partial(self._api, resource)
        functions = [resource for resource in self.target.own if resource.type == FUNCTION]
        for name in sorted({name for resource in functions for name in _roles_of(resource)}):
            yield partial(self._role, name)
        for guardrail in (resource for resource in self.target.own if resource.type == GUARDRAIL):
            yield partial(self._guardrail, guardrail)
        for digest in sorted(self._archives()):
            yield partial(self._archive, digest)
        if kept := {artifact_key(digest) for digest in self._contents()}:
            yield partial(self._files, kept)
        for name, targets in self._bearing_data().items():
            yield partial(self._data, self.types[name], targets)

    def _bearing_data(self) -> dict[str, list[Target]]:
        found: dict[str, list[Target]] = {}
        for resource in self.target.own:
            if _bears_data(self.types, resource.type):
                recorded = self.target.outputs.get(resource.address, {})
                known = Target(resource, recorded, resource.properties, thorough=False, policies=False)
                found.setdefault(resource.type, []).append(known)
        return found

    def _unknown(self, resource: Resource) -> Answers:
        return (Diagnostic(f"{resource.address} is of a type that this version of pipeline does not know"),)

    def _archives(self) -> set[str]:
        codes = (r.properties.get("code") for r in self.target.own if r.type in (FUNCTION, LAYER))
        return {str(code) for code in codes if code}

    def _contents(self) -> set[str]:
        sites = (r.properties.get("files") or {} for r in self.target.own if r.type == SITE)
        return {digest.replace("sha256:", "file:", 1) for files in sites for digest in files.values()}

    def _files(self, keys: set[str]) -> Answers:
        lacking = keys - self.ledger.keys("files/")
        if not lacking:
            return ()
        return (Diagnostic(f"{len(lacking)} of the files of its static sites are no longer in the ledger"),)

    def _archive(self, digest: str) -> Answers:
        if self.ledger.has_artifact(digest):
            return ()
        return (Diagnostic(f"its archive {digest[:19]} is no longer in the ledger"),)

    def _data(self, kind: ResourceType, targets: Sequence[Target]) -> Answers:
        found = kind.read(self.aws, targets)
        return [
            Diagnostic(f"{t.address} is gone, and its data with it", address=t.address)
            for t in targets
            if t.address not in found
        ]

    def _function(self, resource: Resource) -> Answers:
        name, alias = resource.name, str(resource.properties.get("alias") or "live")
        recorded = self.target.functions[name]
        version, pointer = str(recorded["version"]), Pointer(Kind.ALIAS, name, alias)
        kept, now = self.aws.gather([self._get(name, version), self._get(name, alias)])
        before = str(now["Version"]) if now else None
        if kept is None and (now is not None or self._get(name)() is not None):
            return (Diagnostic(f"{resource.address}: version {version} is gone", address=resource.address),)
        if kept is None:
            return (Point(resource, pointer, None, version, anew="the function was deleted since"),)
        code = recorded.get("code_sha256")
        again = code is not None and kept.get("CodeSha256") != code
        anew = "the function was deleted and made again since, and its versions with it" if again else None
        published = _time(str(kept["LastModified"])) if kept.get("LastModified") else None
        return (Point(resource, pointer, before, version, anew=anew, published=published),)

    def _get(self, name: str, *qualifier: str) -> Callable[[], Mapping[str, Any] | None]:
        chosen = {"Qualifier": qualifier[0]} if qualifier else {}

        def get() -> Mapping[str, Any] | None:
            answer = self.aws.found("lambda", "GetFunction", FunctionName=name, **chosen)
            return answer["Configuration"] if answer else None

        return get

    def _role(self, name: str) -> Answers:
        """Who may not ask IAM, or cannot reach it, rolls back all the same."""
        try:
            answer = self.aws.found("iam", "GetRole", RoleName=name)
        except AwsError:
            return ()
        made = answer["Role"].get("CreateDate") if answer else None
        return () if answer and made is None else (_Role(name, made),)

    def _guardrail(self, resource: Resource) -> Answers:
        """A version that is gone never comes back by its number. Who may not ask rolls back all the same."""
        recorded = self.target.outputs.get(resource.address, {})
        made, version = recorded.get("id"), recorded.get("version")
        try:
            if not version or self.aws.found(
                "bedrock", "GetGuardrail", guardrailIdentifier=made, guardrailVersion=version
            ):
                return ()
            there = self.types[resource.type].read(self.aws, [Target(resource, recorded)]).get(resource.address)
        except AwsError:
            return ()
        if there is not None and there.limit is not None and there.limit.severity != "warning":
            return (replace(there.limit, address=resource.address),)
        return (_Gone(resource.address, f"version {version} of its guardrail {resource.name} was deleted since"),)

    def _api(self, resource: Resource) -> Answers:
        outputs = self.target.outputs.get(resource.address, {})
        api, stage = str(outputs.get("id")), str(outputs.get("stage") or resource.properties["stage"])
        deployment = str(self.target.apis[self.names[resource.address]]["deployment"])
        pointer = Pointer(APIS[resource.type].kind, api, stage)
        asked: list[Callable[[], Any]] = [partial(self._serving, pointer), partial(self._has, pointer, deployment)]
        now, kept = self.aws.gather(asked)
        if now is None:
            return (Point(resource, pointer, None, deployment, anew="the API or its stage was deleted since"),)
        if not kept:
            return (Diagnostic(f"{resource.address}: api deployment {deployment} is gone", address=resource.address),)
        return (Point(resource, pointer, now.stable, deployment, bool(now.shares)),)

    def _serving(self, pointer: Pointer) -> Serving | None:
        try:
            return routers(self.aws)[pointer.kind].current(pointer)
        except AwsError as error:
            if error.code == "NotFoundException":
                return None
            raise

    def _has(self, pointer: Pointer, deployment: str) -> bool:
        if pointer.kind in (Kind.WEBSOCKET_STAGE, Kind.HTTP_STAGE):
            found = self.aws.found("apigatewayv2", "GetDeployment", ApiId=pointer.owner, DeploymentId=deployment)
        else:
            found = self.aws.found("apigateway", "GetDeployment", restApiId=pointer.owner, deploymentId=deployment)
        return found is not None

    def with_missing_functions(self, points: Sequence[Point]) -> tuple[Point, ...]:
        """An API that calls a function which is not there waits until that is made."""
        absent = {p.resource.name for p in points if p.pointer.kind is Kind.ALIAS and p.before is None and p.anew}
        return tuple(self._waiting(point, absent) for point in points)

    def _waiting(self, point: Point, absent: set[str]) -> Point:
        if point.pointer.kind is Kind.ALIAS or point.anew:
            return point
        grants = (r for r in self.target.own if r.type == PERMISSION and point.resource.address in r.dependencies)
        needs = sorted({str(grant.properties["function"]) for grant in grants} & absent)
        return replace(point, anew=f"it calls {needs[0]}, which has to be made anew first") if needs else point


def _time(text: str) -> datetime:
    """Lambda's `2026-11-24T09:00:00.000+0000`."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
