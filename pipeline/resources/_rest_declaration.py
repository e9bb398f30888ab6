"""A REST API as its author declares it: in canonical form, and what follows from it. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.model.resource import Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Properties
from pipeline.resources import _api_declaration as declaration
from pipeline.resources import _rest_authorizers as authorizers
from pipeline.resources import _rest_definition as definition
from pipeline.resources import _rest_errors as errors

LATEST = "latest"
# A policy of a function holds 20 KB, a statement takes about 430 bytes of it.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
STATEMENTS = 40


def canonical(properties: Properties, scope: Scope) -> Properties:
    """Endpoints and CORS as one mapping, the stage's name, access logs with their destination."""
    found = {name: value for name, value in properties.items() if name != "cors"}
    stage = properties.get("stage") or scope.environment
    found |= {"stage": stage, "alias": properties.get("alias") or "live", "unmanaged": [], "live": LATEST}
    found["endpoints"] = definition.endpoints(properties)
    found["gateway_responses"] = errors.responses(found["endpoints"])
    found["authorizers"] = authorizers.canonical(properties.get("authorizers") or {}, found["endpoints"])
    found["access_logs"] = declaration.access_logs(properties, stage)
    found["throttling"] = {"rate": 1000, "burst": 500, **(properties.get("throttling") or {})}
    return found


def derive(resource: Resource, scope: Scope) -> Iterator[Resource]:
    """The access logs' group, and for each function the permission to invoke it for exactly these methods."""
    wanted = resource.properties
    yield from declaration.log_group(resource)
    for function, routes in sorted(_routes(wanted["endpoints"]).items()):
        paths = [f"/{wanted['stage']}/{route}" for route in routes]
        yield declaration.permission(resource, function, f"{function}:{resource.name}", paths)
    yield from _judges(resource)


def _judges(resource: Resource) -> Iterator[Resource]:
    """The permission to invoke each function that judges callers; the id of its authorizer is AWS's choice."""
    wanted = resource.properties
    found = {one["function"] for one in wanted["authorizers"].values() if one["type"] == authorizers.FUNCTION}
    for function in sorted(found):
        name = f"{function}:{resource.name}/authorizers"
        yield declaration.permission(resource, function, name, ["/authorizers/*"])


def _routes(endpoints: Mapping[str, Any]) -> dict[str, list[str]]:
    """METHOD/path of what each function answers, `*` for path parameters; coarser where the policy would overflow.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html
    """
    exact: dict[str, set[tuple[str, str]]] = {}
    for key, entry in endpoints.items():
        if isinstance(entry, Mapping) and "function" in entry:
            method, _, path = key.partition(" ")
            parts = ["*" if part.startswith("{") else part for part in path.split("/")]
            exact.setdefault(entry["function"], set()).add(("*" if method == "ANY" else method, "/".join(parts)))
    return {function: _few(routes) for function, routes in exact.items()}


def _few(routes: set[tuple[str, str]]) -> list[str]:
    found = {f"{method}{path}" for method, path in routes}
    if len(found) > STATEMENTS:
        found = {f"*{path}" for _, path in routes}
    return sorted(found) if len(found) <= STATEMENTS else ["*/*"]
