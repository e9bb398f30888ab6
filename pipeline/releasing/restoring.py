"""What a rollback brings back, and what it leaves as it is: which release, which desired state, which traffic.

A rollback goes forward: what it makes is a new release, with the content of an old one. It never deletes, and never
touches what bears data.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pipeline.errors import BadInput
from pipeline.model.release import Release
from pipeline.model.resource import DesiredState, Resource
from pipeline.model.type_spec import TypeSpec
from pipeline.model.values import Outputs, canonical_json
from pipeline.releasing.outlook import Point
from pipeline.releasing.sites import SITE
from pipeline.releasing.store import Ledger
from pipeline.releasing.traffic import Kind, routers
from pipeline.resources.base import Aws

PREVIOUS = "previous"

Specs = Mapping[str, TypeSpec]


@dataclass(frozen=True)
class Kept:
    """Something that a rollback leaves as it is: `what` is `data`, `change` or `addition`."""

    address: str
    what: str
    reason: str

    def to_json(self) -> dict[str, str]:
        """As reported."""
        return {"address": self.address, "what": self.what, "reason": self.reason}


def select(ledger: Ledger, current: Release, asked: str) -> Release:
    """The release that `asked` (a number or `previous`) means. BadInput when there is none, or it serves nothing."""
    if asked == PREVIOUS:
        return _previous(ledger, current)
    found = current if int(asked) == current.number else ledger.release(int(asked))
    if found.destroyed:
        raise BadInput(f"release {found.number} is the record of a destroy: it serves nothing")
    return found


def _previous(ledger: Ledger, current: Release) -> Release:
    """The newest release before the one whose content serves now.

    After a rollback to 41 that is the one before 41: what was rolled back from never comes back by this word.
    """
    for number in range(origin(ledger, current) - 1, 0, -1):
        found = ledger.find(number)
        if found is not None and not found.destroyed:
            return found
    raise BadInput(f"there is no release before release {current.number} to roll back to")


def origin(ledger: Ledger, release: Release) -> int:
    """The number of the release whose content this one has: itself, or what it restores, whatever that restored."""
    while release.restores is not None:
        before = ledger.find(release.restores)
        if before is None:
            return release.restores
        release = before
    return release.number


def counterpart(target: Release, theirs: Iterable[Release], ours: Iterable[Release]) -> Release | None:
    """The release of this region that belongs to `target` of another one, whose releases are `theirs`.

    It is of the same commit; where a deploy of that commit had nothing to do here, it is what served here until the
    other region got its next release.
    """
    able = sorted((release for release in ours if not release.destroyed), key=lambda release: -release.number)
    same = (release for release in able if release.commit == target.commit and release.restores is None)
    if target.commit is not None and (found := next(same, None)) is not None:
        return found
    until = min((release.created for release in theirs if release.number > target.number), default=None)
    return next((release for release in able if until is None or release.created < until), None)


def composed(target: Release, current: Release, specs: Specs) -> DesiredState:
    """What is to be there afterwards: the old release, except that what bears data stays as it is declared now."""
    now = current.resources

    def kept(resource: Resource) -> Resource:
        return now.get(resource.address, resource) if specs[resource.type].data_bearing else resource

    return DesiredState(tuple(kept(resource) for resource in target.desired))


def additions(target: Release, current: Release) -> tuple[Resource, ...]:
    """What was made since `target`. It stays: the next deploy decides about it."""
    then = target.resources
    return tuple(resource for resource in current.own if resource.address not in then)


def not_reverted(target: Release, current: Release, specs: Specs) -> tuple[Kept, ...]:
    """What somebody who rolls back might expect to be undone, and is not."""
    return (*_data(target, current, specs), *_additions(target, current))


def _data(target: Release, current: Release, specs: Specs) -> Iterator[Kept]:
    now = current.resources
    for resource in target.own:
        spec = specs[resource.type]
        if not spec.data_bearing:
            continue
        if not spec.disposable:
            yield Kept(resource.address, "data", "what was written to it since stays")
        if (today := now.get(resource.address)) and not _alike(today, resource):
            yield Kept(resource.address, "change", f"it was changed since release {target.number}, and stays so")


def _additions(target: Release, current: Release) -> Iterator[Kept]:
    for resource in additions(target, current):
        yield Kept(resource.address, "addition", f"it was made since release {target.number}, and stays")


def sites(target: Release, current: Release) -> Iterator[tuple[str, int]]:
    """The static sites of the old release, and how many of their files are others now."""
    now = current.resources
    for resource in target.own:
        if resource.type == SITE:
            today = now.get(resource.address)
            files, others = _files(resource), _files(today) if today else {}
            yield resource.address, sum(others.get(path) != digest for path, digest in files.items())


def _files(site: Resource) -> Mapping[str, str]:
    return site.properties.get("files") or {}


def _alike(one: Resource, other: Resource) -> bool:
    return canonical_json(one.properties) == canonical_json(other.properties)


def restore(aws: Aws, points: Iterable[Point]) -> None:
    """Points everything that can serve at once at the recorded versions: functions and stages, all in parallel.

    What serves the right one already is looked at once more, after what has to move: it may share its traffic with
    a canary. Raises the first AwsError or PipelineError after all have ended.
    """
    ready = [point for point in points if point.anew is None]
    known = routers(aws)
    moving = [partial(known[p.pointer.kind].serve, p.pointer, p.after) for p in ready if p.moves]
    staying = [p for p in ready if not p.moves and p.pointer.kind is Kind.ALIAS]
    aws.gather([*moving, *(partial(_ensure, aws, point) for point in staying)])


def _ensure(aws: Aws, point: Point) -> None:
    router = routers(aws)[point.pointer.kind]
    serving = router.current(point.pointer)
    if serving.shares or serving.stable != point.after:
        router.serve(point.pointer, point.after)


def outputs_after(target: Release, current: Release, points: Iterable[Point]) -> dict[str, Outputs]:
    """The outputs once the pointers have moved: ids as they are now, versions and api deployments as they were."""
    found: dict[str, dict[str, Any]] = {
        address: {**target.outputs.get(address, {}), **current.outputs.get(address, {})}
        for address in {*target.resources, *current.resources}
    }
    for point in points:
        if point.anew is not None:
            continue
        address = point.resource.address
        if point.pointer.kind is Kind.ALIAS:
            found[address] |= {"version": point.after, "latest": point.after}
        else:
            digest = target.outputs.get(address, {}).get("definition")
            found[address] |= {"deployment": point.after} | ({"definition": digest} if digest else {})
    return dict(found)
