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
from pipeline.resources import _apis_v2 as apis
from pipeline.resources import _http_authorizers
from pipeline.resources import _http_routes as routes
from pipeline.resources._apis_v2 import delete
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
from pipeline.resources.access_logs import JSON_FORMATS
from pipeline.resources.base import Aws, Target, split_tags, tags_for, touches

__all__ = ["canonical", "check", "create", "delete", "derive", "grants", "read", "update", "warn"]

JSON_FORMAT = JSON_FORMATS["apigatewayv2.http_api"]
_CORS = {
    "origins": "AllowOrigins",
    "methods": "AllowMethods",
    "headers": "AllowHeaders",
    "expose": "ExposeHeaders",
    "max_age": "MaxAge",
    "credentials": "AllowCredentials",
}
Wire = Mapping[str, Any]


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each API by its recorded id, in one round of calls; one without a record is looked for by its name."""
    return apis.read(aws, targets, "HTTP", _read_one)


def _read_one(aws: Aws, target: Target, api_id: str) -> Observed | None:
    api, tagged = aws.gather(apis.readers(aws, api_id))
    if not api:
        return None
    rounds: list[Callable[[], Any]] = [lambda: routes.fetch(aws, api_id)]
    rounds.append(lambda: aws.pages("apigatewayv2", "GetStages", "Items", ApiId=api_id))
    parts, staged = aws.gather(rounds)
    stage = apis.stage_of(target, staged)
    serving = stage.get("DeploymentId") if stage else None
    deployed = apis.deployment_reader(aws, api_id, serving)() if serving else {}
    return _observed(aws, target, {**api, "Tags": tagged.get("Tags")}, parts, stage, deployed.get("Description"))


def _observed(
    aws: Aws, target: Target, api: Wire, parts: routes.Parts, stage: Wire | None, digest: str | None
) -> Observed:
    declared = target.resource.properties
    tags, mark = split_tags(api.get("Tags") or {})
    payload = routes.payload_of(parts, declared["payload"])
    properties = {
        "name": api["Name"],
        "description": (api.get("Description") or "").strip(),
        "endpoints": routes.shown(parts, {**declared, "payload": payload}, aws.scope),
        "authorizers": _http_authorizers.shown(parts.authorizers, declared["alias"], aws.scope),
        "cors": _cors(api.get("CorsConfiguration")),
        "payload": payload,
        "alias": declared["alias"],
        "stage": stage["StageName"] if stage else declared["stage"],
        **_stage_settings(stage or {}, (declared.get("access_logs") or {}).get("retention_days")),
        "disable_execute_api_endpoint": bool(api.get("DisableExecuteApiEndpoint")),
        "tags": tags,
        "unmanaged": apis.unmanaged(routes.unused(parts), stage),
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
    logs = stage.get("AccessLogSettings") or {}
    access_logs = {
        "retention_days": retention,
        "format": "json" if logs.get("Format") == JSON_FORMAT else logs.get("Format"),
        "destination": str(logs.get("DestinationArn")).removesuffix(":*"),
    }
    return {"access_logs": access_logs if logs.get("DestinationArn") else None, "throttling": apis.throttling(stage)}


def _outputs(scope: Scope, api_id: str, stage_name: str, stage: Wire | None, digest: str | None) -> Outputs:
    domain = "amazonaws.com.cn" if scope.partition == "aws-cn" else "amazonaws.com"
    path = "" if stage_name == DEFAULT else f"/{stage_name}"
    known = {"deployment": stage.get("DeploymentId") if stage else None, "definition": digest if stage else None}
    return {
        "id": api_id,
        "execution_arn": scope.arn("execute-api", api_id),
        "url": f"https://{api_id}.execute-api.{scope.region}.{domain}{path}",
        "host": f"{api_id}.execute-api.{scope.region}.{domain}",
        "path": path,
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
        apis.tag(aws, resource, observed)
    if have["live"] is None:
        return _add_stage(aws, resource, api_id, fresh=False)
    if changes := _stage_changes(wanted, have, paths):
        aws.call("apigatewayv2", "UpdateStage", ApiId=api_id, StageName=wanted["stage"], **changes)
    if touches(paths, "access_logs") and not wanted.get("access_logs"):
        aws.found("apigatewayv2", "DeleteAccessLogSettings", ApiId=api_id, StageName=wanted["stage"])
    return observed.outputs


def _set_api(aws: Aws, api_id: str, wanted: Properties, have: Properties) -> None:
    if have.get("cors") and not wanted.get("cors"):
        aws.found("apigatewayv2", "DeleteCorsConfiguration", ApiId=api_id)
    cors: dict[str, Any] = {"CorsConfiguration": _cors_sent(wanted["cors"])} if wanted.get("cors") else {}
    aws.call(
        "apigatewayv2",
        "UpdateApi",
        ApiId=api_id,
        Name=wanted["name"],
        Description=apis.description(wanted),
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
        DeploymentId=apis.deployment_of(aws, api_id, wanted["edition"], fresh=fresh),
        DefaultRouteSettings=apis.limits(wanted),
        Tags=tags_for(aws, resource),
        **_logs(wanted),
    )
    return _outputs(aws.scope, api_id, wanted["stage"], stage, wanted["edition"])


def _stage_changes(wanted: Properties, have: Properties, paths: frozenset[str]) -> dict[str, Any]:
    changes = {"DefaultRouteSettings": apis.limits(wanted)} if touches(paths, "throttling") else {}
    changes |= _logs(wanted) if touches(paths, "access_logs") else {}
    return changes | ({"AutoDeploy": False} if apis.AUTOMATIC in have["unmanaged"] else {})


def _logs(wanted: Properties) -> dict[str, Any]:
    """Unlike those of REST and WebSocket APIs, these logs need no role of the account."""
    logs = wanted.get("access_logs")
    if not logs:
        return {}
    text = JSON_FORMAT if logs["format"] == "json" else logs["format"]
    return {"AccessLogSettings": {"DestinationArn": logs["destination"], "Format": text}}
