"""Traffic routers: what a Lambda alias and an API Gateway stage serve, and pointing them elsewhere.

A pointer is what callers go through; it never changes. What it serves is a version of the function, or an api
deployment of the API, neither of which ever changes. May not decide what is to be served.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, Protocol

from pipeline.errors import AwsError, PipelineError
from pipeline.resources._rest_definition import CANARY_ALIAS, VARIABLE
from pipeline.resources.base import Aws

# Seconds; provisioned concurrency takes one to three minutes to follow an alias.
_EVERY, _SETTLED_WITHIN = 2.0, 900.0
_CANARY = "/canarySettings"


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


class SharingRouter(TrafficRouter, Protocol):
    """Knows one kind of pointer that can share its traffic."""

    def share(self, pointer: Pointer, stable: str, canary: str, percent: float) -> None:
        """`percent` of the traffic to `canary`, the rest to `stable`. PipelineError when AWS does not show it."""


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

    def make(self, pointer: Pointer, target: str) -> None:
        """Like `serve`, for an alias that is most likely missing; one that is there is moved."""
        wanted = {"FunctionName": pointer.owner, "Name": pointer.name, "FunctionVersion": target}
        try:
            answer = self._aws.call("lambda", "CreateAlias", **wanted)
        except AwsError as error:
            if error.code != "ResourceConflictException":
                raise
            self.serve(pointer, target)
        else:
            _verify(_alias(pointer, answer), target)

    def _settled(self, pointer: Pointer) -> Serving:
        """What the alias serves once Lambda is through with weights of its own.

        It shifts traffic by them while the provisioned concurrency of an alias follows to another version.
        https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
        """

        def alone() -> Serving | None:
            serving = self.current(pointer)
            return None if serving.shares else serving

        return self._aws.wait(f"{pointer} to serve one version", alone, every=_EVERY, budget=_SETTLED_WITHIN)

    def share(self, pointer: Pointer, stable: str, canary: str, percent: float) -> None:
        """Two published versions of one role and dead-letter queue; each invocation is given one of them at random.

        https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
        """
        answer = self._aws.call(
            "lambda",
            "UpdateAlias",
            FunctionName=pointer.owner,
            Name=pointer.name,
            FunctionVersion=stable,
            RoutingConfig={"AdditionalVersionWeights": {canary: percent / 100}},
        )
        _verify(_alias(pointer, answer), stable, {canary: percent / 100})

    def remove(self, pointer: Pointer) -> None:
        """Deletes the alias, and who may invoke it with it; quiet when it is gone."""
        self._aws.found("lambda", "DeleteAlias", FunctionName=pointer.owner, Name=pointer.name)


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
        return _stage(pointer, self._stage(pointer))

    def serve(self, pointer: Pointer, target: str) -> None:
        """All traffic to one api deployment, and no canary any more.

        While a stage has a canary it cannot be given another deployment, and every later deployment goes to the
        canary: so the canary is promoted (its deployment is copied), or its settings are removed first.
        https://docs.aws.amazon.com/apigateway/latest/developerguide/canary-release.html
        """
        stage = self._stage(pointer)
        canary = stage.get("canarySettings") or {}
        if canary and canary.get("deploymentId") == target != stage["deploymentId"]:
            stage = self._patch(
                pointer,
                {"op": "replace", "path": f"{_CANARY}/percentTraffic", "value": "0.0"},
                {"op": "copy", "path": "/deploymentId", "from": f"{_CANARY}/deploymentId"},
            )
        if canary:
            stage = self._patch(pointer, {"op": "remove", "path": _CANARY})
        if stage["deploymentId"] != target:
            stage = self._patch(pointer, {"op": "replace", "path": "/deploymentId", "value": target})
        _verify(_stage(pointer, stage), target)

    def share(self, pointer: Pointer, stable: str, canary: str, percent: float) -> None:
        """A canary on the stage: its own api deployment, and its own value of the stage variable that names the alias.

        The deployment was made for no stage. CreateDeployment can make it and the canary in one call, but an AWS that
        did not know its `canarySettings` would give the new deployment all traffic at once.
        """
        if self._stage(pointer)["deploymentId"] != stable:
            raise PipelineError(f"sharing {pointer}: it does not serve {stable} any more", hint="deploy again")
        stage = self._patch(
            pointer,
            {"op": "replace", "path": f"{_CANARY}/deploymentId", "value": canary},
            {"op": "replace", "path": f"{_CANARY}/stageVariableOverrides/{VARIABLE}", "value": CANARY_ALIAS},
            {"op": "replace", "path": f"{_CANARY}/useStageCache", "value": "false"},
            {"op": "replace", "path": f"{_CANARY}/percentTraffic", "value": f"{percent:g}"},
        )
        _verify(_stage(pointer, stage), stable, {canary: percent / 100})

    def _stage(self, pointer: Pointer) -> dict[str, Any]:
        return self._aws.call("apigateway", "GetStage", restApiId=pointer.owner, stageName=pointer.name)

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


def _verify(serving: Serving, target: str, shares: Mapping[str, float] | None = None) -> None:
    wanted = shares or {}
    alike = serving.shares.keys() == wanted.keys() and all(
        math.isclose(share, wanted[other], abs_tol=1e-6) for other, share in serving.shares.items()
    )
    if serving.stable != target or not alike:
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


def sharing_routers(aws: Aws) -> dict[Kind, SharingRouter]:
    """The router of each kind of pointer that can share."""
    return {Kind.ALIAS: AliasRouter(aws), Kind.STAGE: StageRouter(aws)}


def serve_all(aws: Aws, targets: Iterable[tuple[Pointer, str]]) -> None:
    """Points every pointer at its target: first the functions, in parallel, then the APIs that call them."""
    wanted, known = list(targets), routers(aws)
    for kind in Kind:
        chosen = [(pointer, target) for pointer, target in wanted if pointer.kind is kind]
        aws.gather([partial(known[kind].serve, pointer, target) for pointer, target in chosen])
