"""A WebSocket API as its author declares it: in canonical form, what follows from it, what AWS would refuse. Pure.

Canonically the routes are a mapping, so that a plan names the route that differs:

    "$connect": {"function": "orders-connect", "authorization": "NONE"}

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-develop-routes.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.model.access import Grant
from pipeline.model.resource import Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Properties, digest
from pipeline.resources import _api_declaration as declaration
from pipeline.resources._websocket_authorizer import CUSTOM
from pipeline.resources.base import Problem
from pipeline.resources.grants import of_routes

LATEST = "latest"
CONNECT, DISCONNECT, DEFAULT = "$connect", "$disconnect", "$default"
# What changes only with a new api deployment.
DEFINED = ("routes", "authorizer", "alias", "route_selection_expression")
# Raised when the same properties come to mean other routes, so that they are deployed.
_EDITION = 1
# https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
ROUTES = 300
REQUEST_IDS = ("$context.requestId", "$context.extendedRequestId")


def canonical(properties: Properties, scope: Scope) -> Properties:
    """Routes as one mapping, the stage's name, access logs with their destination."""
    stage = properties.get("stage") or scope.environment
    found = {**properties, "stage": stage, "alias": properties.get("alias") or "live", "unmanaged": [], "live": LATEST}
    authorizer = properties.get("authorizer")
    found["authorizer"] = {**authorizer, "identity": sorted(authorizer["identity"])} if authorizer else None
    found["routes"] = _guarded(routes(properties["routes"]), authorizer)
    found["access_logs"] = declaration.access_logs(properties, stage)
    found["throttling"] = {"rate": 1000, "burst": 500, **(properties.get("throttling") or {})}
    return found


def routes(declared: Any) -> dict[str, Any]:
    """Routes by their keys. One that is declared twice has the list of its entries, which `check` refuses."""
    if isinstance(declared, Mapping):
        return {key: entry if isinstance(entry, Mapping) else _entry(entry) for key, entry in declared.items()}
    found: dict[str, Any] = {}
    for one in declared:
        entry = _entry(one["function"], one.get("authorization"))
        before = found.get(one["route"])
        found[one["route"]] = entry if before is None else [*(before if isinstance(before, list) else [before]), entry]
    return found


def _guarded(found: dict[str, Any], authorizer: Any) -> dict[str, Any]:
    """The same, with $connect asking the authorizer; one that says another authorization is left for `check`."""
    connect = found.get(CONNECT)
    if authorizer and isinstance(connect, Mapping) and connect["authorization"] == "NONE":
        found[CONNECT] = {**connect, "authorization": CUSTOM}
    return found


def _entry(function: Any, authorization: str | None = None) -> dict[str, Any]:
    return {"function": function, "authorization": authorization or "NONE"}


def definition_digest(properties: Properties) -> str:
    """Equal for canonical properties that a stage serves alike: the key of an api deployment."""
    defined = {name: properties.get(name) for name in DEFINED if name != "authorizer" or properties.get(name)}
    return digest([_EDITION, defined])


def derive(resource: Resource, scope: Scope) -> Iterator[Resource]:
    """The access logs' group, and for each function the permission to invoke it for exactly its routes.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-control-access-iam.html
    """
    wanted = resource.properties
    yield from declaration.log_group(resource)
    for function, keys in sorted(_by_function(wanted["routes"]).items()):
        # The kind of API is part of the name: a REST API may have the same one.
        paths = [f"/{wanted['stage']}/{key}" for key in sorted(keys)]
        yield declaration.permission(resource, function, f"{function}:websocket/{resource.name}", paths)
    if authorizer := wanted.get("authorizer"):
        function = authorizer["function"]
        name = f"{function}:websocket/{resource.name}/authorizer"
        yield declaration.permission(resource, function, name, ["/authorizers/*"])


def _by_function(declared: Mapping[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, entry in declared.items():
        if isinstance(entry, Mapping) and "function" in entry:
            found.setdefault(entry["function"], []).append(key)
    return found


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Routes declared twice, too many of them, authorization elsewhere than on $connect, logs without request id."""
    declared = resource.properties["routes"]
    for key, entry in declared.items():
        if isinstance(entry, list):
            yield Problem(f"{key} is declared {len(entry)} times", ("routes",), "name each route once")
        elif entry["authorization"] != "NONE" and key != CONNECT:
            hint = f"set it on {CONNECT}: who is let in there may send everything"
            yield Problem(f"{key} has authorization; API Gateway takes it on {CONNECT} alone", ("routes",), hint)
    yield from _check_authorizer(resource.properties)
    if len(declared) > ROUTES:
        yield Problem(f"the API has {len(declared)} routes; API Gateway allows {ROUTES}", ("routes",))
    logs = resource.properties.get("access_logs")
    if logs and logs["format"] != "json" and not any(name in logs["format"] for name in REQUEST_IDS):
        hint = f"add {REQUEST_IDS[0]}"
        yield Problem("API Gateway wants the request's id in the log format", ("access_logs", "format"), hint)


def _check_authorizer(wanted: Properties) -> Iterator[Problem]:
    connect = wanted["routes"].get(CONNECT)
    if wanted.get("authorizer") and connect is None:
        yield Problem(f"the authorizer judges {CONNECT}, which there is not", ("authorizer",), f"add {CONNECT}")
    elif wanted.get("authorizer") and isinstance(connect, Mapping) and connect["authorization"] != CUSTOM:
        hint = "keep one or the other"
        yield Problem(f"{CONNECT} has authorization, and the API an authorizer", ("authorizer",), hint)


def grants(properties: Properties, scope: Scope) -> Iterator[Grant]:
    """Who may connect may send everything: that is everybody, where the first route asks for nothing."""
    routes = properties.get("routes") or {}
    yield from of_routes("apigatewayv2.api", properties, {key: routes[key] for key in (CONNECT,) if key in routes})


def warn(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Connections that everybody may open, and messages that reach no function."""
    declared = resource.properties["routes"]
    connect = declared.get(CONNECT)
    if connect is None:
        yield Problem(f"everybody may connect: there is no {CONNECT} route", ("routes",), f"add {CONNECT}")
    elif isinstance(connect, Mapping) and connect["authorization"] == "NONE":
        hint = "add an authorizer, set authorization on it, or check callers in its function"
        yield Problem(f"everybody may connect: {CONNECT} has no authorization", ("routes",), hint)
    if DEFAULT not in declared:
        hint = f"add {DEFAULT}"
        yield Problem("messages that name no route are answered with an error", ("routes",), hint)
