"""Access logs of WebSocket and HTTP APIs are switched off: some emulators take that for the deletion of the stage.

https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-stages-stagename-accesslogsettings.html
"""

import json
from dataclasses import dataclass

from pipeline.local.plane.asgi import Answer, Request
from pipeline.local.plane.caller import Caller
from pipeline.local.plane.emulator import Call, Emulator

_LAST = "accesslogsettings"


def stops_logs(method: str, raw_path: str) -> bool:
    """True for DeleteAccessLogSettings: DELETE /v2/apis/API/stages/STAGE/accesslogsettings."""
    parts = raw_path.strip("/").split("/")
    return method == "DELETE" and len(parts) == 6 and parts[0] == "v2" and parts[3] == "stages" and parts[5] == _LAST


@dataclass(frozen=True)
class Stages:
    """The stages of the emulator."""

    emulator: Emulator

    async def stop_logs(self, request: Request, caller: Caller) -> Answer:
        """Empties the setting; the stage goes on."""
        path = request.raw_path.removesuffix(f"/{_LAST}")
        body, headers = json.dumps({"accessLogSettings": {}}).encode(), (("content-type", "application/json"),)
        changed = await self.emulator.call(Call(caller, "PATCH", path, None, headers, body))
        return Answer(204) if changed.status == 200 else changed
