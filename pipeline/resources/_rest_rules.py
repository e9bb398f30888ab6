"""What API Gateway would refuse of a REST API, and what a reader of the plan should know. Pure."""

from collections.abc import Iterator, Mapping

from pipeline.model.access import Grant
from pipeline.model.resource import Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Properties
from pipeline.resources import _rest_authorizers as authorizers
from pipeline.resources.base import Problem
from pipeline.resources.grants import of_routes

# https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
RESOURCES = 300
# https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
REQUEST_IDS = ("$context.requestId", "$context.extendedRequestId")


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Methods declared twice, path parameters that collide, too many paths, credentials for every origin."""
    endpoints = resource.properties["endpoints"]
    for key, entry in endpoints.items():
        if isinstance(entry, list):
            yield Problem(f"{key} is declared {len(entry)} times", ("endpoints",), "name each method of a path once")
    paths = sorted({key.partition(" ")[2] for key in endpoints})
    yield from _colliding(paths)
    if (count := len(_resources(paths))) > RESOURCES:
        yield Problem(f"the paths have {count} parts; API Gateway allows {RESOURCES} resources", ("endpoints",))
    yield from authorizers.check(resource.properties)
    logs = resource.properties.get("access_logs")
    if logs and logs["format"] != "json" and not any(name in logs["format"] for name in REQUEST_IDS):
        hint = f"add {REQUEST_IDS[0]}"
        yield Problem("API Gateway wants the request's id in the log format", ("access_logs", "format"), hint)
    cors = [entry["cors"] for entry in endpoints.values() if isinstance(entry, Mapping) and "cors" in entry]
    if any(one["credentials"] and "*" in one["origins"] for one in cors):
        yield Problem("browsers refuse credentials when every origin is allowed", ("cors",), "name the origins")
    if any("*" in one["origins"] and len(one["origins"]) > 1 for one in cors):
        yield Problem(
            "* is every origin: the others beside it mean nothing", ("cors", "origins"), "keep one or the other"
        )


def _resources(paths: list[str]) -> set[str]:
    """Every path and all paths above it: each is a resource of its own."""
    found = {"/"}
    for path in paths:
        parts = path.strip("/").split("/")
        found |= {"/" + "/".join(parts[: end + 1]) for end in range(len(parts))}
    return found


def _colliding(paths: list[str]) -> Iterator[Problem]:
    """One path parameter per level: AWS refuses a second one beside it ("only one unique variable path part")."""
    seen: dict[str, str] = {}
    for path in sorted(_resources(paths)):
        parent, _, last = path.rpartition("/")
        if last.startswith("{") and seen.setdefault(parent, last) != last:
            where = parent or "/"
            hint = f"use {seen[parent]} for both"
            yield Problem(f"below {where} stand {seen[parent]} and {last}; API Gateway takes one", ("endpoints",), hint)


def grants(properties: Properties, scope: Scope) -> Iterator[Grant]:
    """The methods that everybody may call."""
    yield from of_routes("apigateway.rest_api", properties, properties.get("endpoints"))


def warn(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Methods that everybody may call, and pages of every origin."""
    endpoints = resource.properties["endpoints"]
    entries = [entry for entry in endpoints.values() if isinstance(entry, Mapping)]
    unguarded = [e for e in entries if e.get("authorization") == "NONE" and not e.get("api_key_required")]
    if unguarded:
        some = "every method" if len(unguarded) == len([e for e in entries if "function" in e]) else "some methods"
        hint = "set authorizer or authorization, or check callers in the functions"
        yield Problem(f"everybody may call {some} of this API ({len(unguarded)})", ("endpoints",), hint)
    if any("*" in entry["cors"]["origins"] for entry in entries if "cors" in entry):
        yield Problem("pages of every origin may call this API", ("cors", "origins"), "name the origins of your pages")
