"""The stage of a REST API and its api deployments. Calls AWS; what a stage is to look like is decided elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.errors import AmbiguousOutcome, AwsError
from pipeline.model.resource import Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties
from pipeline.resources import _rest_definition as definition
from pipeline.resources import _rest_reading as reading
from pipeline.resources.base import Aws, tags_for

SETTINGS = ("access_logs", "throttling", "metrics", "tracing")
# Output that remembers that access logs could not be switched on; see `set_stage`.
NO_LOGS = "access_logs_refused"
_NO_ROLE = "CloudWatch Logs role ARN"


def add_stage(aws: Aws, resource: Resource, api_id: str, *, fresh: bool) -> Outputs:
    """Deploys the definition and makes the stage that serves it; the API's outputs."""
    wanted = resource.properties
    digest = definition.definition_digest(wanted)
    stage = aws.call(
        "apigateway",
        "CreateStage",
        restApiId=api_id,
        stageName=wanted["stage"],
        deploymentId=deployment_of(aws, api_id, digest, fresh=fresh),
        tracingEnabled=wanted["tracing"],
        variables={definition.VARIABLE: wanted["alias"]},
        tags=tags_for(aws, resource),
    )
    refused = set_stage(aws, api_id, wanted, [n for n in SETTINGS if n != "tracing"], has_logs=False)
    return {**outputs(aws.scope, api_id, wanted["stage"], stage, digest), **refused}


def set_stage(aws: Aws, api_id: str, wanted: Properties, names: Sequence[str], *, has_logs: bool) -> Outputs:
    """Sets these settings; an output when API Gateway refuses access logs for want of a role of the account.

    That role is one setting per account and region, outside of a service: until it is there the API writes no logs.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
    """

    def send(chosen: Sequence[str]) -> None:
        if operations := reading.stage_patches(wanted, names=chosen, has_logs=has_logs):
            aws.call(
                "apigateway",
                "UpdateStage",
                restApiId=api_id,
                stageName=wanted["stage"],
                patchOperations=operations,
            )

    try:
        send(names)
    except AwsError as error:
        if _NO_ROLE not in error.call.message or "access_logs" not in names:
            raise
        send([name for name in names if name != "access_logs"])
        return {NO_LOGS: True}
    return {}


def name_alias(aws: Aws, api_id: str, wanted: Properties) -> None:
    """Has the stage name the alias through which its requests reach the functions.

    A canary names another one for its requests: so each request meets one release, in the API as in its functions.
    """
    aws.call(
        "apigateway",
        "UpdateStage",
        restApiId=api_id,
        stageName=wanted["stage"],
        patchOperations=[{"op": "replace", "path": f"/variables/{definition.VARIABLE}", "value": wanted["alias"]}],
    )


def deployment_of(aws: Aws, api_id: str, digest: str, *, fresh: bool = False) -> str:
    """The id of an api deployment of the definition with this digest; made when there is none.

    `fresh`: the API is new and cannot have one yet. A call whose answer was lost is looked up before it is repeated.
    """
    found = None if fresh else _find_deployment(aws, api_id, digest)
    if found is not None:
        return found
    try:
        return str(aws.call("apigateway", "CreateDeployment", restApiId=api_id, description=digest)["id"])
    except AmbiguousOutcome:
        found = _find_deployment(aws, api_id, digest)
        if found is not None:
            return found
        return str(aws.call("apigateway", "CreateDeployment", restApiId=api_id, description=digest)["id"])


def _find_deployment(aws: Aws, api_id: str, digest: str) -> str | None:
    listed = aws.pages("apigateway", "GetDeployments", "items", restApiId=api_id, limit=500)
    return next((str(found["id"]) for found in listed if found.get("description") == digest), None)


def outputs(scope: Scope, api_id: str, stage_name: str, stage: Mapping[str, Any] | None, digest: str | None) -> Outputs:
    """The outputs of an API; `digest` is that of the definition which the stage serves, where it has one."""
    domain = "amazonaws.com.cn" if scope.partition == "aws-cn" else "amazonaws.com"
    known = {
        "deployment": stage.get("deploymentId") if stage else None,
        "definition": digest if stage else None,
    }
    return {
        "id": api_id,
        "execution_arn": scope.arn("execute-api", api_id),
        "url": f"https://{api_id}.execute-api.{scope.region}.{domain}/{stage_name}",
        "host": f"{api_id}.execute-api.{scope.region}.{domain}",
        "path": f"/{stage_name}",
        "stage": stage_name,
    } | {name: value for name, value in known.items() if value}
