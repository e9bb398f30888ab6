"""Records of Route 53: all values of one name and type, or an alias.

A record carries no tags. It is made by CREATE, which Route 53 refuses where there is one already: UPSERT would write
over what somebody else made. https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.errors import PipelineError
from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties, Value
from pipeline.resources._route53_records import canonical_record, hosted_zone
from pipeline.resources._route53_zones import find_zone, is_within, plain_name
from pipeline.resources.base import Aws, Problem, Target

_PAGE = 300  # records that one call lists
_TTL = 300
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_CHUNK = 255

Wire = Mapping[str, Any]


def canonical(properties: Properties, scope: Scope) -> Properties:
    """With the zone and its id, a time to live where there are values, TXT as Route 53 quotes it."""
    values = properties.get("values")
    if values is None:
        return canonical_record(properties)
    written = [_quoted(value) for value in values] if properties["type"] == "TXT" else list(values)
    return canonical_record({**properties, "values": written, "ttl": properties.get("ttl", _TTL)})


def _quoted(value: Value) -> Value:
    if not isinstance(value, str) or _QUOTED.match(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return " ".join(f'"{escaped[at : at + _CHUNK]}"' for at in range(0, len(escaped), _CHUNK))


def derive(resource: Resource, scope: Scope) -> Iterator[Resource]:
    """The zone, which must be there."""
    yield hosted_zone(str(resource.properties["zone"]), resource.source)


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """A name outside of its zone, a CNAME where there are other records, a time to live of an alias."""
    wanted = resource.properties
    name, kind, zone = str(wanted["name"]), wanted["type"], str(wanted["zone"])
    if not is_within(name, zone):
        yield Problem(f"{name} is no name in the zone {zone}", ("zone",), f"name a zone that ends {name}")
    if kind == "CNAME" and name == zone:
        # https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-choosing-alias-non-alias.html
        yield Problem(f"{name} is the zone itself, which cannot have a CNAME", ("type",), "use an alias of type A")
    if kind in ("NS", "SOA") and name == zone:
        yield Problem(f"the {kind} records of a zone itself are Route 53's", ("name",), "leave them alone")
    if kind == "CNAME" and len(wanted.get("values") or ()) > 1:
        yield Problem("a CNAME has one value", ("values",), "keep one of them")
    if wanted.get("alias") and wanted.get("ttl") is not None:
        yield Problem("an alias has the time to live of what it leads to", ("ttl",), "remove it")


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """The records of each zone: from its first page where they are there, else one by one."""
    zones = sorted({str(target.resource.properties["zone"]) for target in targets})
    parts = aws.gather([lambda zone=zone: _read_zone(aws, zone, targets) for zone in zones])  # type: ignore[misc]  # mypy cannot infer a lambda's default argument
    return {address: observed for part in parts for address, observed in part.items()}


def _read_zone(aws: Aws, zone: str, targets: Sequence[Target]) -> dict[str, Observed]:
    zone_id = find_zone(aws, zone)
    if zone_id is None:
        return {}
    wanted = [target for target in targets if target.resource.properties["zone"] == zone]
    if len(wanted) == 1:
        found = [_look(aws, zone_id, wanted[0].resource)]
    else:
        listed = aws.call("route53", "ListResourceRecordSets", HostedZoneId=zone_id, MaxItems=str(_PAGE))
        sets, complete = listed.get("ResourceRecordSets") or (), not listed.get("IsTruncated")
        found = [_named(sets, target.resource) for target in wanted]
        if not complete:
            again = [target.resource for target, sets in zip(wanted, found, strict=True) if not sets]
            looked = iter(aws.gather([lambda one=one: _look(aws, zone_id, one) for one in again]))  # type: ignore[misc]  # mypy cannot infer a lambda's default argument
            found = [sets or next(looked) for sets in found]
    pairs = zip(wanted, found, strict=True)
    return {target.address: _observed(target, zone_id, sets) for target, sets in pairs if sets}


def _look(aws: Aws, zone_id: str, resource: Resource) -> list[Wire]:
    """The record sets of the name and type; several where a routing policy chooses between them."""
    name, kind = str(resource.properties["name"]), str(resource.properties["type"])
    listed = aws.found(
        "route53",
        "ListResourceRecordSets",
        HostedZoneId=zone_id,
        StartRecordName=name,
        StartRecordType=kind,
        MaxItems="2",
    )
    return _named((listed or {}).get("ResourceRecordSets") or (), resource)


def _named(sets: Sequence[Wire], resource: Resource) -> list[Wire]:
    name, kind = resource.properties["name"], resource.properties["type"]
    return [one for one in sets if one["Type"] == kind and plain_name(one["Name"]) == name]


def _observed(target: Target, zone_id: str, sets: Sequence[Wire]) -> Observed:
    if any(one.get("SetIdentifier") for one in sets):
        raise PipelineError(
            f"reading {target.address}: its records have a routing policy, which is not supported",
            hint="choose another name, or delete these records first",
        )
    found, declared = sets[0], target.resource.properties
    alias = found.get("AliasTarget")
    properties = {
        "name": declared["name"],
        "type": found["Type"],
        "zone": declared["zone"],
        "zone_id": zone_id,
        "values": None if alias else sorted(str(one["Value"]) for one in found.get("ResourceRecords") or ()),
        "ttl": None if alias else found.get("TTL"),
        "alias": _alias(alias) if alias else None,
    }
    return Observed(target.address, properties, {}, markable=False)


def _alias(found: Wire) -> dict[str, Any]:
    return {
        "target": plain_name(found["DNSName"]).removeprefix("dualstack."),
        "zone_id": found["HostedZoneId"],
        "evaluate_health": bool(found.get("EvaluateTargetHealth")),
    }


def create(aws: Aws, resource: Resource) -> Outputs:
    """The record; refused by Route 53 when there is one."""
    _change(aws, str(resource.properties["zone_id"]), "CREATE", _to_wire(resource.properties))
    return {}


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """The whole record anew."""
    _change(aws, str(resource.properties["zone_id"]), "UPSERT", _to_wire(resource.properties))
    return {}


def delete(aws: Aws, observed: Observed) -> None:
    """The record as it is now: Route 53 wants to be told all of it."""
    zone_id = str(observed.properties["zone_id"])
    for found in _look(aws, zone_id, Resource("route53.record", observed.address, observed.properties)):
        aws.found("route53", "ChangeResourceRecordSets", HostedZoneId=zone_id, ChangeBatch=_batch("DELETE", found))


def _change(aws: Aws, zone_id: str, action: str, record: Wire) -> None:
    aws.call("route53", "ChangeResourceRecordSets", HostedZoneId=zone_id, ChangeBatch=_batch(action, record))


def _batch(action: str, record: Wire) -> dict[str, Any]:
    return {"Changes": [{"Action": action, "ResourceRecordSet": dict(record)}]}


def _to_wire(wanted: Properties) -> dict[str, Any]:
    record: dict[str, Any] = {"Name": wanted["name"], "Type": wanted["type"]}
    if alias := wanted.get("alias"):
        target = {"DNSName": alias["target"], "HostedZoneId": alias["zone_id"]}
        return {**record, "AliasTarget": {**target, "EvaluateTargetHealth": alias["evaluate_health"]}}
    return {**record, "TTL": wanted["ttl"], "ResourceRecords": [{"Value": value} for value in wanted["values"]]}
