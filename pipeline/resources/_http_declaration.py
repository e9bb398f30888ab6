"""An HTTP API as its author declares it: in canonical form, what follows from it, what AWS would refuse. Pure.

Canonically the endpoints are a mapping, so that a plan names the route that differs:

    "GET /orders": {"function": "orders-list", "authorization": "JWT", "authorizer": "users", "scopes": []}

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.model.access import Grant
from pipeline.model.resource import Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Properties, digest
from pipeline.resources import _api_declaration as declaration
from pipeline.resources import _http_authorizers as authorizers
from pipeline.resources._http_authorizers import NONE
from pipeline.resources.base import Problem
from pipeline.resources.grants import of_routes

LATEST, DEFAULT = "latest", "$default"
# What changes only with a new api deployment.
DEFINED = ("endpoints", "authorizers", "cors", "alias", "payload")
# Raised when the same properties come to mean another definition, so that it is deployed.
_EDITION = 1
# https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
ROUTES, AUTHORIZERS = 300, 10
# A policy of a function holds 20 KB: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
STATEMENTS = 40
REQUEST_IDS = ("$context.requestId", "$context.extendedRequestId")


def canonical(properties: Properties, scope: Scope) -> Properties:
    """Endpoints as one mapping, the stage's name, access logs with their destination, the digest of all that."""
    stage = properties.get("stage") or scope.environment
    found = {**properties, "stage": stage, "alias": properties.get("alias") or "live", "unmanaged": [], "live": LATEST}
    declared = properties.get("authorizers") or {}
    found["authorizers"] = {name: authorizers.canonical(one) for name, one in declared.items()}
    found["endpoints"] = _endpoints(properties["endpoints"], declared)
    found["cors"] = cors_of(properties["cors"]) if properties.get("cors") else None
    found["access_logs"] = declaration.access_logs(properties, stage)
    found["throttling"] = {"rate": 1000, "burst": 500, **(properties.get("throttling") or {})}
    # Taken here, where references are still references: they never resolve to another text.
    found["edition"] = digest([_EDITION, {name: found.get(name) for name in DEFINED}])
    return found


def _endpoints(declared: Any, known: Mapping[str, Any]) -> dict[str, Any]:
    """Routes by their keys. One that is declared twice has the list of its entries, which `check` refuses."""
    if isinstance(declared, Mapping):
        return dict(declared)
    found: dict[str, Any] = {}
    for one in declared:
        for key in _keys(one):
            entry, before = _entry(one, known), found.get(key)
            found[key] = entry if before is None else [*(before if isinstance(before, list) else [before]), entry]
    return found


def _keys(endpoint: Mapping[str, Any]) -> list[str]:
    if endpoint["path"] == DEFAULT:
        return [DEFAULT]
    return [f"{method} {endpoint['path']}" for method in endpoint.get("methods") or ["ANY"]]


