"""What functions can be given access to: how each kind of thing is named, and which actions its levels mean. Pure.

Levels hold the actions that code needs for what the word says, and nothing for looking around or for administration.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.model.scope import Scope
from pipeline.model.values import Expression, Reference, Value

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """A part of a kind that has ARNs of its own: the objects of a bucket.

    `condition` limits what ARNs cannot. Operations with `word` in their names are about this part.
    """

    arns: Callable[[Scope, Entry], list[Value]]
    levels: Mapping[str, tuple[str, ...]]
    condition: Callable[[Scope, Entry], Mapping[str, Any] | None] = lambda _scope, _entry: None
    word: str = ""


@dataclass(frozen=True)
class Kind:
    """Something that access is given to: `service` is the prefix of its actions.

    `late`: its ARN is known only once APIs exist, and these need the function first.
    """

    service: str
    parts: tuple[Part, ...]
    late: bool = False
    levels: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        names = dict.fromkeys(level for part in self.parts for level in part.levels)
        object.__setattr__(self, "levels", tuple(names))

    def part_of(self, operation: str) -> Part:
        """The part that an operation is about: the last whose word its name holds."""
        return next(part for part in reversed(self.parts) if part.word in operation)


def _arn(service: str, shape: str, key: str) -> Callable[[Scope, Entry], list[Value]]:
    """`shape` filled with what the entry names; an ARN or a reference stands for itself."""

    def arns(scope: Scope, entry: Entry) -> list[Value]:
        named = entry[key]
        return [named if _is_arn(named) else scope.arn(service, shape.format(named))]

    return arns


def _is_arn(named: Value) -> bool:
    return not isinstance(named, str) or named.startswith("arn:")


def _one(service: str, shape: str, key: str, **levels: tuple[str, ...]) -> Kind:
    return Kind(service, (Part(_arn(service, shape, key), levels),))


def _longer(arn: Value, suffix: str) -> Value:
    return arn + suffix if isinstance(arn, str) else Expression((*arn.parts, suffix))


def _table(scope: Scope, entry: Entry) -> list[Value]:
    (table,) = _arn("dynamodb", "table/{}", "table")(scope, entry)
    return [_longer(table, f"/index/{entry['index']}") if entry.get("index") else table]


# All four, or CreateEventSourceMapping answers "Cannot access stream".
# https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
_STREAM_READ = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")


def _stream(scope: Scope, entry: Entry) -> list[Value]:
    named = entry["stream"]
    return [named if _is_arn(named) else Expression((Reference(f"dynamodb.table/{named}", "stream_arn"),))]


def _bucket(suffix: str) -> Callable[[Scope, Entry], list[Value]]:
    def arns(scope: Scope, entry: Entry) -> list[Value]:
        named = entry["bucket"]
        bucket = named if _is_arn(named) else scope.arn("s3", named, regional=False, account=False)
        return [_longer(bucket, suffix.format(entry.get("prefix", "")))]

    return arns


def _below(_: Scope, entry: Entry) -> Mapping[str, Any] | None:
    return {"StringLike": {"s3:prefix": f"{entry['prefix']}*"}} if entry.get("prefix") else None


def _secret(scope: Scope, entry: Entry) -> list[Value]:
    """Secrets Manager ends ARNs with six characters of its own choice.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples.html
    """
    named = entry["secret"]
    return [named if _is_arn(named) else scope.arn("secretsmanager", f"secret:{named}-??????")]


def _parameter(scope: Scope, entry: Entry) -> list[Value]:
    named = entry["parameter"]
    return [named if _is_arn(named) else scope.arn("ssm", f"parameter/{str(named).removeprefix('/')}")]


def _function(scope: Scope, entry: Entry) -> list[Value]:
    named = entry["function"]
    return [named if _is_arn(named) else scope.arn("lambda", f"function:{named}:{entry.get('alias') or 'live'}")]


# Ids that begin with a part of the world are inference profiles, which choose among its regions.
# https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-prereq.html
_PROFILE = re.compile(r"(?:global|us|us-gov|eu|apac|au|ca|jp|sa)\.(?P<model>.+)")


def _model(scope: Scope, entry: Entry) -> list[Value]:
    named = entry["model"]
    if _is_arn(named):
        return [named]
    if profile := _PROFILE.fullmatch(named):
        anywhere = f"arn:{scope.partition}:bedrock:*::foundation-model/{profile['model']}"
        return [scope.arn("bedrock", f"inference-profile/{named}"), anywhere]
    return [scope.arn("bedrock", f"foundation-model/{named}", account=False)]


def _guardrail(_: Scope, entry: Entry) -> list[Value]:
    named = entry["guardrail"]
    return [named if _is_arn(named) else Expression((Reference(f"bedrock.guardrail/{named}", "arn"),))]


def _connections(scope: Scope, entry: Entry) -> list[Value]:
    api = Reference(f"apigatewayv2.api/{entry['websocket_api']}", "execution_arn")
    stage = entry.get("stage") or scope.environment
    return [Expression((api, f"/{stage}/{method}/@connections/*")) for method in _connection_methods(entry)]


def _connection_methods(entry: Entry) -> list[str]:
    """HTTP methods behind the levels: one action covers them all, and the resource tells them apart.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-control-access-iam.html
    """
    methods = {"send": "POST", "look": "GET", "disconnect": "DELETE"}
    allowed = entry["allow"] if isinstance(entry["allow"], list) else [entry["allow"]]
    return sorted({methods.get(level, "*") for level in allowed})


def _everywhere(_: Scope, __: Entry) -> list[Value]:
    return ["*"]


def _namespace(_: Scope, entry: Entry) -> Mapping[str, Any]:
    """PutMetricData knows no resources; the namespace is all that can be limited.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/iam-cw-condition-keys-namespace.html
    """
    return {"StringEquals": {"cloudwatch:namespace": entry["metrics"]}}


_MANAGE = ("ManageConnections",)

KINDS: Mapping[str, Kind] = {
    "table": Kind(
        "dynamodb",
        (
            Part(
                _table,
                {
                    "read": ("BatchGetItem", "GetItem", "Query", "Scan"),
                    "write": ("BatchWriteItem", "DeleteItem", "PutItem", "UpdateItem"),
                },
            ),
        ),
    ),
    "index": Kind("dynamodb", (Part(_table, {"read": ("Query", "Scan")}),)),
    "stream": Kind("dynamodb", (Part(_stream, {"read": _STREAM_READ}),)),
    "queue": _one(
        "sqs", "{}", "queue",
        send=("SendMessage",),
        consume=("ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "ReceiveMessage"),
    ),
    "topic": _one("sns", "{}", "topic", publish=("Publish",)),
    "bucket": Kind(
        "s3",
        (
            Part(
                _bucket("/{}*"),
                {"read": ("GetObject",), "write": ("AbortMultipartUpload", "PutObject"), "delete": ("DeleteObject",)},
            ),
            Part(_bucket(""), {"list": ("ListBucket",)}, _below, "Bucket"),
        ),
    ),
    "secret": Kind("secretsmanager", (Part(_secret, {"read": ("GetSecretValue",)}),)),
    "parameter": Kind("ssm", (Part(_parameter, {"read": ("GetParameter", "GetParameters")}),)),
    "function": Kind("lambda", (Part(_function, {"invoke": ("InvokeFunction",)}),)),
    "model": Kind(
        "bedrock",
        (Part(_model, {"invoke": ("InvokeModel",), "stream": ("InvokeModelWithResponseStream",)}),),
    ),
    "guardrail": Kind("bedrock", (Part(_guardrail, {"apply": ("ApplyGuardrail",)}),)),
    "event_bus": _one("events", "event-bus/{}", "event_bus", put=("PutEvents",)),
    "key": _one("kms", "key/{}", "key", decrypt=("Decrypt",), encrypt=("Encrypt", "GenerateDataKey")),
    "metrics": Kind("cloudwatch", (Part(_everywhere, {"put": ("PutMetricData",)}, _namespace),)),
    "websocket_api": Kind(
        "execute-api",
        (Part(_connections, {"send": _MANAGE, "look": _MANAGE, "disconnect": _MANAGE}),),
        late=True,
    ),
}  # fmt: skip
