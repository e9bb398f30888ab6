"""API Gateway REST APIs with their stage.

The definition is put as one document; callers get what the stage's api deployment froze of it. A new API is deployed
and gets its stage here. Later changes of the definition wait for the release phase (`pipeline.releasing.publisher`),
which deploys it and points the stage at it. An api deployment carries the digest of its definition as description:
none is made twice, an old one serves again when its definition comes back, and a run that died between putting and
deploying is noticed because `live` then differs from `latest`.

Names of APIs are not unique, so an API is found by the id of the last release, else by name and ownership mark.
https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-deploy-api.html
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from pipeline.model.resource import Observed, Resource
from pipeline.model.values import Outputs, Properties, plain, references_of
from pipeline.resources import _rest_authorizers as authorizers
from pipeline.resources import _rest_definition as definition
from pipeline.resources import _rest_errors as errors
from pipeline.resources import _rest_reading as reading
from pipeline.resources import _rest_stage as stages
from pipeline.resources._api_choice import choose
from pipeline.resources._rest_declaration import LATEST, canonical, derive
from pipeline.resources._rest_rules import check, grants, warn
from pipeline.resources.base import Aws, Target, split_tags, stale_tags, tags_for, touches

__all__ = ["canonical", "check", "create", "delete", "derive", "grants", "read", "update", "warn"]

API_SETTINGS = (
    "name",
    "description",
    "binary_media_types",
    "minimum_compression_size",
    "endpoint_type",
    "disable_execute_api_endpoint",
    "unmanaged",
)
# How `live` begins when the stage names another alias of the functions than the declared one.
_UNNAMED = "functions by alias"
Wire = Mapping[str, Any]


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each API by its recorded id, in one round of calls; one without a record is looked for by its name."""
    known = [target for target in targets if "id" in target.recorded]
    parts = aws.gather([_reader(aws, target, str(target.recorded["id"])) for target in known])
    found = {observed.address: observed for observed in parts if observed is not None}
    if missing := [target for target in targets if target.address not in found]:
        listed = aws.pages("apigateway", "GetRestApis", "items", limit=500)
        chosen = [(target, api) for target in missing if (api := choose(aws.scope, target, listed)) is not None]
        parts = aws.gather([_reader(aws, target, str(api["id"]), api) for target, api in chosen])
        found |= {observed.address: observed for observed in parts if observed is not None}
    return found


def _reader(aws: Aws, target: Target, api_id: str, api: Wire | None = None) -> Callable[[], Observed | None]:
    def fetch(operation: str, **params: Any) -> Callable[[], dict[str, Any] | None]:
        return lambda: aws.found("apigateway", operation, restApiId=api_id, **params)

    def read_one() -> Observed | None:
        recorded = target.recorded.get("deployment") if api is None else None
        rounds: list[Callable[[], Any]] = [fetch("GetResources", embed=["methods"], limit=500), fetch("GetStages")]
        rounds.append(lambda: _responses(aws, target, api_id))
        rounds += [fetch("GetDeployment", deploymentId=recorded)] if recorded else []
        rounds += [fetch("GetRestApi")] if api is None else []
        resources, listed, responses, *more = aws.gather(rounds)
        found = api if api is not None else more.pop()
        if found is None or resources is None or listed is None:
            return None
        stage = _stage_of(target, listed.get("item") or ())
        serving = stage.get("deploymentId") if stage else None
        deployment = more[0] if more and recorded == serving else None
        if deployment is None and serving:
            deployment = fetch("GetDeployment", deploymentId=serving)()
        methods = resources.get("items") or ()
        asked = reading.ask_authorizers(methods) or target.resource.properties.get("authorizers")
        judges = _authorizers(aws, api_id) if asked else ()
        parts = {"methods": methods, "authorizers": judges, "responses": responses}
        return _observed(aws, target, {**found, **parts}, stage, deployment or {})

    return read_one


def _responses(aws: Aws, target: Target, api_id: str) -> Sequence[Wire]:
    """The answers of the API itself, where any of them are ours."""
    ours = any((side or {}).get("gateway_responses") for side in (target.resource.properties, target.released))
    answer = aws.found("apigateway", "GetGatewayResponses", restApiId=api_id, limit=500) if ours else None
    return (answer or {}).get("items") or ()


def _authorizers(aws: Aws, api_id: str) -> Sequence[Wire]:
    return aws.pages("apigateway", "GetAuthorizers", "items", restApiId=api_id, limit=500)


def _stage_of(target: Target, listed: Sequence[Wire]) -> Wire | None:
    """The declared stage; else the one of the last release, whose name then differs."""
    by_name = {stage["stageName"]: stage for stage in listed}
    return by_name.get(target.resource.properties["stage"]) or by_name.get(str(target.recorded.get("stage")))


