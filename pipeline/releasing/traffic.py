"""Traffic routers: what a Lambda alias and an API Gateway stage serve, and pointing them elsewhere.

A pointer is what callers go through; it never changes. What it serves is a version of the function, or an api
deployment of the API, neither of which ever changes. May not decide what is to be served.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, Protocol

from pipeline.errors import PipelineError
from pipeline.resources.base import Aws

# Seconds; provisioned concurrency takes one to three minutes to follow an alias.
_EVERY, _SETTLED_WITHIN = 2.0, 900.0


class Kind(StrEnum):
    """What a pointer is."""

    ALIAS = "alias"
    STAGE = "stage"
    WEBSOCKET_STAGE = "websocket stage"
    HTTP_STAGE = "http stage"


@dataclass(frozen=True)
class Pointer:
    """The alias `name` of the function `owner`, or the stage `name` of the API with the id `owner`."""

    kind: Kind
    owner: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name} of {self.owner}"


@dataclass(frozen=True)
class Serving:
    """What a pointer serves: `stable`, and beside it shares of the traffic (0 to 1) by what gets them."""

    pointer: Pointer
    stable: str
    shares: Mapping[str, float] = field(default_factory=dict)


class TrafficRouter(Protocol):
    """Knows one kind of pointer."""

    def current(self, pointer: Pointer) -> Serving:
        """What the pointer serves now. AwsError when there is no such pointer."""

    def serve(self, pointer: Pointer, target: str) -> None:
        """Points at `target` alone, from now on. PipelineError when AWS does not show it afterwards."""


class AliasRouter:
    """Lambda aliases; targets are version numbers."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def current(self, pointer: Pointer) -> Serving:
        """What the alias serves."""
        return _alias(pointer, self._aws.call("lambda", "GetAlias", FunctionName=pointer.owner, Name=pointer.name))

    def serve(self, pointer: Pointer, target: str) -> None:
        """All traffic to one version; an alias that is missing is made.

        Weights are cleared in the same call: omitted they would stay.
        https://docs.aws.amazon.com/lambda/latest/api/API_UpdateAlias.html
        """
        wanted = {"FunctionName": pointer.owner, "Name": pointer.name, "FunctionVersion": target}
        answer = self._aws.found(
            "lambda", "UpdateAlias", RoutingConfig={"AdditionalVersionWeights": {}}, **wanted
        ) or self._aws.call("lambda", "CreateAlias", **wanted)
        serving = _alias(pointer, answer)
        if serving.shares and serving.stable == target:
            serving = self._settled(pointer)
        _verify(serving, target)

    def _settled(self, pointer: Pointer) -> Serving:
        """What the alias serves once Lambda is through with weights of its own.

        It shifts traffic by them while the provisioned concurrency of an alias follows to another version.
        https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
        """

        def alone() -> Serving | None:
            serving = self.current(pointer)
            return None if serving.shares else serving

        return self._aws.wait(f"{pointer} to serve one version", alone, every=_EVERY, budget=_SETTLED_WITHIN)


def _alias(pointer: Pointer, answer: Mapping[str, Any]) -> Serving:
    weights = (answer.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    shares = {str(version): float(weight) for version, weight in weights.items()}
    return Serving(pointer, str(answer["FunctionVersion"]), shares)


class StageRouter:
    """Stages of REST APIs; targets are ids of api deployments."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def current(self, pointer: Pointer) -> Serving:
        """What the stage serves."""
        stage = self._aws.call("apigateway", "GetStage", restApiId=pointer.owner, stageName=pointer.name)
        return _stage(pointer, stage)

    def serve(self, pointer: Pointer, target: str) -> None:
        """All traffic to one api deployment; a canary that somebody left on the stage goes.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/canary-release.html
        """
        answer = self._patch(pointer, {"op": "replace", "path": "/deploymentId", "value": target})
        if answer.get("canarySettings"):
            answer = self._patch(pointer, {"op": "remove", "path": "/canarySettings"})
        _verify(_stage(pointer, answer), target)

    def _patch(self, pointer: Pointer, *operations: dict[str, str]) -> dict[str, Any]:
        where = {"restApiId": pointer.owner, "stageName": pointer.name}
        return self._aws.call("apigateway", "UpdateStage", patchOperations=list(operations), **where)


def _stage(pointer: Pointer, stage: Mapping[str, Any]) -> Serving:
    canary = stage.get("canarySettings") or {}
    share = float(canary.get("percentTraffic", 0)) / 100
    shares = {str(canary["deploymentId"]): share} if canary.get("deploymentId") else {}
    return Serving(pointer, str(stage["deploymentId"]), shares)


class StageV2Router:
    """Stages of WebSocket and HTTP APIs; targets are ids of api deployments. They know no canary: no shares, ever."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def current(self, pointer: Pointer) -> Serving:
        """What the stage serves."""
        return self._serving(pointer, self._aws.call("apigatewayv2", "GetStage", **_where(pointer)))

    def serve(self, pointer: Pointer, target: str) -> None:
        """New connections and messages go to one api deployment; connections that are open stay.

        https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-stages-stagename.html
        """
        answer = self._aws.call("apigatewayv2", "UpdateStage", DeploymentId=target, **_where(pointer))
        _verify(self._serving(pointer, answer), target)

    @staticmethod
    def _serving(pointer: Pointer, stage: Mapping[str, Any]) -> Serving:
        return Serving(pointer, str(stage.get("DeploymentId") or "nothing"))


def _where(pointer: Pointer) -> dict[str, str]:
    return {"ApiId": pointer.owner, "StageName": pointer.name}


def _verify(serving: Serving, target: str) -> None:
    if serving.stable != target or serving.shares:
        others = "".join(f", {share:.0%} to {other}" for other, share in serving.shares.items())
        raise PipelineError(
            f"pointing {serving.pointer} at {target}: AWS answered that it serves {serving.stable}{others}",
            hint="run the same command again",
        )


def routers(aws: Aws) -> dict[Kind, TrafficRouter]:
    """The router of each kind of pointer."""
    return {
        Kind.ALIAS: AliasRouter(aws),
        Kind.STAGE: StageRouter(aws),
        Kind.WEBSOCKET_STAGE: StageV2Router(aws),
        Kind.HTTP_STAGE: StageV2Router(aws),
    }


def serve_all(aws: Aws, targets: Iterable[tuple[Pointer, str]]) -> None:
    """Points every pointer at its target: first the functions, in parallel, then the APIs that call them."""
    wanted, known = list(targets), routers(aws)
    for kind in Kind:
        chosen = [(pointer, target) for pointer, target in wanted if pointer.kind is kind]
        aws.gather([partial(known[kind].serve, pointer, target) for pointer, target in chosen])
