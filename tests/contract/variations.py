"""Variants of an example: one property otherwise each time, at any depth, by what the schema says of it.

Numbers, choices, lists and mappings vary by themselves; texts by `TEXTS`, which has what a pattern wants.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.config.shape import pointed

_ARN = "arn:aws:{}:us-east-1:123456789012:{}"
_DEAD = _ARN.format("sqs", "orders-dead")
_KEY = _ARN.format("kms", "key/0f0e0d0c-0b0a-4908-8706-050403020199")
_MOST_CHOICES = 4

Schema = Mapping[str, Any]


def _policy(action: str, resource: str, **principal: Any) -> dict[str, Any]:
    named = {"Principal": principal} if principal else {}
    statement = {"Sid": "Other", "Effect": "Allow", "Action": action, "Resource": resource, **named}
    return {"Version": "2012-10-17", "Statement": [statement]}


# By `type:property`, or by the name of the property alone, which `*` may stand for within lists.
TEXTS: Mapping[str, Sequence[Any]] = {
    "description": ["another text"],
    "comment": ["another text"],
    "tags": [{"team": "others"}, {"empty": ""}],
    "environment": [{"OTHER": "value"}],
    "kms_key": [_KEY],
    "permissions_boundary": ["arn:aws:iam::aws:policy/PowerUserAccess"],
    "function": ["orders-items", "orders-list"],
    "role": ["arn:aws:iam::123456789012:role/orders-lambda-role"],
    "dead_letter": [_DEAD],
    "on_success": [_DEAD],
    "on_failure": [_DEAD],
    "handler": ["handlers.other.handler"],
    "endpoint": ["linus@example.com"],
    "filters": [[{"body": {"kind": ["gone"]}}]],
    "filter": [{"kind": ["gone"]}],
    "input": [{"job": "other"}],
    "expression": ["rate(1 hour)"],
    "headers": [["X-Other"], {"X-Other": "1"}],
    "expose_headers": [["ETag"]],
    "expose": [["x-other"]],
    "remove": [["X-Powered-By"]],
    "actions": [["orders-alarms"]],
    "ok_actions": [["orders-alarms"]],
    "no_data_actions": [["orders-alarms"]],
    "statistic": ["Average", "p95"],
    "dimensions": [{"QueueName": "orders"}],
    "metric": ["Throttles"],
    "namespace": ["AWS/SQS"],
    "display_name": ["Others"],
    "lambda.permission:principal": ["events.amazonaws.com", "210987654321"],
    "lambda.permission:action": ["lambda:GetFunction"],
    "source_account": ["210987654321"],
    "organization": ["o-z9y8x7w6v5"],
    "event_source_token": ["others"],
    "identity": [["header.X-Other"], ["querystring.other"]],
    "cors": [{"origins": ["https://other.example"]}],
    "origins": [["https://other.example"]],
    "access_logs": [False, {"retention_days": 7}, {"format": "$context.requestId"}],
    "scopes": [["orders/other"]],
    "issuer": ["https://other.example"],
    "audience": [["others"]],
    "route_selection_expression": ["$request.body.other"],
    "binary_media_types": [["image/png"]],
    "audiences": [["other.example"]],
    "managed_policies": [["PowerUserAccess"]],
    "trust": ["states.amazonaws.com"],
    "storage_class": [],
    "callback_urls": [["https://other.example/"]],
    "logout_urls": [["https://other.example/"]],
    "subject": ["Another subject"],
    "message": ["Your code: {####}"],
    "external_id": ["other"],
    "from": ["Others <others@example.com>"],
    "reply_to": ["others@example.com"],
    "configuration_set": ["others"],
    "triggers": [{"custom_message": "orders-items"}],
    "ttl_attribute": ["gone_at"],
    "projection": [["total", "state"], "KEYS_ONLY"],
    "values": [["other"], ["one", "two"]],
    "origin_path": ["/other"],
    "default_root": ["other.html"],
    "cache": ["CachingDisabled"],
    "content_security": ["default-src 'none'"],
    "query_strings": ["all", "none", ["other"]],
    "cookies": ["all", "none", ["other"]],
    "text": ["heck"],
    "definition": ["Another definition."],
    "examples": [["Another one?"]],
    "pattern": ["OTHER-[0-9]"],
    "blocked_input_message": ["Others."],
    "blocked_output_message": ["Others."],
    "prefix": ["other/"],
    "license": ["Apache-2.0"],
    "error_document": ["other.html"],
    "index_document": ["other.html"],
    "vpc": [{"subnets": ["subnet-9"], "security_groups": ["sg-9"]}],
    "sqs.queue:policy": [_policy("sqs:SendMessage", _ARN.format("sqs", "orders-jobs"), Service="events.amazonaws.com")],
    "sns.topic:policy": [_policy("sns:Publish", _ARN.format("sns", "orders-alarms"), Service="events.amazonaws.com")],
    "s3.bucket:policy": [_policy("s3:ListBucket", "arn:aws:s3:::orders-frontend-123456789012", AWS="210987654321")],
    "document": [_policy("s3:GetObject", "arn:aws:s3:::orders/*")],
    "source_arns": [[_ARN.format("execute-api", "a1b2c3d4e5/dev/GET/other")]],
}


def variants(type_name: str, schema: Schema, example: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The example with one property otherwise, and not its name."""
    return _otherwise(type_name, schema, schema, example, frozenset({"name"}))


