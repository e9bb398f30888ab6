"""What HTTP and WebSocket APIs of API Gateway have in common: how they are found, tagged, deployed and deleted.

Names of APIs are not unique, so an API is found by the id of the last release, else by name and ownership mark. An api
deployment carries the digest of its definition as description: none is made twice, and an old one serves again when
its definition comes back. https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/api-reference.html
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from pipeline.errors import AmbiguousOutcome, PipelineError
from pipeline.model.resource import Observed, Resource
from pipeline.model.values import Properties
from pipeline.resources._api_choice import SPELLED_V2, choose
from pipeline.resources.base import Aws, Target, stale_tags, tags_for

# What is not declared and to be taken away; see `unmanaged`.
AUTOMATIC = "automatic deployments of the stage"
# An empty description leaves the old one as it is: https://github.com/go-to-k/cdkd (measured)
_NO_DESCRIPTION = " "
_DEPLOY_SECONDS = 120.0

Wire = Mapping[str, Any]
Reader = Callable[[Aws, Target, str], Observed | None]


def read(aws: Aws, targets: Sequence[Target], protocol: str, reader: Reader) -> dict[str, Observed]:
    """Each API by its recorded id, in one round of calls; one without a record is looked for by its name.

    `protocol`: HTTP or WEBSOCKET. `reader` reads the API of an id, None when it is gone.
    """

    def read_all(chosen: Sequence[tuple[Target, str]]) -> dict[str, Observed]:
        parts = aws.gather([partial(reader, aws, target, api_id) for target, api_id in chosen])
        return {observed.address: observed for observed in parts if observed is not None}

    found = read_all([(target, str(target.recorded["id"])) for target in targets if "id" in target.recorded])
    if missing := [target for target in targets if target.address not in found]:
        listed = [api for api in aws.pages("apigatewayv2", "GetApis", "Items") if api.get("ProtocolType") == protocol]
        chosen = [(target, choose(aws.scope, target, listed, SPELLED_V2)) for target in missing]
        found |= read_all([(target, str(api["ApiId"])) for target, api in chosen if api is not None])
    return found


def readers(aws: Aws, api_id: str) -> list[Callable[[], Wire]]:
    """The calls for an API and for its tags; what is gone gives nothing."""
    return [
        lambda: aws.found("apigatewayv2", "GetApi", ApiId=api_id) or {},
        lambda: aws.found("apigatewayv2", "GetTags", ResourceArn=_arn(aws, api_id)) or {},
    ]


def deployment_reader(aws: Aws, api_id: str, deployment: str) -> Callable[[], Wire]:
    """The call for an api deployment; what is gone gives nothing."""
    return lambda: aws.found("apigatewayv2", "GetDeployment", ApiId=api_id, DeploymentId=deployment) or {}


def stage_of(target: Target, listed: Sequence[Wire]) -> Wire | None:
    """The declared stage; else the one of the last release, whose name then differs."""
    by_name = {stage["StageName"]: stage for stage in listed}
    return by_name.get(target.resource.properties["stage"]) or by_name.get(str(target.recorded.get("stage")))


def unmanaged(unused: Sequence[str], stage: Wire | None) -> list[str]:
    """In words: integrations that no route uses, and automatic deployments, which would forestall releases."""
    left = [f"integration {one}, which no route uses" for one in unused]
    return [*left, *([AUTOMATIC] if stage and stage.get("AutoDeploy") else [])]


def throttling(stage: Wire) -> dict[str, Any]:
    """How many requests a second a stage admits, as the property says it."""
    found = stage.get("DefaultRouteSettings") or {}
    return {"rate": found.get("ThrottlingRateLimit"), "burst": found.get("ThrottlingBurstLimit")}


def limits(wanted: Properties) -> dict[str, Any]:
    """The inverse of `throttling`."""
    return {
        "ThrottlingRateLimit": wanted["throttling"]["rate"],
        "ThrottlingBurstLimit": wanted["throttling"]["burst"],
    }


def description(wanted: Properties) -> str:
    """The description as an update sends it; one that is no longer wanted is cleared."""
    return str(wanted.get("description") or _NO_DESCRIPTION)


def tag(aws: Aws, resource: Resource, observed: Observed) -> None:
    """Tags of the API, and of its stage where it has one."""
    tags = tags_for(aws, resource)
    gone = stale_tags(observed, tags)
    arns = [_arn(aws, str(observed.outputs["id"]))]
    if observed.properties["live"] is not None:
        arns.append(f"{arns[0]}/stages/{resource.properties['stage']}")
    for one in arns:
        aws.call("apigatewayv2", "TagResource", ResourceArn=one, Tags=tags)
        if gone:
            aws.call("apigatewayv2", "UntagResource", ResourceArn=one, TagKeys=gone)


def delete(aws: Aws, observed: Observed) -> None:
    """The API with its stage, routes, integrations and api deployments."""
    aws.found("apigatewayv2", "DeleteApi", ApiId=observed.outputs["id"])


def _arn(aws: Aws, api_id: str) -> str:
    # ARNs of the control plane name no account.
    return aws.scope.arn("apigateway", f"/apis/{api_id}", account=False)


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
