"""API Gateway HTTP APIs with their stage.

Routes lead to functions through their alias; callers get what the stage's api deployment froze of them. A new API is
deployed and gets its stage here. Later changes wait for the release phase (`pipeline.releasing.publisher`), which
deploys them and points the stage there. An api deployment carries the digest of its definition as description: none
is made twice, and an old one serves again when its routes come back.

Names of APIs are not unique, so an API is found by the id of the last release, else by name and ownership mark.
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties
from pipeline.resources import _http_routes as routes
from pipeline.resources._api_choice import SPELLED_V2, choose
from pipeline.resources._http_declaration import (
    DEFAULT,
    DEFINED,
    LATEST,
    canonical,
    check,
    cors_of,
    derive,
    grants,
    warn,
)
from pipeline.resources._lambda_properties import agrees
from pipeline.resources._websocket_stage import deployment_of
from pipeline.resources.base import Aws, Target, split_tags, stale_tags, tags_for, touches

__all__ = ["canonical", "check", "create", "delete", "derive", "grants", "read", "update", "warn"]

# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
_LOGGED = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "sourceIp": "$context.identity.sourceIp",
    "route": "$context.routeKey",
    "path": "$context.path",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "latency": "$context.responseLatency",
    "integrationLatency": "$context.integrationLatency",
    "integrationStatus": "$context.integration.status",
    "authorizerError": "$context.authorizer.error",
}
JSON_FORMAT = "{" + ",".join(f'"{name}":"{variable}"' for name, variable in _LOGGED.items()) + "}"
_CORS = {
    "origins": "AllowOrigins",
    "methods": "AllowMethods",
    "headers": "AllowHeaders",
    "expose": "ExposeHeaders",
    "max_age": "MaxAge",
    "credentials": "AllowCredentials",
}
# An empty description leaves the old one as it is: https://github.com/go-to-k/cdkd (measured)
_NO_DESCRIPTION = " "
_AUTOMATIC = "automatic deployments of the stage"
Wire = Mapping[str, Any]


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each API by its recorded id, in one round of calls; one without a record is looked for by its name."""
    known = [(target, str(target.recorded["id"])) for target in targets if "id" in target.recorded]
    found = _read_all(aws, known)
    if missing := [target for target in targets if target.address not in found]:
        listed = aws.pages("apigatewayv2", "GetApis", "Items")
        ours = [api for api in listed if api.get("ProtocolType") == "HTTP"]
        chosen = [(target, choose(aws.scope, target, ours, SPELLED_V2)) for target in missing]
        found |= _read_all(aws, [(target, str(api["ApiId"])) for target, api in chosen if api is not None])
    return found


def _read_all(aws: Aws, chosen: Sequence[tuple[Target, str]]) -> dict[str, Observed]:
    parts = aws.gather([_reader(aws, target, api_id) for target, api_id in chosen])
    return {observed.address: observed for observed in parts if observed is not None}


def _reader(aws: Aws, target: Target, api_id: str) -> Callable[[], Observed | None]:
    def fetch(operation: str, **params: Any) -> Callable[[], Any]:
        return lambda: aws.found("apigatewayv2", operation, **params) or {}

    def read_one() -> Observed | None:
        api, tagged = aws.gather([fetch("GetApi", ApiId=api_id), fetch("GetTags", ResourceArn=_arn(aws, api_id))])
        if not api:
            return None
        rounds: list[Callable[[], Any]] = [lambda: routes.fetch(aws, api_id)]
        rounds.append(lambda: aws.pages("apigatewayv2", "GetStages", "Items", ApiId=api_id))
        parts, staged = aws.gather(rounds)
        stage = _stage_of(target, staged)
        serving = stage.get("DeploymentId") if stage else None
        deployed = fetch("GetDeployment", ApiId=api_id, DeploymentId=serving)() if serving else {}
        return _observed(aws, target, {**api, "Tags": tagged.get("Tags")}, parts, stage, deployed.get("Description"))

    return read_one


def _stage_of(target: Target, listed: Sequence[Wire]) -> Wire | None:
    """The declared stage; else the one of the last release, whose name then differs."""
    by_name = {stage["StageName"]: stage for stage in listed}
    return by_name.get(target.resource.properties["stage"]) or by_name.get(str(target.recorded.get("stage")))


