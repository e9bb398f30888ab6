"""What runs may have made that no release names: it goes once nobody declares it any more."""

from collections.abc import Container, Iterable, Mapping
from typing import Any

from pipeline.commands.workspace import Workspace
from pipeline.model.plan import Change
from pipeline.model.release import LedgerHead, Release
from pipeline.model.resource import DesiredState, ObservedState, Resource
from pipeline.releasing.journal import head_of

_KEY = "unrecorded"


def to_journal(desired: DesiredState, changes: Iterable[Change], current: Release | None) -> dict[str, Any]:
    """For the head of a journal: what there may be after the run and the current release does not name."""
    known = current.resources if current else {}
    there = {change.address: change.desired for change in changes if change.desired is not None} | desired.by_address
    unknown = [each for address, each in there.items() if address not in known and not each.shared]
    return {_KEY: [resource.to_json() for resource in unknown]}


def left_by(workspace: Workspace, head: LedgerHead, known: Iterable[str]) -> dict[str, Resource]:
    """What the last run may have made if it did not end well, and what was taken back; but for what is `known`."""
    journal = head_of(workspace.ledger, head.lock.run) if head.lock is not None and head.unfinished else None
    entries = (journal or {}).get(_KEY, ())
    found = {each.address: each for each in (*map(Resource.from_json, entries), *head.left)}
    apart = frozenset(known)
    return {address: resource for address, resource in found.items() if address not in apart}


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
