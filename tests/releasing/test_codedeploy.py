"""CodeDeploy as the engine: it shifts, we start, watch, stop and record; killed at every call.

The fake takes only what botocore's model of CodeDeploy takes, and raises only what that knows.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, TypeVar, cast

import botocore.session
import pytest
from botocore.model import ServiceModel, Shape
from botocore.validate import ParamValidator

from pipeline.errors import AwsError, FailedCall
from pipeline.model.rollout import Outcome
from pipeline.model.scope import Scope
from pipeline.model.shift import Rollout, Shift, Way
from pipeline.model.strategy import Analysis, Step, Strategy
from pipeline.releasing.codedeploy import CodeDeploy, app_spec, configuration
from pipeline.releasing.driver import Surroundings
from pipeline.resources.base import Aws
from pipeline.rollout.events import AbortRequested, Approved
from tests.support.aws import SCOPE
from tests.support.rollout_world import BEGIN, Killed, Traffic, World, happens, release, rollouts

T = TypeVar("T")


@cache
def codedeploy() -> ServiceModel:
    return botocore.session.get_session().get_service_model("codedeploy")


def check(shape: Shape, value: Any) -> None:
    """Names and types by botocore itself, which leaves the values of enumerations to the service."""
    report = ParamValidator().validate(value, shape)
    assert not report.has_errors(), report.generate_report()
    check_words(shape, value)


def check_words(shape: Shape, value: Any) -> None:
    if shape.type_name == "structure":
        for name, each in value.items():
            assert name in shape.members, f"{shape.name} has no {name}"
            check_words(shape.members[name], each)
    elif shape.type_name == "list":
        for each in value:
            check_words(shape.member, each)
    elif shape.type_name == "string" and shape.enum:
        assert value in shape.enum, f"{value} is no {shape.name}"


def refused(operation: str, code: str) -> AwsError:
    assert code in {error.name for error in codedeploy().operation_model(operation).error_shapes}
    return AwsError(FailedCall("codedeploy", operation, code, "refused"))


CANARY = Strategy("canary", (Step(10, 300),), Analysis(alarms=("orders-5xx",)), "codedeploy")
LINEAR = Strategy("linear", tuple(Step(20.0 * n, 120) for n in range(1, 5)), Analysis(alarms=("a",)), "codedeploy")
SHIFTS = tuple(
    Shift(f"lambda.function/{name}", "alias", name, "live", "1", "2", Way.WEIGHTS) for name in ("orders", "stock")
)


@dataclass
class FakeCodeDeploy:
    """AWS's side: applications, configurations, groups, and deployments that take `takes` seconds."""

    world: World
    takes: float = 300.0
    scope: Scope = SCOPE
    made: dict[str, dict[str, Any]] = field(default_factory=dict)
    deployments: dict[str, dict[str, Any]] = field(default_factory=dict)
    breaks: str | None = None
    stopped: list[tuple[str, bool]] = field(default_factory=list)
    rolls_back_after: float = 4.0  # seconds from a failure to the deployment that rolls it back

    def call(self, service: str, operation: str, /, *, region: str | None = None, **params: Any) -> dict[str, Any]:
        assert service == "codedeploy"
        model = codedeploy().operation_model(operation)
        check(model.input_shape, params)
        answer: dict[str, Any] = getattr(self, operation)(**params)
        if model.output_shape is not None:
            check_words(model.output_shape, answer)
        self.world.spend()
        return answer

    def found(self, service: str, operation: str, /, **params: Any) -> dict[str, Any] | None:
        check(codedeploy().operation_model(operation).input_shape, params)
        return self.made.get(f"group {params['deploymentGroupName']}")

    def pages(self, service: str, operation: str, /, key: str, **params: Any) -> list[str]:
        check(codedeploy().operation_model(operation).input_shape, params)
        group = params["deploymentGroupName"]
        if f"group {group}" not in self.made:
            raise refused(operation, "DeploymentGroupDoesNotExistException")
        every = [one for one, each in self.deployments.items() if each["group"] == group]
        return [one for one in every if self._status(one) in params["includeOnlyStatuses"]]

    def gather(self, thunks: Iterable[Callable[[], T]]) -> list[T]:
        return [thunk() for thunk in thunks]

    def wait(self, what: str, poll: Callable[[], T | None], *, every: float, budget: float) -> T:
        found = poll()
        assert found is not None
        return found

    def artifact(self, digest: str) -> Mapping[str, str]:
        raise AssertionError("no code in here")

    def _add(self, key: str, what: str, params: dict[str, Any]) -> dict[str, Any]:
        if key in self.made:
            raise refused(f"Create{what}", f"{what}AlreadyExistsException")
        self.made[key] = params
        return {}

    def CreateApplication(self, **params: Any) -> dict[str, Any]:
        return self._add("application", "Application", params)

    def CreateDeploymentConfig(self, **params: Any) -> dict[str, Any]:
        return self._add("config", "DeploymentConfig", params)

    def CreateDeploymentGroup(self, **params: Any) -> dict[str, Any]:
        return self._add(f"group {params['deploymentGroupName']}", "DeploymentGroup", params)

    def UpdateDeploymentGroup(self, **params: Any) -> dict[str, Any]:
        self.made[f"group {params['currentDeploymentGroupName']}"] = params
        return {}

    def CreateDeployment(self, **params: Any) -> dict[str, Any]:
        name = f"d-{len(self.deployments) + 1}"
        self.deployments[name] = {
            "group": params["deploymentGroupName"],
            "revision": params["revision"],
            "at": self.world.now,
            "stopped": False,
        }
        return {"deploymentId": name}

    def GetDeployment(self, deploymentId: str) -> dict[str, Any]:  # noqa: N803 - AWS's names
        status = self._status(deploymentId)
        found = self.deployments[deploymentId]
        answer: dict[str, Any] = {"status": status, "revision": found["revision"]}
        if status == "Failed":
            answer["errorInformation"] = {"code": "ALARM_ACTIVE", "message": "an alarm is red"}
            if "rolled back by" in found:
                answer["rollbackInfo"] = {"rollbackDeploymentId": found["rolled back by"]}
        return {"deploymentInfo": answer}

    def _roll_back(self, name: str) -> None:
        """Another deployment of the group, by CodeDeploy itself, some seconds after the failure."""
        found = self.deployments[name]
        failed_for = self.world.now - found["at"] - 60
        if "rolls back" in found or "rolled back by" in found or failed_for < self.rolls_back_after:
            return
        found["rolled back by"] = another = f"d-{len(self.deployments) + 1}"
        again = {**found, "at": self.world.now, "rolls back": name}
        again.pop("rolled back by")
        self.deployments[another] = again

    def StopDeployment(self, deploymentId: str, autoRollbackEnabled: bool) -> dict[str, Any]:  # noqa: N803 - AWS's names
        self.deployments[deploymentId]["stopped"] = True
        self.stopped.append((deploymentId, autoRollbackEnabled))
        return {}

    def _status(self, name: str) -> str:
        found = self.deployments[name]
        if found["stopped"]:
            return "Stopped"
        if self.breaks == found["group"] and self.world.now - found["at"] > 60 and "rolls back" not in found:
            self._roll_back(name)
            return "Failed"
        return "Succeeded" if self.world.now - found["at"] >= self.takes else "InProgress"


