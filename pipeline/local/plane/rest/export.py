"""A deployed API as an OpenAPI document. Pure.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-export-api.html
"""

import json
from datetime import UTC, datetime
from typing import Any

from pipeline.local.plane.rest.model import Definition, RestApi, Wire

_X = "x-amazon-apigateway-"
_PLACES = {"path": "path", "querystring": "query", "header": "header"}
_INTEGRATION = (
    "type", "httpMethod", "uri", "connectionType", "connectionId", "credentials", "requestParameters",
    "requestTemplates", "passthroughBehavior", "contentHandling", "timeoutInMillis", "tlsConfig",
)  # fmt: skip


def export(api: RestApi, stage: Wire, kind: str, extensions: frozenset[str]) -> Wire:
    """`kind` is oas30 or swagger; `extensions` names those wanted: integrations, authorizers, apigateway (all)."""
    definition = api.deployments[stage["deploymentId"]].definition
    everything = "apigateway" in extensions
    writer = _Writer(
        definition,
        oas=kind == "oas30",
        integrations=everything or "integrations" in extensions,
        authorizers=everything or "authorizers" in extensions,
    )
    created = datetime.fromtimestamp(int(api.attributes["createdDate"]), UTC)
    info: Wire = {"title": api.attributes["name"]}
    if "description" in api.attributes:
        info["description"] = api.attributes["description"]
    info["version"] = api.attributes.get("version") or created.strftime("%Y-%m-%dT%H:%M:%SZ")
    host = f"{api.id}.execute-api.{api.region}.amazonaws.com"
    document: Wire = {"openapi": "3.0.1"} if writer.oas else {"swagger": "2.0"}
    document["info"] = info
    if writer.oas:
        server = {"url": f"https://{host}/{{basePath}}", "variables": {"basePath": {"default": stage["stageName"]}}}
        document["servers"] = [server]
    else:
        document |= {"host": host, "basePath": f"/{stage['stageName']}", "schemes": ["https"]}
    document["paths"] = writer.paths()
    document |= writer.components()
    if everything:
        document |= writer.api_extensions(api)
    return document


