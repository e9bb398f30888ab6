"""Domain names of APIs: changes by patch operations, for emulators that keep domains and know no such changes.

https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html#UpdateDomainName-Patch
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pipeline.local.plane.asgi import Answer, Request
from pipeline.local.plane.caller import Caller
from pipeline.local.plane.emulator import Call, Emulator

_JSON = (("content-type", "application/json"),)
# What the second API Gateway calls the settings.
_SETTINGS = {
    "/regionalCertificateArn": "certificateArn",
    "/securityPolicy": "securityPolicy",
    "/endpointConfiguration/ipAddressType": "ipAddressType",
}
_MAPPING = {"/restapiId": "restApiId", "/stage": "stage"}


def patches_domain(method: str, raw_path: str) -> bool:
    """True for UpdateDomainName and UpdateBasePathMapping."""
    parts = raw_path.strip("/").split("/")
    is_mapping = len(parts) == 4 and parts[2] == "basepathmappings"
    return method == "PATCH" and parts[0] == "domainnames" and (len(parts) == 2 or is_mapping)


@dataclass(frozen=True)
class Domains:
    """The domains of the emulator, which both API Gateways share."""

    emulator: Emulator

    async def patch(self, request: Request, caller: Caller) -> Answer:
        """The changed domain or mapping."""
        wanted = {
            one["path"]: one.get("value")
            for one in json.loads(request.body or b"{}").get("patchOperations") or ()
            if one.get("op") == "replace"
        }
        segments = request.segments
        if len(segments) == 4:
            return await self._remap(caller, segments[1], segments[3], wanted)
        return await self._change(caller, segments[1], wanted)

    async def _change(self, caller: Caller, name: str, wanted: Mapping[str, Any]) -> Answer:
        path = f"/domainnames/{quote(name)}"
        found = await self.emulator.call(Call(caller, "GET", f"/v2{path}"))
        if found.status != 200:
            return found
        (setting, *_) = json.loads(found.body)["domainNameConfigurations"]
        setting = {key: value for key, value in setting.items() if value is not None}
        setting |= {_SETTINGS[key]: value for key, value in wanted.items() if key in _SETTINGS}
        body = json.dumps({"domainNameConfigurations": [setting]}).encode()
        changed = await self.emulator.call(Call(caller, "PATCH", f"/v2{path}", None, _JSON, body))
        return await self.emulator.call(Call(caller, "GET", path)) if changed.status == 200 else changed

    async def _remap(self, caller: Caller, name: str, base: str, wanted: Mapping[str, Any]) -> Answer:
        path = f"/domainnames/{quote(name)}/basepathmappings"
        one = f"{path}/{quote(base)}"
        found = await self.emulator.call(Call(caller, "GET", one))
        if found.status != 200:
            return found
        mapping = json.loads(found.body) | {_MAPPING[key]: value for key, value in wanted.items() if key in _MAPPING}
        await self.emulator.call(Call(caller, "DELETE", one))
        return await self.emulator.call(Call(caller, "POST", path, None, _JSON, json.dumps(mapping).encode()))
