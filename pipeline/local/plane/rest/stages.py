"""Stages: names under which deployments serve."""

import re
from collections.abc import Mapping
from typing import Any

from pipeline.local.plane.asgi import Answer
from pipeline.local.plane.refusal import Refusal, bad_request, conflict
from pipeline.local.plane.rest.model import Op, RestApi, Wire
from pipeline.local.plane.rest.stage_patches import check_variables, patched

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_LIMIT = 10
_OPTIONAL = ("description", "cacheClusterSize", "documentationVersion")


def create(op: Op) -> Answer:
    """CreateStage."""
    api, body = op.api(), op.body
    name = str(body.get("stageName") or "")
    check_name(name)
    if name in api.stages:
        raise conflict("Stage already exists")
    if len(api.stages) >= _LIMIT:
        raise Refusal(429, "LimitExceededException", f"Maximum number of stages ({_LIMIT}) for the API exceeded")
    for wanted in (body.get("deploymentId"), (body.get("canarySettings") or {}).get("deploymentId")):
        if wanted is not None and wanted not in api.deployments:
            raise bad_request("Deployment id does not exist")
    stage = build(body, op.now)
    api.stages[name] = stage
    return Answer.of_json(stage, 201)


def check_name(name: str) -> None:
    """Raises BadRequestException."""
    if not _NAME.fullmatch(name):
        raise bad_request("Stage name only allows a-zA-Z0-9_-")


def build(given: Mapping[str, Any], now: int) -> Wire:
    """A stage as it goes over the wire, defaults filled in. Raises BadRequestException."""
    cached = bool(given.get("cacheClusterEnabled"))
    stage: Wire = {
        "stageName": given["stageName"],
        "deploymentId": given["deploymentId"],
        "cacheClusterEnabled": cached,
        "cacheClusterStatus": "AVAILABLE" if cached else "NOT_AVAILABLE",
        "methodSettings": {},
        "tracingEnabled": bool(given.get("tracingEnabled")),
        "createdDate": now,
        "lastUpdatedDate": now,
    }
    stage |= {key: given[key] for key in _OPTIONAL if given.get(key)}
    check_variables(given.get("variables") or {})
    stage |= {key: dict(given[key]) for key in ("variables", "tags") if given.get(key)}
    if given.get("canarySettings"):
        stage["canarySettings"] = canary({"deploymentId": given["deploymentId"], **given["canarySettings"]})
    return stage


def canary(given: Mapping[str, Any]) -> Wire:
    """Canary settings with their defaults. Raises BadRequestException."""
    percent = float(given.get("percentTraffic") or 0.0)
    if not 0.0 <= percent <= 100.0:
        raise bad_request("Invalid canary percentage: must be between 0.0 and 100.0")
    settings: Wire = {"deploymentId": given["deploymentId"], "percentTraffic": percent}
    if given.get("stageVariableOverrides"):
        settings["stageVariableOverrides"] = dict(given["stageVariableOverrides"])
    settings["useStageCache"] = bool(given.get("useStageCache"))
    return settings


def get(op: Op) -> Answer:
    """GetStage."""
    return Answer.of_json(op.api().stage(op.params["stage"]))


def get_all(op: Op) -> Answer:
    """GetStages: all of them, or those that a deployment serves."""
    wanted = op.option("deploymentId")
    found = [stage for stage in op.api().stages.values() if wanted in {None, stage["deploymentId"]}]
    return Answer.of_json({"item": found})


def update(op: Op) -> Answer:
    """UpdateStage: all its patch operations, or none."""
    api = op.api()
    stage = patched(
        api.stage(op.params["stage"]),
        op.patches,
        deployments=frozenset(api.deployments),
        may_log="cloudwatchRoleArn" in op.store.settings(op.caller),
    )
    stage["lastUpdatedDate"] = op.now
    api.stages[op.params["stage"]] = stage
    return Answer.of_json(stage)


def delete(op: Op) -> Answer:
    """DeleteStage."""
    api: RestApi = op.api()
    api.stage(op.params["stage"])
    del api.stages[op.params["stage"]]
    return Answer(202)


def flush_cache(op: Op) -> Answer:
    """FlushStageCache and FlushStageAuthorizersCache: nothing is cached here."""
    op.api().stage(op.params["stage"])
    return Answer(202)
