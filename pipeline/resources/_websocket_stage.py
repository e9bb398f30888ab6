"""The stage of a WebSocket API and its api deployments.

A stage serves what its api deployment froze, and nothing without one; deployments are never automatic, so that
releases decide what callers get. https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-deploy.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.errors import AmbiguousOutcome, AwsError, PipelineError
from pipeline.model.resource import Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties
from pipeline.resources._websocket_declaration import definition_digest
from pipeline.resources.base import Aws, tags_for

SETTINGS = ("access_logs", "throttling")
# Output that remembers that access logs could not be switched on; see `set_stage`.
NO_LOGS = "access_logs_refused"
_NO_ROLE = "CloudWatch Logs role ARN"
_DEPLOY_SECONDS = 120.0

# https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-logging.html
_LOGGED = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "sourceIp": "$context.identity.sourceIp",
    "connectionId": "$context.connectionId",
    "event": "$context.eventType",
    "route": "$context.routeKey",
    "status": "$context.status",
    "integrationLatency": "$context.integrationLatency",
    "integrationStatus": "$context.integration.status",
}
JSON_FORMAT = "{" + ",".join(f'"{name}":"{variable}"' for name, variable in _LOGGED.items()) + "}"

Wire = Mapping[str, Any]


def stage_settings(stage: Wire, retention: int | None) -> dict[str, Any]:
    """The settings of a stage; `retention` days are those of the log group, which the stage does not show."""
    limits = stage.get("DefaultRouteSettings") or {}
    throttling = {"rate": limits.get("ThrottlingRateLimit"), "burst": limits.get("ThrottlingBurstLimit")}
    logs = stage.get("AccessLogSettings") or {}
    text = logs.get("Format")
    access_logs = {
        "retention_days": retention,
        "format": "json" if text == JSON_FORMAT else text,
        "destination": str(logs.get("DestinationArn")).removesuffix(":*"),
    }
    return {"access_logs": access_logs if logs.get("DestinationArn") else None, "throttling": throttling}


def add_stage(aws: Aws, resource: Resource, api_id: str, *, fresh: bool) -> Outputs:
    """Deploys the routes and makes the stage that serves them; the API's outputs."""
    wanted = resource.properties
    digest = definition_digest(wanted)
    stage = aws.call(
        "apigatewayv2",
        "CreateStage",
        ApiId=api_id,
        StageName=wanted["stage"],
        DeploymentId=deployment_of(aws, api_id, digest, fresh=fresh),
        DefaultRouteSettings=_limits(wanted),
        Tags=tags_for(aws, resource),
    )
    refused = set_stage(aws, api_id, wanted, ["access_logs"], has_logs=False)
    return {**outputs(aws.scope, api_id, wanted["stage"], stage, digest), **refused}


def set_stage(aws: Aws, api_id: str, wanted: Properties, names: Sequence[str], *, has_logs: bool) -> Outputs:
    """Sets these settings; an output when API Gateway refuses access logs for want of a role of the account.

    That role is one setting per account and region, outside of a service: until it is there the API writes no logs.
    Logs go by a call of their own: an update leaves what it does not name.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
    """
    where = {"ApiId": api_id, "StageName": wanted["stage"]}
    if "throttling" in names:
        aws.call("apigatewayv2", "UpdateStage", DefaultRouteSettings=_limits(wanted), **where)
    logs = wanted.get("access_logs")
    if "access_logs" in names and not logs and has_logs:
        aws.found("apigatewayv2", "DeleteAccessLogSettings", **where)
    if "access_logs" not in names or not logs:
        return {}
    text = JSON_FORMAT if logs["format"] == "json" else logs["format"]
    settings = {"DestinationArn": logs["destination"], "Format": text}
    try:
        aws.call("apigatewayv2", "UpdateStage", AccessLogSettings=settings, **where)
    except AwsError as error:
        if _NO_ROLE not in error.call.message:
            raise
        return {NO_LOGS: True}
    return {}


def _limits(wanted: Properties) -> dict[str, Any]:
    return {
        "ThrottlingRateLimit": wanted["throttling"]["rate"],
        "ThrottlingBurstLimit": wanted["throttling"]["burst"],
    }


def deployment_of(aws: Aws, api_id: str, digest: str, *, fresh: bool = False) -> str:
    """The id of an api deployment of the routes with this digest, ready to be served; made when there is none.

    `fresh`: the API is new and cannot have one yet. A call whose answer was lost is looked up before it is repeated.
    Raises PipelineError when API Gateway could not deploy the routes.
    """
    found = None if fresh else _find_deployment(aws, api_id, digest)
    if found is None:
        try:
            found = _create_deployment(aws, api_id, digest)
        except AmbiguousOutcome:
            found = _find_deployment(aws, api_id, digest) or _create_deployment(aws, api_id, digest)
    return _deployed(aws, api_id, found)


def _create_deployment(aws: Aws, api_id: str, digest: str) -> Wire:
    return aws.call("apigatewayv2", "CreateDeployment", ApiId=api_id, Description=digest)


def _find_deployment(aws: Aws, api_id: str, digest: str) -> Wire | None:
    listed = aws.pages("apigatewayv2", "GetDeployments", "Items", ApiId=api_id)
    usable = (one for one in listed if one.get("DeploymentStatus") != "FAILED")
    return next((found for found in usable if found.get("Description") == digest), None)


def _deployed(aws: Aws, api_id: str, deployment: Wire) -> str:
    """Waits until a stage may be pointed at it."""
    made = str(deployment["DeploymentId"])
    first: list[Wire] = [deployment]

    def look() -> Wire | None:
        found = first.pop() if first else aws.call("apigatewayv2", "GetDeployment", ApiId=api_id, DeploymentId=made)
        return None if found.get("DeploymentStatus", "DEPLOYED") == "PENDING" else found

    found = aws.wait(f"api deployment {made} of {api_id}", look, every=1.0, budget=_DEPLOY_SECONDS)
    if found.get("DeploymentStatus") == "FAILED":
        reason = found.get("DeploymentStatusMessage") or "API Gateway gives no reason"
        raise PipelineError(f"deploying the routes of API {api_id}: {reason}", hint="check its routes and integrations")
    return made


def outputs(scope: Scope, api_id: str, stage_name: str, stage: Wire | None, digest: str | None) -> Outputs:
    """The outputs of an API; `digest` is that of the definition which the stage serves, where it has one."""
    domain = "amazonaws.com.cn" if scope.partition == "aws-cn" else "amazonaws.com"
    host = f"{api_id}.execute-api.{scope.region}.{domain}/{stage_name}"
    known = {"deployment": stage.get("DeploymentId") if stage else None, "definition": digest if stage else None}
    return {
        "id": api_id,
        "execution_arn": scope.arn("execute-api", api_id),
        "url": f"wss://{host}",
        "connections": f"https://{host}",
        "stage": stage_name,
    } | {name: value for name, value in known.items() if value}
