"""The policies of a guardrail: as AWS's API takes them, as it shows them, and canonically. Pure.

Canonically a policy has mappings, so that a plan names the topic or filter that differs, and says nothing that AWS
fills in by itself:

    topic_policy: {"topics": {"Investments": {"definition": "..."}}}
    content_policy: {"filters": {"HATE": {"inputStrength": "HIGH", "outputStrength": "HIGH"}}}

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_CreateGuardrail.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.model.values import Properties, digest

Wire = Mapping[str, Any]

# property -> (its member, the lists in it with the key of their items)
POLICIES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "topic_policy": ("topicPolicy", {"topics": "name"}),
    "content_policy": ("contentPolicy", {"filters": "type"}),
    "word_policy": ("wordPolicy", {"words": "text", "managedWordLists": "type"}),
    "sensitive_information_policy": ("sensitiveInformationPolicy", {"piiEntities": "type", "regexes": "name"}),
    "contextual_grounding_policy": ("contextualGroundingPolicy", {"filters": "type"}),
}
_CONFIG = "Config"
_TIER, _CLASSIC = "tier", "CLASSIC"
_FILLED_IN: Mapping[str, Any] = {
    "type": "DENY",
    "inputEnabled": True,
    "outputEnabled": True,
    "enabled": True,
    "inputModalities": ["TEXT"],
    "outputModalities": ["TEXT"],
    "examples": [],
}
_ACTIONS = ("inputAction", "outputAction")
_BLOCK = "BLOCK"
# Items of these lists would else say nothing at all.
_BARE = ("words", "managedWordLists")
# Versions of a guardrail that AWS keeps, and how many of them are nearly all.
# https://docs.aws.amazon.com/general/latest/gr/bedrock.html (versions per guardrail)
MOST_VERSIONS, NEARLY_FULL = 20, 18
_DEFINED = (*POLICIES, "blocked_input_message", "blocked_output_message", "guardrail_profile", "kms_key", "description")


def canonical(policy: Wire | None, kind: str) -> dict[str, Any] | None:
    """A policy of the specs (`topicsConfig`) or of an answer (`topics`) in its canonical form."""
    if not policy:
        return None
    found: dict[str, Any] = {}
    for name, key in POLICIES[kind][1].items():
        items: Sequence[Wire] = policy.get(f"{name}{_CONFIG}") or policy.get(name) or ()
        if items:
            found[name] = {str(item[key]): _item(item, key, bare=name in _BARE) for item in items}
    tier = (policy.get(f"{_TIER}{_CONFIG}") or policy.get(_TIER) or {}).get("tierName", _CLASSIC)
    if found and tier != _CLASSIC:
        found[_TIER] = tier
    return found or None


def _item(item: Wire, key: str, *, bare: bool) -> dict[str, Any]:
    usual = item.get("action") if "action" in item and "threshold" not in item else _BLOCK
    kept = {}
    for name, value in sorted(item.items()):
        filled = usual if name in _ACTIONS else _BLOCK if name == "action" and "threshold" in item else None
        if name == key or value is None or value == filled or value == _FILLED_IN.get(name, filled):
            continue
        kept[name] = sorted(value) if name.endswith("Modalities") else value
    return kept or ({"inputAction": _BLOCK} if bare else kept)


def to_wire(properties: Properties) -> dict[str, Any]:
    """The members that CreateGuardrail and UpdateGuardrail take."""
    found: dict[str, Any] = {
        "blockedInputMessaging": properties["blocked_input_message"],
        "blockedOutputsMessaging": properties["blocked_output_message"],
        "description": properties.get("description") or None,
        "kmsKeyId": properties.get("kms_key"),
    }
    if properties.get("guardrail_profile"):
        found["crossRegionConfig"] = {"guardrailProfileIdentifier": properties["guardrail_profile"]}
    for kind, (member, lists) in POLICIES.items():
        if policy := properties.get(kind):
            found[f"{member}{_CONFIG}"] = _policy(policy, lists, topics=kind == "topic_policy")
    return {name: value for name, value in found.items() if value is not None}


def _policy(policy: Wire, lists: Mapping[str, str], *, topics: bool) -> dict[str, Any]:
    more = {"type": "DENY"} if topics else {}
    wire: dict[str, Any] = {
        f"{name}{_CONFIG}": [{key: value, **more, **item} for value, item in sorted(policy[name].items())]
        for name, key in lists.items()
        if policy.get(name)
    }
    if policy.get(_TIER):
        wire[f"{_TIER}{_CONFIG}"] = {"tierName": policy[_TIER]}
    return wire


def shown(guardrail: Wire) -> dict[str, Any]:
    """What AWS has, as canonical properties."""
    profile = (guardrail.get("crossRegionDetails") or {}).get("guardrailProfileId")
    return {
        "name": guardrail["name"],
        "description": guardrail.get("description") or "",
        "blocked_input_message": guardrail["blockedInputMessaging"],
        "blocked_output_message": guardrail["blockedOutputsMessaging"],
        "guardrail_profile": profile,
        "kms_key": guardrail.get("kmsKeyArn"),
        **{kind: canonical(guardrail.get(member), kind) for kind, (member, _) in POLICIES.items()},
    }


def definition(properties: Properties) -> str:
    """Equal for properties that mean the same guardrail; not for what only describes it."""
    return digest({name: properties.get(name) for name in _DEFINED if name != "description"})