def _observed(
    aws: Aws, target: Target, api: Wire, parts: routes.Parts, stage: Wire | None, digest: str | None
) -> Observed:
    declared = target.resource.properties
    tags, mark = split_tags(api.get("Tags") or {})
    left = [f"integration {one}, which no route uses" for one in routes.unused(parts)]
    payload = routes.payload_of(parts, declared["payload"])
    properties = {
        "name": api["Name"],
        "description": (api.get("Description") or "").strip(),
        "endpoints": routes.shown(parts, {**declared, "payload": payload}, aws.scope),
        "authorizers": routes.authorizers_of(parts),
        "cors": _cors(api.get("CorsConfiguration")),
        "payload": payload,
        "alias": declared["alias"],
        "stage": stage["StageName"] if stage else declared["stage"],
        **_stage_settings(stage or {}, (declared.get("access_logs") or {}).get("retention_days")),
        "disable_execute_api_endpoint": bool(api.get("DisableExecuteApiEndpoint")),
        "tags": tags,
        "unmanaged": [*left, *([_AUTOMATIC] if stage and stage.get("AutoDeploy") else [])],
    }
    properties["live"] = _live(stage, digest, properties, declared)
    outputs = _outputs(aws.scope, api["ApiId"], str(properties["stage"]), stage, digest)
    return Observed(target.address, properties, outputs, mark)


def _live(stage: Wire | None, digest: str | None, have: Properties, declared: Properties) -> str | None:
    """`latest`, or what the stage serves instead; None without a stage.

    While the API itself is not as declared, that is the difference, and not what waits to be deployed.
    """
    if stage is None:
        return None
    holds = all(agrees(have[name] or None, declared.get(name) or None) for name in DEFINED)
    return LATEST if digest == declared["edition"] or not holds else f"api deployment {stage.get('DeploymentId')}"


def _cors(found: Wire | None) -> dict[str, Any] | None:
    return cors_of({key: found.get(member) for key, member in _CORS.items() if member in found}) if found else None


def _cors_sent(cors: Mapping[str, Any]) -> dict[str, Any]:
    return {member: cors[key] for key, member in _CORS.items()}


def _stage_settings(stage: Wire, retention: int | None) -> dict[str, Any]:
    limits, logs = stage.get("DefaultRouteSettings") or {}, stage.get("AccessLogSettings") or {}
    access_logs = {
        "retention_days": retention,
        "format": "json" if logs.get("Format") == JSON_FORMAT else logs.get("Format"),
        "destination": str(logs.get("DestinationArn")).removesuffix(":*"),
    }
    throttling = {"rate": limits.get("ThrottlingRateLimit"), "burst": limits.get("ThrottlingBurstLimit")}
    return {"access_logs": access_logs if logs.get("DestinationArn") else None, "throttling": throttling}


def _outputs(scope: Scope, api_id: str, stage_name: str, stage: Wire | None, digest: str | None) -> Outputs:
    domain = "amazonaws.com.cn" if scope.partition == "aws-cn" else "amazonaws.com"
    path = "" if stage_name == DEFAULT else f"/{stage_name}"
    known = {"deployment": stage.get("DeploymentId") if stage else None, "definition": digest if stage else None}
    return {
        "id": api_id,
        "execution_arn": scope.arn("execute-api", api_id),
        "url": f"https://{api_id}.execute-api.{scope.region}.{domain}{path}",
        "stage": stage_name,
    } | {name: value for name, value in known.items() if value}


