"""What AWS shows of a REST API, as canonical properties. Pure.

What the author's terms cannot express is shown as it is, so that it differs from what is declared and is put right.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.model.scope import Scope
from pipeline.resources._rest_definition import QUALIFIER, preflight_of
from pipeline.resources.access_logs import JSON_FORMATS

EVERYTHING = "*/*"  # the key of the settings of all methods of a stage

_INVOCATION = re.compile(r"arn:[^:]+:apigateway:[^:]+:lambda:path/2015-03-31/functions/(?P<arn>.+)/invocations")

JSON_FORMAT = JSON_FORMATS["apigateway.rest_api"]

Wire = Mapping[str, Any]


def endpoints(resources: Sequence[Wire], authorizers: Sequence[Wire], alias: str, scope: Scope) -> dict[str, Any]:
    """The methods of all resources, as `_rest_definition.endpoints` gives them."""
    names = {str(one["id"]): str(one["name"]) for one in authorizers}
    return {
        f"{method} {resource['path']}": _method(found, names, alias, scope)
        for resource in resources
        for method, found in (resource.get("resourceMethods") or {}).items()
    }


def ask_authorizers(resources: Sequence[Wire]) -> bool:
    """True when a method has an authorizer."""
    methods = (method for one in resources for method in (one.get("resourceMethods") or {}).values())
    return any(method.get("authorizerId") for method in methods)


def _method(found: Wire, names: Mapping[str, str], alias: str, scope: Scope) -> dict[str, Any]:
    integration = found.get("methodIntegration") or {}
    kind = str(integration.get("type", "")).upper()
    if kind == "MOCK" and _is_open(found):
        answers = list((integration.get("integrationResponses") or {}).values())
        cors = preflight_of(answers[0]) if len(answers) == 1 else None
        return {"cors": cors} if cors else {"unmanaged": "a MOCK integration that is no preflight answer of ours"}
    if kind != "AWS_PROXY":
        uri = integration.get("uri")
        return {"unmanaged": f"{kind or 'no'} integration" + (f" with {uri}" if uri else "")}
    return {
        "function": function_of(str(integration.get("uri")), alias, scope),
        "authorization": _authorization(found),
        "api_key_required": bool(found.get("apiKeyRequired")),
        "timeout_ms": integration.get("timeoutInMillis") or 29000,
        **_demand(found, names),
    }


def _is_open(found: Wire) -> bool:
    return _authorization(found) == "NONE" and not found.get("apiKeyRequired")


def _authorization(found: Wire) -> str:
    return found.get("authorizationType") or "NONE"


def _demand(found: Wire, names: Mapping[str, str]) -> dict[str, Any]:
    authorizer = found.get("authorizerId")
    if not authorizer:
        return {}
    scopes = {"scopes": sorted(found["authorizationScopes"])} if found.get("authorizationScopes") else {}
    return {"authorizer": names.get(authorizer, authorizer), **scopes}


def function_of(uri: str, alias: str, scope: Scope) -> str:
    """The function's name when it is ours and reached through `alias`, as the stage says; else what is reached."""
    found = _INVOCATION.fullmatch(uri)
    if found is None:
        return uri
    prefix = scope.arn("lambda", "function:")
    if not found["arn"].startswith(prefix):
        return found["arn"]
    name, _, qualifier = found["arn"].removeprefix(prefix).partition(":")
    return name if qualifier in (alias, QUALIFIER) else f"{name}:{qualifier or '$LATEST'}"


def api_settings(api: Wire) -> dict[str, Any]:
    """The settings of the API itself."""
    return {
        "name": api["name"],
        "description": api.get("description") or "",
        "binary_media_types": sorted(api.get("binaryMediaTypes") or ()),
        "minimum_compression_size": api.get("minimumCompressionSize"),
        "endpoint_type": ((api.get("endpointConfiguration") or {}).get("types") or ["EDGE"])[0],
        "disable_execute_api_endpoint": bool(api.get("disableExecuteApiEndpoint")),
        "unmanaged": ["resource policy"] if api.get("policy") else [],
    }


def stage_settings(stage: Wire, retention: int | None) -> dict[str, Any]:
    """The settings of a stage; `retention` days are those of the log group, which the stage does not show."""
    methods = (stage.get("methodSettings") or {}).get(EVERYTHING)
    throttling = {"rate": methods["throttlingRateLimit"], "burst": methods["throttlingBurstLimit"]} if methods else None
    logs = stage.get("accessLogSettings") or {}
    wanted = logs.get("format")
    return {
        "access_logs": {
            "retention_days": retention,
            "format": "json" if wanted == JSON_FORMAT else wanted,
            "destination": str(logs["destinationArn"]).removesuffix(":*"),
        }
        if logs.get("destinationArn")
        else None,
        "throttling": throttling,
        "metrics": bool(methods and methods.get("metricsEnabled")),
        "tracing": bool(stage.get("tracingEnabled")),
    }


def patches(have: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[dict[str, str]]:
    """The patch operations that turn one API's settings into another's.

    https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html
    """
    operations = []
    for name, path in (("name", "/name"), ("description", "/description")):
        if have[name] != wanted[name]:
            operations.append({"op": "replace", "path": path, "value": wanted[name]})
    if have["endpoint_type"] != wanted["endpoint_type"]:
        path = f"/endpointConfiguration/types/{have['endpoint_type']}"
        operations.append({"op": "replace", "path": path, "value": wanted["endpoint_type"]})
    if have["disable_execute_api_endpoint"] != wanted["disable_execute_api_endpoint"]:
        value = str(wanted["disable_execute_api_endpoint"]).lower()
        operations.append({"op": "replace", "path": "/disableExecuteApiEndpoint", "value": value})
    if have["minimum_compression_size"] != (size := wanted.get("minimum_compression_size")):
        value_of = {"value": str(size)} if size is not None else {}
        operations.append({"op": "replace", "path": "/minimumCompressionSize", **value_of})
    types, before = set(wanted["binary_media_types"]), set(have["binary_media_types"])
    for verb, names in (("add", types - before), ("remove", before - types)):
        operations += [{"op": verb, "path": f"/binaryMediaTypes/{name.replace('/', '~1')}"} for name in sorted(names)]
    if have["unmanaged"]:
        operations.append({"op": "replace", "path": "/policy", "value": ""})
    return operations


def stage_patches(wanted: Mapping[str, Any], *, names: Sequence[str], has_logs: bool) -> list[dict[str, str]]:
    """The patch operations that set these settings of a stage."""
    operations = []
    if "throttling" in names:
        operations += [
            {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": _number(wanted["throttling"]["rate"])},
            {"op": "replace", "path": "/*/*/throttling/burstLimit", "value": str(wanted["throttling"]["burst"])},
        ]
    for name, path in (("metrics", "/*/*/metrics/enabled"), ("tracing", "/tracingEnabled")):
        if name in names:
            operations.append({"op": "replace", "path": path, "value": str(wanted[name]).lower()})
    logs = wanted.get("access_logs")
    if "access_logs" in names and logs:
        text = JSON_FORMAT if logs["format"] == "json" else logs["format"]
        operations += [
            {"op": "replace", "path": "/accessLogSettings/destinationArn", "value": logs["destination"]},
            {"op": "replace", "path": "/accessLogSettings/format", "value": text},
        ]
    elif "access_logs" in names and has_logs:
        operations.append({"op": "remove", "path": "/accessLogSettings"})
    return operations


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)
