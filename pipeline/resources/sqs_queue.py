"""SQS queues.

A queue takes all of its attributes as text. What was set shows itself within a minute, retention within a quarter of an
hour: a plan made meanwhile may show the old value, and setting the new one again does no harm.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
The name of a deleted queue is free again after 60 seconds; a creation that comes too early is repeated until then.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteQueue.html
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.model.access import Grant
from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Expression, Outputs, Properties, Reference, Value
from pipeline.resources import policies
from pipeline.resources.base import Aws, Problem, Target, read_each, split_tags, stale_tags, tags_for, touches
from pipeline.resources.grants import of_document

KMS, OWN_KEYS = "aws:kms", "SSE-SQS"
FIFO = ".fifo"
_ADMISSION = "SubscribedTopics"
# Seconds; a deletion takes up to 60.
EVERY, GONE_WITHIN = 2.0, 180.0


@dataclass(frozen=True)
class _Attribute:
    """How a property is sent; an empty text takes an attribute away."""

    name: str
    give: Callable[[Value], str]


def _lower(value: Value) -> str:
    return str(bool(value)).lower()


def _redrive(wanted: Value) -> str:
    if not wanted:
        return ""
    return json.dumps({"deadLetterTargetArn": wanted["queue"], "maxReceiveCount": wanted["max_receives"]})


_ATTRIBUTES: Mapping[str, _Attribute] = {
    "visibility_timeout": _Attribute("VisibilityTimeout", str),
    "retention": _Attribute("MessageRetentionPeriod", str),
    "delay": _Attribute("DelaySeconds", str),
    "receive_wait": _Attribute("ReceiveMessageWaitTimeSeconds", str),
    "dead_letter": _Attribute("RedrivePolicy", _redrive),
    "policy": _Attribute("Policy", lambda document: policies.to_json(document) if document else ""),
}


def canonical(properties: Properties, scope: Scope) -> Properties:
    """The policy in its canonical form, the dead-letter queue as a reference."""
    dead, document = properties.get("dead_letter"), properties.get("policy")
    return {
        **properties,
        "dead_letter": {**dead, "queue": _queue(dead["queue"])} if dead else None,
        "policy": policies.canonical(document, partition=scope.partition) if document else None,
    }


def _queue(value: Value) -> Value:
    if isinstance(value, str) and not value.startswith("arn:"):
        return Expression((Reference(f"sqs.queue/{value}", "arn"),))
    return value


def compose(resource: Resource, stack: Sequence[Resource], scope: Scope) -> tuple[Resource, tuple[Resource, ...]]:
    """With a policy that admits the declared topics that the queue subscribes to, and nobody else for that.

    https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html#SendMessageToSQS.sqs.permissions
    """
    topics = sorted(one.name for one in stack if one.type == "sns.topic" and _subscribes(resource, one, scope))
    if not topics:
        return resource, ()
    admission = {
        "Sid": _ADMISSION,
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": scope.arn("sqs", resource.name),
        "Condition": {"ArnEquals": {"aws:SourceArn": [scope.arn("sns", topic) for topic in topics]}},
    }
    policy = policies.canonical({"Version": policies.VERSION, "Statement": [admission]}, partition=scope.partition)
    if own := resource.properties.get("policy"):
        policy = {**own, "Statement": {**policy["Statement"], **own["Statement"]}}
    return replace(resource, properties={**resource.properties, "policy": policy}), ()


def _subscribes(queue: Resource, topic: Resource, scope: Scope) -> bool:
    ends = (_queue(queue.name), scope.arn("sqs", queue.name))
    return any(one["protocol"] == "sqs" and one["endpoint"] in ends for one in topic.properties["subscriptions"])


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Names of FIFO queues, the kind of the dead-letter queue, keys and policy."""
    name, wanted = resource.name, resource.properties
    if wanted["fifo"] is not name.endswith(FIFO):
        hint = f"name it {name}{FIFO}" if wanted["fifo"] else "say fifo: true"
        yield Problem(f"the names of FIFO queues, and only theirs, end in {FIFO}", ("name",), hint)
    if wanted["content_deduplication"] and not wanted["fifo"]:
        yield Problem("content_deduplication is for FIFO queues", ("content_deduplication",), "say fifo: true")
    if wanted["encryption"] == KMS and not wanted.get("kms_key"):
        yield Problem("encryption aws:kms needs a key", ("encryption",), "add kms_key, such as alias/aws/sqs")
    if wanted.get("kms_key") and wanted["encryption"] != KMS:
        yield Problem(f"kms_key means nothing with encryption {OWN_KEYS}", ("kms_key",), f"set encryption: {KMS}")
    if wanted.get("dead_letter"):
        yield from _check_dead_letter(name, wanted)
    if wanted.get("policy") is not None:
        yield from policies.problems(wanted["policy"], policies.Use.RESOURCE, ("policy",))


def _check_dead_letter(name: str, wanted: Properties) -> Iterator[Problem]:
    other = _name_of(wanted["dead_letter"]["queue"])
    if other == name:
        yield Problem("a queue cannot be its own dead-letter queue", ("dead_letter", "queue"))
    elif other is not None and wanted["fifo"] is not other.endswith(FIFO):
        kind = "a FIFO queue" if wanted["fifo"] else "no FIFO queue"
        yield Problem(f"the dead-letter queue of this queue must be {kind}, too", ("dead_letter", "queue"))