def create(aws: Aws, resource: Resource) -> Outputs:
    """The API with its mark, its authorizers, integrations and routes, an api deployment, the stage."""
    wanted = resource.properties
    described: dict[str, Any] = {"Description": wanted["description"]} if wanted.get("description") else {}
    cors: dict[str, Any] = {"CorsConfiguration": _cors_sent(wanted["cors"])} if wanted.get("cors") else {}
    api = aws.call(
        "apigatewayv2",
        "CreateApi",
        Name=resource.name,
        ProtocolType="HTTP",
        DisableExecuteApiEndpoint=wanted["disable_execute_api_endpoint"],
        Tags=tags_for(aws, resource),
        **described,
        **cors,
    )
    routes.converge(aws, api["ApiId"], wanted)
    return _add_stage(aws, resource, api["ApiId"], fresh=True)


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """Settings, routes, tags, stage settings. What the stage serves stays; a stage that is missing is made."""
    wanted, have = resource.properties, observed.properties
    api_id = str(observed.outputs["id"])
    if touches(paths, "name", "description", "disable_execute_api_endpoint", "cors"):
        _set_api(aws, api_id, wanted, have)
    if touches(paths, *DEFINED, "unmanaged"):
        routes.converge(aws, api_id, wanted)
    if touches(paths, "tags"):
        _tag(aws, resource, observed, api_id)
    if have["live"] is None:
        return _add_stage(aws, resource, api_id, fresh=False)
    if changes := _stage_changes(wanted, have, paths):
        aws.call("apigatewayv2", "UpdateStage", ApiId=api_id, StageName=wanted["stage"], **changes)
    if touches(paths, "access_logs") and not wanted.get("access_logs"):
        aws.found("apigatewayv2", "DeleteAccessLogSettings", ApiId=api_id, StageName=wanted["stage"])
    return observed.outputs


def delete(aws: Aws, observed: Observed) -> None:
    """The API with its stage, routes, integrations and api deployments."""
    aws.found("apigatewayv2", "DeleteApi", ApiId=observed.outputs["id"])


def _set_api(aws: Aws, api_id: str, wanted: Properties, have: Properties) -> None:
    if have.get("cors") and not wanted.get("cors"):
        aws.found("apigatewayv2", "DeleteCorsConfiguration", ApiId=api_id)
    cors: dict[str, Any] = {"CorsConfiguration": _cors_sent(wanted["cors"])} if wanted.get("cors") else {}
    aws.call(
        "apigatewayv2",
        "UpdateApi",
        ApiId=api_id,
        Name=wanted["name"],
        Description=wanted.get("description") or _NO_DESCRIPTION,
        DisableExecuteApiEndpoint=wanted["disable_execute_api_endpoint"],
        **cors,
    )


def _add_stage(aws: Aws, resource: Resource, api_id: str, *, fresh: bool) -> Outputs:
    """Deploys the definition and makes the stage that serves it; the API's outputs."""
    wanted = resource.properties
    stage = aws.call(
        "apigatewayv2",
        "CreateStage",
        ApiId=api_id,
        StageName=wanted["stage"],
        DeploymentId=deployment_of(aws, api_id, wanted["edition"], fresh=fresh),
        DefaultRouteSettings=_limits(wanted),
        Tags=tags_for(aws, resource),
        **_logs(wanted),
    )
    return _outputs(aws.scope, api_id, wanted["stage"], stage, wanted["edition"])


def _stage_changes(wanted: Properties, have: Properties, paths: frozenset[str]) -> dict[str, Any]:
    changes = {"DefaultRouteSettings": _limits(wanted)} if touches(paths, "throttling") else {}
    changes |= _logs(wanted) if touches(paths, "access_logs") else {}
    return changes | ({"AutoDeploy": False} if _AUTOMATIC in have["unmanaged"] else {})


def _limits(wanted: Properties) -> dict[str, Any]:
    limits = wanted["throttling"]
    return {"ThrottlingRateLimit": limits["rate"], "ThrottlingBurstLimit": limits["burst"]}


def _logs(wanted: Properties) -> dict[str, Any]:
    """Unlike those of REST and WebSocket APIs, these logs need no role of the account."""
    logs = wanted.get("access_logs")
    if not logs:
        return {}
    text = JSON_FORMAT if logs["format"] == "json" else logs["format"]
    return {"AccessLogSettings": {"DestinationArn": logs["destination"], "Format": text}}


def _tag(aws: Aws, resource: Resource, observed: Observed, api_id: str) -> None:
    tags = tags_for(aws, resource)
    gone = stale_tags(observed, tags)
    arns = [_arn(aws, api_id)]
    if observed.properties["live"] is not None:
        arns.append(f"{arns[0]}/stages/{resource.properties['stage']}")
    for arn in arns:
        aws.call("apigatewayv2", "TagResource", ResourceArn=arn, Tags=tags)
        if gone:
            aws.call("apigatewayv2", "UntagResource", ResourceArn=arn, TagKeys=gone)


def _arn(aws: Aws, api_id: str) -> str:
    # ARNs of the control plane name no account.
    return aws.scope.arn("apigateway", f"/apis/{api_id}", account=False)
