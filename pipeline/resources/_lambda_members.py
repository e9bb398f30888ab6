"""Which property of a function is which member of Lambda's API, and how one becomes the other. Pure.

https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.model.values import Value


@dataclass(frozen=True)
class Member:
    """How a property is sent (`give`) and read (`take`, from a FunctionConfiguration); `absent` clears it."""

    name: str
    take: Callable[[Mapping[str, Any]], Value]
    give: Callable[[Value], Any] = lambda value: value
    absent: Value = None


def _plain(name: str, absent: Value = None) -> Member:
    return Member(name, lambda found: found.get(name, absent), absent=absent)


def default_group(function: str) -> str:
    """Name of the log group that Lambda writes to.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
    """
    return f"/aws/lambda/{function}"


def group_name(arn: Value) -> str:
    return str(arn).partition(":log-group:")[2]


def _vpc_of(found: Mapping[str, Any]) -> Value:
    own = found.get("VpcConfig") or {}
    if not own.get("SubnetIds"):
        return None
    return {
        "subnets": sorted(own["SubnetIds"]),
        "security_groups": sorted(own.get("SecurityGroupIds") or ()),
        "ipv6": bool(own.get("Ipv6AllowedForDualStack")),
    }


def _vpc_config(vpc: Value) -> dict[str, Any]:
    """Without subnets the function leaves the VPC."""
    if not vpc:
        return {"SubnetIds": [], "SecurityGroupIds": []}
    groups = {"SubnetIds": vpc["subnets"], "SecurityGroupIds": vpc["security_groups"]}
    return {**groups, "Ipv6AllowedForDualStack": True} if vpc["ipv6"] else groups


MEMBERS: Mapping[str, Member] = {
    "handler": _plain("Handler"),
    "runtime": _plain("Runtime"),
    "timeout": _plain("Timeout", 3),
    "memory": _plain("MemorySize", 128),
    "ephemeral_storage": Member(
        "EphemeralStorage",
        lambda found: found.get("EphemeralStorage", {}).get("Size", 512),
        lambda size: {"Size": size},
    ),
    "environment": Member(
        "Environment",
        lambda found: found.get("Environment", {}).get("Variables", {}),
        lambda own: {"Variables": own},
        {},
    ),
    "role": _plain("Role"),
    "layers": Member("Layers", lambda found: [layer["Arn"] for layer in found.get("Layers") or ()], list, []),
    "description": _plain("Description", ""),
    "tracing": Member(
        "TracingConfig",
        lambda found: found.get("TracingConfig", {}).get("Mode", "PassThrough"),
        lambda mode: {"Mode": mode},
    ),
    "vpc": Member("VpcConfig", _vpc_of, _vpc_config),
    "dead_letter": Member(
        "DeadLetterConfig",
        lambda found: (found.get("DeadLetterConfig") or {}).get("TargetArn") or None,
        lambda arn: {"TargetArn": arn or ""},
    ),
    "kms_key": Member("KMSKeyArn", lambda found: found.get("KMSKeyArn") or None, lambda arn: arn or "", ""),
    "log_group": Member(
        "LoggingConfig",
        lambda found: found.get("LoggingConfig", {}).get("LogGroup") or default_group(found["FunctionName"]),
        lambda arn: {"LogGroup": group_name(arn)},
    ),
}
