"""Deployments: frozen definitions, and what a new one does to the stage that it is made for."""

from typing import Any

from pipeline.local.plane.asgi import Answer
from pipeline.local.plane.refusal import bad_request
from pipeline.local.plane.rest import stages
from pipeline.local.plane.rest.model import Definition, Deployment, Op, RestApi, Wire, new_id, page
from pipeline.local.plane.rest.patching import apply, text

_CONTENT = "Invalid deployment content specified."


def create(op: Op) -> Answer:
    """CreateDeployment. With a stage's name the stage is made or moved; a stage with a canary moves only its canary."""
    api, body = op.api(), op.body
    name, canary = body.get("stageName"), body.get("canarySettings")
    if canary is not None:
        _check_canary(api, name)
    if name:
        stages.check_name(name)
    check_deployable(api.definition)
    deployment = Deployment(new_id(), op.now, body.get("description"), api.definition.snapshot())
    if name:
        _to_stage(api, name, deployment.id, body, op.now)
    api.deployments[deployment.id] = deployment
    return Answer.of_json(deployment.wire(), 201)


def _check_canary(api: RestApi, name: str | None) -> None:
    if not name:
        given = "null" if name is None else name
        raise bad_request(
            f"{_CONTENT}Non null and non empty stageName must be provided for canary deployment. "
            f"Provided value is {given}"
        )
    if name not in api.stages:
        raise bad_request(f"{_CONTENT}Stage {name} must already be created before making a canary release deployment")


def check_deployable(definition: Definition) -> None:
    """Raises BadRequestException for an API without methods, or a method without integration."""
    methods = [method for resource in definition.resources.values() for method in resource.methods.values()]
    if not methods:
        raise bad_request("The REST API doesn't contain any methods")
    if not all("methodIntegration" in method for method in methods):
        raise bad_request("No integration defined for method")


def _to_stage(api: RestApi, name: str, deployment_id: str, body: Wire, now: int) -> None:
    stage = api.stages.get(name)
    if stage is None:
        given = {
            "stageName": name,
            "deploymentId": deployment_id,
            "description": body.get("stageDescription"),
            **{
                key: body.get(key) for key in ("variables", "tracingEnabled", "cacheClusterEnabled", "cacheClusterSize")
            },
        }
        api.stages[name] = stages.build(given, now)
        return
    canary: Wire | None = body.get("canarySettings")
    if canary is not None:
        stage["canarySettings"] = stages.canary({**canary, "deploymentId": deployment_id})
    elif "canarySettings" in stage:
        stage["canarySettings"]["deploymentId"] = deployment_id
    else:
        stage["deploymentId"] = deployment_id
    _adjust(stage, body)
    stage["lastUpdatedDate"] = now


def _adjust(stage: Wire, body: Wire) -> None:
    if body.get("variables"):
        stage["variables"] = {**stage.get("variables", {}), **body["variables"]}
    if body.get("stageDescription"):
        stage["description"] = body["stageDescription"]
    if body.get("tracingEnabled") is not None:
        stage["tracingEnabled"] = bool(body["tracingEnabled"])


def get(op: Op) -> Answer:
    """GetDeployment."""
    deployment = op.api().deployment(op.params["deployment"])
    return Answer.of_json(deployment.wire(summary=op.embeds("apisummary")))


def get_all(op: Op) -> Answer:
    """GetDeployments, the newest first."""
    return page(op, [deployment.wire() for deployment in reversed(op.api().deployments.values())])


def update(op: Op) -> Answer:
    """UpdateDeployment: its description."""
    api = op.api()
    deployment = api.deployment(op.params["deployment"])
    changed: dict[str, Any] = {"description": deployment.description}
    apply(changed, op.patches, scalars={"description": text})
    replaced = Deployment(deployment.id, deployment.created, changed.get("description"), deployment.definition)
    api.deployments[deployment.id] = replaced
    return Answer.of_json(replaced.wire())


def delete(op: Op) -> Answer:
    """DeleteDeployment: refused while a stage or a canary serves it."""
    api = op.api()
    wanted = api.deployment(op.params["deployment"]).id
    for stage in api.stages.values():
        if stage["deploymentId"] == wanted:
            raise bad_request("Active stages pointing to this deployment must be moved or deleted")
        if stage.get("canarySettings", {}).get("deploymentId") == wanted:
            raise bad_request("Active stages with canary settings pointing to this deployment must be moved or deleted")
    del api.deployments[wanted]
    return Answer(202)
