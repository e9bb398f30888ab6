"""API Gateway WebSocket APIs with their stage.

Routes lead to functions through their alias; callers get what the stage's api deployment froze of them. A new API is
deployed and gets its stage here. Later changes of its routes wait for the release phase
(`pipeline.releasing.publisher`), which deploys them and points the stage there. An api deployment carries the digest
of its definition as description: none is made twice, and an old one serves again when its routes come back.

Names of APIs are not unique, so an API is found by the id of the last release, else by name and ownership mark.
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api.html
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline.model.resource import Observed, Resource
from pipeline.model.values import Outputs, Properties, references_of
from pipeline.resources import _apis_v2 as apis
from pipeline.resources import _websocket_authorizer as authorizer
from pipeline.resources import _websocket_routes as routes
from pipeline.resources import _websocket_stage as stages
from pipeline.resources._apis_v2 import delete
from pipeline.resources._websocket_declaration import (
    DEFINED,
    LATEST,
    canonical,
    check,
    definition_digest,
    derive,
    grants,
    warn,
)
from pipeline.resources.base import Aws, Target, split_tags, tags_for, touches

__all__ = ["canonical", "check", "create", "delete", "derive", "grants", "read", "update", "warn"]

Wire = Mapping[str, Any]


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each API by its recorded id, in one round of calls; one without a record is looked for by its name."""
    return apis.read(aws, targets, "WEBSOCKET", _read_one)


def _read_one(aws: Aws, target: Target, api_id: str) -> Observed | None:
    def everything(operation: str) -> Callable[[], Any]:
        return lambda: aws.pages("apigatewayv2", operation, "Items", ApiId=api_id)

    api, tags = aws.gather(apis.readers(aws, api_id))
    if not api:
        return None
    recorded = target.recorded.get("deployment")
    rounds = [everything("GetRoutes"), everything("GetIntegrations"), everything("GetStages")]
    rounds += [apis.deployment_reader(aws, api_id, str(recorded))] if recorded else []
    listed, integrations, staged, *more = aws.gather(rounds)
    stage = apis.stage_of(target, staged)
    serving = stage.get("DeploymentId") if stage else None
    deployment = more[0] if more and serving == recorded else {}
    if serving and not deployment:
        deployment = apis.deployment_reader(aws, api_id, serving)()
    asked = any(route.get("AuthorizerId") for route in listed)
    judges = authorizer.listed(aws, api_id) if asked else []
    parts = {"api": api, "tags": tags, "routes": listed, "integrations": integrations, "authorizers": judges}
    return _observed(aws, target, parts, stage, deployment.get("Description"))


def _observed(aws: Aws, target: Target, parts: Mapping[str, Any], stage: Wire | None, digest: str | None) -> Observed:
    declared, scope, api = target.resource.properties, aws.scope, parts["api"]
    tags, mark = split_tags(parts["tags"].get("Tags") or {})
    retention = (declared.get("access_logs") or {}).get("retention_days")
    connect = next((route for route in parts["routes"] if route["RouteKey"] == "$connect"), None)
    properties = {
        "name": api["Name"],
        "description": (api.get("Description") or "").strip(),
        "route_selection_expression": api.get("RouteSelectionExpression"),
        "routes": routes.shown(parts["routes"], parts["integrations"], declared["alias"], scope),
        "authorizer": authorizer.shown(connect, parts["authorizers"], declared["alias"], scope),
        "alias": declared["alias"],
        "stage": stage["StageName"] if stage else declared["stage"],
        **stages.stage_settings(stage or {}, retention),
        "tags": tags,
        "unmanaged": apis.unmanaged(routes.unused(parts["routes"], parts["integrations"]), stage),
    }
    properties["live"] = _live(stage, digest, properties, declared)
    outputs = stages.outputs(scope, api["ApiId"], str(properties["stage"]), stage, digest)
    pending = _refused_logs(aws, target, properties) if target.recorded.get(stages.NO_LOGS) else None
    if pending:
        outputs = {**outputs, stages.NO_LOGS: True}
    return Observed(target.address, properties, outputs, mark, pending=pending)


def _live(stage: Wire | None, digest: str | None, have: Properties, declared: Properties) -> str | None:
    """`latest`, or what the stage serves instead; None without a stage.

    What the API alone has against the specs is drift of the routes, not routes that wait to be deployed.
    """
    if stage is None:
        return None
    if digest in (definition_digest(have), definition_digest(declared)):
        return LATEST
    return f"api deployment {stage.get('DeploymentId') or 'none'}"


def _refused_logs(aws: Aws, target: Target, properties: dict[str, Any]) -> str | None:
    """Why the logs are still off, if the reason holds; then they do not count as a difference."""
    wanted = target.resource.properties.get("access_logs")
    if not wanted or properties["access_logs"] or aws.call("apigateway", "GetAccount").get("cloudwatchRoleArn"):
        return None
    group = next((r.address.partition("/")[2] for r in references_of(wanted["destination"])), None)
    destination = aws.scope.arn("logs", f"log-group:{group}") if group else wanted["destination"]
    properties["access_logs"] = {**wanted, "destination": destination}
    return (
        f"{target.address} writes no access logs: API Gateway has no role to write them with in this account and region"
        " (one setting for all APIs); try: set cloudwatchRoleArn (apigateway update-account), once"
    )


def create(aws: Aws, resource: Resource) -> Outputs:
    """The API with its mark, its integrations and routes, an api deployment, the stage."""
    wanted = resource.properties
    described = {"Description": wanted["description"]} if wanted.get("description") else {}
    api = aws.call(
        "apigatewayv2",
        "CreateApi",
        Name=resource.name,
        ProtocolType="WEBSOCKET",
        RouteSelectionExpression=wanted["route_selection_expression"],
        Tags=tags_for(aws, resource),
        **described,
    )
    routes.converge(aws, api["ApiId"], wanted)
    return stages.add_stage(aws, resource, api["ApiId"], fresh=True)


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """Settings, routes, tags, stage settings. What the stage serves stays; a stage that is missing is made."""
    wanted, have = resource.properties, observed.properties
    api_id = str(observed.outputs["id"])
    if touches(paths, "name", "description", "route_selection_expression"):
        _set_api(aws, api_id, wanted)
    if touches(paths, *DEFINED, "unmanaged"):
        routes.converge(aws, api_id, wanted)
    if touches(paths, "tags"):
        apis.tag(aws, resource, observed)
    if have["live"] is None:
        return stages.add_stage(aws, resource, api_id, fresh=False)
    if apis.AUTOMATIC in have["unmanaged"]:
        aws.call("apigatewayv2", "UpdateStage", ApiId=api_id, StageName=wanted["stage"], AutoDeploy=False)
    outputs = dict(observed.outputs)
    if names := [name for name in stages.SETTINGS if touches(paths, name)]:
        outputs |= stages.set_stage(aws, api_id, wanted, names, has_logs=bool(have["access_logs"]))
    return outputs


def _set_api(aws: Aws, api_id: str, wanted: Properties) -> None:
    aws.call(
        "apigatewayv2",
        "UpdateApi",
        ApiId=api_id,
        Name=wanted["name"],
        Description=apis.description(wanted),
        RouteSelectionExpression=wanted["route_selection_expression"],
    )
