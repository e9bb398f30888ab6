"""Public hosted zones of Route 53: found by their names, never made.

Route 53 makes a second zone of one name without a word, with other name servers than the registrar knows, and DNS
breaks: so a deploy only looks. https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/hosted-zone-private-considerations.html
"""

from collections.abc import Sequence

from pipeline.model.resource import Observed
from pipeline.resources._route53_zones import find_zone
from pipeline.resources.base import Aws, Target, read_each


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each zone by its name."""
    return read_each(aws, targets, _read_one)


def _read_one(aws: Aws, target: Target) -> Observed | None:
    zone = find_zone(aws, target.name)
    if zone is None:
        return None
    details = aws.call("route53", "GetHostedZone", Id=zone)
    servers = sorted((details.get("DelegationSet") or {}).get("NameServers") or ())
    return Observed(target.address, {"name": target.name}, {"id": zone, "name_servers": servers}, markable=False)