def begun(world: World, strategy: Strategy = CANARY) -> FakeCodeDeploy:
    rollouts(world).begin(Rollout(release(), strategy, SHIFTS, "sha256:1", BEGIN, base=1))
    return FakeCodeDeploy(world)


def drive(aws: FakeCodeDeploy, *, attended: bool = True) -> Rollout:
    world = aws.world
    around = Surroundings(lambda: world.now, world.sleep, lambda: None, lambda *_: None, lambda *_: None)
    return CodeDeploy(cast("Aws", aws), rollouts(world), Traffic(world), around).drive(attended=attended)


def test_each_function_is_a_deployment_of_its_own_and_all_of_them_are_one_release() -> None:
    aws = begun(World())
    assert drive(aws).status.outcome is Outcome.PROMOTED
    assert [one["group"] for one in aws.deployments.values()] == ["orders", "stock"]
    spec = json.loads(aws.deployments["d-1"]["revision"]["appSpecContent"]["content"])
    [resource] = spec["Resources"]
    assert resource["orders"]["Properties"] == {
        "Name": "orders", "Alias": "live", "CurrentVersion": "1", "TargetVersion": "2",
    }  # fmt: skip
    group = aws.made["group orders"]
    assert group["alarmConfiguration"] == {"enabled": True, "alarms": [{"name": "orders-5xx"}]}
    assert group["serviceRoleArn"] == f"arn:aws:iam::{SCOPE.account}:role/orders-dev-codedeploy"
    assert aws.world.shares == [100]
    assert aws.stopped == []


def test_one_that_fails_takes_all_of_them_back() -> None:
    aws = begun(World())
    aws.breaks = "stock"
    ended = drive(aws)
    assert ended.status.outcome is Outcome.REVERTED
    assert ended.status.reason == "aborted by CodeDeploy: stock: an alarm is red (ALARM_ACTIVE)"
    assert aws.stopped == [("d-1", False), ("d-3", False)]
    assert aws.deployments["d-3"]["rolls back"] == "d-2", "what CodeDeploy deployed last need not be what served"
    assert aws.world.shares == [0]


