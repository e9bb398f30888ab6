"""Distributions whose behaviors lead to an API: a request below such a path is one to the API, as on AWS.

All else that CloudFront serves the emulator does by itself; names of API Gateway would lead it out of this machine.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesCacheBehavior.html
"""

import re
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from pipeline.local.plane.caller import Caller
from pipeline.local.plane.emulator import Call, Emulator
from pipeline.local.plane.zones import all_of, text_of

_LISTED = "/2020-05-31/distribution"


@dataclass(frozen=True)
class Behaviors:
    """The behaviors of the distributions of the emulator."""

    emulator: Emulator

    async def api_behind(self, domain: str, path: str, account: str) -> tuple[str, str] | None:
        """Host and path at API Gateway for a path of a distribution; None where it leads elsewhere."""
        answer = await self.emulator.call(Call(Caller(account, "us-east-1", "cloudfront"), "GET", _LISTED))
        for found in all_of(answer, "DistributionSummary"):
            if text_of(found, "DomainName").lower() == domain:
                origin = _origin_for(found, path)
                host = text_of(origin, "DomainName") if origin is not None else ""
                if origin is not None and ".execute-api." in host:
                    return host, f"{text_of(origin, 'OriginPath')}{path}"
        return None


def _origin_for(distribution: ET.Element, path: str) -> ET.Element | None:
    """The origin of the first behavior that fits; None for the default one."""
    for behavior in _named(distribution, "CacheBehavior"):
        if fits(text_of(behavior, "PathPattern"), path):
            target = text_of(behavior, "TargetOriginId")
            return next((one for one in _named(distribution, "Origin") if text_of(one, "Id") == target), None)
    return None


def _named(element: ET.Element, name: str) -> list[ET.Element]:
    return [one for one in element.iter() if one.tag.rpartition("}")[2] == name]


def fits(pattern: str, path: str) -> bool:
    """Whether a path is one of a pattern: `*` is any number of characters, `?` exactly one."""
    parts = {"*": ".*", "?": "."}
    wanted = "".join(parts.get(character) or re.escape(character) for character in pattern)
    return re.fullmatch(wanted, path, re.DOTALL) is not None
