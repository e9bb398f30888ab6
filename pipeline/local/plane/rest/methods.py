"""Methods, integrations and their responses, one by one: what people change by hand, and what OpenAPI is made of."""

import re
from collections.abc import Mapping
from typing import Any

from pipeline.local.plane.asgi import Answer
from pipeline.local.plane.refusal import bad_request, not_found
from pipeline.local.plane.rest.model import Definition, Op, Wire

VERBS = ("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD", "ANY")
_TYPES = ("HTTP", "MOCK", "AWS_PROXY", "HTTP_PROXY", "AWS")
_URI = re.compile(r"arn:aws[a-z-]*:apigateway:[^:]+:[^:]+:(?P<rest>.*)")
_FUNCTION = re.compile(r"path/2015-03-31/functions/arn:aws[a-z-]*:lambda:[^:]+:[^:]+:function:[^/]+/invocations")
_LONGEST = 29_000
_METHOD = ("operationName", "requestParameters", "requestModels", "authorizationScopes", "authorizerId")
_INTEGRATION = (
    "httpMethod", "uri", "connectionType", "connectionId", "credentials", "requestParameters", "requestTemplates",
    "contentHandling", "tlsConfig", "responseTransferMode", "integrationTarget",
)  # fmt: skip
_CALLED = frozenset({"httpMethod", "uri", "connectionType", "connectionId"})


def get_method(op: Op) -> Answer:
    """GetMethod."""
    return Answer.of_json(_method(op))


def put_method(op: Op) -> Answer:
    """PutMethod: replaces what was there, integration included."""
    definition = op.api().definition
    resource = definition.resource(op.params["resource"])
    method = build_method(definition, op.params["verb"], op.body)
    resource.methods[op.params["verb"]] = method
    return Answer.of_json(method, 201)


def build_method(definition: Definition, verb: str, given: Mapping[str, Any]) -> Wire:
    """A method without integration. Raises BadRequestException."""
    if verb not in VERBS:
        raise bad_request(f"Invalid HttpMethod specified. Valid options are {','.join(VERBS)}")
    kind = given.get("authorizationType") or "NONE"
    if kind in {"CUSTOM", "COGNITO_USER_POOLS"} and given.get("authorizerId") not in definition.authorizers:
        raise bad_request(
            "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires "
            "a valid authorizer."
        )
    validator = given.get("requestValidatorId")
    if validator is not None and validator not in definition.validators:
        raise bad_request("Invalid Request Validator identifier specified")
    for model in (given.get("requestModels") or {}).values():
        if model not in definition.models:
            raise bad_request(f"Invalid model identifier specified: {model}")
    names = [key.rpartition(".")[2] for key in given.get("requestParameters") or {}]
    if len(names) != len(set(names)):
        raise bad_request("Parameter names must be unique across querystring, header and path")
    method: Wire = {"httpMethod": verb, "authorizationType": kind, "apiKeyRequired": bool(given.get("apiKeyRequired"))}
    method |= {key: given[key] for key in _METHOD if given.get(key)}
    if validator is not None:
        method["requestValidatorId"] = validator
    return method


def delete_method(op: Op) -> Answer:
    """DeleteMethod."""
    _method(op)
    del op.api().definition.resource(op.params["resource"]).methods[op.params["verb"]]
    return Answer(204)


def get_integration(op: Op) -> Answer:
    """GetIntegration."""
    return Answer.of_json(_integration(op))


def put_integration(op: Op) -> Answer:
    """PutIntegration."""
    method = _method(op)
    integration = build_integration(op.params["resource"], op.body)
    method["methodIntegration"] = integration
    return Answer.of_json(integration, 201)


def build_integration(namespace: str, given: Mapping[str, Any]) -> Wire:
    """An integration with its defaults. Raises BadRequestException."""
    kind = str(given.get("type", "")).upper()
    if kind not in _TYPES:
        raise bad_request(f"Invalid integration type specified. Valid options are {','.join(_TYPES)}")
    if kind != "MOCK":
        check_uri(kind, given)
    timeout = given.get("timeoutInMillis")
    timeout = _LONGEST if timeout is None else timeout
    check_timeout(timeout)
    integration: Wire = {"type": kind}
    # API Gateway takes and forgets what a MOCK integration would call.
    kept = (key for key in _INTEGRATION if kind != "MOCK" or key not in _CALLED)
    integration |= {key: given[key] for key in kept if given.get(key) is not None}
    if kind.startswith("HTTP"):
        integration.setdefault("connectionType", "INTERNET")
    integration |= {
        "passthroughBehavior": str(given.get("passthroughBehavior") or "WHEN_NO_MATCH").upper(),
        "timeoutInMillis": timeout,
        "cacheNamespace": given.get("cacheNamespace") or namespace,
        "cacheKeyParameters": list(given.get("cacheKeyParameters") or []),
    }
    return integration


