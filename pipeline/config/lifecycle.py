"""Values that AWS retires, such as Lambda runtimes: warns before, refuses after. Pure.

A schema names their dates beside the values, in the word `lifecycle`: value -> {"deprecated", "create_blocked",
"update_blocked"}, each an ISO date, and "source", a URL.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pipeline.config.explanation import SUGGESTED
from pipeline.config.rendering import Renderer
from pipeline.config.shape import Shape
from pipeline.model.resource import Resource

Lifecycle = Mapping[str, Any]


def supported(lifecycle: Lifecycle, today: date) -> list[str]:
    """The values that are not deprecated, the one with the longest future first."""
    dated = [(dates["deprecated"], value) for value, dates in lifecycle.items() if isinstance(dates, Mapping)]
    return [value for deprecated, value in sorted(dated, reverse=True) if date.fromisoformat(deprecated) > today]


def with_suggestions(schema: Mapping[str, Any], today: date) -> Mapping[str, Any]:
    """The schema of a type; of values with a lifecycle only those are proposed that have a future."""
    properties = {
        key: {**each, SUGGESTED: supported(each["lifecycle"], today)}
        for key, each in schema.get("properties", {}).items()
        if "lifecycle" in each
    }
    return {**schema, "properties": {**schema["properties"], **properties}} if properties else schema


def check_lifecycle(resource: Resource, shape: Shape, renderer: Renderer, today: date) -> None:
    """Looks at every property of the resource whose schema has a `lifecycle`."""
    for key in sorted(shape.keys):
        lifecycle = shape.child(key).word("lifecycle")
        value = resource.properties.get(key)
        if lifecycle and isinstance(value, str) and isinstance(lifecycle.get(value), Mapping):
            _check(value, lifecycle, key, resource, renderer, today)


def _check(value: str, lifecycle: Lifecycle, key: str, resource: Resource, renderer: Renderer, today: date) -> None:
    dates = lifecycle[value]
    deprecated, blocked = dates["deprecated"], dates["create_blocked"]
    if date.fromisoformat(deprecated) > today:
        return
    place = renderer.place_of((key,))
    hint = f"move to {' or '.join(supported(lifecycle, today)[:2])}"
    if date.fromisoformat(blocked) > today:
        message = f"{key} {value} is deprecated since {deprecated}; from {blocked} on AWS refuses it"
        renderer.findings.warning(message, place, hint=hint, address=resource.address)
    else:
        message = f"{key} {value} is refused by AWS since {blocked} (deprecated since {deprecated})"
        renderer.findings.error(message, place, hint=hint, address=resource.address)
