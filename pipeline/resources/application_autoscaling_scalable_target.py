"""Autoscaling of the provisioned capacity of DynamoDB's tables and indexes: a scalable target with one policy.

The policy makes alarms of its own and moves the capacity between the bounds, so that what the table shows is not what
was declared; `dynamodb_table` takes that for right. Application Auto Scaling makes its role by itself.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/AutoScaling.html
"""

from collections.abc import Sequence
from typing import Any

from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties
from pipeline.resources.base import Aws, Target, read_each

_SERVICE, _NAMESPACE = "application-autoscaling", "dynamodb"
_TRACKING = "TargetTrackingScaling"
_SUSPENDED = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")


def canonical(properties: Properties, scope: Scope) -> Properties:
    """Scaling goes on, by one policy."""
    return {**properties, "suspended": False, "policies": [_policy_name(properties)]}


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each target with its policies."""
    return read_each(aws, targets, _read_one)


def _read_one(aws: Aws, target: Target) -> Observed | None:
    declared = target.resource.properties
    where = {"ServiceNamespace": _NAMESPACE, "ScalableDimension": declared["dimension"]}
    registered, policies = aws.gather(
        [
            lambda: aws.call(_SERVICE, "DescribeScalableTargets", ResourceIds=[declared["resource_id"]], **where),
            lambda: aws.call(_SERVICE, "DescribeScalingPolicies", ResourceId=declared["resource_id"], **where),
        ]
    )
    if not registered["ScalableTargets"]:
        return None
    found = registered["ScalableTargets"][0]
    by_name = {policy["PolicyName"]: policy for policy in policies["ScalingPolicies"]}
    tracking = by_name.get(_policy_name(declared), {}).get("TargetTrackingScalingPolicyConfiguration", {})
    suspended = found.get("SuspendedState") or {}
    properties = {
        **{key: declared[key] for key in ("name", "resource_id", "dimension")},
        "min": found["MinCapacity"],
        "max": found["MaxCapacity"],
        "target": tracking.get("TargetValue"),
        "suspended": any(suspended.get(key) for key in _SUSPENDED),
        "policies": sorted(by_name),
    }
    # Of one dimension of a table there is one target at most: that the table is ours says whose it is.
    return Observed(target.address, properties, {}, aws.scope.mark(target.address), markable=False)


def create(aws: Aws, resource: Resource) -> Outputs:
    """The target, then its policy; doing either again replaces what is there."""
    wanted = resource.properties
    aws.call(
        _SERVICE,
        "RegisterScalableTarget",
        MinCapacity=wanted["min"],
        MaxCapacity=wanted["max"],
        SuspendedState=dict.fromkeys(_SUSPENDED, False),
        **_where(wanted),
    )
    metric = f"DynamoDB{'Read' if 'Read' in wanted['dimension'] else 'Write'}CapacityUtilization"
    aws.call(
        _SERVICE,
        "PutScalingPolicy",
        PolicyName=_policy_name(wanted),
        PolicyType=_TRACKING,
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": float(wanted["target"]),
            "PredefinedMetricSpecification": {"PredefinedMetricType": metric},
        },
        **_where(wanted),
    )
    return {}


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """The same with other values; policies of somebody else, which would pull elsewhere, go."""
    outputs = create(aws, resource)
    for name in sorted(set(observed.properties["policies"]) - set(resource.properties["policies"])):
        aws.found(_SERVICE, "DeleteScalingPolicy", PolicyName=name, **_where(resource.properties))
    return outputs


def delete(aws: Aws, observed: Observed) -> None:
    """The target, with its policies and their alarms; the capacity stays where it is."""
    aws.found(_SERVICE, "DeregisterScalableTarget", **_where(observed.properties))


def _where(properties: Properties) -> dict[str, Any]:
    return {
        "ServiceNamespace": _NAMESPACE,
        "ResourceId": properties["resource_id"],
        "ScalableDimension": properties["dimension"],
    }


def _policy_name(properties: Properties) -> str:
    """As DynamoDB's own console names it: $<table>-scaling-policy, for each dimension."""
    return f"{properties['name'].replace('/', '-').replace(':', '-')}-scaling"
