"""What GitHub's description says of a request and of an answer.

It is taken more strictly than it says: a field or a parameter that it does not name is a mistake, too.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from jsonschema import Draft202012Validator

from tests.support.github_api.extract import DESCRIPTION

_ROOT = "/repos/{owner}/{repo}"
_SHORT = {"properties": {"description": {"maxLength": 140}}}
_LONG = {"properties": {"body": {"maxLength": 65_536}}}
# What GitHub's documentation says in words only.
_IN_WORDS: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("POST", f"{_ROOT}/deployments"): _SHORT,
    ("POST", f"{_ROOT}/deployments/{{deployment_id}}/statuses"): _SHORT,
    ("POST", f"{_ROOT}/issues"): _LONG,
    ("PATCH", f"{_ROOT}/issues/{{issue_number}}"): _LONG,
    ("POST", f"{_ROOT}/issues/{{issue_number}}/labels"): {"properties": {"labels": {"items": {"maxLength": 50}}}},
    ("POST", f"{_ROOT}/actions/workflows/{{workflow_id}}/dispatches"): {
        "properties": {"inputs": {"additionalProperties": {"type": "string"}}}
    },
}


@dataclass(frozen=True)
class Operation:
    """A verb on a path, such as GET of `/repos/{owner}/{repo}/pulls/{pull_number}`."""

    verb: str
    path: str

    @cached_property
    def _said(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = _document()["paths"][self.path][self.verb]
        return found

    def wrong_request(self, match: Mapping[str, str], query: Mapping[str, str], body: Any) -> list[str]:
        """What is wrong with a request; `match` are the parts of its path."""
        given = {"path": match, "query": query}
        known = {(each["in"], each["name"]): each for each in self._said["parameters"]}
        found = [f"query: GitHub knows no {name}" for name in query if ("query", name) not in known]
        for (place, name), each in known.items():
            if name in given.get(place, {}):
                found += _wrong_text(f"{place} {name}", each["schema"], given[place][name])
            elif each["required"]:
                found.append(f"{place}: {name} is missing")
        schema = self._said.get("body")
        if schema is None:
            return found + (["body: there is none"] if body is not None else [])
        said = [*_wrong(schema, body), *_unknown(schema, body, "")]
        return (
            found
            + [f"body{each}" for each in said]
            + [f"body{each}" for each in _wrong(_IN_WORDS.get((self.verb, self.path), {}), body)]
        )

    def answer(self, status: int, data: Any) -> tuple[Any, list[str]]:
        """The answer with everything that GitHub always says, and what is wrong with it."""
        schema = self._said["responses"].get(str(status), {"$ref": "#/$defs/basic-error"} if status >= 400 else ...)
        if schema is ...:
            return data, [f"answer: GitHub never answers {status}"]
        if schema is None:
            return data, (["answer: there is no body"] if data is not None else [])
        full = _filled(schema, data)
        return full, [f"answer {status}{each}" for each in (*_wrong(schema, full), *_unknown(schema, full, ""))]


@cache
def _document() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    return found


@cache
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator({**json.loads(schema), "$defs": _document()["$defs"]})


def _wrong(schema: Mapping[str, Any], value: Any) -> Iterator[str]:
    for error in _validator(json.dumps(schema)).iter_errors(value):
        # Longer ones show the whole value.
        text = error.message if len(error.message) <= 200 else f"{error.validator} {error.validator_value}"
        yield f"{error.json_path.removeprefix('$')}: {text}"


def _wrong_text(place: str, schema: Mapping[str, Any], text: str) -> list[str]:
    """A parameter is text on its way, whatever it means."""
    values: list[Any] = [text]
    if re.fullmatch(r"-?\d+", text):
        values.append(int(text))
    if text in ("true", "false"):
        values.append(text == "true")
    problems = [list(_wrong(schema, value)) for value in values]
    return [] if [] in problems else [f"{place}{each}" for each in problems[-1]]


def _plain(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = _document()["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema


def _alternatives(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The schema and all that it is made of."""
    schema = _plain(schema)
    yield schema
    for key in ("allOf", "anyOf", "oneOf"):
        for each in schema.get(key, []):
            yield from _alternatives(each)


def _property(schemas: list[Mapping[str, Any]], name: str) -> Mapping[str, Any] | None:
    return next((each["properties"][name] for each in schemas if name in each.get("properties", {})), None)


def _unknown(schema: Mapping[str, Any], value: Any, place: str) -> Iterator[str]:
    """Fields that no schema names, where fields are named at all."""
    schemas = list(_alternatives(schema))
    if isinstance(value, list):
        for at, entry in enumerate(value):
            for each in schemas:
                if "items" in each:
                    yield from _unknown(each["items"], entry, f"{place}[{at}]")
    if not isinstance(value, dict):
        return
    closed = any("properties" in each for each in schemas)
    for name, entry in value.items():
        inner = _property(schemas, name)
        if inner is not None:
            yield from _unknown(inner, entry, f"{place}.{name}")
        elif closed:
            yield f"{place}.{name}: GitHub knows no such field"


def _filled(schema: Mapping[str, Any], value: Any) -> Any:
    """`value` with all fields that GitHub always gives; those that it lacks get the plainest value."""
    schemas = list(_alternatives(schema))
    if isinstance(value, list):
        inner: Mapping[str, Any] = next((each["items"] for each in schemas if "items" in each), {})
        return [_filled(inner, entry) for entry in value]
    if not isinstance(value, dict):
        return value
    inside = {name: _filled(_property(schemas, name) or {}, entry) for name, entry in value.items()}
    chosen = next((each for each in schemas if "properties" in each), {})
    return {name: _made(json.dumps(_property(schemas, name) or {})) for name in chosen.get("required", [])} | inside


@cache
def _made(text: str) -> Any:
    """The plainest value that a schema admits."""
    schema = _plain(json.loads(text))
    for key in ("allOf", "anyOf", "oneOf"):
        if key in schema:
            return _made(json.dumps(schema[key][-1]))
    kinds = schema.get("type", "object")
    if "null" in kinds:
        return None
    if "enum" in schema:
        return schema["enum"][0]
    if kinds == "object":
        return _filled(schema, {})
    return {"string": "x" * schema.get("minLength", 1), "integer": 1, "number": 1, "boolean": False, "array": []}[kinds]
