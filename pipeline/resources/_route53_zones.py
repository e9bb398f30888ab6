"""Hosted zones as Route 53 lists them, and names as it writes them.

https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html
"""

import re

from pipeline.errors import PipelineError
from pipeline.resources.base import Aws

_ESCAPED = re.compile(r"\\([0-7]{3})")


def plain_name(name: str) -> str:
    """A domain name without the dot at its end, in lower case, `\\052` as the character that it stands for."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), name).rstrip(".").lower()


def is_within(name: str, zone: str) -> bool:
    """True when `name` is the zone's own or lies below it."""
    return name == zone or name.endswith(f".{zone}")


def find_zone(aws: Aws, name: str) -> str | None:
    """The id of the public zone of this name, or None. PipelineError when there are several.

    The list begins at the name and goes on with the ones that follow it, so that only the first few are looked at.
    https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListHostedZonesByName.html
    """
    listed = aws.call("route53", "ListHostedZonesByName", DNSName=name, MaxItems="10").get("HostedZones") or ()
    named = [zone for zone in listed if plain_name(zone["Name"]) == name]
    ids = [str(zone["Id"]).rpartition("/")[2] for zone in named if not (zone.get("Config") or {}).get("PrivateZone")]
    if len(ids) > 1:
        raise PipelineError(
            f"looking for the hosted zone {name}: there are {len(ids)} public ones: {', '.join(sorted(ids))}",
            hint="delete the ones whose name servers the registrar does not name",
        )
    return ids[0] if ids else None