def _entry(endpoint: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    authorizer = endpoint.get("authorizer")
    guarded = authorizers.authorization(known.get(authorizer)) if authorizer else None
    return {
        "function": endpoint["function"],
        "authorization": guarded or endpoint.get("authorization") or NONE,
        "authorizer": authorizer,
        "scopes": sorted(endpoint.get("scopes") or ()),
    }


def cors_of(declared: Mapping[str, Any]) -> dict[str, Any]:
    """CORS settings in the one form that is compared; names of headers have no case."""
    lists = {key: sorted(declared.get(key) or ()) for key in ("origins", "methods")}
    headers = {key: sorted(name.lower() for name in declared.get(key) or ()) for key in ("headers", "expose")}
    more = {"max_age": declared.get("max_age", 0), "credentials": bool(declared.get("credentials"))}
    return {**lists, **headers, **more}


def derive(resource: Resource, scope: Scope) -> Iterator[Resource]:
    """The access logs' group, and for each function the permission to invoke it for exactly its routes."""
    wanted = resource.properties
    yield from declaration.log_group(resource)
    for function, routes in sorted(_by_function(wanted["endpoints"]).items()):
        # The kind of API is part of the name: another one may have the same.
        paths = [f"/{wanted['stage']}/{route}" for route in _few(routes)]
        yield declaration.permission(resource, function, f"{function}:http/{resource.name}", paths)
    for function in authorizers.functions(wanted):
        # The id of an authorizer is AWS's choice.
        name = f"{function}:http/{resource.name}/authorizers"
        yield declaration.permission(resource, function, name, ["/authorizers/*"])


def _by_function(endpoints: Mapping[str, Any]) -> dict[str, set[tuple[str, str]]]:
    """METHOD and path of what each function answers, `*` for path parameters.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    found: dict[str, set[tuple[str, str]]] = {}
    for key, entry in endpoints.items():
        if isinstance(entry, Mapping) and "function" in entry:
            method, _, path = key.partition(" ")
            parts = ["*" if part.startswith("{") else part for part in path.split("/")]
            route = (DEFAULT, "") if key == DEFAULT else ("*" if method == "ANY" else method, "/".join(parts))
            found.setdefault(entry["function"], set()).add(route)
    return found


def _few(routes: set[tuple[str, str]]) -> list[str]:
    """The routes; coarser where the function's policy would overflow."""
    found = {f"{method}{path}" for method, path in routes}
    if len(found) > STATEMENTS:
        found = {f"*{path}" if path else method for method, path in routes}
    return sorted(found) if len(found) <= STATEMENTS else ["*"]


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Routes declared twice, authorizers that are not there, quotas, CORS that browsers refuse."""
    wanted = resource.properties
    endpoints, known = wanted["endpoints"], wanted["authorizers"]
    for key, entry in endpoints.items():
        if isinstance(entry, list):
            yield Problem(f"{key} is declared {len(entry)} times", ("endpoints",), "name each method of a path once")
            continue
        if entry["authorizer"] and entry["authorizer"] not in known:
            hint = f"one of {', '.join(sorted(known))}" if known else "declare it below authorizers:"
            yield Problem(f"{key}: there is no authorizer {entry['authorizer']}", ("endpoints",), hint)
        if entry["scopes"] and not entry["authorizer"]:
            yield Problem(f"{key} has scopes but no authorizer", ("endpoints",), "name an authorizer")
    for count, most, what in ((len(endpoints), ROUTES, "endpoints"), (len(known), AUTHORIZERS, "authorizers")):
        if count > most:
            yield Problem(f"the API has {count} {what}; API Gateway allows {most}", (what,))
    yield from authorizers.check(wanted)
    yield from _cors_problems(wanted.get("cors"))
    logs = wanted.get("access_logs")
    if logs and logs["format"] != "json" and not any(name in logs["format"] for name in REQUEST_IDS):
        hint = f"add {REQUEST_IDS[0]}"
        yield Problem("API Gateway wants the request's id in the log format", ("access_logs", "format"), hint)


def _cors_problems(cors: Mapping[str, Any] | None) -> Iterator[Problem]:
    if cors and cors["credentials"] and any("*" in cors[key] for key in ("origins", "methods", "headers")):
        yield Problem("with credentials browsers take no *", ("cors",), "name origins, methods and headers")


def grants(properties: Properties, scope: Scope) -> Iterator[Grant]:
    """The routes that everybody may call."""
    yield from of_routes("apigatewayv2.http_api", properties, properties.get("endpoints"))


def warn(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Routes that everybody may call, and pages of every origin."""
    endpoints, cors = resource.properties["endpoints"], resource.properties.get("cors")
    entries = [entry for entry in endpoints.values() if isinstance(entry, Mapping)]
    if unguarded := [entry for entry in entries if entry.get("authorization") == NONE]:
        some = "every route" if len(unguarded) == len(entries) else "some routes"
        hint = "set authorizer or authorization, or check callers in the functions"
        yield Problem(f"everybody may call {some} of this API ({len(unguarded)})", ("endpoints",), hint)
    if cors and "*" in cors["origins"]:
        yield Problem("pages of every origin may call this API", ("cors", "origins"), "name the origins of your pages")
