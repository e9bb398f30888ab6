"""Functions as tests declare them, in canonical form and with all references resolved."""

from collections.abc import Mapping
from typing import Any

from pipeline.config.validation import Checker
from pipeline.model.resource import Observed, Resource
from pipeline.model.values import Expression, Properties, Reference, resolve
from pipeline.planning.diff import diff
from pipeline.resources.base import Aws, ResourceType, Target
from pipeline.resources.registry import registry
from tests.support.aws import SCOPE

ROLE = "arn:aws:iam::123456789012:role/orders-lambda-role"
CODE_A = "sha256:" + "a" * 64
CODE_B = "sha256:" + "b" * 64


def kind() -> ResourceType:
    return registry()["lambda.function"]


def declared(name: str = "orders-list", **properties: Any) -> Properties:
    """What an author wrote, with defaults, in canonical form; references are left."""
    raw = {"name": name, "runtime": "python3.13", **properties}
    return kind().canonical(Checker(kind().spec.schema, kind().name).with_defaults(raw), SCOPE)


def function(name: str = "orders-list", code: str = CODE_A, **properties: Any) -> Resource:
    """A function, ready to be carried out."""
    return Resource("lambda.function", name, resolved({**declared(name, **properties), "code": code}))


def resolved(properties: Properties) -> Properties:
    def look_up(reference: Reference) -> str:
        service, _, name = reference.address.partition("/")
        if service == "iam.role":
            return SCOPE.arn("iam", f"role/{name}", regional=False)
        return SCOPE.arn("logs", f"log-group:{name}")

    found: Mapping[str, Any] = resolve(properties, look_up)
    return found


def expression(address: str, output: str) -> Expression:
    return Expression((Reference(address, output),))


def target(resource: Resource, **fields: Any) -> Target:
    return Target(resource, **{"recorded": {}, **fields})


def read(aws: Aws, resource: Resource, **fields: Any) -> Observed:
    """What AWS has of the function, which must be there."""
    return kind().read(aws, [target(resource, **fields)])[resource.address]


def differing(resource: Resource, observed: Observed) -> set[str]:
    return {change.path for change in diff(kind().spec, resource.properties, observed.properties)}


def bring(aws: Aws, resource: Resource) -> Mapping[str, Any]:
    """One run without the release phase: reads, creates or updates; the outputs afterwards."""
    observed = kind().read(aws, [target(resource)]).get(resource.address)
    if observed is None:
        return kind().create(aws, resource)
    paths = frozenset(differing(resource, observed))
    if not paths:
        return observed.outputs
    return {**observed.outputs, **kind().update(aws, resource, observed, paths)}
