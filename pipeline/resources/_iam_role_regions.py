"""What regions besides the home one add to a role: inline policies of their own, which they write and remove. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pipeline.model.resource import Resource
from pipeline.model.scope import Scope
from pipeline.resources.base import Alike

EXTENSIBLE = ("policies", "elsewhere")


def admit(resource: Resource, regions: Sequence[str]) -> Resource:
    """The policies that `regions` write are not the role's own."""
    theirs = [f"{policy}-{region}" for policy in resource.properties["policies"] for region in regions]
    known = resource.properties.get("elsewhere") or ()
    return replace(resource, properties={**resource.properties, "elsewhere": [*known, *theirs]})


def extend(resource: Resource, theirs: Resource, scope: Scope, alike: Alike) -> Iterator[Resource]:
    """The inline policies that say something else here, such as ARNs of this region's tables."""
    for policy, document in resource.properties["policies"].items():
        if not alike(document, theirs.properties["policies"].get(policy)):
            here = f"{policy}-{scope.region}"
            own = {"name": f"{resource.name}:{here}", "role": resource.name, "policy": here, "document": document}
            yield Resource("iam.role_policy", own["name"], own, (resource.address,), source=resource.source)
