"""Models, request validators, authorizers and gateway responses: kept, listed, changed by hand."""

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy

from pipeline.local.plane.asgi import Answer
from pipeline.local.plane.refusal import bad_request, conflict, not_found
from pipeline.local.plane.rest.model import Definition, Handler, Op, Wire, new_id, page
from pipeline.local.plane.rest.patching import Convert, apply, boolean, number, text

# https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
GATEWAY_RESPONSES: Mapping[str, str | None] = {
    "ACCESS_DENIED": "403", "API_CONFIGURATION_ERROR": "500", "AUTHORIZER_CONFIGURATION_ERROR": "500",
    "AUTHORIZER_FAILURE": "500", "BAD_REQUEST_BODY": "400", "BAD_REQUEST_PARAMETERS": "400", "DEFAULT_4XX": None,
    "DEFAULT_5XX": None, "EXPIRED_TOKEN": "403", "INTEGRATION_FAILURE": "504", "INTEGRATION_TIMEOUT": "504",
    "INVALID_API_KEY": "403", "INVALID_SIGNATURE": "403", "MISSING_AUTHENTICATION_TOKEN": "403",
    "QUOTA_EXCEEDED": "429", "REQUEST_TOO_LARGE": "413", "RESOURCE_NOT_FOUND": "404", "THROTTLED": "429",
    "UNAUTHORIZED": "401", "UNSUPPORTED_MEDIA_TYPE": "415", "WAF_FILTERED": "403",
}  # fmt: skip
_MESSAGE = {"application/json": '{"message":$context.error.messageString}'}


def validator(given: Wire) -> Wire:
    """A request validator."""
    shown: Wire = {"id": new_id(), "name": given.get("name") or ""}
    return shown | {key: bool(given.get(key)) for key in ("validateRequestBody", "validateRequestParameters")}


def authorizer(given: Wire) -> Wire:
    """An authorizer. Raises BadRequestException."""
    kind = str(given.get("type") or "")
    if kind not in {"TOKEN", "REQUEST", "COGNITO_USER_POOLS"}:
        raise bad_request("Invalid authorizer type specified. Valid options are TOKEN,REQUEST,COGNITO_USER_POOLS")
    if kind == "COGNITO_USER_POOLS" and not given.get("providerARNs"):
        raise bad_request("Authorizers of type COGNITO_USER_POOLS need at least one provider ARN")
    if kind != "COGNITO_USER_POOLS" and not given.get("authorizerUri"):
        raise bad_request("Invalid Authorizer URI: authorizerUri is required")
    known = (
        "name", "type", "providerARNs", "authType", "authorizerUri", "authorizerCredentials", "identitySource",
        "identityValidationExpression", "authorizerResultTtlInSeconds",
    )  # fmt: skip
    shown: Wire = {"id": new_id(), **{key: given[key] for key in known if given.get(key) is not None}}
    shown.setdefault("authType", "cognito_user_pools" if kind == "COGNITO_USER_POOLS" else "custom")
    if kind != "REQUEST":
        shown.setdefault("identitySource", "method.request.header.Authorization")
    return shown


def model(given: Wire) -> Wire:
    """A model. Raises BadRequestException."""
    if not given.get("name"):
        raise bad_request("Model name must be non-empty")
    if not given.get("schema"):
        raise bad_request("Model schema must have at least 1 property or array items defined")
    known = ("name", "description", "schema", "contentType")
    return {"id": new_id(), **{key: given[key] for key in known if given.get(key) is not None}}


def gateway_response(kind: str, given: Wire) -> Wire:
    """A gateway response that was set. Raises BadRequestException for an unknown type."""
    if kind not in GATEWAY_RESPONSES:
        raise bad_request(f"Invalid gateway response type specified: {kind}")
    shown: Wire = {"responseType": kind, "defaultResponse": False}
    code = given.get("statusCode") or GATEWAY_RESPONSES[kind]
    if code:
        shown["statusCode"] = str(code)
    shown["responseParameters"] = dict(given.get("responseParameters") or {})
    shown["responseTemplates"] = dict(given.get("responseTemplates") or _MESSAGE)
    return shown


def effective_gateway_response(definition: Definition, kind: str) -> Wire:
    """What answers: the response of that type, else the default of its hundred, else API Gateway's own."""
    own = definition.gateway_responses.get(kind)
    if own is not None:
        return own
    code = GATEWAY_RESPONSES[kind]
    shown: Wire = {"responseType": kind, "defaultResponse": True}
    default = definition.gateway_responses.get(f"DEFAULT_{(code or '4')[0]}XX") if code else None
    status = (default or {}).get("statusCode") or code
    if status:
        shown["statusCode"] = status
    shown["responseParameters"] = dict((default or {}).get("responseParameters") or {})
    shown["responseTemplates"] = dict((default or {}).get("responseTemplates") or _MESSAGE)
    return shown


