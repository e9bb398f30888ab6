"""Guardrails, which moto does not have, and what AWS refuses of invocation logging.

Registered by `tests.support.moto_extension`. State is on moto's own backend, so that moto's reset clears it.
"""

import copy
import json
from typing import Any
from urllib.parse import unquote

from moto.bedrock import urls
from moto.bedrock.responses import BedrockResponse
from moto.core.exceptions import JsonRESTError
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends

_LISTS = {
    "topicPolicyConfig": ("topicPolicy", {"topicsConfig": "topics"}),
    "contentPolicyConfig": ("contentPolicy", {"filtersConfig": "filters"}),
    "wordPolicyConfig": ("wordPolicy", {"wordsConfig": "words", "managedWordListsConfig": "managedWordLists"}),
    "sensitiveInformationPolicyConfig": (
        "sensitiveInformationPolicy",
        {"piiEntitiesConfig": "piiEntities", "regexesConfig": "regexes"},
    ),
    "contextualGroundingPolicyConfig": ("contextualGroundingPolicy", {"filtersConfig": "filters"}),
}
_MOST_VERSIONS = 20
_WHEN = "2026-11-24T09:00:00Z"
# Looks after which something that was begun is done.
_LOOKS = 1


def register() -> None:
    """Puts the responses below under moto's addresses, before those that moto gives to another service."""
    for path, handler in list(urls.url_paths.items()):
        if handler == BedrockResponse.dispatch:
            urls.url_paths[path] = Bedrock.dispatch


class _Refused(JsonRESTError):
    def __init__(self, kind: str, message: str, code: int = 400) -> None:
        super().__init__(kind, message)
        self.code = code


class Bedrock(BedrockResponse):
    """The control plane."""

    def create_guardrail(self) -> str:
        """AWS wants a policy, and a name that nobody has; it is CREATING for a while."""
        wanted = json.loads(self.body)
        if any(one["draft"]["name"] == wanted["name"] for one in self._guardrails().values()):
            raise _Refused("ConflictException", f"Another guardrail in your account has the name {wanted['name']}")
        made = f"g{len(self._guardrails()) + 1:011}"
        arn = f"arn:aws:bedrock:{self.region}:{self.current_account}:guardrail/{made}"
        draft = {"guardrailId": made, "guardrailArn": arn, "createdAt": _WHEN, "version": "DRAFT", **_shown(wanted)}
        tags = {tag["key"]: tag["value"] for tag in wanted.get("tags", [])}
        self._guardrails()[made] = {"draft": draft, "versions": {}, "tags": tags, "busy": ("CREATING", _LOOKS)}
        return json.dumps({"guardrailId": made, "guardrailArn": arn, "version": "DRAFT", "createdAt": _WHEN})

    def get_guardrail(self) -> str:
        """A version, or the draft."""
        found = self._named()
        version = self.querystring.get("guardrailVersion", ["DRAFT"])[0]
        shown = found["draft"] if version == "DRAFT" else found["versions"].get(version)
        if shown is None:
            raise _Refused("ResourceNotFoundException", f"The guardrail version {version} does not exist", 404)
        status, looks = found["busy"]
        found["busy"] = (status, looks - 1) if looks > 1 else ("READY", 0)
        return json.dumps({**shown, "status": status if looks else "READY", "updatedAt": _WHEN})

    def update_guardrail(self) -> str:
        """AWS replaces everything, and refuses while something is under way."""
        found, wanted = self._at_rest(), json.loads(self.body)
        kept = {name: found["draft"][name] for name in ("guardrailId", "guardrailArn", "createdAt", "version")}
        found["draft"], found["busy"] = {**kept, **_shown(wanted)}, ("UPDATING", _LOOKS)
        return json.dumps({**kept, "updatedAt": _WHEN})

    def create_guardrail_version(self) -> str:
        """AWS freezes the draft, and knows a request again by its token."""
        found, token = self._at_rest(), json.loads(self.body or "{}").get("clientRequestToken")
        numbers = [int(number) for number in found["versions"]]
        if token and found.get("token") == token:
            return json.dumps({"guardrailId": found["draft"]["guardrailId"], "version": str(max(numbers))})
        if len(numbers) >= _MOST_VERSIONS:
            raise _Refused("ServiceQuotaExceededException", "Too many versions of the guardrail")
        number = found["last"] = str(int(found.get("last", "0")) + 1)
        found["versions"][number] = {**copy.deepcopy(found["draft"]), "version": number}
        found["token"], found["busy"] = token, ("VERSIONING", _LOOKS)
        return json.dumps({"guardrailId": found["draft"]["guardrailId"], "version": number})

    def list_guardrails(self) -> str:
        """All drafts, or one guardrail with its versions."""
        wanted = self.querystring.get("guardrailIdentifier", [None])[0]
        if wanted is None:
            listed = [one["draft"] for one in self._guardrails().values()]
        else:
            found = self._guardrails().get(wanted)
            listed = [found["draft"], *found["versions"].values()] if found else []
        return json.dumps({"guardrails": [_summary(one) for one in listed]})

    def delete_guardrail(self) -> str:
        """One version, or everything."""
        version = self.querystring.get("guardrailVersion", [None])[0]
        found = self._named()
        if version:
            found["versions"].pop(version, None)
        else:
            del self._guardrails()[found["draft"]["guardrailId"]]
        return "{}"

    def list_tags_for_resource(self) -> Any:
        """Of guardrails, too."""
        if (found := self._tagged()) is None:
            return super().list_tags_for_resource()
        return json.dumps({"tags": [{"key": key, "value": value} for key, value in found["tags"].items()]})

    def tag_resource(self) -> Any:
        """Guardrails, too."""
        if (found := self._tagged()) is None:
            return super().tag_resource()
        found["tags"].update({tag["key"]: tag["value"] for tag in json.loads(self.body)["tags"]})
        return "{}"

    def untag_resource(self) -> Any:
        """Guardrails, too."""
        if (found := self._tagged()) is None:
            return super().untag_resource()
        for key in json.loads(self.body)["tagKeys"]:
            found["tags"].pop(key, None)
        return "{}"

    def put_model_invocation_logging_configuration(self) -> Any:
        """AWS looks whether the log group is there and the role may write to it; the text is the same either way."""
        wanted = json.loads(self.body)["loggingConfig"].get("cloudWatchConfig")
        if wanted is not None:
            group, role = wanted["logGroupName"], wanted["roleArn"]
            groups = logs_backends[self.current_account][self.region].groups
            roles = {one.arn for one in iam_backends[self.current_account]["aws"].roles.values()}
            if group not in groups or role not in roles:
                message = f"Failed to validate permissions for log group: {group}, with role: {role}."
                raise _Refused("ValidationException", f"{message} Verify the IAM role permissions are correct.")
        return super().put_model_invocation_logging_configuration()

    def _guardrails(self) -> dict[str, Any]:
        found: dict[str, Any] = self.bedrock_backend.__dict__.setdefault("guardrails", {})
        return found

    def _named(self) -> dict[str, Any]:
        made = unquote(self.path).partition("/guardrails/")[2].split("/")[0]
        found: dict[str, Any] | None = self._guardrails().get(made)
        if found is None:
            raise _Refused("ResourceNotFoundException", f"The guardrail {made} does not exist", 404)
        return found

    def _at_rest(self) -> dict[str, Any]:
        found = self._named()
        if found["busy"][1]:
            raise _Refused("ConflictException", "The guardrail is being updated", 409)
        return found

    def _tagged(self) -> dict[str, Any] | None:
        arn = str(json.loads(self.body)["resourceARN"])
        if ":guardrail/" not in arn:
            return None
        found: dict[str, Any] | None = self._guardrails().get(arn.rpartition("/")[2])
        if found is None:
            raise _Refused("ResourceNotFoundException", f"{arn} does not exist", 404)
        return found


