"""The definition of a REST API: as canonical properties, as one OpenAPI document, and as a digest. Pure.

Canonically the endpoints are a mapping, so that a plan names the method that differs:

    "GET /orders": {"function": "orders-list", "authorization": "NONE", "api_key_required": false, "timeout_ms": 29000}
    "OPTIONS /orders": {"cors": {"origins": [...], "methods": [...], "headers": [...], "max_age": 600, ...}}

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.model.scope import Scope
from pipeline.model.values import Properties, digest
from pipeline.resources import _rest_authorizers as authorizers
from pipeline.resources import _rest_errors as errors
from pipeline.resources._rest_authorizers import invocation_uri

__all__ = ["DEFINED", "definition_digest", "document", "endpoints", "invocation_uri", "preflight_of"]

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
CORS_DEFAULTS: Mapping[str, Any] = {
    "origins": ["*"],
    "headers": ["Authorization", "Content-Type", "X-Amz-Date", "X-Amz-Security-Token", "X-Api-Key"],
    "max_age": 600,
    "credentials": False,
}
# What changes only with a new api deployment.
DEFINED = (
    "endpoints", "authorizers", "gateway_responses", "alias", "binary_media_types", "minimum_compression_size",
    "disable_execute_api_endpoint",
)  # fmt: skip
# Those of them that a definition without has not said anything about.
_OPTIONAL = ("authorizers", "gateway_responses")
# The stage variable that names the alias of every function of the API, and what it is for the requests of a canary.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/aws-api-gateway-stage-variables-reference.html
VARIABLE, CANARY_ALIAS = "alias", "canary"
QUALIFIER = f"${{stageVariables.{VARIABLE}}}"
# Raised when the same properties come to mean another document, so that it is deployed.
_EDITION = 1

_PREFLIGHT_STATUS = "204"
_ALLOW = "Access-Control-Allow-"
_PARAMETER = re.compile(r"\{([^}+]+)\+?\}")

Document = dict[str, Any]


def endpoints(properties: Properties) -> dict[str, Any]:
    """`endpoints` and `cors` of the author as one mapping; canonical ones come back as they are.

    A method that is declared twice has the list of its entries, which no API can have and `check` refuses.
    """
    declared, known = properties["endpoints"], properties.get("authorizers") or {}
    if isinstance(declared, Mapping):
        return dict(declared)
    cors = properties.get("cors")
    found: dict[str, Any] = {}
    for endpoint in declared:
        for method in endpoint["methods"]:
            if method != "OPTIONS" or cors is False:
                _add(found, f"{method} {endpoint['path']}", _entry(endpoint, known))
    for path in dict.fromkeys(endpoint["path"] for endpoint in declared):
        asked = any("OPTIONS" in e["methods"] for e in declared if e["path"] == path)
        if cors is not False and (asked or cors):
            found[f"OPTIONS {path}"] = {"cors": _preflight(cors, path, found)}
    return found


def _add(found: dict[str, Any], key: str, entry: Any) -> None:
    if key in found:
        before = found[key] if isinstance(found[key], list) else [found[key]]
        entry = [*before, entry]
    found[key] = entry


def _entry(endpoint: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "function": endpoint["function"],
        "authorization": endpoint.get("authorization", "NONE"),
        "api_key_required": endpoint.get("api_key_required", False),
        "timeout_ms": endpoint.get("timeout_ms", 29000),
        **authorizers.demand(endpoint, known),
    }


def _preflight(cors: Any, path: str, found: Iterable[str]) -> dict[str, Any]:
    settings = {**CORS_DEFAULTS, **(cors if isinstance(cors, Mapping) else {})}
    own = {key.partition(" ")[0] for key in found if key.partition(" ")[2] == path} | {"OPTIONS"}
    methods = settings.get("methods") or (METHODS if "ANY" in own else own)
    return {
        "origins": list(settings["origins"]),
        "methods": sorted({*methods}),
        "headers": sorted({*settings["headers"]}),
        "max_age": settings["max_age"],
        "credentials": settings["credentials"],
    }


def definition_digest(properties: Properties) -> str:
    """Equal for canonical properties, resolved, that a stage serves alike: the key of an api deployment."""
    defined = {name: properties.get(name) for name in DEFINED if name not in _OPTIONAL or properties.get(name)}
    defined["binary_media_types"] = sorted(properties.get("binary_media_types") or ())
    return digest([_EDITION, defined])


def document(properties: Properties, scope: Scope) -> bytes:
    """The definition as an OpenAPI 3 document with API Gateway's extensions, for PutRestApi."""
    paths: dict[str, Document] = {}
    for key, entry in sorted(properties["endpoints"].items()):
        method, _, path = key.partition(" ")
        verb = "x-amazon-apigateway-any-method" if method == "ANY" else method.lower()
        operation = _preflight_answer(entry["cors"]) if "cors" in entry else _invocation(entry, properties, scope)
        if names := _PARAMETER.findall(path):
            operation["parameters"] = [_path_parameter(name) for name in names]
        paths.setdefault(path, {})[verb] = operation
    info = {"title": properties["name"], "version": "1"}
    if properties.get("description"):
        info["description"] = properties["description"]
    text: Document = {
        "openapi": "3.0.1",
        "info": info,
        "paths": paths,
        "components": {"securitySchemes": _SECURITY_SCHEMES | authorizers.schemes(properties, scope)},
    }
    if properties.get("gateway_responses"):
        text[errors.EXTENSION] = errors.extension(properties["gateway_responses"])
    if properties.get("binary_media_types"):
        text["x-amazon-apigateway-binary-media-types"] = list(properties["binary_media_types"])
    if properties.get("minimum_compression_size") is not None:
        text["x-amazon-apigateway-minimum-compression-size"] = properties["minimum_compression_size"]
    if properties.get("disable_execute_api_endpoint"):
        text["servers"] = [{"x-amazon-apigateway-endpoint-configuration": {"disableExecuteApiEndpoint": True}}]
    return json.dumps(text, separators=(",", ":")).encode()