def _observed(aws: Aws, target: Target, api: Wire, stage: Wire | None, deployment: Wire) -> Observed:
    declared, scope = target.resource.properties, aws.scope
    endpoints = reading.endpoints(api["methods"], api["authorizers"], declared["alias"], scope)
    tags, mark = split_tags(api.get("tags") or {})
    retention = (declared.get("access_logs") or {}).get("retention_days")
    properties = {
        **reading.api_settings(api),
        **reading.stage_settings(stage or {}, retention),
        "endpoints": endpoints,
        "gateway_responses": errors.shown(api["responses"]),
        "authorizers": authorizers.shown(
            api["authorizers"],
            authorizers.named(endpoints) | {*(declared.get("authorizers") or ())},
            lambda uri: reading.function_of(uri, declared["alias"], scope),
        ),
        "alias": declared["alias"],
        "stage": stage["stageName"] if stage else declared["stage"],
        "tags": tags,
    }
    digest = deployment.get("description")
    properties["live"] = _live(stage, digest, properties, target)
    outputs = stages.outputs(scope, api["id"], str(properties["stage"]), stage, digest)
    pending = _refused_logs(aws, target, properties) if target.recorded.get(stages.NO_LOGS) else None
    if pending:
        outputs = {**outputs, stages.NO_LOGS: True}
    return Observed(target.address, properties, outputs, mark, pending=pending)


def _live(stage: Wire | None, digest: str | None, have: Properties, target: Target) -> str | None:
    """`latest`, or what the stage serves instead; None without a stage.

    What the API alone has against the specs is drift of the definition, not a definition that waits to be deployed.
    """
    if stage is None:
        return None
    canary = stage.get("canarySettings")
    if canary:
        return f"{canary.get('percentTraffic', 0):g}% of a canary on api deployment {canary.get('deploymentId')}"
    named = (stage.get("variables") or {}).get(definition.VARIABLE)
    if named != target.resource.properties["alias"]:
        return f"{_UNNAMED} {named or 'none'}"
    served = [definition.definition_digest(have), definition.definition_digest(target.resource.properties)]
    if target.released and _same_definition(target.released, target.resource.properties):
        served.append(str(target.recorded.get("definition")))  # which knows the values of references
    return LATEST if digest in served else f"api deployment {stage.get('deploymentId')}"


def _same_definition(one: Properties, other: Properties) -> bool:
    return all(plain(one.get(name)) == plain(other.get(name)) for name in definition.DEFINED)


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
    """The API with its mark, its definition, an api deployment, the stage."""
    wanted = resource.properties
    optional: dict[str, Any] = {
        "description": wanted.get("description") or None,
        "minimumCompressionSize": wanted.get("minimum_compression_size"),
        "binaryMediaTypes": wanted.get("binary_media_types") or None,
    }
    api = aws.call(
        "apigateway",
        "CreateRestApi",
        name=resource.name,
        endpointConfiguration={"types": [wanted["endpoint_type"]]},
        disableExecuteApiEndpoint=wanted["disable_execute_api_endpoint"],
        tags=tags_for(aws, resource),
        **{name: value for name, value in optional.items() if value is not None},
    )
    _put(aws, resource, api["id"])
    return stages.add_stage(aws, resource, api["id"], fresh=True)


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """Definition and settings, tags, stage settings. What the stage serves stays; a stage that is missing is made."""
    wanted, have = resource.properties, observed.properties
    api_id = str(observed.outputs["id"])
    if touches(paths, *definition.DEFINED, "unmanaged"):
        _put(aws, resource, api_id)
        if gone := have["authorizers"].keys() - wanted["authorizers"].keys():
            _remove_authorizers(aws, api_id, gone)
    elif touches(paths, *API_SETTINGS):
        _patch(aws, api_id, have, wanted)
    if touches(paths, "tags"):
        _tag(aws, resource, observed, api_id)
    if have["live"] is None:
        return stages.add_stage(aws, resource, api_id, fresh=False)
    outputs = dict(observed.outputs)
    if str(have["live"]).startswith(_UNNAMED):
        stages.name_alias(aws, api_id, wanted)
    if names := [name for name in stages.SETTINGS if touches(paths, name)]:
        outputs |= stages.set_stage(aws, api_id, wanted, names, has_logs=bool(have["access_logs"]))
    return outputs


def delete(aws: Aws, observed: Observed) -> None:
    """The API with its stage and api deployments."""
    aws.found("apigateway", "DeleteRestApi", restApiId=observed.outputs["id"])


def _put(aws: Aws, resource: Resource, api_id: str) -> None:
    """The whole definition; then the settings that the document did not bring about."""
    body = definition.document(resource.properties, aws.scope)
    api = aws.call("apigateway", "PutRestApi", restApiId=api_id, mode="overwrite", body=body)
    _patch(aws, api_id, reading.api_settings(api), resource.properties)


def _remove_authorizers(aws: Aws, api_id: str, names: Collection[str]) -> None:
    """Those that the new definition left behind, which no method uses any more."""
    for one in _authorizers(aws, api_id):
        if one["name"] in names:
            aws.found("apigateway", "DeleteAuthorizer", restApiId=api_id, authorizerId=one["id"])


def _patch(aws: Aws, api_id: str, have: Properties, wanted: Properties) -> None:
    if operations := reading.patches(have, wanted):
        aws.call("apigateway", "UpdateRestApi", restApiId=api_id, patchOperations=operations)


def _tag(aws: Aws, resource: Resource, observed: Observed, api_id: str) -> None:
    tags = tags_for(aws, resource)
    gone = stale_tags(observed, tags)
    arns = [f"/restapis/{api_id}"]
    if observed.properties["live"] is not None:
        arns.append(f"/restapis/{api_id}/stages/{resource.properties['stage']}")
    for path in arns:
        # ARNs of the control plane name no account.
        arn = aws.scope.arn("apigateway", path, account=False)
        aws.call("apigateway", "TagResource", resourceArn=arn, tags=tags)
        if gone:
            aws.call("apigateway", "UntagResource", resourceArn=arn, tagKeys=gone)