def _shown(wanted: dict[str, Any]) -> dict[str, Any]:
    """A request as GetGuardrail shows it: other names, and what AWS fills in."""
    plain = ("name", "description", "blockedInputMessaging", "blockedOutputsMessaging")
    found: dict[str, Any] = {name: wanted[name] for name in plain if name in wanted}
    for config, (policy, lists) in _LISTS.items():
        if config in wanted:
            found[policy] = {
                ours: [_filled(config, x) for x in wanted[config].get(theirs, [])] for theirs, ours in lists.items()
            }
            if "tierConfig" in wanted[config]:
                found[policy]["tier"] = wanted[config]["tierConfig"]
    if not {policy for policy, _ in _LISTS.values()} & found.keys():
        raise _Refused("ValidationException", "At least one policy is required")
    if "crossRegionConfig" in wanted:
        profile = wanted["crossRegionConfig"]["guardrailProfileIdentifier"]
        found["crossRegionDetails"] = {"guardrailProfileId": profile}
    elif any(one.get("tier", {}).get("tierName") == "STANDARD" for one in found.values() if isinstance(one, dict)):
        raise _Refused("ValidationException", "The STANDARD tier needs a guardrail profile")
    return found


def _filled(config: str, item: dict[str, Any]) -> dict[str, Any]:
    if config == "contextualGroundingPolicyConfig":
        return {"action": "BLOCK", "enabled": True, **item}
    usual = item.get("action", "BLOCK")
    filled = {"inputAction": usual, "outputAction": usual, "inputEnabled": True, "outputEnabled": True, **item}
    return {"inputModalities": ["TEXT"], "outputModalities": ["TEXT"], **filled} if "inputStrength" in item else filled


def _summary(shown: dict[str, Any]) -> dict[str, Any]:
    common = {"status": "READY", "createdAt": _WHEN, "updatedAt": _WHEN, "name": shown["name"]}
    return {"id": shown["guardrailId"], "arn": shown["guardrailArn"], "version": shown["version"], **common}
