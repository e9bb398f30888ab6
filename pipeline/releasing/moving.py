"""Resources that are declared under another address than they were released under, and are the same in AWS. Pure.

A release that is read under the addresses of now makes everything else plain: what AWS has is found by the recorded
ids, compared, marked and recorded under its new address. `formers` of a release keeps the earlier addresses, so that
a rollback to before a move, and a revert of the commit that made it, find the resource where it is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pipeline.errors import Diagnostic
from pipeline.model.release import Release
from pipeline.model.resource import DesiredState, Resource
from pipeline.model.values import Expression, Reference, Value, transform
from pipeline.releasing.apis import entry_names

# Old address -> new address.
Moves = Mapping[str, str]


def moves_of(release: Release | None, desired: DesiredState, moved: Mapping[str, str]) -> dict[str, str]:
    """What of `release` is declared under another address in `desired`, by `moved` (new address -> the one before).

    A chain of moves is followed to the address that the release knows. What is declared as it once was, and was moved
    since, is moved back: whoever takes back the commit of a rename takes its `moved` back as well.
    """
    found: dict[str, str] = {}
    released, wanted = release.resources if release else {}, desired.by_address
    for address in wanted:
        if release is None or address in released:
            continue
        for old in (*_before(address, moved), *_since(address, release)):
            if old in released and old not in wanted:
                found[old] = address
                break
    return found


def moves_back(target: Release, current: Release) -> dict[str, str]:
    """What of an older release `target` the `current` one has under another address: it stays there."""
    then, now = target.resources, current.resources
    return {
        former: address
        for address, formers in current.formers.items()
        if address not in then and address in now
        for former in formers
        if former in then and former not in now
    }


def _before(address: str, moved: Mapping[str, str]) -> Iterator[str]:
    seen = {address}
    while (old := moved.get(address)) is not None and old not in seen:
        yield old
        seen.add(old)
        address = old


def _since(address: str, release: Release) -> Iterator[str]:
    return (now for now, formers in release.formers.items() if address in formers)


def collisions(release: Release | None, desired: DesiredState, moved: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Moves that cannot be: both addresses were released, so they are two resources."""
    released = release.resources if release else {}
    for target, old in moved.items():
        resource = desired.by_address.get(target)
        if release is not None and resource is not None and target in released and old in released:
            yield Diagnostic(
                f"{old} cannot become {target}: release {release.number} has both, so they are two resources",
                file=resource.source.file if resource.source else None,
                line=resource.source.line if resource.source else None,
                address=target,
                hint="remove the entry of moved; what is no longer declared is then removed",
            )


def readdressed(release: Release, moves: Moves) -> Release:
    """The release with what was moved under its new address, wherever it is referred to."""
    if not moves:
        return release
    desired = tuple(_readdressed(resource, moves) for resource in release.desired)
    before, after = entry_names(release.desired), entry_names(desired)
    names = {name: after[moves.get(address, address)] for address, name in before.items()}
    formers = {moves.get(address, address): earlier for address, earlier in release.formers.items()}
    for old, new in moves.items():
        formers[new] = tuple(dict.fromkeys(each for each in (old, *formers.get(new, ())) if each != new))
    return replace(
        release,
        desired=desired,
        outputs={moves.get(address, address): values for address, values in release.outputs.items()},
        apis={names.get(name, name): entry for name, entry in release.apis.items()},
        formers=formers,
    )


def renamed(release: Release, moves: Moves) -> Release:
    """`readdressed`, and with what was moved declared under the name that it has now."""
    found = readdressed(release, moves)
    targets = {*moves.values()}
    return replace(found, desired=tuple(_named(r) if r.address in targets else r for r in found.desired))


def _readdressed(resource: Resource, moves: Moves) -> Resource:
    def part(each: str | Reference) -> str | Reference:
        if isinstance(each, Reference) and each.address in moves:
            return Reference(moves[each.address], each.output)
        return each

    def leaf(value: Value) -> Value:
        return Expression(tuple(map(part, value.parts))) if isinstance(value, Expression) else value

    return replace(
        resource,
        name=moves.get(resource.address, resource.address).partition("/")[2],
        properties=transform(resource.properties, leaf),
        depends_on=tuple(moves.get(address, address) for address in resource.depends_on),
    )


def _named(resource: Resource) -> Resource:
    return replace(resource, properties={**resource.properties, "name": resource.name})
