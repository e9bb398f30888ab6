"""Route 53: every domain is one's own here, so that the zone of one is there when it is first looked for by its name.

And names are looked up in these zones, as a resolver would for the whole world.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, quote
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from pipeline.local.plane.asgi import Answer, Request
from pipeline.local.plane.caller import Caller
from pipeline.local.plane.emulator import Call, Emulator

_API = "/2013-04-01"
_BY_NAME = f"{_API}/hostedzonesbyname"
_XML = (("content-type", "text/xml"),)
_DOMAIN = re.compile(r"([a-z0-9_-]{1,63}\.)+[a-z0-9-]{2,63}")


def looks_for_zone(method: str, raw_path: str, query_string: str) -> bool:
    """True for ListHostedZonesByName with a name."""
    return method == "GET" and raw_path.rstrip("/") == _BY_NAME and "dnsname" in parse_qs(query_string)


@dataclass(frozen=True)
class Zones:
    """The hosted zones of the emulator."""

    emulator: Emulator

    async def list_by_name(self, request: Request, caller: Caller) -> Answer:
        """ListHostedZonesByName, after which there is a public zone of that name."""
        name = request.query["dnsname"][0].rstrip(".").lower()
        if _DOMAIN.fullmatch(name) and name not in dict(await self._listed(caller)):
            members = f"<Name>{escape(name)}</Name><CallerReference>{escape(name)}</CallerReference>"
            body = f"<CreateHostedZoneRequest>{members}</CreateHostedZoneRequest>"
            await self.emulator.call(Call(caller, "POST", f"{_API}/hostedzone", None, _XML, body.encode()))
        query = {key: values[0] for key, values in request.query.items()}
        return await self.emulator.call(Call(caller, "GET", _BY_NAME, query))

    async def alias_of(self, name: str, account: str) -> str | None:
        """What the alias record of a name leads to; None where there is none."""
        caller = Caller(account, "us-east-1", "route53")
        zones = await self._listed(caller)
        holding = [(zone, identifier) for zone, identifier in zones if name == zone or name.endswith(f".{zone}")]
        for _, identifier in sorted(holding, key=lambda found: -len(found[0])):
            path = f"{_API}/hostedzone/{quote(identifier)}/rrset"
            answer = await self.emulator.call(Call(caller, "GET", path, {"name": name, "type": "A", "maxitems": "1"}))
            for record in all_of(answer, "ResourceRecordSet"):
                target = text_of(record, "DNSName")
                if text_of(record, "Name").rstrip(".").lower() == name and target:
                    return target.rstrip(".").lower()
        return None

    async def _listed(self, caller: Caller) -> list[tuple[str, str]]:
        answer = await self.emulator.call(Call(caller, "GET", f"{_API}/hostedzone"))
        return [
            (text_of(zone, "Name").rstrip(".").lower(), text_of(zone, "Id").rpartition("/")[2])
            for zone in all_of(answer, "HostedZone")
            if text_of(zone, "PrivateZone") != "true"
        ]


def all_of(answer: Answer, name: str) -> Iterator[ET.Element]:
    """The elements of an answer that have this name, wherever."""
    if answer.status == 200:
        root = ET.fromstring(answer.body)  # noqa: S314 - what the emulator in this very process wrote
        yield from root.iter(f"{_namespace(root)}{name}")


def text_of(element: ET.Element, name: str) -> str:
    """The text of the first element of this name in another one; empty where there is none."""
    found = next(element.iter(f"{_namespace(element)}{name}"), None)
    return (found.text or "") if found is not None else ""


def _namespace(element: ET.Element) -> str:
    return element.tag[: element.tag.index("}") + 1] if element.tag.startswith("{") else ""
