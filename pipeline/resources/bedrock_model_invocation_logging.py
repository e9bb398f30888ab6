"""Invocation logging of Bedrock: one setting for all models of an account in a region.

It carries no mark and has no name of its own. What the ledger says we set is ours; anything else is somebody's, and is
replaced only after it was adopted, and never removed.
https://docs.aws.amazon.com/bedrock/latest/userguide/model-invocation-logging.html
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.errors import PipelineError
from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Expression, Outputs, Properties, Reference, Value
from pipeline.resources import policies
from pipeline.resources._function_role import own_role
from pipeline.resources.base import Aws, Problem, Target

_FLAGS = {
    "text": "textDataDeliveryEnabled",
    "images": "imageDataDeliveryEnabled",
    "embeddings": "embeddingDataDeliveryEnabled",
    "video": "videoDataDeliveryEnabled",
    "audio": "audioDataDeliveryEnabled",
}
_GROUP, _ROLE, _BUCKET = "logs.log_group", "iam.role", "s3.bucket"
_STREAM = "log-stream:aws/bedrock/modelinvocations"
# An output that says that the setting is not the one that was declared.
_SOMEBODYS = "somebodys"
Wire = Mapping[str, Any]


def canonical(properties: Properties, scope: Scope) -> Properties:
    """Log group and role as references to what is declared, or to what follows."""
    name = properties["name"]
    group = properties.get("log_group") or f"/aws/bedrock/{name}"
    role = properties.get("role") or own_role(f"{name}-bedrock", scope)
    buckets = {
        name: {**given, "bucket": _arn_of(given["bucket"], _BUCKET)} if (given := properties.get(name)) else None
        for name in ("s3", "large_data")
    }
    return {**properties, **buckets, "log_group": _arn_of(group, _GROUP), "role": _arn_of(role, _ROLE)}


def _arn_of(value: Value, kind: str) -> Value:
    if not isinstance(value, str) or value.startswith("arn:"):
        return value
    return Expression((Reference(f"{kind}/{value}", "arn"),))


def derive(resource: Resource, scope: Scope) -> Iterator[Resource]:
    """The log group, and the role that Bedrock writes into it with: nothing else, and only for this account.

    https://docs.aws.amazon.com/bedrock/latest/userguide/model-invocation-logging.html#setup-cloudwatch-logs-destination
    """
    group, role = f"/aws/bedrock/{resource.name}", own_role(f"{resource.name}-bedrock", scope)
    wanted = resource.properties
    if wanted["log_group"] == _arn_of(group, _GROUP):
        properties = {"name": group, "retention_days": wanted["retention_days"], "tags": {}}
        yield Resource(_GROUP, group, properties, source=resource.source, adopt=True)
    if wanted["role"] == _arn_of(role, _ROLE):
        yield Resource(_ROLE, role, _role(role, _named(wanted["log_group"]), scope), source=resource.source)


def _role(name: str, group: str, scope: Scope) -> Properties:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "bedrock.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": scope.account},
            "ArnLike": {"aws:SourceArn": scope.arn("bedrock", "*")},
        },
    }
    logs = {
        "Sid": "WriteInvocations",
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": scope.arn("logs", f"log-group:{group}:{_STREAM}"),
    }
    return {
        "name": name,
        "path": "/",
        "description": f"Writes what models are asked into {group}",
        "trust": policies.canonical({"Statement": trust}, partition=scope.partition),
        "managed_policies": [],
        "policies": {"Logs": policies.canonical({"Statement": logs}, partition=scope.partition)},
        "permissions_boundary": None,
        "max_session_duration": 3600,
        "tags": {},
    }


def _named(group: Value) -> str:
    """The name of a log group, given as a reference or by its ARN."""
    if isinstance(group, Expression):
        return group.references[0].address.partition("/")[2]
    return str(group).partition(":log-group:")[2].removesuffix(":*")


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """A setting that writes nothing."""
    if not any(resource.properties[name] for name in _FLAGS):
        yield Problem("nothing would be written", ("text",), "say text: true, or take the setting out")


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """The one setting there is."""
    found = aws.call("bedrock", "GetModelInvocationLoggingConfiguration").get("loggingConfig")
    return {target.address: _observed(aws.scope, target, found) for target in targets} if found else {}


def _observed(scope: Scope, target: Target, found: Wire) -> Observed:
    declared, logs = target.resource.properties, found.get("cloudWatchConfig") or {}
    group = logs.get("logGroupName")
    properties = {
        "name": target.name,
        "log_group": scope.arn("logs", f"log-group:{group}") if group else None,
        "retention_days": declared.get("retention_days"),  # of the log group, which shows it itself
        "role": logs.get("roleArn"),
        "s3": _bucket(scope, found.get("s3Config")),
        "large_data": _bucket(scope, logs.get("largeDataDeliveryS3Config")),
        **{name: bool(found.get(member)) for name, member in _FLAGS.items()},
    }
    outputs = {} if group == _named(declared["log_group"]) else {_SOMEBODYS: True}
    return Observed(target.address, properties, outputs, None, markable=False)


def _bucket(scope: Scope, found: Wire | None) -> dict[str, str] | None:
    if not found:
        return None
    arn = scope.arn("s3", found["bucketName"], regional=False, account=False)
    return {"bucket": arn, "prefix": found.get("keyPrefix") or ""}


def create(aws: Aws, resource: Resource) -> Outputs:
    """The setting. Raises PipelineError when there is another one by now."""
    wanted = _wire(resource.properties)
    found = aws.call("bedrock", "GetModelInvocationLoggingConfiguration").get("loggingConfig")
    group = (found or {}).get("cloudWatchConfig", {}).get("logGroupName")
    if found and group != wanted["cloudWatchConfig"]["logGroupName"]:
        where = group or "a bucket"
        hint = f"look at it, then plan again and take it over with --adopt {resource.address}"
        raise PipelineError(f"Bedrock of this account and region writes its invocations to {where} already", hint=hint)
    aws.call("bedrock", "PutModelInvocationLoggingConfiguration", loggingConfig=wanted)
    return {}


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """The whole setting."""
    wanted = _wire(resource.properties)
    aws.call("bedrock", "PutModelInvocationLoggingConfiguration", loggingConfig=wanted)
    return {_SOMEBODYS: False} if _SOMEBODYS in observed.outputs else {}


def delete(aws: Aws, observed: Observed) -> None:
    """The setting, unless it is somebody else's by now."""
    if not observed.outputs.get(_SOMEBODYS):
        aws.call("bedrock", "DeleteModelInvocationLoggingConfiguration")


def _wire(wanted: Properties) -> dict[str, Any]:
    logs: dict[str, Any] = {"logGroupName": _named(wanted["log_group"]), "roleArn": wanted["role"]}
    if wanted.get("large_data"):
        logs["largeDataDeliveryS3Config"] = _s3(wanted["large_data"])
    found: dict[str, Any] = {"cloudWatchConfig": logs, **{member: wanted[name] for name, member in _FLAGS.items()}}
    if wanted.get("s3"):
        found["s3Config"] = _s3(wanted["s3"])
    return found


def _s3(wanted: Mapping[str, str]) -> dict[str, str]:
    return {
        "bucketName": wanted["bucket"].rpartition(":")[2],
        **({"keyPrefix": wanted["prefix"]} if wanted.get("prefix") else {}),
    }
