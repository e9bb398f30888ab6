"""Traffic routers: all traffic to one target, and nobody's word taken for it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import pytest

from pipeline.errors import PipelineError
from pipeline.model.scope import Scope
from pipeline.releasing.traffic import AliasRouter, Kind, Pointer, Serving, StageRouter, routers, serve_all
from tests.resources.fake_lambda import FakeLambda
from tests.resources.functions import CODE_B, bring, function
from tests.support.aws import SCOPE

T = TypeVar("T")

ALIAS = Pointer(Kind.ALIAS, "orders-list", "live")
STAGE = Pointer(Kind.STAGE, "a1b2c3", "dev")


class Stage:
    """An `Aws` with one stage; `deaf` makes it answer without doing anything."""

    scope: Scope = SCOPE

    def __init__(self, deployment: str, canary: dict[str, Any] | None = None, *, deaf: bool = False) -> None:
        self.stage: dict[str, Any] = {"stageName": "dev", "deploymentId": deployment}
        self.stage |= {"canarySettings": canary} if canary else {}
        self.deaf = deaf
        self.patches: list[dict[str, str]] = []

    def call(self, service: str, operation: str, /, *, region: str | None = None, **params: Any) -> dict[str, Any]:
        assert (service, params["restApiId"], params["stageName"]) == ("apigateway", "a1b2c3", "dev")
        for patch in params.get("patchOperations", []):
            self.patches.append(patch)
            if self.deaf:
                continue
            if patch["path"] == "/deploymentId":
                self.stage["deploymentId"] = patch["value"]
            elif patch == {"op": "remove", "path": "/canarySettings"}:
                del self.stage["canarySettings"]
        return dict(self.stage)

    def pages(self, service: str, operation: str, /, key: str, **params: Any) -> list[Any]:
        raise AssertionError("no lists in here")

    def found(self, service: str, operation: str, /, **params: Any) -> dict[str, Any] | None:
        return self.call(service, operation, **params)

    def gather(self, thunks: Iterable[Callable[[], T]]) -> list[T]:
        return [thunk() for thunk in thunks]

    def wait(self, what: str, poll: Callable[[], T | None], *, every: float, budget: float) -> T:
        raise AssertionError("nothing to wait for")

    def artifact(self, digest: str) -> Mapping[str, str]:
        raise AssertionError("no code in here")


@pytest.fixture
def world() -> FakeLambda:
    """A function with two versions, of which the alias serves the first."""
    world = FakeLambda(delay=0.0)
    bring(world, function())
    bring(world, function(code=CODE_B))
    return world


def test_an_alias_serves_one_version(world: FakeLambda) -> None:
    router = AliasRouter(world)
    assert router.current(ALIAS) == Serving(ALIAS, "1")
    router.serve(ALIAS, "2")
    assert router.current(ALIAS) == Serving(ALIAS, "2")


def test_shares_of_an_alias_are_shown_and_cleared(world: FakeLambda) -> None:
    weights = {"AdditionalVersionWeights": {"2": 0.25}}
    world.call("lambda", "UpdateAlias", FunctionName="orders-list", Name="live", RoutingConfig=weights)
    router = AliasRouter(world)
    assert router.current(ALIAS) == Serving(ALIAS, "1", {"2": 0.25})
    router.serve(ALIAS, "2")
    assert router.current(ALIAS) == Serving(ALIAS, "2")


def test_an_alias_that_is_likely_missing_is_made_with_one_call(world: FakeLambda) -> None:
    router, previous = AliasRouter(world), Pointer(Kind.ALIAS, "orders-list", "previous")
    before = len(world.names)
    router.make(previous, "1")
    assert world.names[before:] == ["CreateAlias"]
    router.make(previous, "2")  # it was there after all
    assert router.current(previous) == Serving(previous, "2")


class Shifting(FakeLambda):
    """Lambda while provisioned concurrency follows an alias: it has weights of Lambda's own for `looks` looks."""

    looks = 0

    def call(self, service: str, operation: str, /, *, region: str | None = None, **params: Any) -> dict[str, Any]:
        answer = super().call(service, operation, region=region, **params)
        if operation in ("GetAlias", "UpdateAlias") and self.looks:
            self.looks -= 1
            answer["RoutingConfig"] = {"AdditionalVersionWeights": {"1": 0.5}}
        return answer


def test_lambda_s_own_weights_are_waited_for() -> None:
    world = Shifting(delay=0.0)
    bring(world, function())
    bring(world, function(code=CODE_B))
    world.looks = 3
    AliasRouter(world).serve(ALIAS, "2")
    assert world.looks == 0
    assert world.names.count("UpdateAlias") == 1


def test_a_stage_serves_one_deployment() -> None:
    aws = Stage("old")
    router = StageRouter(aws)
    assert router.current(STAGE) == Serving(STAGE, "old")
    router.serve(STAGE, "new")
    assert router.current(STAGE) == Serving(STAGE, "new")
    assert aws.patches == [{"op": "replace", "path": "/deploymentId", "value": "new"}]


def test_a_canary_that_was_left_on_a_stage_goes() -> None:
    """As long as it stays, every later api deployment lands on the canary alone."""
    aws = Stage("old", {"percentTraffic": 10.0, "deploymentId": "other"})
    router = StageRouter(aws)
    assert router.current(STAGE) == Serving(STAGE, "old", {"other": 0.1})
    router.serve(STAGE, "new")
    assert "canarySettings" not in aws.stage
    assert router.current(STAGE) == Serving(STAGE, "new")


def test_an_answer_that_says_otherwise_is_an_error() -> None:
    with pytest.raises(PipelineError, match="pointing stage dev of a1b2c3 at new: AWS answered that it serves old"):
        StageRouter(Stage("old", deaf=True)).serve(STAGE, "new")


def test_a_canary_that_does_not_go_is_an_error() -> None:
    aws = Stage("new", {"percentTraffic": 50.0, "deploymentId": "other"}, deaf=True)
    with pytest.raises(PipelineError, match="serves new, 50% to other"):
        StageRouter(aws).serve(STAGE, "new")


def test_functions_move_before_the_apis_that_call_them() -> None:
    order: list[str] = []

    class Noting(Stage):
        def call(self, service: str, operation: str, /, *, region: str | None = None, **params: Any) -> dict[str, Any]:
            order.append(operation)
            if service == "lambda":
                return {"FunctionVersion": params["FunctionVersion"]}
            return super().call(service, operation, **params)

    serve_all(Noting("old"), [(STAGE, "new"), (ALIAS, "2"), (Pointer(Kind.ALIAS, "orders-show", "live"), "3")])
    assert order == ["UpdateAlias", "UpdateAlias", "GetStage", "UpdateStage"]


def test_every_kind_of_pointer_has_a_router(world: FakeLambda) -> None:
    assert set(routers(world)) == set(Kind)
