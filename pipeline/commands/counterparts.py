"""Which release of one region belongs to a release of the home region: each region counts its own.

A rollback of all regions is to what the home region's release says. That one may be rolled back already by then, in
this run or in a job of its own.
"""

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

    The home region goes first, and only when every other one can follow: BadInput when one cannot.
    """
    if space.alone:
        return asked
    for other in space.others_of_home():
        _counterpart(other, asked)
    return asked if space.scope.region == space.environment.home else _counterpart(space, asked)


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