def _otherwise(
    type_name: str, root: Schema, schema: Schema, current: Mapping[str, Any], fixed: frozenset[str] = frozenset()
) -> Iterator[dict[str, Any]]:
    for name, sub in schema.get("properties", {}).items():
        if name in fixed or sub.get("readOnly") or sub.get("engine"):
            continue
        if name in current and name not in schema.get("required", ()):
            yield {key: value for key, value in current.items() if key != name}
        for value in _values(type_name, root, sub, name, current.get(name)):
            if value != current.get(name):
                yield {**current, name: value}


def _values(type_name: str, root: Schema, schema: Schema, name: str, current: Any) -> Iterator[Any]:
    if "$ref" in schema:
        schema = {**pointed(root, schema["$ref"]), **schema}
    yield from TEXTS.get(f"{type_name}:{name}", TEXTS.get(name, ()))
    yield from list(schema.get("enum", ()))[:_MOST_CHOICES]
    for branch in schema.get("anyOf", schema.get("oneOf", ())):
        yield from _values(type_name, root, branch, "", current)
    kinds = schema.get("type")
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if kind == "boolean":
            yield from (True, False)
        elif kind in ("integer", "number"):
            yield from _numbers(schema, current)
        elif kind == "array" and isinstance(current, list):
            yield from _lists(type_name, root, schema.get("items", {}), name, current)
        elif kind == "object":
            yield from _mappings(type_name, root, schema, current)


def _numbers(schema: Schema, current: Any) -> Iterator[Any]:
    known = isinstance(current, (int, float)) and not isinstance(current, bool)
    low, high = schema.get("minimum"), schema.get("maximum")
    base = current if known else schema.get("default", 1 if low is None else low)
    yield from (number for number in (base + 1, base - 1, low, high) if number is not None)


def _lists(type_name: str, root: Schema, items: Schema, name: str, current: list[Any]) -> Iterator[list[Any]]:
    if len(current) > 1:
        yield from (current[1:], current[:-1], current[::-1])
    for number, item in enumerate(current):
        for value in _values(type_name, root, items, f"{name}.*", item):
            yield [*current[:number], value, *current[number + 1 :]]


def _mappings(type_name: str, root: Schema, schema: Schema, current: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(current, Mapping):
        needed = {}
        for name in schema.get("required", ()):
            found = next(_values(type_name, root, schema["properties"][name], name, None), None)
            if found is None:
                return
            needed[name] = found
        yield needed
        current = needed
    yield from _otherwise(type_name, root, schema, current)
    rest = schema.get("additionalProperties")
    if isinstance(rest, Mapping):
        for name, held in current.items():
            for value in _values(type_name, root, rest, "", held):
                yield {**current, name: value}
