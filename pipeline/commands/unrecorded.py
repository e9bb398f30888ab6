"""What runs that did not end well may have made, changed or removed: no release names it, and it is nobody's drift.

The head of a run's journal says it of that run and of those before it, back to the last one that ended well. So it is
found in the journal of the last run, whatever kind of run that was.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.commands.workspace import Workspace
from pipeline.model.plan import Action, Change
from pipeline.model.release import LedgerHead, Release
from pipeline.model.resource import DesiredState, ObservedState, Resource
from pipeline.model.values import canonical_json
from pipeline.releasing.journal import head_of

_DECLARED, _REMOVING = "unrecorded", "removing"
# Of each resource: every run that breaks adds what it declared, and they may be many.
_KEPT = 20


@dataclass(frozen=True)
class Left:
    """What may be there though the current release does not say so.

    `tried`: address -> what was declared of it, the latest first. `removed`: what may be gone.
    """

    tried: Mapping[str, tuple[Resource, ...]] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()

    def beside(self, known: Iterable[str]) -> dict[str, Resource]:
        """What is of other addresses than `known`: it goes once nobody declares it any more."""
        apart = frozenset(known)
        return {address: found[0] for address, found in self.tried.items() if address not in apart}

    def to_journal(self) -> dict[str, Any]:
        """For the head of a journal."""
        resources = (each for found in self.tried.values() for each in found[:_KEPT])
        return {_DECLARED: [each.to_json() for each in resources], _REMOVING: sorted(self.removed)}


def to_journal(desired: DesiredState, changes: Iterable[Change], current: Release | None) -> dict[str, Any]:
    """For the head of a journal: what there may be after the run, and the current release does not declare so."""
    released, changes = current.resources if current else {}, tuple(changes)
    there = {change.address: change.desired for change in changes if change.desired is not None} | desired.by_address
    gone = frozenset(change.address for change in changes if change.action in (Action.DELETE, Action.REPLACE))
    return Left(_grouped(_otherwise(there.values(), released)), gone).to_journal()


def between(one: DesiredState, other: DesiredState) -> dict[str, Any]:
    """The same of a run that turns `one` into `other`, and makes that the current release before it has done so."""
    ways = (*_otherwise(one, other.by_address), *_otherwise(other, one.by_address))
    return Left(_grouped(ways)).to_journal()


def _otherwise(resources: Iterable[Resource], released: Mapping[str, Resource]) -> list[Resource]:
    return [each for each in resources if not each.shared and not _alike(each, released.get(each.address))]


def with_earlier(about: Mapping[str, Any], earlier: Left) -> dict[str, Any]:
    """The head of a journal with what runs before that one have left, too."""
    mine = _from_journal(about)
    tried = _grouped(each for left in (mine, earlier) for found in left.tried.values() for each in found)
    return {**about, **Left(tried, mine.removed | earlier.removed).to_journal()}


def left_by(workspace: Workspace, head: LedgerHead) -> Left:
    """What the runs since the last one that ended well may have left, and what was taken back."""
    journal = head_of(workspace.ledger, head.lock.run) if head.lock is not None and head.unfinished else None
    found = _from_journal(journal or {})
    resources = (*(each for several in found.tried.values() for each in several), *head.left)
    return Left(_grouped(resources), found.removed)


def _from_journal(document: Mapping[str, Any]) -> Left:
    resources = map(Resource.from_json, document.get(_DECLARED, ()))
    return Left(_grouped(resources), frozenset(document.get(_REMOVING, ())))


def _grouped(resources: Iterable[Resource]) -> dict[str, tuple[Resource, ...]]:
    found: dict[str, dict[str, Resource]] = {}
    for each in resources:
        found.setdefault(each.address, {}).setdefault(canonical_json(each.properties), each)
    return {address: tuple(several.values()) for address, several in found.items()}


def _alike(one: Resource, other: Resource | None) -> bool:
    return other is not None and canonical_json(one.properties) == canonical_json(other.properties)


def ours(
    workspace: Workspace, candidates: Mapping[str, Resource], observed: ObservedState, *, made: Container[str]
) -> dict[str, Resource]:
    """Those of the candidates that are there and ours: by their mark, or `made` by a run where they carry none."""
    found = {}
    for address, resource in candidates.items():
        there = observed.get(address)
        if there is None or resource.shared:
            continue
        if workspace.scope.owns(there.mark) or (not there.markable and address in made):
            found[address] = resource
    return found