_SECURITY_SCHEMES: Document = {
    "sigv4": {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "awsSigv4",
    },
    "api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
}


def _path_parameter(name: str) -> Document:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _invocation(entry: Mapping[str, Any], properties: Properties, scope: Scope) -> Document:
    operation: Document = {
        "responses": {"200": {"description": "What the function answers"}},
        "x-amazon-apigateway-integration": {
            "type": "aws_proxy",
            "httpMethod": "POST",
            "uri": invocation_uri(entry["function"], QUALIFIER, scope),
            "passthroughBehavior": "when_no_match",
            "timeoutInMillis": entry["timeout_ms"],
        },
    }
    security: Document = {"sigv4": []} if entry["authorization"] == "AWS_IAM" else {}
    if entry.get("authorizer"):
        security[entry["authorizer"]] = list(entry.get("scopes") or ())
    if entry["api_key_required"]:
        security["api_key"] = []
    if security:
        operation["security"] = [security]
    return operation


def _preflight_answer(cors: Mapping[str, Any]) -> Document:
    headers = preflight_headers(cors)
    answer: Document = {
        "statusCode": _PREFLIGHT_STATUS,
        "responseParameters": {f"method.response.header.{name}": f"'{value}'" for name, value in headers.items()},
    }
    if template := _origin_template(cors["origins"]):
        answer["responseTemplates"] = {"application/json": template}
    return {
        "responses": {
            _PREFLIGHT_STATUS: {
                "description": "What pages may do",
                "headers": {name: {"schema": {"type": "string"}} for name in headers},
            }
        },
        "x-amazon-apigateway-integration": {
            "type": "mock",
            # API Gateway takes and forgets both of a MOCK integration; some emulators cannot do without.
            # https://github.com/localstack/localstack tests/aws/services/apigateway (recorded: no uri in the answer)
            "httpMethod": "POST",
            "uri": "http://example.com",
            "passthroughBehavior": "when_no_match",
            # With binary media types the templates would else be taken for bytes, and the answer is 500.
            "contentHandling": "CONVERT_TO_TEXT",
            "requestTemplates": {"application/json": f'{{"statusCode": {_PREFLIGHT_STATUS}}}'},
            "responses": {"default": answer},
        },
    }


def preflight_headers(cors: Mapping[str, Any]) -> dict[str, str]:
    """The headers of a preflight answer."""
    headers = {
        f"{_ALLOW}Origin": cors["origins"][0],
        f"{_ALLOW}Methods": ",".join(cors["methods"]),
        f"{_ALLOW}Headers": ",".join(cors["headers"]),
        "Access-Control-Max-Age": str(cors["max_age"]),
    }
    if cors["credentials"]:
        headers[f"{_ALLOW}Credentials"] = "true"
    if len(cors["origins"]) > 1:
        headers["Vary"] = "Origin"
    return headers


def _origin_template(origins: list[str]) -> str:
    """Echoes the caller's origin when it is one of several; a header is static otherwise.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-override-request-response-parameters.html
    """
    if len(origins) < 2:
        return ""
    return (
        f"#set($allowed = {json.dumps(origins)})\n"
        '#set($origin = $input.params("Origin"))\n'
        '#if($origin == "")#set($origin = $input.params("origin"))#end\n'
        "#if($allowed.contains($origin))\n"
        f"#set($context.responseOverride.header.{_ALLOW}Origin = $origin)\n"
        "#end"
    )


_TEMPLATE_ORIGINS = re.compile(r"#set\(\$allowed = (\[[^\]]*\])\)")


def preflight_of(answer: Mapping[str, Any]) -> dict[str, Any] | None:
    """The `cors` entry that an integration response of a MOCK stands for; None when it is not one of ours."""
    prefix = "method.response.header."
    given = answer.get("responseParameters") or {}
    headers = {name.removeprefix(prefix): str(value).strip("'") for name, value in given.items()}
    template = (answer.get("responseTemplates") or {}).get("application/json") or ""
    several = _TEMPLATE_ORIGINS.search(template)
    try:
        cors: dict[str, Any] = {
            "origins": json.loads(several[1]) if several else [headers[f"{_ALLOW}Origin"]],
            "methods": _listed(headers[f"{_ALLOW}Methods"]),
            "headers": _listed(headers[f"{_ALLOW}Headers"]),
            "max_age": int(headers["Access-Control-Max-Age"]),
            "credentials": headers.get(f"{_ALLOW}Credentials") == "true",
        }
    except (KeyError, ValueError):
        return None
    ours = preflight_headers(cors) == headers and str(answer.get("statusCode")) == _PREFLIGHT_STATUS
    return cors if ours and _origin_template(cors["origins"]) == template else None


def _listed(text: str) -> list[str]:
    return sorted(part.strip() for part in text.split(",") if part.strip())
