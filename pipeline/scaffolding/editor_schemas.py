"""JSON Schemas for editors: what `aws/**/*.yaml` and `pipeline.yaml` may say, of the very schemas that check it. Pure.

An editor does not know the variables. So wherever a scalar may stand, text with `${...}` in it may stand, too; and
where a policy may stand, the path of a file with one. https://github.com/redhat-developer/yaml-language-server
"""

import json
from collections.abc import Mapping
from importlib import resources as package_files
from typing import Any

from pipeline.config.authoring import ADOPT, DEPENDS_ON, not_written
from pipeline.config.declarations import DEFAULTS, MOVED
from pipeline.resources.base import ResourceType
from pipeline.resources.registry import registry

SPECS, PROJECT = "schemas/specs.json", "schemas/pipeline.json"
_DIALECT = "http://json-schema.org/draft-07/schema#"  # the newest that the YAML language server knows in full
_VARIABLE = {"type": "string", "pattern": r"\$\{"}
_DOCUMENTS = ("policy-document", "document")
# Words that are for our engine alone, or that mean something else to an editor.
_OURS = {
    "references", "secrets", "lifecycle", "engine", "insertionOrder", "caseInsensitive", "format", "readOnly",
    "$schema", "propertyNames",
}  # fmt: skip
_ALWAYS: Mapping[str, Any] = {
    DEPENDS_ON: {
        "type": "array",
        "items": {"type": "string"},
        "description": "Addresses of resources that must be there first, such as dynamodb.table/orders.",
    },
    ADOPT: {"type": "boolean", "description": "Take over a resource of this name that somebody else made."},
}


def schemas() -> dict[str, str]:
    """path -> text of the schema files of a repository."""
    return {path: json.dumps(schema, indent=1) + "\n" for path, schema in ((SPECS, specs()), (PROJECT, project()))}


def specs() -> dict[str, Any]:
    """The schema of one file below `aws/`: collections of resources, and defaults."""
    collections: dict[str, Any] = {}
    items: dict[str, Any] = {}
    for kind in registry().values():
        items[kind.name] = _item(kind)
        item = {"$ref": f"#/definitions/{kind.name}"}
        one_or_many = {
            "description": kind.spec.schema.get("description", ""),
            "anyOf": [{"type": "array", "items": item}, item],
        }
        collections |= dict.fromkeys(kind.spec.collections, one_or_many)
    defaults = {"type": ["object", "null"], "description": "Lie below every item of the one collection in this file."}
    moves = {key: value for key, value in _packaged("pipeline.config", "moved.schema.json").items() if key[0] != "$"}
    return {
        "$schema": _DIALECT,
        "title": "Resources",
        "type": "object",
        "anyOf": [
            {"additionalProperties": False, "properties": {**collections, DEFAULTS: defaults, MOVED: moves}},
            {"required": ["Statement"]},  # a policy document that a role names by its path
        ],
        "definitions": items,
    }


def project() -> dict[str, Any]:
    """The schema of `pipeline.yaml`."""
    own = _packaged("pipeline.config", "project.schema.json")
    rollout = _packaged("pipeline.rollout", "strategy.schema.json")
    definitions = {"rollout": _plain(_local(rollout, "#/definitions/rollout"))}
    return {"$schema": _DIALECT, **_plain(_linked(own)), "definitions": definitions}


def _item(kind: ResourceType) -> dict[str, Any]:
    """What one resource may say. Nothing is required: defaults may say it."""
    hidden = not_written(kind)
    properties = {
        key: _lenient(schema) for key, schema in kind.spec.schema.get("properties", {}).items() if key not in hidden
    }
    rest = {key: value for key, value in kind.spec.schema.items() if key in ("type", "additionalProperties")}
    return {"title": kind.spec.schema.get("title", kind.name), **rest, "properties": {**properties, **_ALWAYS}}


def _lenient(schema: Any) -> Any:
    """The schema, or text with a variable in it wherever it is about a scalar; or a path, where it is a document."""
    if not isinstance(schema, Mapping):
        return schema
    inner = {key: _inner(key, value) for key, value in schema.items() if key not in _OURS}
    if schema.get("format") in _DOCUMENTS:
        instead: dict[str, Any] = {"type": "string"}
    elif {"type", "enum", "const"} & schema.keys() and schema.get("type") not in ("object", "array"):
        instead = _VARIABLE
    else:
        return inner
    told = {key: inner.pop(key) for key in ("description", "default") if key in inner}
    return {**told, "anyOf": [inner, instead]}


def _inner(key: str, value: Any) -> Any:
    if key in ("properties", "patternProperties", "definitions", "$defs"):
        return {name: _lenient(sub) for name, sub in value.items()}
    if key in ("items", "additionalProperties", "not", "if", "then", "else"):
        return _lenient(value)
    if key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        return [_lenient(sub) for sub in value]
    return value


def _packaged(package: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(package_files.files(package).joinpath(name).read_text(encoding="utf-8"))
    return found


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in ("$schema", "$id")}


def _linked(schema: Any) -> Any:
    """References to the schema of rollouts lead to the copy in the same file."""
    if isinstance(schema, Mapping):
        if str(schema.get("$ref", "")).endswith("strategy.schema.json"):
            return {"$ref": "#/definitions/rollout"}
        return {key: _linked(value) for key, value in schema.items()}
    return [_linked(value) for value in schema] if isinstance(schema, list) else schema


def _local(schema: Any, base: str) -> Any:
    """References inside of a schema that moved to `base`."""
    if isinstance(schema, Mapping):
        return {
            key: f"{base}{value[1:]}" if key == "$ref" and str(value).startswith("#") else _local(value, base)
            for key, value in schema.items()
        }
    return [_local(value, base) for value in schema] if isinstance(schema, list) else schema
