"""SNS topics with their subscriptions.

A topic is found by its ARN, which follows from its name.
https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.model.access import Grant
from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Expression, Outputs, Properties, Reference, Value
from pipeline.resources import _event_patterns, policies
from pipeline.resources import _sns_subscriptions as subscriptions
from pipeline.resources.base import (
    Aws,
    Problem,
    Target,
    read_each,
    split_tags,
    stale_tags,
    tag_list,
    tag_map,
    tags_for,
    touches,
)
from pipeline.resources.grants import of_document

FIFO, ALIAS = ".fifo", "live"
# https://docs.aws.amazon.com/sns/latest/dg/sns-large-payload-raw-message-delivery.html
_RAW = ("sqs", "https", "firehose")
# What every topic has until it gets a policy: https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
_DEFAULT_SID = "__default_statement_ID"
_DEFAULT_ACTIONS = (
    "GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic", "Subscribe",
    "ListSubscriptionsByTopic", "Publish",
)  # fmt: skip
_ARN = r"arn:aws[a-z-]*:{}:.+"
_ENDPOINTS = {
    "email": r"[^@\s]+@[^@\s]+",
    "email-json": r"[^@\s]+@[^@\s]+",
    "https": r"https://\S+",
    "sms": r"\+[0-9]{7,15}",
    "sqs": _ARN.format("sqs"),
    "lambda": _ARN.format("lambda"),
    "firehose": _ARN.format("firehose"),
    "application": _ARN.format("sns"),
}


def canonical(properties: Properties, scope: Scope) -> Properties:
    """The policy in its canonical form, queues and functions as references."""
    document = properties.get("policy")
    return {
        **properties,
        "subscriptions": [
            subscriptions.canonical(one, _endpoint(one["protocol"], one["endpoint"]))
            for one in properties.get("subscriptions") or ()
        ],
        "policy": policies.canonical(document, partition=scope.partition) if document else None,
    }


def _endpoint(protocol: str, value: Value) -> Value:
    if not isinstance(value, str) or value.startswith("arn:"):
        return value
    if protocol == "sqs":
        return Expression((Reference(f"sqs.queue/{value}", "arn"),))
    if protocol == "lambda":
        return Expression((Reference(f"lambda.function/{value}", "arn"), f":{ALIAS}"))
    return value


def derive(resource: Resource, scope: Scope) -> Iterator[Resource]:
    """The permission to invoke each function that subscribes by its name."""
    for one in resource.properties["subscriptions"]:
        endpoint = one["endpoint"]
        if one["protocol"] != "lambda" or not isinstance(endpoint, Expression):
            continue
        function = endpoint.references[0].address.partition("/")[2]
        properties = {
            "name": f"{function}:sns/{resource.name}",
            "function": function,
            "alias": ALIAS,
            "principal": "sns.amazonaws.com",
            "source_arns": [Expression((Reference(resource.address, "arn"),))],
        }
        name, needs = str(properties["name"]), (f"lambda.function/{function}",)
        yield Resource("lambda.permission", name, properties, needs, resource.source)


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Names of FIFO topics, endpoints that do not fit their protocol, subscriptions declared twice, the policy."""
    name, wanted = resource.name, resource.properties
    if wanted["fifo"] is not name.endswith(FIFO):
        hint = f"name it {name}{FIFO}" if wanted["fifo"] else "say fifo: true"
        yield Problem(f"the names of FIFO topics, and only theirs, end in {FIFO}", ("name",), hint)
    if wanted["content_deduplication"] and not wanted["fifo"]:
        yield Problem("content_deduplication is for FIFO topics", ("content_deduplication",), "say fifo: true")
    yield from _check_subscriptions(wanted)
    if wanted.get("policy") is not None:
        yield from policies.problems(wanted["policy"], policies.Use.RESOURCE, ("policy",))


def _check_subscriptions(wanted: Properties) -> Iterator[Problem]:
    seen: set[tuple[str, str]] = set()
    for index, one in enumerate(wanted["subscriptions"]):
        path = ("subscriptions", index)
        protocol, endpoint = one["protocol"], one["endpoint"]
        if isinstance(endpoint, str) and not re.fullmatch(_ENDPOINTS[protocol], endpoint):
            yield Problem(f"{endpoint} is no endpoint of the protocol {protocol}", (*path, "endpoint"))
        yield from _check_fit(one, wanted["fifo"], path)
        if (protocol, str(endpoint)) in seen:
            yield Problem(f"{endpoint} subscribes twice", path, "keep one of them")
        seen.add((protocol, str(endpoint)))


def _check_fit(one: Mapping[str, Any], fifo: bool, path: tuple[str | int, ...]) -> Iterator[Problem]:
    """What goes with neither the topic nor the protocol."""
    protocol, endpoint = one["protocol"], one["endpoint"]
    if fifo and protocol != "sqs":
        yield Problem("only queues can subscribe to a FIFO topic", (*path, "protocol"))
    if not fifo and _event_patterns.is_fifo(endpoint):
        yield Problem("a FIFO queue can subscribe to FIFO topics alone", (*path, "endpoint"))
    if one["raw"] and protocol not in _RAW:
        yield Problem(f"{protocol} has no raw delivery", (*path, "raw"), f"it is for {', '.join(_RAW)}")
    if one["filter"]:
        yield from _event_patterns.problems(
            one["filter"], (*path, "filter"), deep=one["filter_by"] == subscriptions.BODY
        )