def get_gateway_responses(op: Op) -> Answer:
    """GetGatewayResponses: all types."""
    definition = op.api().definition
    return page(op, (effective_gateway_response(definition, kind) for kind in GATEWAY_RESPONSES))


def get_gateway_response(op: Op) -> Answer:
    """GetGatewayResponse."""
    definition, kind = op.api().definition, op.params["key"]
    if kind not in GATEWAY_RESPONSES:
        raise not_found("Invalid gateway response type specified")
    return Answer.of_json(effective_gateway_response(definition, kind))


def put_gateway_response(op: Op) -> Answer:
    """PutGatewayResponse."""
    shown = gateway_response(op.params["key"], op.body)
    op.api().definition.gateway_responses[op.params["key"]] = shown
    return Answer.of_json(shown, 201)


def delete_gateway_response(op: Op) -> Answer:
    """DeleteGatewayResponse: API Gateway's own answers again."""
    if op.api().definition.gateway_responses.pop(op.params["key"], None) is None:
        raise not_found("Gateway response type not defined on api")
    return Answer(202)


def _create(kind: str) -> Handler:
    build: Callable[[Wire], Wire] = {"authorizers": authorizer, "validators": validator, "models": model}[kind]

    def create(op: Op) -> Answer:
        kept: dict[str, Wire] = getattr(op.api().definition, kind)
        shown = build(op.body)
        if any(other.get("name") == shown["name"] for other in kept.values()):
            label = {"authorizers": "Authorizer", "validators": "Request validator", "models": "Model"}[kind]
            raise conflict(f"{label} name already exists for this REST API")
        kept[shown["name"] if kind == "models" else shown["id"]] = shown
        return Answer.of_json(shown, 201)

    return create


def _find(kind: str, op: Op) -> Wire:
    kept: dict[str, Wire] = getattr(op.api().definition, kind)
    key = op.params["key"]
    if key not in kept:
        raise not_found(
            {
                "authorizers": "Invalid Authorizer identifier specified",
                "validators": "Invalid Request Validator identifier specified",
                "models": f"Invalid model name specified: {key}",
            }[kind]
        )
    return kept[key]


def _get(kind: str) -> Handler:
    return lambda op: Answer.of_json(_find(kind, op))


def _list(kind: str) -> Handler:
    return lambda op: page(op, sorted(getattr(op.api().definition, kind).values(), key=lambda w: w.get("name", "")))


def _delete(kind: str) -> Handler:
    def delete(op: Op) -> Answer:
        _find(kind, op)
        definition = op.api().definition
        for place in _users(kind, definition, op.params["key"]):
            raise conflict(place)
        del getattr(definition, kind)[op.params["key"]]
        return Answer(202)

    return delete


def _users(kind: str, definition: Definition, key: str) -> Iterator[str]:
    """Where it is still referred to, in AWS's words."""
    for path, resource in definition.by_path().items():
        for verb, method in resource.methods.items():
            if kind == "models" and key in (method.get("requestModels") or {}).values():
                yield f"Cannot delete model '{key}', is referenced in method request: {path}/{verb}"
            if kind == "authorizers" and method.get("authorizerId") == key:
                yield f"Cannot delete authorizer '{key}', is referenced in method: {path}/{verb}"
            if kind == "validators" and method.get("requestValidatorId") == key:
                yield f"Cannot delete request validator '{key}', is referenced in method: {path}/{verb}"


_SCALARS: Mapping[str, Mapping[str, Convert]] = {
    "authorizers": {
        "name": text, "authorizerUri": text, "authorizerCredentials": text, "identitySource": text, "authType": text,
        "identityValidationExpression": text, "authorizerResultTtlInSeconds": number,
    },
    "validators": {"name": text, "validateRequestBody": boolean, "validateRequestParameters": boolean},
    "models": {"description": text, "schema": text},
}  # fmt: skip


def _update(kind: str) -> Handler:
    def update(op: Op) -> Answer:
        found = _find(kind, op)
        changed = deepcopy(found)
        apply(changed, op.patches, scalars=_SCALARS[kind])
        found.clear()
        found.update(changed)
        return Answer.of_json(found)

    return update


def handlers(kind: str) -> Mapping[str, Handler]:
    """The five operations of `authorizers`, `validators` or `models`."""
    return {
        "create": _create(kind),
        "get": _get(kind),
        "list": _list(kind),
        "delete": _delete(kind),
        "update": _update(kind),
    }
