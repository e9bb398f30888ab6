"""Domains of APIs as their author declares them, whichever kind of API they lead to. Pure.

Canonically the mappings are a mapping, from the first part of the path to API and stage; the root is `(none)`, as API
Gateway calls it. https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-custom-domains.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.model.resource import Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Expression, Outputs, Properties, Reference
from pipeline.resources._certificates import certificate_of, following_certificate
from pipeline.resources._route53_records import alias_records, hosted_zone, zone_above
from pipeline.resources._route53_zones import is_within
from pipeline.resources.base import Problem

ROOT = "(none)"
# What only declares; API Gateway has no such settings.
DECLARED = ("zone", "records")
# A change takes less than a minute, a new TLS policy a quarter of an hour:
# https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-security-policies-update.html
EVERY, SECONDS = 5.0, 1800.0
AVAILABLE = "AVAILABLE"
CHANGING = ("UPDATING", "PENDING")


@dataclass(frozen=True)
class Kind:
    """Kinds of API that a domain may lead to: the property that names one -> its resource type."""

    types: Mapping[str, str]

    def canonical(self, properties: Properties, scope: Scope) -> Properties:
        """Mappings by their path, API and stage by reference; the certificate."""
        name = str(properties["name"])
        zone = str(properties.get("zone") or zone_above(name))
        listed = properties.get("mappings") or [properties]
        return {
            **{key: value for key, value in properties.items() if key not in self.types},
            "zone": zone,
            "mappings": {one.get("path") or ROOT: self._mapping(one, scope) for one in listed},
            "certificate": certificate_of(properties.get("certificate"), [name], zone, scope.region),
        }

    def _mapping(self, one: Properties, scope: Scope) -> dict[str, Any]:
        (name,) = self.types.keys() & one.keys()
        api = Expression((Reference(f"{self.types[name]}/{one[name]}", "id"),))
        return {"api": api, "stage": one.get("stage") or scope.environment}


def derive(resource: Resource, scope: Scope) -> Iterator[Resource]:
    """The zone, the certificate and the records, where they are not declared by themselves."""
    wanted, source = resource.properties, resource.source
    zone = str(wanted["zone"])
    following = following_certificate([resource.name], zone, scope.region, source)
    if wanted["certificate"] == Expression((Reference(following.address, "arn"),)):
        yield hosted_zone(zone, source)
        yield following
    if wanted["records"]:
        yield hosted_zone(zone, source)
        target, zone_id = (Reference(resource.address, output) for output in ("domain", "zone_id"))
        yield from alias_records([resource.name], zone, target, Expression((zone_id,)), source)


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """A name outside of its zone, a certificate of another region."""
    wanted = resource.properties
    if wanted["records"] and not is_within(resource.name, str(wanted["zone"])):
        yield Problem(f"{resource.name} is no name in the zone {wanted['zone']}", ("zone",))
    certificate = wanted["certificate"]
    if isinstance(certificate, str) and certificate.split(":")[3:4] != [scope.region]:
        hint = "name one of this region, or leave it out"
        yield Problem(f"API Gateway takes certificates of its own region, {scope.region}", ("certificate",), hint)


def arn(scope: Scope, name: str) -> str:
    """ARNs of the control plane name no account."""
    return scope.arn("apigateway", f"/domainnames/{name}", account=False)


def outputs(scope: Scope, name: str, domain: str | None, zone_id: str | None, scheme: str) -> Outputs:
    """What others may know of the domain."""
    return {"arn": arn(scope, name), "domain": domain, "zone_id": zone_id, "url": f"{scheme}://{name}"}
