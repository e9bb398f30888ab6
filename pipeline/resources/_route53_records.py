"""Zones and records that follow from what is served under a name. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

from pipeline.model.resource import Resource, Source
from pipeline.model.values import Expression, Properties, Reference
from pipeline.resources._route53_zones import plain_name

# Addresses of both kinds: what CloudFront and API Gateway serve is reachable by either.
ALIASED = ("A", "AAAA")


def zone_above(name: str) -> str:
    """The zone that a name is looked for in where nobody says which: what follows its first label."""
    return name.partition(".")[2]


def zone_id_of(zone: str) -> Expression:
    """The id of a zone, once it is found."""
    return Expression((Reference(f"route53.hosted_zone/{zone}", "id"),))


def hosted_zone(name: str, source: Source | None) -> Resource:
    """The zone of this name, to be found."""
    return Resource("route53.hosted_zone", name, {"name": name}, source=source)


def canonical_record(properties: Properties) -> dict[str, Any]:
    """A record with its zone and the zone's id; the target of an alias as Route 53 writes it."""
    zone = str(properties.get("zone") or zone_above(str(properties["name"])))
    found = {**properties, "zone": zone, "zone_id": zone_id_of(zone)}
    if alias := properties.get("alias"):
        target = alias["target"]
        named = plain_name(target).removeprefix("dualstack.") if isinstance(target, str) else target
        found["alias"] = {"evaluate_health": False, **alias, "target": named}
    return found


def alias_records(
    names: Sequence[str], zone: str, target: Reference, zone_id: Any, source: Source | None
) -> Iterator[Resource]:
    """The alias records of these names; `target` is the domain name that they lead to, `zone_id` that of its zone."""
    for name in names:
        for kind in ALIASED:
            alias = {"target": Expression((target,)), "zone_id": zone_id}
            properties = canonical_record({"name": name, "type": kind, "zone": zone, "alias": alias})
            yield Resource("route53.record", f"{name}:{kind}", properties, source=source)
