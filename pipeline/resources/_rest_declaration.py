"""A REST API as its author declares it: in canonical form, and what follows from it. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.model.resource import Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Expression, Properties, Reference
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
    logs = properties.get("access_logs", True)
    found["access_logs"] = _access_logs(logs, properties["name"], stage) if logs else None
    found["throttling"] = {"rate": 1000, "burst": 500, **(properties.get("throttling") or {})}
    return found


def _access_logs(declared: Any, name: str, stage: str) -> dict[str, Any]:
    group = Expression((Reference(f"logs.log_group/{_log_group(name, stage)}", "arn"),))
    settings = declared if isinstance(declared, Mapping) else {}
    return {"retention_days": 30, "format": "json", "destination": group, **settings}


def _log_group(name: str, stage: str) -> str:
    return f"/aws/apigateway/{name}/{stage}"


def derive(resource: Resource, scope: Scope) -> Iterator[Resource]:
    """The access logs' group, and for each function the permission to invoke it for exactly these methods."""
    wanted = resource.properties
    if logs := wanted["access_logs"]:
        name = _log_group(resource.name, wanted["stage"])
        group = {"name": name, "retention_days": logs["retention_days"], "tags": dict(wanted.get("tags") or {})}
        yield Resource("logs.log_group", name, group, source=resource.source, adopt=True)
    for function, routes in sorted(_routes(wanted["endpoints"]).items()):
        execution = Reference(resource.address, "execution_arn")
        properties = {
            "name": f"{function}:{resource.name}",
            "function": function,
            "alias": wanted["alias"],
            "principal": "apigateway.amazonaws.com",
            "source_arns": [Expression((execution, f"/{wanted['stage']}/{route}")) for route in routes],
        }
        name, needs = str(properties["name"]), (f"lambda.function/{function}",)
        yield Resource("lambda.permission", name, properties, needs, resource.source)
    yield from _judges(resource)


def _judges(resource: Resource) -> Iterator[Resource]:
    """The permission to invoke each function that judges callers; the id of its authorizer is AWS's choice."""
    wanted = resource.properties
    found = {one["function"] for one in wanted["authorizers"].values() if one["type"] == authorizers.FUNCTION}
    for function in sorted(found):
        name = f"{function}:{resource.name}/authorizers"
        properties = {
            "name": name,
            "function": function,
            "alias": wanted["alias"],
            "principal": "apigateway.amazonaws.com",
            "source_arns": [Expression((Reference(resource.address, "execution_arn"), "/authorizers/*"))],
        }
        yield Resource("lambda.permission", name, properties, (f"lambda.function/{function}",), resource.source)


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
