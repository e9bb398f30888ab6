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
from pipeline.releasing.store import Ledger
from pipeline.releasing.traffic import Kind, Pointer
from pipeline.resources.base import Aws, ResourceType, Target

FUNCTION, API, LAYER, ROLE = "lambda.function", "apigateway.rest_api", "lambda.layer", "iam.role"
# How many releases are looked at for those that one can roll back to.
LOOKED_AT = 20


@dataclass(frozen=True)
class Point:
    """One pointer of the release: it serves `before` (None: there is no such pointer) and is to serve `after`.

    `shares` is True when it serves something beside `before`. With `anew` the recorded version cannot serve any more,
    for that reason; convergence makes another one of the same code, and only then the pointer moves.
    """

    resource: Resource
    pointer: Pointer
    before: str | None
    after: str
    shares: bool = False
    anew: str | None = None

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
    found = aws.gather(finder.questions())
    points = finder.with_missing_functions([item for part in found for item in part if isinstance(item, Point)])
    obstacles = tuple(item for part in found for item in part if isinstance(item, Diagnostic))
    return Outlook(target, points, obstacles)


Answers = Sequence[Point | Diagnostic]


class _Finder:
    def __init__(self, ledger: Ledger, aws: Aws, types: Mapping[str, ResourceType], target: Release) -> None:
        self.ledger, self.aws, self.types, self.target = ledger, aws, types, target

    def questions(self) -> Iterable[Callable[[], Answers]]:
        for resource in self.target.desired:
            if resource.type == FUNCTION and resource.name in self.target.functions:
                yield partial(self._function, resource)
            elif resource.type == API and resource.name in self.target.apis:
                yield partial(self._api, resource)
        for digest in sorted(self._archives()):
            yield partial(self._archive, digest)
        by_type: dict[str, list[Target]] = {}
        for resource in self.target.desired:
            spec = self.types[resource.type].spec
            if spec.data_bearing and not spec.disposable:
                recorded = self.target.outputs.get(resource.address, {})
                known = Target(resource, recorded, resource.properties, thorough=False)
                by_type.setdefault(resource.type, []).append(known)
        for name, targets in by_type.items():
            yield partial(self._data, self.types[name], targets)

    def _archives(self) -> set[str]:
        codes = (r.properties.get("code") for r in self.target.desired if r.type in (FUNCTION, LAYER))
        return {str(code) for code in codes if code}

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
        return (Point(resource, pointer, before, version, anew=self._unfit(resource, recorded, kept)),)

    def _get(self, name: str, *qualifier: str) -> Callable[[], Mapping[str, Any] | None]:
        chosen = {"Qualifier": qualifier[0]} if qualifier else {}

        def get() -> Mapping[str, Any] | None:
            answer = self.aws.found("lambda", "GetFunction", FunctionName=name, **chosen)
            return answer["Configuration"] if answer else None

        return get

    def _unfit(self, resource: Resource, recorded: Mapping[str, Any], kept: Mapping[str, Any]) -> str | None:
        """Why a version of the recorded number cannot serve; None when it can."""
        code = recorded.get("code_sha256")
        if code is not None and kept.get("CodeSha256") != code:
            return "the function was deleted and made again since, and its versions with it"
        roles = [address for address in resource.dependencies if address.startswith(f"{ROLE}/")]
        for address in roles:
            if reason := self._role_lost(address.partition("/")[2], kept):
                return reason
        return None

    def _role_lost(self, name: str, kept: Mapping[str, Any]) -> str | None:
        """A version's environment is encrypted for the role itself, not for its name: one made again cannot read it.

        https://www.lastweekinaws.com/blog/the-sneaky-weakness-behind-aws-managed-kms-keys/
        Who may not ask IAM, or cannot reach it, rolls back all the same.
        """
        try:
            answer = self.aws.found("iam", "GetRole", RoleName=name)
        except AwsError:
            return None
        if answer is None:
            return f"its role {name} was deleted since"
        made, published = answer["Role"].get("CreateDate"), kept.get("LastModified")
        if made is None or not published or made <= _time(str(published)):
            return None
        return f"its role {name} was made again since"

    def _api(self, resource: Resource) -> Answers:
        outputs = self.target.outputs.get(resource.address, {})
        api, stage_name = str(outputs.get("id")), str(outputs.get("stage") or resource.properties["stage"])
        deployment = str(self.target.apis[resource.name]["deployment"])
        pointer = Pointer(Kind.STAGE, api, stage_name)
        kept, stage = self.aws.gather(
            [
                partial(self.aws.found, "apigateway", "GetDeployment", restApiId=api, deploymentId=deployment),
                partial(self.aws.found, "apigateway", "GetStage", restApiId=api, stageName=stage_name),
            ]
        )
        if stage is None:
            return (Point(resource, pointer, None, deployment, anew="the API or its stage was deleted since"),)
        if kept is None:
            return (Diagnostic(f"{resource.address}: api deployment {deployment} is gone", address=resource.address),)
        return (Point(resource, pointer, str(stage["deploymentId"]), deployment, bool(stage.get("canarySettings"))),)

    def with_missing_functions(self, points: Sequence[Point]) -> tuple[Point, ...]:
        """An API that calls a function which is not there waits until that is made."""
        absent = {p.resource.name for p in points if p.pointer.kind is Kind.ALIAS and p.before is None and p.anew}
        return tuple(self._waiting(point, absent) for point in points)

    def _waiting(self, point: Point, absent: set[str]) -> Point:
        if point.pointer.kind is not Kind.STAGE or point.anew:
            return point
        endpoints = point.resource.properties["endpoints"].values()
        needs = sorted({str(entry.get("function")) for entry in endpoints if isinstance(entry, Mapping)} & absent)
        if not needs:
            return point
        reason = f"it calls {needs[0]}, which has to be made anew first"
        return replace(point, anew=reason)


def _time(text: str) -> datetime:
    """Lambda's `2026-11-24T09:00:00.000+0000`."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
