"""The stage of a WebSocket API and its api deployments.

A stage serves what its api deployment froze, and nothing without one; deployments are never automatic, so that
releases decide what callers get. https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-deploy.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.errors import AwsError
from pipeline.model.resource import Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties
from pipeline.resources import _apis_v2 as apis
from pipeline.resources._websocket_declaration import definition_digest
from pipeline.resources.access_logs import JSON_FORMATS
from pipeline.resources.base import Aws, tags_for

SETTINGS = ("access_logs", "throttling")
# Output that remembers that access logs could not be switched on; see `set_stage`.
NO_LOGS = "access_logs_refused"
_NO_ROLE = "CloudWatch Logs role ARN"

JSON_FORMAT = JSON_FORMATS["apigatewayv2.api"]

Wire = Mapping[str, Any]


def stage_settings(stage: Wire, retention: int | None) -> dict[str, Any]:
    """The settings of a stage; `retention` days are those of the log group, which the stage does not show."""
    logs = stage.get("AccessLogSettings") or {}
    text = logs.get("Format")
    access_logs = {
        "retention_days": retention,
        "format": "json" if text == JSON_FORMAT else text,
        "destination": str(logs.get("DestinationArn")).removesuffix(":*"),
    }
    return {"access_logs": access_logs if logs.get("DestinationArn") else None, "throttling": apis.throttling(stage)}


def add_stage(aws: Aws, resource: Resource, api_id: str, *, fresh: bool) -> Outputs:
    """Deploys the routes and makes the stage that serves them; the API's outputs."""
    wanted = resource.properties
    digest = definition_digest(wanted)
    stage = aws.call(
        "apigatewayv2",
        "CreateStage",
        ApiId=api_id,
        StageName=wanted["stage"],
        DeploymentId=apis.deployment_of(aws, api_id, digest, fresh=fresh),
        DefaultRouteSettings=apis.limits(wanted),
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
        aws.call("apigatewayv2", "UpdateStage", DefaultRouteSettings=apis.limits(wanted), **where)
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
