"""Application Auto Scaling: what is registered and by which policies it scales is kept. Nothing scales here.

https://docs.aws.amazon.com/autoscaling/application/APIReference/API_Operations.html
"""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeline.local.plane.asgi import Answer, Request
from pipeline.local.plane.caller import Caller
from pipeline.local.plane.refusal import Refusal

SERVICE = "application-autoscaling"
_WHERE = ("ServiceNamespace", "ResourceId", "ScalableDimension")
_JSON = (("content-type", "application/x-amz-json-1.1"),)

Wire = dict[str, Any]
Key = tuple[str, ...]


@dataclass
class Scaling:
    """The scalable targets and policies of all accounts, by account, region and what they are of."""

    clock: Callable[[], float] = time.time
    targets: dict[Key, Wire] = field(default_factory=dict)
    policies: dict[Key, Wire] = field(default_factory=dict)

    def answer(self, request: Request, caller: Caller) -> Answer | None:
        """The answer to an operation; None for those that are not served here."""
        operations: dict[str, Callable[[Key, Wire], Wire]] = {
            "RegisterScalableTarget": self._register,
            "DeregisterScalableTarget": self._deregister,
            "DescribeScalableTargets": self._describe_targets,
            "PutScalingPolicy": self._put_policy,
            "DeleteScalingPolicy": self._delete_policy,
            "DescribeScalingPolicies": self._describe_policies,
        }
        operation = operations.get((request.header("x-amz-target") or "").partition(".")[2])
        if operation is None:
            return None
        try:
            body = operation((caller.account, caller.region), json.loads(request.body or b"{}"))
        except Refusal as refusal:
            told = {"__type": refusal.code, "message": refusal.message}
            return Answer(refusal.status, _JSON, json.dumps(told).encode())
        return Answer(200, _JSON, json.dumps(body).encode())

    def _register(self, whose: Key, given: Wire) -> Wire:
        key = (*whose, *_of(given))
        known = self.targets.get(key, {})
        least, most = (given.get(name, known.get(name)) for name in ("MinCapacity", "MaxCapacity"))
        if least is None or most is None:
            raise Refusal(400, "ValidationException", "MinCapacity and MaxCapacity are required")
        if least > most:
            raise Refusal(400, "ValidationException", "Maximum capacity cannot be less than minimum capacity")
        usual = dict.fromkeys(
            ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"), False
        )
        suspended = {**usual, **known.get("SuspendedState", {}), **given.get("SuspendedState", {})}
        arn = known.get("ScalableTargetARN") or _arn(whose, f"scalable-target/{uuid.uuid4().hex}")
        role = f"arn:aws:iam::{whose[0]}:role/aws-service-role/dynamodb.{SERVICE}.amazonaws.com/AWSServiceRole"
        self.targets[key] = {
            "RoleARN": role, "CreationTime": self.clock(), **known, **dict(zip(_WHERE, _of(given), strict=True)),
            "MinCapacity": least, "MaxCapacity": most, "SuspendedState": suspended, "ScalableTargetARN": arn,
        }  # fmt: skip
        return {"ScalableTargetARN": arn}

    def _deregister(self, whose: Key, given: Wire) -> Wire:
        key = (*whose, *_of(given))
        if self.targets.pop(key, None) is None:
            raise _unknown("No scalable target found", given)
        for each in [policy for policy in self.policies if policy[: len(key)] == key]:
            del self.policies[each]
        return {}

    def _describe_targets(self, whose: Key, given: Wire) -> Wire:
        wanted = given.get("ResourceIds") or ()
        found = [one for one in _listed(self.targets, whose, given) if not wanted or one["ResourceId"] in wanted]
        return {"ScalableTargets": found}

    def _put_policy(self, whose: Key, given: Wire) -> Wire:
        where = (*whose, *_of(given))
        if where not in self.targets:
            raise _unknown("No scalable target registered", given)
        key = (*where, str(given["PolicyName"]))
        known = self.policies.get(key, {})
        arn = known.get("PolicyARN") or _arn(whose, f"scalingPolicy:{uuid.uuid4()}")
        self.policies[key] = {"CreationTime": self.clock(), "Alarms": [], **known, **given, "PolicyARN": arn}
        return {"PolicyARN": arn, "Alarms": []}

    def _delete_policy(self, whose: Key, given: Wire) -> Wire:
        if self.policies.pop((*whose, *_of(given), str(given["PolicyName"])), None) is None:
            raise _unknown("No scaling policy found", given)
        return {}

    def _describe_policies(self, whose: Key, given: Wire) -> Wire:
        wanted = given.get("PolicyNames") or ()
        found = [one for one in _listed(self.policies, whose, given) if not wanted or one["PolicyName"] in wanted]
        return {"ScalingPolicies": found}


def _of(given: Wire) -> Key:
    return tuple(str(given[name]) for name in _WHERE)


def _listed(kept: dict[Key, Wire], whose: Key, given: Wire) -> Iterator[Wire]:
    """What is the caller's, and as far as the filter says."""
    for key, one in sorted(kept.items()):
        if key[:2] == whose and all(one[name] == given[name] for name in _WHERE if given.get(name)):
            yield one


def _arn(whose: Key, name: str) -> str:
    return f"arn:aws:{SERVICE}:{whose[1]}:{whose[0]}:{name}"


def _unknown(what: str, given: Wire) -> Refusal:
    return Refusal(400, "ObjectNotFoundException", f"{what} for {', '.join(_of(given))}")
