"""Tables whose provisioned capacity is scaled: what follows from that, and what of it is no difference. Pure.

Autoscaling moves the capacity between its bounds. Within them any capacity is as declared, and an update of something
else leaves it where it is. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/AutoScaling.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.model.resource import Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Properties
from pipeline.resources._dynamodb_updates import PROVISIONED
from pipeline.resources.base import Problem

_DIMENSIONS = {"read": "ReadCapacityUnits", "write": "WriteCapacityUnits"}
# Name of an index, or nothing for the table itself -> property -> units.
Scaled = Mapping[str, Mapping[str, int]]


def capacity_of(properties: Properties, way: str) -> Any:
    """`read_capacity` or `write_capacity` as declared; where it is scaled, what there is always."""
    bounds = (properties.get("autoscaling") or {}).get(way) or {}
    return properties.get(f"{way}_capacity") or bounds.get("min")


def derive(resource: Resource, scope: Scope) -> Iterator[Resource]:
    """A scalable target for each way of the table and of each global index: they have the same bounds."""
    table = resource.properties
    for way, bounds in sorted((table.get("autoscaling") or {}).items()):
        for index in ("", *(one["name"] for one in table["indexes"])):
            name = f"{resource.name}/{index}:{way}" if index else f"{resource.name}:{way}"
            properties = {
                "name": name,
                "resource_id": f"table/{resource.name}/index/{index}" if index else f"table/{resource.name}",
                "dimension": f"dynamodb:{'index' if index else 'table'}:{_DIMENSIONS[way]}",
                **bounds,
                "suspended": False,
                "policies": [f"{name.replace('/', '-').replace(':', '-')}-scaling"],
            }
            yield Resource(
                "application-autoscaling.scalable_target", name, properties, (resource.address,), resource.source
            )


def check(table: Properties) -> Iterator[Problem]:
    """Bounds in order, around the capacity that is declared, and a table that has capacity at all."""
    scaling = table.get("autoscaling") or {}
    if scaling and table["billing_mode"] != PROVISIONED:
        hint = "remove it: a table on demand scales by itself"
        yield Problem("autoscaling means nothing with billing_mode PAY_PER_REQUEST", ("autoscaling",), hint)
        return
    for way, bounds in scaling.items():
        if bounds["min"] > bounds["max"]:
            yield Problem(f"min {bounds['min']} is more than max {bounds['max']}", ("autoscaling", way, "min"))
        for holder, path in ((table, ()), *((one, ("indexes", n)) for n, one in enumerate(table["indexes"]))):
            units = holder.get(f"{way}_capacity")
            if units and not bounds["min"] <= units <= max(bounds["max"], bounds["min"]):
                message = f"{way}_capacity {units} is outside of what autoscaling allows"
                yield Problem(message, (*path, f"{way}_capacity"), "leave it out: capacity begins with min")


def settled(found: Properties, declared: Properties) -> tuple[dict[str, Any], Scaled]:
    """`found` with capacities within the bounds as they are declared; and what these really are."""
    scaling = declared.get("autoscaling") or {}
    if not scaling or not found["billing_mode"] == declared["billing_mode"] == PROVISIONED:
        return dict(found), {}
    wanted = {one["name"]: one for one in declared["indexes"]}
    table, own = _one(found, declared, scaling)
    scaled, indexes = {"": own}, []
    for index in found["indexes"]:
        shown, own = _one(index, wanted.get(index["name"], {}), scaling)
        scaled[index["name"]] = own
        indexes.append(shown)
    return {**table, "indexes": indexes}, {name: own for name, own in scaled.items() if own}


def _one(
    found: Mapping[str, Any], declared: Mapping[str, Any], scaling: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, int]]:
    shown, own = dict(found), {}
    for way, bounds in scaling.items():
        name = f"{way}_capacity"
        units = found.get(name)
        if units is not None and declared.get(name) and bounds["min"] <= units <= bounds["max"]:
            shown[name], own[name] = declared[name], units
    return shown, own


def as_scaled(properties: Properties, scaled: Scaled) -> dict[str, Any]:
    """`properties` with the capacities that there really are, so that nothing sets them back."""
    indexes = [{**one, **scaled.get(one["name"], {})} for one in properties["indexes"]]
    return {**properties, **scaled.get("", {}), "indexes": indexes}
