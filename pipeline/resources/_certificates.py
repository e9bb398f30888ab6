"""Which certificate the names of a distribution or an API need, and its canonical form. Pure.

CloudFront takes certificates of us-east-1 alone, API Gateway those of its own region:
https://docs.aws.amazon.com/acm/latest/userguide/acm-regions.html
"""

from collections.abc import Sequence
from typing import Any

from pipeline.model.resource import Resource, Source
from pipeline.model.values import Expression, Properties, Reference, Value

CLOUDFRONT_REGION = "us-east-1"
ISSUED = "issued"


def canonical_certificate(properties: Properties) -> dict[str, Any]:
    """The first domain first, as it is the certificate's own name; the zone that they are in."""
    first, *others = properties["domains"]
    zone = str(properties.get("zone") or str(first).removeprefix("*."))
    return {**properties, "domains": [first, *sorted(others)], "zone": zone, "state": ISSUED}


def covers(domains: Sequence[str], name: str) -> bool:
    """True when a certificate for `domains` is one for `name`: itself, or one label below a wildcard."""
    return name in domains or f"*.{name.partition('.')[2]}" in domains


def certificate_of(declared: Value, names: Sequence[str], zone: str, region: str) -> Value:
    """The ARN of the certificate for these names: what the author says, by ARN or by name, or the one that follows."""
    if declared is not None and (not isinstance(declared, str) or declared.startswith("arn:")):
        return declared
    name = declared or _name(_domains(names, zone), region)
    return Expression((Reference(f"acm.certificate/{name}", "arn"),))


def following_certificate(names: Sequence[str], zone: str, region: str, source: Source | None) -> Resource:
    """The certificate for these names: one for the zone and all below it serves them all, where it covers them."""
    domains = _domains(names, zone)
    properties = canonical_certificate(
        {"name": _name(domains, region), "domains": domains, "zone": zone, "region": region, "tags": {}}
    )
    return Resource("acm.certificate", properties["name"], {"key_algorithm": "RSA_2048", **properties}, source=source)


def _domains(names: Sequence[str], zone: str) -> list[str]:
    whole = [zone, f"*.{zone}"]
    return whole if all(covers(whole, name) for name in names) else list(names)


def _name(domains: Sequence[str], region: str) -> str:
    """Without an asterisk, which tags may not have."""
    first = domains[0].removeprefix("*.")
    return first if region == CLOUDFRONT_REGION else f"{first}:{region}"
