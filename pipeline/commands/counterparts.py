"""Which release of one region belongs to a release of the home region: each region counts its own.

A rollback of all regions is to what the home region's release says. That one may be rolled back already by then, in
this run or in a job of its own.
"""

from collections.abc import Iterable
from dataclasses import replace

from pipeline.commands.workspace import Workspace
from pipeline.errors import BadInput
from pipeline.intake.words import PREVIOUS
from pipeline.releasing.restoring import counterpart, origin, select
from pipeline.releasing.store import Ledger

# So far back is looked for what belongs together.
_RELEASES = 1000


def asked_here(space: Workspace, asked: str) -> str:
    """The release of this region to roll back to, for one of the home region; `asked` where this one alone is meant.

    The home region goes first, and only when every other one can follow: BadInput when one cannot. `previous` means
    the same once more until all of them are back there: the command that is repeated because one failed goes no
    further back in those that had not.
    """
    if space.alone:
        return asked
    if space.scope.region != space.environment.home:
        return _counterpart(space, asked)
    others = list(space.others_of_home())
    if asked == PREVIOUS and others and (begun := _begun(space, others)) is not None:
        asked = str(begun)
    for other in others:
        _counterpart(other, asked)
    return asked


def _begun(space: Workspace, others: Iterable[Workspace]) -> int | None:
    """The release that the home region is back at, and not every other one; None where none was begun."""
    current = space.ledger.head().current
    if current is None or current.restores is None:
        return None
    back = origin(space.ledger, current)
    return back if any(not _is_at(other, _counterpart(other, str(back))) for other in others) else None


def _is_at(space: Workspace, number: str) -> bool:
    """True when the region serves this release, or one that restores it, and nothing was left open."""
    head = space.ledger.head()
    return head.current is not None and not head.unfinished and origin(space.ledger, head.current) == int(number)


def _counterpart(space: Workspace, asked: str) -> str:
    home = space.environment.home
    theirs = replace(space, region=home, needs_specs=False).ledger
    target = _number(theirs, asked)
    if target is None:
        return asked
    listed = {release.number: release for release in theirs.releases(_RELEASES)}
    found = counterpart(listed[target], listed.values(), space.ledger.releases(_RELEASES)) if target in listed else None
    if found is None:
        name, region = space.name, space.scope.region
        raise BadInput(
            f"rolling {name} back in {region}: it has no release from when release {target} served in {home}",
            hint=f"pipeline releases --env {name} --region {region}, then rollback with --region",
        )
    return str(found.number)


def _number(home: Ledger, asked: str) -> int | None:
    """The release of the home region that is meant; None before it has any."""
    current = home.head().current
    if current is None or asked != PREVIOUS:
        return int(asked) if asked != PREVIOUS else None
    # Once the home region is back there, what it restores is what was meant.
    return select(home, current, asked).number if current.restores is None else origin(home, current)