class _Writer:
    def __init__(self, definition: Definition, *, oas: bool, integrations: bool, authorizers: bool) -> None:
        self.definition = definition
        self.oas = oas
        self.integrations = integrations
        self.authorizers = authorizers

    def paths(self) -> Wire:
        return {
            path: {
                f"{_X}any-method" if verb == "ANY" else verb.lower(): self._operation(method)
                for verb, method in sorted(resource.methods.items())
            }
            for path, resource in self.definition.by_path().items()
            if resource.methods
        }

    def _operation(self, method: Wire) -> Wire:
        operation: Wire = {}
        if "operationName" in method:
            operation["operationId"] = method["operationName"]
        parameters = [self._parameter(*item) for item in sorted((method.get("requestParameters") or {}).items())]
        content = {
            kind: {"schema": self._reference(name)} for kind, name in (method.get("requestModels") or {}).items()
        }
        if content and self.oas:
            operation["requestBody"] = {"content": content, "required": True}
        elif content:
            operation["consumes"] = list(content)
            body = {"in": "body", "name": "body", "required": True, **next(iter(content.values()))}
            parameters.append(body)
        if parameters:
            operation["parameters"] = parameters
        operation["responses"] = {
            code: self._response(one) for code, one in sorted((method.get("methodResponses") or {}).items())
        }
        security = self._security(method)
        if security:
            operation["security"] = security
        validator = self.definition.validators.get(method.get("requestValidatorId", ""))
        if validator:
            operation[f"{_X}request-validator"] = validator["name"]
        if self.integrations and "methodIntegration" in method:
            operation[f"{_X}integration"] = _integration(method["methodIntegration"])
        return operation

    def _parameter(self, key: str, required: bool) -> Wire:
        _, _, place, name = key.split(".", 3)
        shown: Wire = {"name": name, "in": _PLACES[place]}
        if required:
            shown["required"] = True
        return shown | ({"schema": {"type": "string"}} if self.oas else {"type": "string"})

    def _reference(self, name: str) -> Wire:
        return {"$ref": f"#/components/schemas/{name}" if self.oas else f"#/definitions/{name}"}

    def _response(self, given: Wire) -> Wire:
        code = given["statusCode"]
        shown: Wire = {"description": f"{code} response"}
        kind: Wire = {"schema": {"type": "string"}} if self.oas else {"type": "string"}
        headers = {key.rpartition(".")[2]: kind for key in given.get("responseParameters") or {}}
        if headers:
            shown["headers"] = headers
        models = given.get("responseModels") or {}
        if models and self.oas:
            shown["content"] = {kind: {"schema": self._reference(name)} for kind, name in models.items()}
        elif models:
            shown["schema"] = self._reference(next(iter(models.values())))
        return shown

    def _security(self, method: Wire) -> list[Wire]:
        required: list[Wire] = []
        if method["authorizationType"] == "AWS_IAM":
            required.append({"sigv4": []})
        authorizer = self.definition.authorizers.get(method.get("authorizerId", ""))
        if authorizer:
            required.append({authorizer["name"]: list(method.get("authorizationScopes") or [])})
        if method["apiKeyRequired"]:
            required.append({"api_key": []})
        return required

    def components(self) -> Wire:
        schemas = {name: json.loads(model["schema"]) for name, model in sorted(self.definition.models.items())}
        schemes = self._schemes()
        if self.oas:
            inner = {key: value for key, value in (("schemas", schemas), ("securitySchemes", schemes)) if value}
            return {"components": inner} if inner else {}
        return {key: value for key, value in (("securityDefinitions", schemes), ("definitions", schemas)) if value}

    def _schemes(self) -> Wire:
        every = [method for resource in self.definition.resources.values() for method in resource.methods.values()]
        schemes: Wire = {}
        if any(method["authorizationType"] == "AWS_IAM" for method in every):
            schemes["sigv4"] = _header("Authorization") | {f"{_X}authtype": "awsSigv4"}
        if any(method["apiKeyRequired"] for method in every):
            schemes["api_key"] = _header("x-api-key")
        for authorizer in self.definition.authorizers.values():
            name = str(authorizer.get("identitySource", "")).rpartition(".")[2] or "Unused"
            scheme = _header(name)
            if self.authorizers:
                shown = {k: v for k, v in authorizer.items() if k not in {"id", "name", "authType"}}
                scheme[f"{_X}authtype"] = authorizer["authType"]
                scheme[f"{_X}authorizer"] = {**shown, "type": authorizer["type"].lower()}
            schemes[authorizer["name"]] = scheme
        return schemes

    def api_extensions(self, api: RestApi) -> Wire:
        definition = self.definition
        found: dict[str, Any] = {
            f"{_X}request-validators": {
                one["name"]: {key: one[key] for key in ("validateRequestBody", "validateRequestParameters")}
                for one in definition.validators.values()
            },
            f"{_X}gateway-responses": {
                kind: {key: value for key, value in one.items() if key not in {"responseType", "defaultResponse"}}
                for kind, one in definition.gateway_responses.items()
            },
            f"{_X}binary-media-types": definition.binary_media_types,
            f"{_X}minimum-compression-size": api.attributes.get("minimumCompressionSize"),
        }
        return {key: value for key, value in found.items() if value not in ({}, [], None)}


def _header(name: str) -> Wire:
    return {"type": "apiKey", "name": name, "in": "header"}


def _integration(given: Wire) -> Wire:
    shown = {key: given[key] for key in _INTEGRATION if key in given}
    shown["type"], shown["passthroughBehavior"] = given["type"].lower(), given["passthroughBehavior"].lower()
    responses = {
        one.get("selectionPattern") or "default": {k: v for k, v in one.items() if k != "selectionPattern"}
        for one in (given.get("integrationResponses") or {}).values()
    }
    return shown | ({"responses": responses} if responses else {})
