"""Subscriptions of a topic: who gets what is published, which of it, and in which form.

A subscription is what topic, protocol and endpoint say, and subscribing twice gives the same one. One that waits to be
confirmed by the owner of its endpoint cannot be removed or changed; SNS drops it after two days.
https://docs.aws.amazon.com/sns/latest/api/API_SetSubscriptionAttributes.html
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.model.values import Value
from pipeline.resources.base import Aws

ATTRIBUTES, BODY = "MessageAttributes", "MessageBody"
_NO_FILTER = "{}"
Wire = Mapping[str, Any]


def canonical(one: Mapping[str, Any], endpoint: Value) -> dict[str, Any]:
    """A declared subscription with all it says or leaves out."""
    chosen = one.get("filter") or None
    return {
        "protocol": one["protocol"],
        "endpoint": endpoint,
        "filter": chosen,
        "filter_by": (one.get("filter_by") or ATTRIBUTES) if chosen else None,
        "raw": bool(one.get("raw")),
    }


def listed(aws: Aws, topic: str) -> list[Wire]:
    """All subscriptions of a topic."""
    return aws.pages("sns", "ListSubscriptionsByTopic", key="Subscriptions", TopicArn=topic)


def shown(aws: Aws, found: Sequence[Wire], wanted: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The confirmed ones as they are, and those that wait and are declared."""
    declared = {_key(one): one for one in wanted}
    confirmed = [one for one in found if _is_confirmed(one)]
    attributes = aws.gather([lambda one=one: _attributes(aws, one) for one in confirmed])  # type: ignore[misc]  # mypy cannot infer a lambda's default argument
    there = [_shown(one, each) for one, each in zip(confirmed, attributes, strict=True) if each is not None]
    waiting = [one for one in found if not _is_confirmed(one) and _found_key(one) in declared]
    return [*there, *(dict(declared[_found_key(one)]) for one in waiting)]


def _attributes(aws: Aws, one: Wire) -> Wire | None:
    answer = aws.found("sns", "GetSubscriptionAttributes", SubscriptionArn=one["SubscriptionArn"])
    return answer["Attributes"] if answer else None


def _shown(one: Wire, attributes: Wire) -> dict[str, Any]:
    chosen = json.loads(attributes.get("FilterPolicy") or _NO_FILTER)
    given = {"filter": chosen, "filter_by": attributes.get("FilterPolicyScope")}
    raw = str(attributes.get("RawMessageDelivery")).lower() == "true"
    return canonical({"protocol": one["Protocol"], **given, "raw": raw}, one["Endpoint"])


def converge(aws: Aws, topic: str, wanted: Sequence[Mapping[str, Any]], found: Sequence[Wire]) -> None:
    """New subscriptions, changes of those that are there, and only then the end of those that are not wanted."""
    present = {_found_key(one): one for one in found}
    for one in wanted:
        there = present.get(_key(one))
        if there is None:
            # Asking again would send another mail to somebody who has not confirmed yet.
            protocol, endpoint = _key(one)
            given: dict[str, Any] = {"Attributes": said} if (said := _given(one)) else {}
            aws.call("sns", "Subscribe", TopicArn=topic, Protocol=protocol, Endpoint=endpoint, **given)
        elif _is_confirmed(there):
            _change(aws, there, one)
    keys = {_key(one) for one in wanted}
    for key, there in sorted(present.items()):
        if key not in keys and _is_confirmed(there):
            aws.found("sns", "Unsubscribe", SubscriptionArn=there["SubscriptionArn"])


def _given(one: Mapping[str, Any]) -> dict[str, str]:
    """Attributes of a new subscription; what is as usual is not said."""
    said = {"FilterPolicyScope": one["filter_by"], "FilterPolicy": _text(one["filter"])} if one.get("filter") else {}
    return said | ({"RawMessageDelivery": "true"} if one.get("raw") else {})


def _change(aws: Aws, there: Wire, one: Mapping[str, Any]) -> None:
    have = _attributes(aws, there)
    if have is None:
        return
    now = _shown(there, have)
    changes: dict[str, str] = {}
    if (now["filter"], now["filter_by"]) != (one.get("filter"), one.get("filter_by")):
        # The scope first: a policy is read as its scope says.
        changes |= {"FilterPolicyScope": one.get("filter_by") or ATTRIBUTES, "FilterPolicy": _text(one.get("filter"))}
    if now["raw"] is not one["raw"]:
        changes["RawMessageDelivery"] = str(one["raw"]).lower()
    for name, value in changes.items():
        aws.call(
            "sns",
            "SetSubscriptionAttributes",
            SubscriptionArn=there["SubscriptionArn"],
            AttributeName=name,
            AttributeValue=value,
        )


def _text(chosen: Mapping[str, Any] | None) -> str:
    """A filter policy as SNS takes it; without one every message is delivered."""
    return json.dumps(chosen, sort_keys=True, separators=(",", ":")) if chosen else _NO_FILTER


def _is_confirmed(found: Wire) -> bool:
    """False when it waits for confirmation, or is on its way out: there is a word instead of an ARN then."""
    return str(found["SubscriptionArn"]).startswith("arn:")


def _found_key(found: Wire) -> tuple[str, str]:
    return str(found["Protocol"]), str(found["Endpoint"])


def _key(one: Mapping[str, Any]) -> tuple[str, Any]:
    return one["protocol"], one["endpoint"]
