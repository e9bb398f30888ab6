"""Tiny whole services on disk, and a registry of invented types that use every word a schema may have."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

from pipeline.config.loaded import Loaded
from pipeline.config.loading import load
from pipeline.model.resource import Resource
from pipeline.model.scope import Scope
from pipeline.model.type_spec import TypeSpec
from pipeline.resources.base import Problem, ResourceType
from pipeline.resources.registry import Registry, registry

TODAY = date(2026, 11, 24)
DEV = "SERVICE_NAME=orders\nENVIRONMENT=dev\nAWS_REGION=us-east-1\nAWS_ACCOUNT_ID=123456789012\n"

SPEC = "aws/things.yaml"
ENV = "environments/dev.env"

Content = str | bytes
Files = Mapping[str, Content]

HANDLER = "def handler(event, context):\n    return {}\n"

# A service without a mistake; tests put theirs over it.
SOUND: Files = {
    "pipeline.yaml": "environments:\n  dev: dev\n",
    "environments/dev.env": DEV,
    "aws/things.yaml": "things:\n  - name: ${SERVICE_NAME}-thing\n",
}

THING: Mapping[str, Any] = {
    "typeName": "test.thing",
    "collection": ["things", "thing"],
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "maxLength": 20, "pattern": "^[a-z-]+$", "description": "What it is called."},
        "size": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10},
        "ratio": {"type": "number"},
        "on": {"type": "boolean", "default": False},
        "mode": {"enum": ["slow", "fast"]},
        "stream": {"enum": [True, False, "KEYS"]},
        "days": {"enum": [1, 7, 30], "default": 7},
        "label": {"type": "string"},
        "list": {"type": "array", "uniqueItems": True, "items": {"type": "string"}},
        "variables": {"type": "object", "additionalProperties": {"type": "string", "secrets": True}, "default": {}},
        "tags": {"type": "object", "additionalProperties": {"type": "string"}},
        "free": {},
        "rules": {
            "type": "array",
            "default": [],
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["id"],
                "properties": {"id": {"type": "integer"}, "on": {"type": "boolean", "default": True}},
            },
        },
        "shape": {
            "anyOf": [
                {"enum": ["ALL", "NONE"]},
                {"type": "array", "minItems": 1, "items": {"type": "string"}},
                {"$ref": "#/$defs/box"},
            ]
        },
        "policy": {"type": ["string", "object"], "format": "policy-document"},
        "policies": {"type": "object", "additionalProperties": {"type": "object", "format": "policy-document"}},
        "friend": {"type": "string", "references": "test.thing"},
        "version": {
            "enum": ["v1", "v2", "v3", "v4"],
            "lifecycle": {
                "source": "https://example.com",
                "v1": {"deprecated": "2025-01-01", "create_blocked": "2026-11-24"},
                "v2": {"deprecated": "2026-11-24", "create_blocked": "2026-11-25"},
                "v3": {"deprecated": "2027-01-01", "create_blocked": "2028-01-01"},
                "v4": {"deprecated": "2029-01-01", "create_blocked": "2030-01-01"},
            },
        },
        "digest": {"type": "string", "engine": True},
        "arn": {"type": "string", "readOnly": True},
    },
    "dependentRequired": {"ratio": ["mode"]},
    "$defs": {
        "box": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"width": {"type": "integer"}, "depth": {"type": "integer", "default": 1}},
        }
    },
    "primaryIdentifier": ["name"],
    "readOnlyProperties": ["arn"],
}

SHADOW: Mapping[str, Any] = {
    "typeName": "test.shadow",
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 25}, "id": {"type": "string", "readOnly": True}},
    "primaryIdentifier": ["id"],
    "readOnlyProperties": ["id"],
}


def _module(**functions: Any) -> ModuleType:
    module = ModuleType("invented")
    for name, function in functions.items():
        setattr(module, name, function)
    return module


def _canonical(properties: Mapping[str, Any], scope: Scope) -> Mapping[str, Any]:
    return {**properties, "label": properties.get("label") or f"{scope.service} in {scope.environment}"}


def _check(resource: Resource, _: Scope) -> Iterator[Problem]:
    if resource.properties["size"] == 13:
        yield Problem("13 brings bad luck", ("size",), "12 or 14")
    if resource.properties.get("ratio") == 2:
        len(resource.properties["label"])  # as a type does that counts on text
    if resource.properties.get("ratio") == 3:
        raise TypeError("a mistake")


def _derive(resource: Resource, _: Scope) -> Iterator[Resource]:
    name = f"shadow-{resource.name}"
    yield Resource("test.shadow", name, {"name": name}, source=resource.source)


def invented() -> Registry:
    """test.thing, and the test.shadow that follows from each."""
    thing = ResourceType(_module(canonical=_canonical, check=_check, derive=_derive), TypeSpec.from_schema(THING))
    shadow = ResourceType(_module(), TypeSpec.from_schema(SHADOW))
    return Registry({kind.name: kind for kind in (thing, shadow)})


def write(root: Path, files: Files) -> Path:
    """Writes files below `root`; it is created."""
    root.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def loaded(root: Path, files: Files, names: list[str] | None = None, *, types: Registry | None = None) -> Loaded:
    """Loads the sound service with `files` over it."""
    return load(write(root, {**SOUND, **files}), names, types or invented(), TODAY)


def real(root: Path, files: Files, names: list[str] | None = None) -> Loaded:
    """Loads pipeline.yaml, dev.env and `files` with the types of the package."""
    base = {name: SOUND[name] for name in ("pipeline.yaml", "environments/dev.env")}
    return load(write(root, {**base, **files}), names, registry(), TODAY)


def told(result: Loaded) -> list[str]:
    """The findings as `file:line:column: message`, without hints; warnings say so."""
    return [f"{d.place}: {'warning: ' if d.severity == 'warning' else ''}{d.message}" for d in result.diagnostics]


def properties(result: Loaded, address: str = "test.thing/orders-thing", environment: str = "dev") -> Mapping[str, Any]:
    """The canonical properties of a resource."""
    return result.desired[environment].by_address[address].properties


def agree(result: Loaded, expected: Sequence[str]) -> bool:
    """True when there are as many findings as expected, each beginning so; shows what differs otherwise."""
    found = told(result)
    cut = [line[: len(start)] for line, start in zip(found, expected, strict=False)]
    assert cut == list(expected), found
    assert len(found) == len(expected), found
    return True


def thing(text: str, *more: str) -> Files:
    """One thing with the properties of `text` (from line 3 on), and more lines in dev.env (from line 5 on)."""
    indented = "".join(f"    {line}\n" for line in text.splitlines())
    env = DEV + "".join(f"{line}\n" for line in more)
    return {SPEC: "things:\n  - name: ${SERVICE_NAME}-thing\n" + indented, ENV: env}


def rendered(root: Path, text: str, *more: str) -> dict[str, Any]:
    """The canonical properties of that one thing, which must be sound."""
    result = loaded(root, thing(text, *more))
    assert told(result) == []
    return dict(properties(result))
