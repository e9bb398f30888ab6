"""What an OpenAPI document says besides its paths: the API itself, models, authorizers and the like. Pure."""

import json
from collections.abc import Iterator
from typing import Any

from pipeline.local.plane.refusal import Refusal, bad_request
from pipeline.local.plane.rest import parts
from pipeline.local.plane.rest.model import Definition, Wire

_X = "x-amazon-apigateway-"


def resolve(document: Wire, item: Wire) -> Wire:
    """The item, or what its `$ref` within the document points to. Raises BadRequestException."""
    seen = 0
    while "$ref" in item:
        target: Any = document
        for part in str(item["$ref"]).removeprefix("#/").split("/"):
            target = target.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(target, dict) else None
        seen += 1
        if not isinstance(target, dict) or seen > 20:
            raise bad_request(f"Invalid reference: {item['$ref']}")
        item = target
    return item


def attributes(document: Wire) -> Wire:
    """What the document says of the API itself, as on the wire; `policy` as a text."""
    info = document.get("info") or {}
    found: Wire = {
        "name": info.get("title"),
        "description": info.get("description"),
        "version": str(info["version"]) if info.get("version") is not None else None,
        "minimumCompressionSize": document.get(f"{_X}minimum-compression-size"),
        "apiKeySource": document.get(f"{_X}api-key-source"),
    }
    policy = document.get(f"{_X}policy")
    if policy is not None:
        found["policy"] = policy if isinstance(policy, str) else json.dumps(policy)
    endpoint = _endpoint_configuration(document)
    if endpoint.get("disableExecuteApiEndpoint") is not None:
        found["disableExecuteApiEndpoint"] = bool(endpoint["disableExecuteApiEndpoint"])
    if endpoint.get("vpcEndpointIds"):
        found["vpcEndpointIds"] = list(endpoint["vpcEndpointIds"])
    return {key: value for key, value in found.items() if value is not None}


def _endpoint_configuration(document: Wire) -> Wire:
    servers = document.get("servers") or [{}]
    given: Wire = document.get(f"{_X}endpoint-configuration") or servers[0].get(f"{_X}endpoint-configuration") or {}
    return given


def tags(document: Wire) -> dict[str, str]:
    """Tags of the document that carry a value for AWS."""
    given = document.get("tags") or []
    return {tag["name"]: str(tag["x-amazon-apigateway-tag-value"]) for tag in given if f"{_X}tag-value" in tag}


def fill(document: Wire, definition: Definition) -> Iterator[str]:
    """Puts everything but the paths into `definition`; yields what is wrong."""
    if f"{_X}binary-media-types" in document:
        definition.binary_media_types = list(document[f"{_X}binary-media-types"])
    components = document.get("components") or {}
    for name, schema in (components.get("schemas") or document.get("definitions") or {}).items():
        definition.models[name] = parts.model(
            {"name": name, "schema": json.dumps(schema), "contentType": "application/json"}
        )
    for name, given in (document.get(f"{_X}request-validators") or {}).items():
        _replace(definition.validators, parts.validator({**given, "name": name}))
    for name, scheme in _schemes(document).items():
        try:
            made = _authorizer(name, scheme)
        except Refusal as refusal:
            yield f"Unable to create authorizer '{name}': {refusal.message}"
            continue
        if made is not None:
            _replace(definition.authorizers, made)
    for kind, given in (document.get(f"{_X}gateway-responses") or {}).items():
        try:
            definition.gateway_responses[kind] = parts.gateway_response(kind, given)
        except Refusal as refusal:
            yield f"Unable to put gateway response '{kind}': {refusal.message}"


def _replace(kept: dict[str, Wire], made: Wire) -> None:
    """Keeps the id of what had the name before."""
    same = next((key for key, other in kept.items() if other["name"] == made["name"]), None)
    made["id"] = same or made["id"]
    kept[made["id"]] = made


def _schemes(document: Wire) -> dict[str, Wire]:
    components = document.get("components") or {}
    found: dict[str, Wire] = components.get("securitySchemes") or document.get("securityDefinitions") or {}
    return found


def _authorizer(name: str, scheme: Wire) -> Wire | None:
    given = scheme.get(f"{_X}authorizer")
    if given is None:
        return None
    return parts.authorizer(
        {
            **given,
            "name": name,
            "type": str(given.get("type", "")).upper(),
            "authType": scheme.get(f"{_X}authtype"),
            "identitySource": given.get("identitySource") or _identity_source(scheme),
        }
    )


def _identity_source(scheme: Wire) -> str | None:
    name = scheme.get("name")
    return f"method.request.header.{name}" if name and name != "Unused" else None


def security(document: Wire, operation: Wire, definition: Definition) -> Wire:
    """How a method is authorized: `authorizationType`, `authorizerId`, `authorizationScopes`, `apiKeyRequired`."""
    given: Wire = {"authorizationType": "NONE"}
    auth = (operation.get(f"{_X}auth") or {}).get("type")
    if auth:
        given["authorizationType"] = str(auth).upper()
    schemes = _schemes(document)
    for requirement in operation.get("security", document.get("security")) or []:
        for name, scopes in requirement.items():
            given |= _scheme(name, schemes.get(name, {}), list(scopes or []), definition)
    return given


def _scheme(name: str, scheme: Wire, scopes: list[str], definition: Definition) -> Wire:
    authorizer = next((one for one in definition.authorizers.values() if one["name"] == name), None)
    if authorizer is not None:
        kind = "COGNITO_USER_POOLS" if authorizer["type"] == "COGNITO_USER_POOLS" else "CUSTOM"
        found: Wire = {"authorizationType": kind, "authorizerId": authorizer["id"]}
        return {**found, "authorizationScopes": scopes} if scopes else found
    if str(scheme.get(f"{_X}authtype", "")).lower() == "awssigv4":
        return {"authorizationType": "AWS_IAM"}
    if scheme.get("type") == "apiKey" and str(scheme.get("name", "")).lower() == "x-api-key":
        return {"apiKeyRequired": True}
    return {}
