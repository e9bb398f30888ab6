"""Reads from AWS what a plan needs to know, all types in parallel."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from pipeline.model.release import Release
from pipeline.model.resource import DesiredState, Observed, ObservedState, Resource
from pipeline.model.values import canonical_json, plain
from pipeline.resources.base import Aws, ResourceType, Target

# AWS answers 15 GetPolicy and 15 other Lambda control calls a second. That many rationed reads cost no waiting, so a
# service of this size is always read in full. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
RATIONED_READS = 15
FUNCTION = "lambda.function"
RATIONED_TYPES = (FUNCTION, "lambda.permission")
# A function has three policies that count, and GetPolicy a rate of its own: what this many calls take at once, with the
# burst that `pacing.json` allows, costs no waiting. Those of one function are read once for all that look at them.
POLICIES_EACH = 3
RATIONED_POLICIES = 30


@dataclass(frozen=True)
class Seen:
    """What was read before all that is wanted was known: what was looked for, and what of it is there."""

    targets: Mapping[str, Target] = field(default_factory=dict)
    observed: ObservedState = field(default_factory=lambda: ObservedState({}))


def observe_ahead(
    aws: Aws,
    types: Mapping[str, ResourceType],
    desired: DesiredState,
    release: Release | None,
    *,
    thorough: bool,
    home: Aws | None = None,
) -> Seen:
    """Reads AWS for what is likely to be wanted, so that `observe` finds it read."""
    targets = {target.address: target for target in targets_of(desired, release, thorough=thorough)}
    return Seen(targets, observe(aws, types, desired, release, thorough=thorough, home=home))


def observe(
    aws: Aws,
    types: Mapping[str, ResourceType],
    desired: DesiredState,
    release: Release | None,
    *,
    thorough: bool = False,
    seen: Seen | None = None,
    home: Aws | None = None,
) -> ObservedState:
    """What AWS has of everything that is declared or was recorded.

    `thorough` reads all that can be read; otherwise rationed reads are spared where declaration and last release
    agree, once more than RATIONED_READS share a rate. What was `seen` a moment ago is not looked for again.
    `home` leads to the region that has what is shared.
    """
    targets = targets_of(desired, release, thorough=thorough)
    known = seen or Seen()
    new = [target for target in targets if known.targets.get(target.address) != target]
    old = {target.address for target in targets} - {target.address for target in new}
    found = {address: observed for address, observed in known.observed.resources.items() if address in old}
    found |= _read(aws, types, new, home)
    if doubtful := [replace(target, thorough=True, policies=True) for target in targets if _is_doubtful(target, found)]:
        found = {a: o for a, o in found.items() if a not in {target.address for target in doubtful}}
        found |= _read(aws, types, doubtful, home)
    return ObservedState(found)


def _read(
    aws: Aws, types: Mapping[str, ResourceType], targets: Iterable[Target], home: Aws | None
) -> dict[str, Observed]:
    groups: dict[tuple[str, bool], list[Target]] = {}
    for target in targets:
        if target.resource.type in types:
            groups.setdefault((target.resource.type, target.resource.shared), []).append(target)
    # Types with more to read start first, so that the longest chain does not start last.
    largest = sorted(groups.items(), key=lambda group: -len(group[1]))
    ways = [(types[name], (home or aws) if shared else aws, group) for (name, shared), group in largest]
    found = aws.gather([lambda way=way: way[0].read(way[1], way[2]) for way in ways])  # type: ignore[misc]  # mypy cannot infer a lambda's default argument
    merged: dict[str, Observed] = {}
    for part in found:
        merged.update(part)
    return merged


def _is_doubtful(target: Target, found: Mapping[str, Observed]) -> bool:
    """True for what was trusted though something it depends on is gone: a function takes its permissions along."""
    observed = found.get(target.address)
    if observed is None or not observed.trusted or target.thorough:
        return False
    return any(address not in found for address in target.resource.dependencies)


def targets_of(desired: DesiredState, release: Release | None, *, thorough: bool) -> list[Target]:
    """One target per address of the declaration and of the last release."""
    released = release.resources if release else {}
    wanted = desired.by_address
    everything: Iterable[Resource] = {**released, **wanted}.values()
    sharing = Counter(_ration(resource) for resource in everything)
    functions = sum(resource.type == FUNCTION for resource in everything)
    readable = thorough or functions * POLICIES_EACH <= RATIONED_POLICIES
    targets = []
    for resource in everything:
        before = released.get(resource.address)
        few = sharing[_ration(resource)] <= RATIONED_READS
        news = before is None or not _alike(before, wanted.get(resource.address))
        targets.append(
            Target(
                resource=resource,
                recorded=release.outputs.get(resource.address, {}) if release else {},
                released=before.properties if before else None,
                thorough=thorough or few or news,
                # Who may call a function has nothing to do with what else of it is new.
                policies=readable or (before is None if resource.type == FUNCTION else news),
            )
        )
    return targets


def spared(desired: DesiredState, release: Release | None) -> frozenset[str]:
    """The addresses that are not read as thoroughly as could be, unless that is asked for."""
    targets = targets_of(desired, release, thorough=False)
    return frozenset(target.address for target in targets if not (target.thorough and target.policies))


def _ration(resource: Resource) -> str:
    """What a resource shares the rate of its reads with: others of its type, or all that is read from Lambda."""
    return "lambda" if resource.type in RATIONED_TYPES else resource.type


def _alike(before: Resource, now: Resource | None) -> bool:
    return now is not None and canonical_json(plain(before.properties)) == canonical_json(plain(now.properties))
