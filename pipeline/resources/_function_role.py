"""The roles of functions that name none: one of their own each, unless the specs declare one for all. Pure.

A role of its own allows what the function's specs say and no more: its access, its own log group, and what its other
properties need.
"""

import re
from collections.abc import Iterator
from typing import Any

from pipeline.model.resource import Resource
from pipeline.model.scope import Scope
from pipeline.model.values import digest
from pipeline.resources import _access as access
from pipeline.resources import policies

ACCESS, LATE, LOGS = "Access", "ApiAccess", "Logs"
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_LONGEST = 64


def own_role(function: str, scope: Scope) -> str:
    """Name of the role of one function. Roles are the same in all regions, functions are not."""
    name = f"{function}-{scope.region}"
    if len(name) <= _LONGEST:
        return name
    short = digest(name).removeprefix("sha256:")[:8]
    return f"{name[: _LONGEST - len(short) - 1]}-{short}"


def own_role_resources(function: Resource, scope: Scope) -> Iterator[Resource]:
    """The role; and what it may do with APIs, which are made after the function, as a policy of its own."""
    entries = function.properties.get("access") or ()
    late = [entry for entry in entries if access.is_late(entry)]
    early = access.statements((entry for entry in entries if not access.is_late(entry)), scope)
    name = own_role(function.name, scope)
    documents = {LOGS: [_logs(f"/aws/lambda/{function.name}", scope)], ACCESS: [*early, *_needs(function, scope)]}
    role = _role(name, f"Runs {function.name}", documents, scope)
    if late:
        role = {**role, "elsewhere": [LATE]}
    yield Resource("iam.role", name, role, source=function.source)
    if late:
        document = policies.canonical({"Statement": access.statements(late, scope)}, partition=scope.partition)
        own = {"name": f"{name}:{LATE}", "role": name, "policy": LATE, "document": document}
        yield Resource("iam.role_policy", own["name"], own, (f"iam.role/{name}",), source=function.source)


def shared_role(scope: Scope) -> str:
    """Name of the role that, where it is declared, is for all functions that say nothing."""
    return f"{scope.service}-lambda-role"


def _role(name: str, description: str, documents: dict[str, list[Any]], scope: Scope) -> dict[str, Any]:
    return {
        "name": name,
        "path": "/",
        "description": description,
        "trust": policies.trust("lambda.amazonaws.com", partition=scope.partition),
        "managed_policies": [],
        "policies": {
            policy: policies.canonical({"Statement": statements}, partition=scope.partition)
            for policy, statements in documents.items()
            if statements
        },
        "permissions_boundary": None,
        "max_session_duration": 3600,
        "tags": {},
    }


def _logs(group: str, scope: Scope) -> dict[str, Any]:
    """The group is made before the function, so that it need not be allowed to make it."""
    return {
        "Sid": "WriteLogs",
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": scope.arn("logs", f"log-group:{group}:*"),
    }


def _needs(function: Resource, scope: Scope) -> Iterator[dict[str, Any]]:
    """What other properties of the function need besides."""
    properties = function.properties
    if properties.get("tracing") == "Active":
        # Without resource-level control: https://docs.aws.amazon.com/xray/latest/devguide/security_iam_service-with-iam.html
        yield _allow("Traces", ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "*")
    if key := properties.get("kms_key"):
        yield _allow("EnvironmentKey", ["kms:Decrypt"], key)
    if properties.get("vpc"):
        yield from _in_vpc(function.name, scope)
    events = properties.get("async") or {}
    for sid, target in (
        ("OnSuccess", events.get("on_success")),
        ("OnFailure", events.get("on_failure")),
        ("DeadLetter", properties.get("dead_letter")),
    ):
        if target:
            yield _allow(sid, [_delivering(str(target))], target)


# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
_INTERFACES = [
    "ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
]  # fmt: skip


def _in_vpc(function: str, scope: Scope) -> Iterator[dict[str, Any]]:
    """Network interfaces, which Lambda makes with the function's role; the function's own code may not.

    Interfaces have no names before they are made, so that * is all there is.
    """
    yield _allow("NetworkInterfaces", _INTERFACES, "*")
    own = {"ArnEquals": {"lambda:SourceFunctionArn": scope.arn("lambda", f"function:{function}")}}
    yield {**_allow("NotByCode", _INTERFACES, "*"), "Effect": "Deny", "Condition": own}


# The service in an ARN, or in a reference such as ${sqs.queue/NAME.arn} -> the action that delivers to it.
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-async-destinations-permissions
_DELIVERIES = {
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "lambda": "lambda:InvokeFunction",
    "events": "events:PutEvents",
    "s3": "s3:PutObject",
}


def _delivering(target: str) -> str:
    named = re.match(r"arn:[^:]+:(?P<arn>[^:]+):|\$\{(?P<type>[^./]+)\.", target)
    return _DELIVERIES.get((named["arn"] or named["type"]) if named else "", "sqs:SendMessage")


def _allow(sid: str, actions: list[str], resource: Any) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}
