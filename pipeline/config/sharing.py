"""What the regions of an environment share: the home region makes it, the others find it. Pure.

A thing is shared when AWS keeps its name once for all regions and the home region declares the same one. A name that
holds the region, such as those of the roles that follow from functions, is one for each region and nothing is shared.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from pipeline.config.desired import Rendered
from pipeline.config.findings import Findings
from pipeline.model.environment import Environment
from pipeline.model.resource import Resource
from pipeline.model.values import Value, canonical_json, references_of
from pipeline.resources.registry import Registry

_OWN = "write ${AWS_REGION} into its name, so that each region has one of its own"


def at_home(rendered: Sequence[Rendered], environment: Environment, registry: Registry) -> list[Rendered]:
    """What the home region makes, ready for what the others add to it."""
    others = environment.elsewhere
    return [
        replace(item, resource=registry[item.type].admitting(item.resource, others)) if item.resource else item
        for item in rendered
    ]


def elsewhere(
    rendered: Sequence[Rendered],
    home: Sequence[Rendered],
    environment: Environment,
    registry: Registry,
    findings: Findings,
) -> list[Rendered]:
    """What another region makes and finds, and what it adds to what it finds."""
    theirs = {item.resource.address: item.resource for item in home if item.resource}
    shared = {
        item.resource.address: theirs[item.resource.address]
        for item in rendered
        if item.resource and _is_one(item.resource, theirs.get(item.resource.address), registry)
    }
    return list(_Elsewhere(shared, environment, registry, findings).divided(rendered))


def _is_one(here: Resource, there: Resource | None, registry: Registry) -> bool:
    return there is not None and registry[here.type].spec.is_one(here.properties, there.properties)


class _Elsewhere:
    """A region besides the home one; `shared` are the home region's own declarations."""

    def __init__(
        self, shared: Mapping[str, Resource], environment: Environment, registry: Registry, findings: Findings
    ) -> None:
        self.shared = shared
        self.environment = environment
        self.registry = registry
        self.findings = findings

    def divided(self, rendered: Sequence[Rendered]) -> Iterator[Rendered]:
        """Every item, those that are shared as such; after each what this region adds to it."""
        for item in rendered:
            resource = item.resource
            if resource is None or resource.address not in self.shared:
                yield item
                continue
            theirs = self.shared[resource.address]
            self._compare(item, resource, theirs)
            yield replace(item, resource=replace(resource, shared=True))
            scope = self.environment.scope
            for extra in self.registry[item.type].extended(resource, theirs, scope, self.alike):
                yield Rendered(extra.type, item.place, extra.address, extra, derived=True)

    def alike(self, here: Value, there: Value) -> bool:
        """True when both regions mean the same: equal texts, and no output of what each region has of its own."""
        own = any(reference.address not in self.shared for reference in references_of(here))
        return not own and canonical_json(here) == canonical_json(there)

    def _compare(self, item: Rendered, here: Resource, theirs: Resource) -> None:
        """Says what the home region decides, where this one declares something else."""
        kind = self.registry[item.type]
        one = f"{here.address} is one for all regions"
        problems = kind.divided(here, theirs, self.alike)
        for problem in problems:
            self.findings.error(
                f"{one}: {problem.message}", item.place, hint=problem.hint or _OWN, address=here.address
            )
        mine, yours = here.properties, theirs.properties
        names = sorted({*mine, *yours} - {*kind.extensible})
        differing = [name for name in names if canonical_json(mine.get(name)) != canonical_json(yours.get(name))]
        if differing and not problems and not item.derived:
            region, home = self.environment.region, self.environment.home
            text = f"{one}: what {region} declares as its {', '.join(differing)} is left out, {home} decides"
            self.findings.warning(text, item.place, hint=_OWN, address=here.address)
