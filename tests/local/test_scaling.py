"""Application Auto Scaling as far as tables need it."""

import pytest
from botocore.exceptions import ClientError

from tests.local.support import Account

pytestmark = pytest.mark.emulator

WHERE = {
    "ServiceNamespace": "dynamodb",
    "ResourceId": "table/seats",
    "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
}


def test_targets_and_their_policies_are_kept_until_they_are_deregistered(account: Account) -> None:
    scaling = account.client("application-autoscaling")
    with pytest.raises(ClientError, match="ObjectNotFound"):
        scaling.put_scaling_policy(PolicyName="p", PolicyType="TargetTrackingScaling", **WHERE)
    first = scaling.register_scalable_target(MinCapacity=1, MaxCapacity=5, **WHERE)
    again = scaling.register_scalable_target(MaxCapacity=9, **WHERE)
    assert again["ScalableTargetARN"] == first["ScalableTargetARN"]
    scaling.put_scaling_policy(
        PolicyName="p",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={"TargetValue": 60.0},
        **WHERE,
    )
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="dynamodb", ResourceIds=["table/seats"])[
        "ScalableTargets"
    ]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 9)
    (policy,) = scaling.describe_scaling_policies(ServiceNamespace="dynamodb", ResourceId="table/seats")[
        "ScalingPolicies"
    ]
    assert policy["TargetTrackingScalingPolicyConfiguration"] == {"TargetValue": 60.0}
    assert scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"] == []
    scaling.deregister_scalable_target(**WHERE)
    assert scaling.describe_scaling_policies(ServiceNamespace="dynamodb")["ScalingPolicies"] == []
    with pytest.raises(ClientError, match="ObjectNotFound"):
        scaling.deregister_scalable_target(**WHERE)