def _name_of(queue: Value) -> str | None:
    """The name of a queue from its ARN or a reference to it; None when neither tells."""
    if isinstance(queue, Expression) and len(queue.parts) == 1:
        return queue.references[0].address.partition("/")[2]
    return queue.rpartition(":")[2] if isinstance(queue, str) else None


def warn(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Grants that are too wide."""
    yield from policies.warnings(resource.properties.get("policy"), ("policy",))


def grants(properties: Properties, scope: Scope) -> Iterator[Grant]:
    """What the policy grants."""
    yield from of_document(properties.get("policy"))


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each queue by itself: its URL by its name, then attributes and tags."""
    return read_each(aws, targets, _read_one)


def _read_one(aws: Aws, target: Target) -> Observed | None:
    url = _url(aws, target.name)
    if url is None:
        return None
    # AWS may still know the name of a queue that is gone.
    attributes, tags = aws.gather(
        [
            lambda: aws.found("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"]),
            lambda: aws.found("sqs", "ListQueueTags", QueueUrl=url),
        ]
    )
    if attributes is None or tags is None:
        return None
    own, mark = split_tags(tags.get("Tags") or {})
    properties = {"name": target.name, **_properties(attributes["Attributes"]), "tags": own}
    return Observed(target.address, properties, _outputs(aws.scope, target.name, url), mark)


def _properties(found: Mapping[str, str]) -> dict[str, Value]:
    dead = json.loads(found.get("RedrivePolicy") or "{}")
    text, key = found.get("Policy"), found.get("KmsMasterKeyId") or None
    own_keys = OWN_KEYS if found.get("SqsManagedSseEnabled") == "true" else "none"
    return {
        "fifo": found.get("FifoQueue") == "true",
        "content_deduplication": found.get("ContentBasedDeduplication") == "true",
        "visibility_timeout": int(found.get("VisibilityTimeout", 30)),
        "retention": int(found.get("MessageRetentionPeriod", 345600)),
        "delay": int(found.get("DelaySeconds", 0)),
        "receive_wait": int(found.get("ReceiveMessageWaitTimeSeconds", 0)),
        "dead_letter": {"queue": dead["deadLetterTargetArn"], "max_receives": int(dead["maxReceiveCount"])}
        if dead
        else None,
        "encryption": KMS if key else own_keys,
        "kms_key": key,
        "policy": policies.canonical(json.loads(text), version=policies.UNSTATED_VERSION) if text else None,
    }


def create(aws: Aws, resource: Resource) -> Outputs:
    """The queue with its mark and all attributes, in one call that gives the same queue when repeated."""
    wanted = resource.properties
    attributes = {attribute.name: attribute.give(wanted.get(name)) for name, attribute in _ATTRIBUTES.items()}
    if wanted["fifo"]:
        attributes |= {"FifoQueue": "true", "ContentBasedDeduplication": _lower(wanted["content_deduplication"])}
    attributes |= _encryption(wanted)
    # Only what has a value: an empty text is a value that AWS compares with when the call is repeated.
    given = {name: value for name, value in attributes.items() if value}
    made = aws.call("sqs", "CreateQueue", QueueName=resource.name, Attributes=given, tags=tags_for(aws, resource))
    return _outputs(aws.scope, resource.name, made["QueueUrl"])


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """All attributes that differ in one call, then tags."""
    wanted, url = resource.properties, observed.outputs["url"]
    changed = {a.name: a.give(wanted.get(name)) for name, a in _ATTRIBUTES.items() if touches(paths, name)}
    if touches(paths, "encryption", "kms_key"):
        changed |= _encryption(wanted)
    if touches(paths, "content_deduplication") and wanted["fifo"]:
        changed["ContentBasedDeduplication"] = _lower(wanted["content_deduplication"])
    if changed and wanted.get("policy"):
        changed["Policy"] = _ATTRIBUTES["policy"].give(wanted["policy"])  # who may send is never left open by a change
    if changed:
        aws.call("sqs", "SetQueueAttributes", QueueUrl=url, Attributes=changed)
    if touches(paths, "tags"):
        tags = tags_for(aws, resource)
        aws.call("sqs", "TagQueue", QueueUrl=url, Tags=tags)
        if gone := stale_tags(observed, tags):
            aws.call("sqs", "UntagQueue", QueueUrl=url, TagKeys=gone)
    return observed.outputs


def _encryption(wanted: Properties) -> dict[str, str]:
    """One of the two kinds: AWS refuses both at once."""
    if wanted["encryption"] == KMS:
        return {"SqsManagedSseEnabled": "false", "KmsMasterKeyId": wanted["kms_key"]}
    return {"KmsMasterKeyId": "", "SqsManagedSseEnabled": "true"}


def delete(aws: Aws, observed: Observed) -> None:
    """The queue with its messages; waits until AWS shows it no longer."""
    name = observed.properties["name"]
    url = _url(aws, name)
    if url is None:
        return
    aws.found("sqs", "DeleteQueue", QueueUrl=url)
    aws.wait(
        f"deletion of queue {name}",
        lambda: True if _url(aws, name) is None else None,
        every=EVERY,
        budget=GONE_WITHIN,
    )


def _url(aws: Aws, name: str) -> str | None:
    found = aws.found("sqs", "GetQueueUrl", QueueName=name)
    return str(found["QueueUrl"]) if found else None


def _outputs(scope: Scope, name: str, url: str) -> Outputs:
    return {"arn": scope.arn("sqs", name), "url": url}