def test_one_that_is_rolled_back_by_nothing_is_not_waited_for_long() -> None:
    """There was no deployment before the first one of a group."""
    aws = begun(World())
    aws.breaks, aws.rolls_back_after = "stock", float("inf")
    assert drive(aws).status.outcome is Outcome.REVERTED
    assert aws.stopped == [("d-1", False)]


def test_an_abort_from_elsewhere_stops_them() -> None:
    aws = begun(World())
    aws.world.meanwhile = lambda passed: happens(aws.world, AbortRequested("eve")) if passed == 20 else None
    assert drive(aws).status.outcome is Outcome.REVERTED
    assert aws.stopped == [("d-1", False), ("d-2", False)]


def test_a_promotion_from_elsewhere_stops_them_without_rolling_back() -> None:
    aws = begun(World())
    aws.world.meanwhile = lambda passed: (
        happens(aws.world, Approved("eve", 0, everything=True)) if passed == 20 else None
    )
    assert drive(aws).status.outcome is Outcome.PROMOTED
    assert aws.stopped == [("d-1", False), ("d-2", False)]
    assert aws.world.shares == [100]


def test_nobody_has_to_wait_for_it() -> None:
    aws = begun(World())
    assert drive(aws, attended=False).status.outcome is Outcome.RUNNING
    aws.world.now += 400
    assert drive(aws, attended=False).status.outcome is Outcome.PROMOTED
    assert len(aws.deployments) == 2


def test_where_it_refuses_the_stable_release_keeps_everything() -> None:
    aws = begun(World())
    aws.made["application"] = {}

    def no_role(**params: Any) -> dict[str, Any]:
        raise refused("CreateDeploymentGroup", "InvalidRoleException")

    aws.CreateDeploymentGroup = no_role  # type: ignore[method-assign]  # this one account lacks the role
    ended = drive(aws)
    assert ended.status.outcome is Outcome.REVERTED
    assert "InvalidRoleException" in ended.status.reason


def test_what_began_before_one_was_refused_is_stopped_too() -> None:
    aws = begun(World())
    create = aws.CreateDeployment

    def limited(**params: Any) -> dict[str, Any]:
        if params["deploymentGroupName"] == "stock":
            raise refused("CreateDeployment", "DeploymentLimitExceededException")
        return create(**params)

    aws.CreateDeployment = limited  # type: ignore[method-assign]  # this one has no room for a second deployment
    ended = drive(aws)
    assert ended.status.outcome is Outcome.REVERTED
    assert aws.stopped == [("d-1", False)]


def test_an_abort_after_a_kill_stops_what_nobody_noted() -> None:
    undisturbed = begun(World())
    drive(undisturbed)
    stopped = set()
    for fuse in range(2, min(undisturbed.world.calls, 30)):
        aws = begun(World())
        aws.world.calls, aws.world.fuse = 0, fuse
        with suppress(Killed):
            drive(aws)
        aws.world.fuse = None
        happens(aws.world, AbortRequested("eve"))
        assert drive(aws).status.outcome is Outcome.REVERTED
        assert all(each["stopped"] for each in aws.deployments.values()), fuse
        stopped.add(len(aws.deployments))
    assert stopped == {0, 1, 2}


@pytest.mark.parametrize("bad", [None, "stock"])
def test_killed_at_every_call_it_comes_to_the_same_end(bad: str | None) -> None:
    undisturbed = begun(World())
    undisturbed.breaks = bad
    expected = drive(undisturbed).status.outcome
    for fuse in range(2, min(undisturbed.world.calls, 60)):
        aws = begun(World())
        aws.breaks = bad
        aws.world.calls, aws.world.fuse = 0, fuse
        try:
            drive(aws)
        except Killed:
            aws.world.fuse = None
        assert drive(aws).status.outcome is expected, fuse
        ours = [each for each in aws.deployments.values() if "rolls back" not in each]
        assert len(ours) == 2, fuse
        assert all(each["stopped"] for each in aws.deployments.values() if "rolls back" in each), fuse


def test_strategies_become_configurations() -> None:
    name, routing = configuration(SCOPE, CANARY)
    assert name == "orders-dev-canary-10-percent-5-minutes"
    assert routing["timeBasedCanary"] == {"canaryPercentage": 10, "canaryInterval": 5}
    _, routing = configuration(SCOPE, LINEAR)
    assert routing == {"type": "TimeBasedLinear", "timeBasedLinear": {"linearPercentage": 20, "linearInterval": 2}}


def test_a_revision_names_both_versions() -> None:
    assert app_spec(SHIFTS[0]) != app_spec(replace(SHIFTS[0], canary="3"))
