"""Bedrock's guardrails as AWS shows them: names of answers, versions in lists, updates that replace, deleted versions.

Everything is kept by the emulator, where models are asked; what it does right already passes through unchanged.
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_GetGuardrail.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from pipeline.local.plane.asgi import Answer, Request
from pipeline.local.plane.caller import Caller
from pipeline.local.plane.emulator import Call, Emulator

_PATH = "guardrails"
_DRAFT = "DRAFT"
_POLICIES = ("topic", "content", "word", "sensitiveInformation", "contextualGrounding")
# Lists of a policy, which requests call by these names with Config behind them.
_LISTS = ("topics", "filters", "words", "managedWordLists", "piiEntities", "regexes", "tier")
_OPTIONAL = ("description", *(f"{name}PolicyConfig" for name in _POLICIES))
_MOST_VERSIONS = 20

Wire = dict[str, Any]
Key = tuple[str, str, str]


def is_guardrail(path: str) -> bool:
    """True for the addresses of guardrails and their lists."""
    return path.strip("/").split("/")[0] == _PATH


@dataclass
class Guardrails:
    """Answers by way of the emulator. Keeps which versions were deleted, and the profiles that it does not know."""

    emulator: Emulator
    deleted: dict[Key, set[str]] = field(default_factory=dict)
    profiles: dict[Key, str] = field(default_factory=dict)

    async def answer(self, request: Request, caller: Caller) -> Answer | None:
        """None for what the emulator may answer as it is."""
        made = request.segments[1] if len(request.segments) > 1 else None
        query = {name: values[-1] for name, values in request.query.items()}
        if request.method == "GET":
            wanted = made or query.get("guardrailIdentifier")
            if wanted is None:
                return None
            version = query.get("guardrailVersion", _DRAFT)
            return await (self._get(caller, wanted, version) if made else self._list(caller, wanted))
        if request.method == "DELETE" and made and query.get("guardrailVersion"):
            self.deleted.setdefault(_key(caller, made), set()).add(query["guardrailVersion"])
            return Answer.of_json({}, 202)
        if made is None or request.method == "PUT":
            return await self._put(request, caller, made)
        return None

    async def _get(self, caller: Caller, made: str, version: str) -> Answer:
        answer = await self._asked(caller, made, version)
        key = _key(caller, made)
        if answer.status != 200:
            return answer
        if version in self.deleted.get(key, ()):
            return Answer.of_json({"message": f"The guardrail version {version} does not exist"}, 404, _ABSENT)
        shown = json.loads(answer.body)
        for name in _POLICIES:
            if policy := shown.get(f"{name}Policy"):
                shown[f"{name}Policy"] = _renamed(policy)
        if profile := self.profiles.get(key):
            shown.setdefault("crossRegionDetails", {"guardrailProfileId": profile.rpartition("/")[2]})
        return Answer.of_json({k: v for k, v in shown.items() if v is not None})

    async def _list(self, caller: Caller, made: str) -> Answer:
        """The draft and the versions, which are numbered from 1 on."""
        found = []
        for version in (_DRAFT, *map(str, range(1, self._last(caller, made) + 1))):
            answer = await self._get(caller, made, version)
            if answer.status == 200:
                found.append(_summary(json.loads(answer.body)))
            elif version not in self.deleted.get(_key(caller, made), ()):
                break
        return Answer.of_json({"guardrails": found})

    def _last(self, caller: Caller, made: str) -> int:
        return _MOST_VERSIONS + len(self.deleted.get(_key(caller, made), ()))

    async def _put(self, request: Request, caller: Caller, made: str | None) -> Answer:
        """Creating and updating: an update takes away what it does not name."""
        document = json.loads(request.body or b"{}")
        absent = {name: None for name in _OPTIONAL if name not in document} if made else {}
        sent = json.dumps({**document, **absent}).encode()
        path = f"/{_PATH}" + (f"/{quote(made, safe='')}" if made else "")
        json_type = (("content-type", "application/json"),)
        answer = await self.emulator.call(Call(caller, request.method, path, None, json_type, sent))
        if answer.status < 300:
            key = _key(caller, made or json.loads(answer.body)["guardrailId"])
            self.profiles.pop(key, None)
            if profile := (document.get("crossRegionConfig") or {}).get("guardrailProfileIdentifier"):
                self.profiles[key] = profile
        return answer

    async def _asked(self, caller: Caller, made: str, version: str) -> Answer:
        query = {"guardrailVersion": version} if version != _DRAFT else None
        return await self.emulator.call(Call(caller, "GET", f"/{_PATH}/{quote(made, safe='')}", query))


_ABSENT = (("x-amzn-errortype", "ResourceNotFoundException"),)


def _key(caller: Caller, made: str) -> Key:
    """A guardrail by its id, however it was named."""
    return caller.account, caller.region, made.rpartition("/")[2]


def _renamed(policy: Mapping[str, Any]) -> Wire:
    own = {f"{name}Config": name for name in _LISTS}
    return {own.get(name, name): value for name, value in policy.items() if value is not None}


def _summary(shown: Mapping[str, Any]) -> Wire:
    names = ("status", "name", "description", "version", "createdAt", "updatedAt")
    found = {name: shown[name] for name in names if shown.get(name)}
    return {"id": shown["guardrailId"], "arn": shown["guardrailArn"], **found}