def check_timeout(milliseconds: Any) -> None:
    """50 ms to 29 s. Raises BadRequestException."""
    if not isinstance(milliseconds, int) or not 50 <= milliseconds <= _LONGEST:
        raise bad_request(f"Timeout should be between 50 ms and {_LONGEST} ms")


def check_uri(kind: str, given: Mapping[str, Any]) -> None:
    """What an integration calls. Raises BadRequestException."""
    uri = str(given.get("uri") or "")
    if not given.get("httpMethod"):
        raise bad_request("Enumeration value for HttpMethod must be non-empty")
    if kind.startswith("HTTP"):
        if not uri.startswith(("http://", "https://", "${stageVariables.")):
            raise bad_request("Invalid HTTP endpoint specified for URI")
        return
    found = _URI.fullmatch(uri)
    if found is None:
        raise bad_request("Invalid ARN specified in the request")
    if not found["rest"].startswith(("path/", "action/")):
        raise bad_request("AWS ARN for integration must contain path or action")
    if kind == "AWS_PROXY" and ":lambda:path/" in uri and not _FUNCTION.fullmatch(found["rest"]):
        raise bad_request("Invalid ARN specified in the request")


def delete_integration(op: Op) -> Answer:
    """DeleteIntegration."""
    _integration(op)
    del _method(op)["methodIntegration"]
    return Answer(204)


def get_method_response(op: Op) -> Answer:
    """GetMethodResponse."""
    return Answer.of_json(method_response(op))


def put_method_response(op: Op) -> Answer:
    """PutMethodResponse."""
    response = build_method_response(op.api().definition, op.params["code"], op.body)
    _method(op).setdefault("methodResponses", {})[op.params["code"]] = response
    return Answer.of_json(response, 201)


def build_method_response(definition: Definition, code: str, given: Mapping[str, Any]) -> Wire:
    """A method response. Raises BadRequestException."""
    for model in (given.get("responseModels") or {}).values():
        if model not in definition.models:
            raise bad_request(f"Invalid model identifier specified: {model}")
    response: Wire = {"statusCode": code}
    return response | {key: given[key] for key in ("responseParameters", "responseModels") if given.get(key)}


def delete_method_response(op: Op) -> Answer:
    """DeleteMethodResponse."""
    method_response(op)
    del _method(op)["methodResponses"][op.params["code"]]
    return Answer(204)


def get_integration_response(op: Op) -> Answer:
    """GetIntegrationResponse."""
    return Answer.of_json(integration_response(op))


def put_integration_response(op: Op) -> Answer:
    """PutIntegrationResponse."""
    response = build_integration_response(_method(op), op.params["code"], op.body)
    _integration(op).setdefault("integrationResponses", {})[op.params["code"]] = response
    return Answer.of_json(response, 201)


def build_integration_response(method: Wire, code: str, given: Mapping[str, Any]) -> Wire:
    """An integration response; what it maps to must be declared by the method. Raises BadRequestException."""
    declared = (method.get("methodResponses") or {}).get(code)
    if declared is None:
        raise _unmappable("No method response exists for method.")
    for target in given.get("responseParameters") or {}:
        if target not in (declared.get("responseParameters") or {}):
            raise _unmappable(f"Invalid mapping expression parameter specified: {target}")
    response: Wire = {"statusCode": code}
    known = ("selectionPattern", "responseParameters", "responseTemplates", "contentHandling")
    return response | {key: given[key] for key in known if given.get(key) is not None}


def _unmappable(reason: str) -> Exception:
    return bad_request(f"Invalid mapping expression specified: Validation Result: warnings : [], errors : [{reason}]")


def delete_integration_response(op: Op) -> Answer:
    """DeleteIntegrationResponse."""
    integration_response(op)
    del _integration(op)["integrationResponses"][op.params["code"]]
    return Answer(204)


def _method(op: Op) -> Wire:
    return op.api().definition.method(op.params["resource"], op.params["verb"])


def _integration(op: Op) -> Wire:
    return integration_of(_method(op))


def integration_of(method: Wire) -> Wire:
    """Raises NotFoundException."""
    integration: Wire | None = method.get("methodIntegration")
    if integration is None:
        raise not_found("Invalid Integration identifier specified")
    return integration


def method_response(op: Op) -> Wire:
    """The method response of the path. Raises NotFoundException."""
    return _by_code(_method(op).get("methodResponses"), op.params["code"])


def integration_response(op: Op) -> Wire:
    """The integration response of the path. Raises NotFoundException."""
    return _by_code(_integration(op).get("integrationResponses"), op.params["code"])


def _by_code(responses: dict[str, Wire] | None, code: str) -> Wire:
    if code not in (responses or {}):
        raise not_found("Invalid Response status code specified")
    return (responses or {})[code]
