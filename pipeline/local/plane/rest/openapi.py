"""An OpenAPI document (3.0 or Swagger 2.0, with API Gateway's extensions) becomes an API definition. Pure.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html
"""

import importlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from pipeline.local.plane.refusal import Refusal, bad_request
from pipeline.local.plane.rest import methods, openapi_parts, resources
from pipeline.local.plane.rest.model import Definition, Resource, Wire, new_id

_ANY = "x-amazon-apigateway-any-method"
_VERBS = {"get", "put", "post", "delete", "patch", "options", "head", _ANY}


@dataclass
class Imported:
    """A definition read from a document, what the document says of the API itself, and AWS's warnings."""

    definition: Definition
    attributes: Wire
    tags: dict[str, str]
    warnings: list[str] = field(default_factory=list)


def parse(body: bytes) -> Wire:
    """The document, JSON or YAML. Raises BadRequestException."""
    try:
        document = json.loads(body)
    except ValueError:
        yaml = importlib.import_module("yaml")
        try:
            document = yaml.safe_load(body)
        except yaml.YAMLError as error:
            raise bad_request(f"Unable to parse API definition because of a malformed document: {error}") from None
    version = str(document.get("openapi") or document.get("swagger") or "") if isinstance(document, dict) else ""
    if not version.startswith(("3.0", "2.0")):
        raise bad_request('Invalid OpenAPI input: specify `openapi: 3.0.x` or `swagger: "2.0"`')
    return dict(document)


def read(document: Wire, base: Definition, *, merge: bool, base_path: str = "ignore") -> Imported:
    """The definition that `document` describes; on top of `base` to merge, else instead of it.

    Resources keep the ids that their paths have in `base`. Raises BadRequestException with all that is wrong.
    """
    reader = _Reader(document, base, merge=merge)
    errors = list(reader.fill(_prefix(document, base_path)))
    if errors:
        raise bad_request("Errors found during import:\n\t" + "\n\t".join(errors))
    return Imported(
        reader.definition,
        openapi_parts.attributes(document),
        openapi_parts.tags(document),
        reader.warnings,
    )


def _prefix(document: Wire, mode: str) -> str:
    """What the document's base path puts before its paths: nothing unless asked for."""
    path = document.get("basePath")
    if path is None and document.get("servers"):
        server = document["servers"][0]
        variables = server.get("variables") or {}
        path = (variables.get("basePath") or {}).get("default") or urlsplit(str(server.get("url", ""))).path
    parts = [part for part in str(path or "").split("/") if part]
    if mode == "split":
        parts = parts[1:]
    return "" if mode == "ignore" else "".join(f"/{part}" for part in parts)


