"""ImportRestApi, PutRestApi and GetExport: a whole API as one OpenAPI document."""

import importlib
import json

from pipeline.local.plane.asgi import Answer
from pipeline.local.plane.refusal import bad_request, not_found
from pipeline.local.plane.rest import apis, openapi
from pipeline.local.plane.rest.export import export
from pipeline.local.plane.rest.model import Definition, Op, RestApi, Wire


def import_api(op: Op) -> Answer:
    """ImportRestApi: a new API."""
    document = openapi.parse(op.request.body)
    imported = openapi.read(document, Definition.empty(), merge=False, base_path=_base_path(op))
    _check_warnings(op, imported)
    types = op.option("endpointConfigurationTypes")
    body: Wire = {"name": "unnamed", **_attributes(imported)}
    attributes = apis.attributes_of(body | {"endpointConfiguration": {"types": [types]} if types else {}}, op.now)
    api = apis.add_api(op, attributes, imported.tags)
    api.definition = imported.definition
    return _answer(api, imported, 201)


def put(op: Op) -> Answer:
    """PutRestApi: the document instead of what is there (`mode=overwrite`) or on top of it (`mode=merge`, the default).

    Nothing is live before the next deployment. An API that cannot be read from the document stays as it is.
    """
    api = op.api()
    mode = op.option("mode") or "merge"
    if mode not in {"merge", "overwrite"}:
        raise bad_request("Invalid mode specified. Must be one of: [merge, overwrite]")
    document = openapi.parse(op.request.body)
    imported = openapi.read(document, api.definition, merge=mode == "merge", base_path=_base_path(op))
    _check_warnings(op, imported)
    changed = _attributes(imported)
    if mode == "overwrite":
        for gone in ("description", "version", "minimumCompressionSize", "policy"):
            api.attributes.pop(gone, None)
    endpoints = changed.pop("vpcEndpointIds", None)
    if endpoints:
        api.attributes["endpointConfiguration"]["vpcEndpointIds"] = endpoints
    api.attributes |= changed
    api.definition = imported.definition
    api.tags = {**(api.tags or {}), **imported.tags} or None
    return _answer(api, imported, 200)


def _attributes(imported: openapi.Imported) -> Wire:
    attributes = dict(imported.attributes)
    if attributes.get("description") == "":
        del attributes["description"]
    return attributes


def _base_path(op: Op) -> str:
    mode = op.option("basepath") or "ignore"
    if mode not in {"ignore", "prepend", "split"}:
        raise bad_request("Invalid basepath specified. Must be one of: [ignore, prepend, split]")
    return mode


def _check_warnings(op: Op, imported: openapi.Imported) -> None:
    if imported.warnings and (op.option("failonwarnings") or "").lower() == "true":
        raise bad_request("Warnings found during import:\n\t" + "\n\t".join(imported.warnings))


def _answer(api: RestApi, imported: openapi.Imported, status: int) -> Answer:
    warnings = {"warnings": imported.warnings} if imported.warnings else {}
    return Answer.of_json(api.wire() | warnings, status)


def get_export(op: Op) -> Answer:
    """GetExport: what is deployed to a stage, as OpenAPI 3 or Swagger 2, JSON or YAML."""
    api = op.api()
    stage = api.stage(op.params["stage"])
    kind = op.params["kind"]
    if kind not in {"oas30", "swagger"}:
        raise not_found("Invalid API export type specified. Must be one of: [oas30, swagger]")
    extensions = (op.option("extensions") or "").split(",")
    document = export(api, stage, kind, frozenset(one.strip() for one in extensions))
    accepted = op.request.header("accept") or "application/json"
    if "yaml" in accepted:
        body, suffix, content_type = (
            importlib.import_module("yaml").safe_dump(document, sort_keys=False),
            "yaml",
            accepted,
        )
    else:
        body, suffix, content_type = json.dumps(document, indent=2), "json", "application/json"
    disposition = f'attachment; filename="{kind}_{stage["createdDate"]}.{suffix}"'
    headers = (("content-type", content_type), ("content-disposition", disposition))
    return Answer(200, headers, body.encode())
