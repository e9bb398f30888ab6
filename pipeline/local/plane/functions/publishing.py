"""PublishVersion: nothing new is published of code and configuration that did not change since the last version.

https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from pipeline.local.plane.asgi import Answer
from pipeline.local.plane.emulator import Call, Emulator
from pipeline.local.plane.functions.names import Function
from pipeline.local.plane.refusal import Refusal

_FUNCTIONS = "/2015-03-31/functions"
# What differs between a function and its version though nothing was changed.
_VOLATILE = frozenset(
    {
        "FunctionArn", "LastModified", "LastUpdateStatus", "LastUpdateStatusReason", "LastUpdateStatusReasonCode",
        "MasterArn", "RevisionId", "State", "StateReason", "StateReasonCode", "Version",
    }
)  # fmt: skip


@dataclass
class Publishing:
    """Publishes by way of the emulator. Remembers what each version was made of: its description may be its own."""

    emulator: Emulator
    made_of: dict[Function, str] = field(default_factory=dict)

    async def publish(self, function: Function, body: Mapping[str, Any], raw: bytes) -> Answer:
        """The new version, or the last one when there is nothing to publish. Raises Refusal."""
        latest = await self.configuration(function.qualified(None))
        if latest is not None:
            _check_code(body.get("CodeSha256"), latest)
        if latest is not None and body.get("RevisionId") in {None, latest.get("RevisionId")}:
            last = await self._last(function)
            if last is not None and self._of(function, last) == _fingerprint(latest):
                return Answer.of_json(last, 201)
        path = f"{_FUNCTIONS}/{quote(function.name, safe='')}/versions"
        answer = await self.emulator.call(Call(function.caller, "POST", path, body=raw))
        if answer.status == 201 and latest is not None:
            self.made_of[function.qualified(json.loads(answer.body)["Version"])] = _fingerprint(latest)
        return answer

    def forget(self, function: Function) -> None:
        """Drops what is remembered of a deleted function."""
        for version in [known for known in self.made_of if known.qualified(None) == function]:
            del self.made_of[version]

    async def configuration(self, function: Function) -> dict[str, Any] | None:
        """GetFunctionConfiguration; None when there is no such function, version or alias."""
        path = f"{_FUNCTIONS}/{quote(function.name, safe='')}/configuration"
        query = {"Qualifier": function.qualifier} if function.qualifier else None
        answer = await self.emulator.call(Call(function.caller, "GET", path, query))
        return dict(json.loads(answer.body)) if answer.status == 200 else None

    def _of(self, function: Function, version: Mapping[str, Any]) -> str:
        return self.made_of.get(function.qualified(version["Version"])) or _fingerprint(version)

    async def _last(self, function: Function) -> dict[str, Any] | None:
        path = f"{_FUNCTIONS}/{quote(function.name, safe='')}/versions"
        versions: list[dict[str, Any]] = []
        marker = ""
        while True:
            query = {"Marker": marker} if marker else None
            answer = await self.emulator.call(Call(function.caller, "GET", path, query))
            page = json.loads(answer.body) if answer.status == 200 else {}
            versions += page.get("Versions", [])
            marker = page.get("NextMarker") or ""
            if not marker:
                break
        numbered = [version for version in versions if version["Version"] != "$LATEST"]
        return max(numbered, key=lambda version: int(version["Version"]), default=None)


def _fingerprint(configuration: Mapping[str, Any]) -> str:
    compared = {key: value for key, value in configuration.items() if key not in _VOLATILE and value not in ("", None)}
    snap = compared.get("SnapStart")
    if isinstance(snap, dict):
        compared["SnapStart"] = snap.get("ApplyOn")
    return json.dumps(compared, sort_keys=True)


def _check_code(wanted: str | None, latest: Mapping[str, Any]) -> None:
    if wanted and latest.get("CodeSha256") != wanted:
        raise Refusal(
            400,
            "InvalidParameterValueException",
            f"CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST ({latest.get('CodeSha256')}). "
            "Please try again with the CodeSHA256 in $LATEST.",
        )