def warn(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Grants that are too wide, and a key that keeps alarms out."""
    if resource.properties.get("kms_key") == "alias/aws/sns":
        # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
        hint = "use a key of your own whose policy admits cloudwatch.amazonaws.com"
        yield Problem("alarms and event rules cannot publish to a topic encrypted with this key", ("kms_key",), hint)
    yield from policies.warnings(resource.properties.get("policy"), ("policy",))


def grants(properties: Properties, scope: Scope) -> Iterator[Grant]:
    """What the policy grants."""
    yield from of_document(properties.get("policy"))


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each topic by its ARN, which follows from its name."""
    return read_each(aws, targets, _read_one)


def _read_one(aws: Aws, target: Target) -> Observed | None:
    arn = _arn(aws.scope, target.name)
    found = aws.found("sns", "GetTopicAttributes", TopicArn=arn)
    if found is None:
        return None
    tags, listed = aws.gather(
        [
            lambda: aws.call("sns", "ListTagsForResource", ResourceArn=arn)["Tags"],
            lambda: subscriptions.listed(aws, arn),
        ]
    )
    own, mark = split_tags(tag_map(tags))
    attributes = found["Attributes"]
    wanted = target.resource.properties.get("subscriptions") or ()
    properties = {
        "name": target.name,
        "fifo": attributes.get("FifoTopic") == "true",
        "content_deduplication": attributes.get("ContentBasedDeduplication") == "true",
        "display_name": attributes.get("DisplayName") or "",
        "subscriptions": subscriptions.shown(aws, listed, wanted),
        "kms_key": attributes.get("KmsMasterKeyId") or None,
        "policy": _own_policy(attributes.get("Policy")),
        "tags": own,
    }
    return Observed(target.address, properties, {"arn": arn}, mark)


def _own_policy(text: str | None) -> Any:
    """The policy, or None when it is the one that every topic has."""
    document = policies.canonical(json.loads(text), version=policies.UNSTATED_VERSION) if text else None
    if document and set(document["Statement"]) == {_DEFAULT_SID}:
        return None
    return document


def create(aws: Aws, resource: Resource) -> Outputs:
    """The topic with its mark and attributes, then its subscriptions."""
    wanted = resource.properties
    attributes = {"DisplayName": wanted["display_name"], "KmsMasterKeyId": wanted.get("kms_key") or ""}
    if wanted["fifo"]:
        attributes |= {"FifoTopic": "true", "ContentBasedDeduplication": _flag(wanted)}
    if wanted.get("policy"):
        attributes["Policy"] = policies.to_json(wanted["policy"])
    given = {name: value for name, value in attributes.items() if value}
    tags = tag_list(tags_for(aws, resource))
    arn = aws.call("sns", "CreateTopic", Name=resource.name, Attributes=given, Tags=tags)["TopicArn"]
    subscriptions.converge(aws, arn, wanted["subscriptions"], [])
    return {"arn": arn}


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """Each attribute by its own call; new subscriptions before old ones go; tags."""
    wanted, arn = resource.properties, observed.outputs["arn"]
    values = {
        "display_name": ("DisplayName", wanted["display_name"]),
        "kms_key": ("KmsMasterKeyId", wanted.get("kms_key") or ""),
        "content_deduplication": ("ContentBasedDeduplication", _flag(wanted)),
        "policy": ("Policy", policies.to_json(wanted.get("policy") or _default_policy(aws.scope, arn))),
    }
    for name, (attribute, value) in values.items():
        if touches(paths, name):
            aws.call("sns", "SetTopicAttributes", TopicArn=arn, AttributeName=attribute, AttributeValue=value)
    if touches(paths, "subscriptions"):
        subscriptions.converge(aws, arn, wanted["subscriptions"], subscriptions.listed(aws, arn))
    if touches(paths, "tags"):
        tags = tags_for(aws, resource)
        aws.call("sns", "TagResource", ResourceArn=arn, Tags=tag_list(tags))
        if gone := stale_tags(observed, tags):
            aws.call("sns", "UntagResource", ResourceArn=arn, TagKeys=gone)
    return observed.outputs


def delete(aws: Aws, observed: Observed) -> None:
    """The topic with its subscriptions."""
    aws.found("sns", "DeleteTopic", TopicArn=observed.outputs["arn"])


def _flag(wanted: Properties) -> str:
    return str(bool(wanted["content_deduplication"])).lower()


def _default_policy(scope: Scope, arn: str) -> dict[str, Any]:
    statement = {
        "Sid": _DEFAULT_SID,
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in _DEFAULT_ACTIONS],
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": scope.account}},
    }
    return {"Version": policies.UNSTATED_VERSION, "Id": "__default_policy_ID", "Statement": [statement]}


def _arn(scope: Scope, name: str) -> str:
    return scope.arn("sns", name)
