"""WebSocket APIs as tests declare them, in canonical form and with all references resolved."""

from collections.abc import Mapping
from typing import Any

from pipeline.config.validation import Checker
from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Properties, Reference, resolve
from pipeline.planning.diff import diff
from pipeline.resources.base import Aws, ResourceType
from pipeline.resources.registry import registry
from tests.resources.functions import target
from tests.support.aws import SCOPE

ROUTES = {"$connect": "orders-list", "$default": "orders-list", "cancel": "orders-items"}


def kind() -> ResourceType:
    return registry()["apigatewayv2.api"]


def declared(routes: Any = None, scope: Scope = SCOPE, **properties: Any) -> Properties:
    """What an author wrote, with defaults, in canonical form; references are left."""
    raw = {"name": "orders-live", "routes": routes or ROUTES, **properties}
    return kind().canonical(Checker(kind().spec.schema, kind().name).with_defaults(raw), scope)


def resource(routes: Any = None, **properties: Any) -> Resource:
    """As declared, for the pure functions of the type."""
    found = declared(routes, **properties)
    return Resource(kind().name, found["name"], found)


def api(routes: Any = None, scope: Scope = SCOPE, **properties: Any) -> Resource:
    """An API, ready to be carried out."""

    def look_up(reference: Reference) -> str:
        return scope.arn("logs", f"log-group:{reference.address.partition('/')[2]}")

    found: Properties = resolve(declared(routes, scope, **properties), look_up)
    return Resource(kind().name, found["name"], found)


def find(aws: Aws, wanted: Resource, **fields: Any) -> Observed | None:
    return kind().read(aws, [target(wanted, **fields)]).get(wanted.address)


def read(aws: Aws, wanted: Resource, **fields: Any) -> Observed:
    """What AWS has of the API, which must be there."""
    observed = find(aws, wanted, **fields)
    assert observed is not None
    return observed


def differing(wanted: Resource, observed: Observed) -> set[str]:
    return {change.path for change in diff(kind().spec, wanted.properties, observed.properties)}


def bring(aws: Aws, wanted: Resource, **fields: Any) -> Mapping[str, Any]:
    """One run without the release phase: reads, creates or updates; the outputs afterwards."""
    observed = find(aws, wanted, **fields)
    if observed is None:
        return kind().create(aws, wanted)
    paths = frozenset(differing(wanted, observed))
    if not paths:
        return observed.outputs
    return {**observed.outputs, **kind().update(aws, wanted, observed, paths)}
