"""CodeDeploy as the engine: it shifts, we start, watch, stop and record; killed at every call."""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

import pytest

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

    def call(self, service: str, operation: str, /, *, region: str | None = None, **params: Any) -> dict[str, Any]:
        assert service == "codedeploy"
        answer: dict[str, Any] = getattr(self, operation)(**params)
        self.world.spend()
        return answer

    def found(self, service: str, operation: str, /, **params: Any) -> dict[str, Any] | None:
        return self.made.get(f"group {params['deploymentGroupName']}")

    def pages(self, service: str, operation: str, /, key: str, **params: Any) -> list[str]:
        group = params["deploymentGroupName"]
        if f"group {group}" not in self.made:
            raise AwsError(FailedCall(service, operation, "DeploymentGroupDoesNotExistException", "no such group"))
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

    def _add(self, key: str, code: str, params: dict[str, Any]) -> dict[str, Any]:
        if key in self.made:
            raise AwsError(FailedCall("codedeploy", "Create", code, "it is there"))
        self.made[key] = params
        return {}

    def CreateApplication(self, **params: Any) -> dict[str, Any]:
        return self._add("application", "ApplicationAlreadyExistsException", params)

    def CreateDeploymentConfig(self, **params: Any) -> dict[str, Any]:
        return self._add("config", "DeploymentConfigAlreadyExistsException", params)

    def CreateDeploymentGroup(self, **params: Any) -> dict[str, Any]:
        return self._add(f"group {params['deploymentGroupName']}", "DeploymentGroupAlreadyExistsException", params)

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
        error = {"code": "ALARM_ACTIVE", "message": "an alarm is red"} if status == "Failed" else {}
        revision = self.deployments[deploymentId]["revision"]
        return {"deploymentInfo": {"status": status, "errorInformation": error, "revision": revision}}

    def StopDeployment(self, deploymentId: str, autoRollbackEnabled: bool) -> dict[str, Any]:  # noqa: N803 - AWS's names
        self.deployments[deploymentId]["stopped"] = True
        self.stopped.append((deploymentId, autoRollbackEnabled))
        return {}

    def _status(self, name: str) -> str:
        found = self.deployments[name]
        if found["stopped"]:
            return "Stopped"
        if self.breaks == found["group"] and self.world.now - found["at"] > 60:
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
    assert aws.stopped == [("d-1", True)]
    assert aws.world.shares == [0]


def test_an_abort_from_elsewhere_stops_them() -> None:
    aws = begun(World())
    aws.world.meanwhile = lambda passed: happens(aws.world, AbortRequested("eve")) if passed == 20 else None
    assert drive(aws).status.outcome is Outcome.REVERTED
    assert aws.stopped == [("d-1", True), ("d-2", True)]


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

    def refused(**params: Any) -> dict[str, Any]:
        raise AwsError(FailedCall("codedeploy", "CreateDeploymentGroup", "InvalidRoleException", "no such role"))

    aws.CreateDeploymentGroup = refused  # type: ignore[method-assign]  # this one account lacks the role
    ended = drive(aws)
    assert ended.status.outcome is Outcome.REVERTED
    assert "InvalidRoleException" in ended.status.reason


def test_what_began_before_one_was_refused_is_stopped_too() -> None:
    aws = begun(World())
    create = aws.CreateDeployment

    def limited(**params: Any) -> dict[str, Any]:
        if params["deploymentGroupName"] == "stock":
            raise AwsError(FailedCall("codedeploy", "CreateDeployment", "DeploymentLimitExceededException", "too many"))
        return create(**params)

    aws.CreateDeployment = limited  # type: ignore[method-assign]  # this one has no room for a second deployment
    ended = drive(aws)
    assert ended.status.outcome is Outcome.REVERTED
    assert aws.stopped == [("d-1", True)]


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
        assert len(aws.deployments) == 2, fuse


def test_strategies_become_configurations() -> None:
    name, routing = configuration(SCOPE, CANARY)
    assert name == "orders-dev-canary-10-percent-5-minutes"
    assert routing["timeBasedCanary"] == {"canaryPercentage": 10, "canaryInterval": 5}
    _, routing = configuration(SCOPE, LINEAR)
    assert routing == {"type": "TimeBasedLinear", "timeBasedLinear": {"linearPercentage": 20, "linearInterval": 2}}


def test_a_revision_names_both_versions() -> None:
    assert app_spec(SHIFTS[0]) != app_spec(replace(SHIFTS[0], canary="3"))
