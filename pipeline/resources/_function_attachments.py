"""What hangs on the alias of a function: a URL, instances that are kept ready, and what becomes of its events. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.model.resource import Resource
from pipeline.model.values import Properties


def attached(function: Resource) -> Iterator[Resource]:
    """A resource of its own for each, as far as the function asks for it."""
    wanted = function.properties
    if (executions := wanted.get("provisioned_concurrency")) is not None:
        yield _on_alias("lambda.provisioned_concurrency", function, {"executions": executions, "state": "ready"})
    if (url := wanted.get("url")) is not None:
        yield _on_alias("lambda.function_url", function, {**url, **cors_of(url), "open": url["auth"] == "NONE"})
    if (events := wanted.get("async")) is not None:
        yield _on_alias("lambda.event_invoke_config", function, events)


def cors_of(url: Mapping[str, Any]) -> dict[str, Any]:
    """The CORS settings of a URL: none where they say nothing, since AWS gives none back."""
    cors = url.get("cors")
    return {"cors": None} if cors is not None and not any(cors.values()) else {}


def _on_alias(kind: str, function: Resource, own: Mapping[str, Any]) -> Resource:
    alias = function.properties["alias"]
    properties: Properties = {"name": f"{function.name}:{alias}", "function": function.name, "alias": alias, **own}
    return Resource(kind, str(properties["name"]), properties, (function.address,), source=function.source)