class _Reader:
    """Fills a definition; what is wrong comes back as texts, one per method."""

    def __init__(self, document: Wire, base: Definition, *, merge: bool) -> None:
        self.document = document
        self.ids = {resource.path: resource.id for resource in base.resources.values()}
        self.definition = base.snapshot() if merge else self._fresh()
        self.warnings: list[str] = []

    def _fresh(self) -> Definition:
        root = Resource(self.ids["/"], None, "", "/")
        return Definition(resources={root.id: root})

    def fill(self, prefix: str) -> Iterator[str]:
        yield from openapi_parts.fill(self.document, self.definition)
        for path, item in (self.document.get("paths") or {}).items():
            try:
                resource = self._resource(prefix + path)
            except Refusal as refusal:
                yield f"Unable to create resource at path '{path}': {refusal.message}"
                continue
            for verb, operation in item.items():
                if verb.lower() in _VERBS:
                    yield from self._method(resource, verb.lower(), operation or {}, item)

    def _resource(self, path: str) -> Resource:
        known = self.definition.by_path()
        resource = known["/"]
        for part in (part for part in path.split("/") if part):
            below = resources.join(resource.path, part)
            resource = known.get(below) or resources.add(
                self.definition, resource, part, self.ids.get(below) or new_id()
            )
        return resource

    def _method(self, resource: Resource, key: str, operation: Wire, item: Wire) -> Iterator[str]:
        verb = "ANY" if key == _ANY else key.upper()
        place = f"'{verb}' for resource at path '{resource.path}'"
        doing = f"put method on {place}"
        try:
            method = methods.build_method(self.definition, verb, self._given(operation, item))
            resource.methods[verb] = method
            responses = self._responses(operation)
            if responses:
                method["methodResponses"] = responses
            given = operation.get("x-amazon-apigateway-integration")
            if given is None:
                return
            doing = f"put integration on {place}"
            method["methodIntegration"] = methods.build_integration(resource.id, given)
            doing = f"put integration response on {place}"
            _integration_responses(method, given.get("responses") or {})
        except Refusal as refusal:
            yield f"Unable to {doing}: {refusal.message}"

    def _given(self, operation: Wire, item: Wire) -> Wire:
        given = openapi_parts.security(self.document, operation, self.definition)
        if operation.get("operationId"):
            given["operationName"] = operation["operationId"]
        parameters = [*(item.get("parameters") or []), *(operation.get("parameters") or [])]
        resolved = [openapi_parts.resolve(self.document, parameter) for parameter in parameters]
        given["requestParameters"] = {
            f"method.request.{place}.{one['name']}": bool(one.get("required", place == "path"))
            for one in resolved
            if (place := _PLACES.get(one.get("in", "")))
        }
        given["requestModels"] = self._models(_request_content(self.document, operation, resolved))
        validator = operation.get("x-amazon-apigateway-request-validator") or self.document.get(
            "x-amazon-apigateway-request-validator"
        )
        if validator:
            given["requestValidatorId"] = self._validator(str(validator))
        return given

    def _validator(self, name: str) -> str:
        for validator_id, validator in self.definition.validators.items():
            if validator["name"] == name:
                return validator_id
        raise bad_request(f"Invalid request validator reference: {name}")

    def _models(self, content: Mapping[str, Any]) -> Wire:
        """Content type to model, where the document names one."""
        found: Wire = {}
        for content_type, schema in content.items():
            name = str((schema or {}).get("$ref", "")).rpartition("/")[2]
            if name in self.definition.models:
                found[content_type] = name
            elif name:
                self.warnings.append(f"Unable to find model '{name}': the reference is left out")
        return found

    def _responses(self, operation: Wire) -> Wire:
        responses: Wire = {}
        for code, given in (operation.get("responses") or {}).items():
            if not str(code).isdecimal():
                continue
            one = openapi_parts.resolve(self.document, given or {})
            headers = {f"method.response.header.{name}": False for name in one.get("headers") or {}}
            content = {kind: (media or {}).get("schema") for kind, media in (one.get("content") or {}).items()}
            if "schema" in one:
                produced = operation.get("produces") or self.document.get("produces") or ["application/json"]
                content = dict.fromkeys(produced, one["schema"])
            shape = {"responseParameters": headers, "responseModels": self._models(content)}
            responses[str(code)] = methods.build_method_response(self.definition, str(code), shape)
        return responses


_PLACES = {"path": "path", "query": "querystring", "header": "header"}


def _request_content(document: Wire, operation: Wire, parameters: list[Wire]) -> Wire:
    body = openapi_parts.resolve(document, operation.get("requestBody") or {})
    content = {kind: (media or {}).get("schema") for kind, media in (body.get("content") or {}).items()}
    for parameter in parameters:
        if parameter.get("in") == "body":
            consumed = operation.get("consumes") or document.get("consumes") or ["application/json"]
            content |= dict.fromkeys(consumed, parameter.get("schema"))
    return content


def _integration_responses(method: Wire, given: Mapping[str, Wire]) -> None:
    responses: Wire = {}
    for pattern, one in given.items():
        code = str(one.get("statusCode") or "")
        shape = dict(one) if pattern == "default" else {**one, "selectionPattern": pattern}
        responses[code] = methods.build_integration_response(method, code, shape)
    if responses:
        method["methodIntegration"]["integrationResponses"] = responses
