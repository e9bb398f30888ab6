"""Cuts GitHub's OpenAPI description down to what the GitHub of the tests serves, as JSON Schema.

    npm pack @octokit/openapi && tar -xzf octokit-openapi-*.tgz
    python -m tests.support.github_api.extract package/generated/api.github.com.json

The description is GitHub's own (https://github.com/github/rest-api-description, MIT), as the npm package
@octokit/openapi (MIT) carries it. Prose, examples and what no operation in use reaches are left out.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

DESCRIPTION = Path(__file__).with_name("description.json")
_LICENCE = (
    "MIT License Copyright (c) 2020 GitHub. Permission is hereby granted, free of charge, to any person obtaining a "
    "copy of this software and associated documentation files; this notice shall be included in all copies or "
    'substantial portions of the Software. The software is provided "as is", without warranty of any kind.'
)
# Of a schema, what says which values it admits. `format` is none of them where OpenAPI 3.0 has it.
_ADMITS = (
    "type", "enum", "required", "minLength", "maxLength", "pattern", "minimum", "maximum", "minItems", "maxItems",
    "uniqueItems", "minProperties", "maxProperties",
)  # fmt: skip
# The description forgets what GitHub's description of webhooks says: `head.repo` is null when the fork is gone.
_FORKS_THAT_MAY_BE_GONE = {"pull-request", "pull-request-simple"}


class _Extract:
    """One pass over a description; `reached` are the schemas that were met."""

    def __init__(self, description: Mapping[str, Any]) -> None:
        self._description = description
        self.reached: dict[str, Any] = {}

    def operation(self, verb: str, path: str) -> dict[str, Any]:
        """What an operation takes and gives."""
        item = self._description["paths"][path]
        found = item[verb.lower()]
        given = [self._resolved(each) for each in [*item.get("parameters", []), *found.get("parameters", [])]]
        cut: dict[str, Any] = {
            "parameters": [
                {
                    "name": each["name"],
                    "in": each["in"],
                    "required": each.get("required", False),
                    "schema": self.schema(each["schema"]),
                }
                for each in given
            ],
            "responses": {
                status: self._content(self._resolved(answer)) for status, answer in found["responses"].items()
            },
        }
        if "requestBody" in found:
            cut["body"] = self._content(found["requestBody"])
        return cut

    def _content(self, holder: Mapping[str, Any]) -> Any:
        """The schema of a JSON body; None where there is no body."""
        media = holder.get("content", {}).get("application/json")
        return self.schema(media["schema"]) if media else None

    def _resolved(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in value:
            _, _, kind, name = value["$ref"].split("/")
            value = self._description["components"][kind][name]
        return value

    def schema(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """A schema of OpenAPI 3.0 as JSON Schema 2020-12."""
        if "$ref" in value:
            return self._reference(value["$ref"].rpartition("/")[2])
        cut = {key: value[key] for key in _ADMITS if key in value}
        if "properties" in value:
            cut["properties"] = {name: self.schema(each) for name, each in value["properties"].items()}
        for key in ("allOf", "anyOf", "oneOf"):
            if key in value:
                cut[key] = [self.schema(each) for each in value[key]]
        for key in ("items", "additionalProperties", "not"):
            if isinstance(value.get(key), Mapping):
                cut[key] = self.schema(value[key])
            elif key in value:
                cut[key] = value[key]
        return _nullable(cut) if value.get("nullable") else cut

    def _reference(self, name: str) -> dict[str, Any]:
        if name not in self.reached:
            self.reached[name] = {}
            self.reached[name] = self.schema(self._description["components"]["schemas"][name])
        return {"$ref": f"#/$defs/{name}"}


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if "enum" in schema and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def extract(description: Mapping[str, Any], operations: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The part of `description` that `operations` (verb, path) reach."""
    cutter = _Extract(description)
    found: dict[str, dict[str, Any]] = {}
    for verb, path in sorted(operations):
        found.setdefault(path, {})[verb] = cutter.operation(verb, path)
    for name in _FORKS_THAT_MAY_BE_GONE & set(cutter.reached):
        head = cutter.reached[name]["properties"]["head"]["properties"]
        head["repo"] = _nullable(head["repo"])
    info = description["info"]
    return {
        "source": "https://github.com/github/rest-api-description, by npm @octokit/openapi " + info["version"],
        "licence": _LICENCE,
        "paths": found,
        "$defs": dict(sorted(cutter.reached.items())),
    }


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    """Compact JSON with a line for each path and each schema, so that a newer one can be compared."""
    yield "{"
    for at, (key, value) in enumerate(document.items()):
        end = "" if at == len(document) - 1 else ","
        if isinstance(value, str):
            yield f"{json.dumps(key)}:{json.dumps(value)}{end}"
            continue
        entries = [f"{json.dumps(name)}:{_compact(each)}" for name, each in value.items()]
        yield f"{json.dumps(key)}:{{"
        yield ",\n".join(entries)
        yield f"}}{end}"
    yield "}"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


if __name__ == "__main__":
    from tests.support.fake_github import OPERATIONS

    read = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    DESCRIPTION.write_text("\n".join(_lines(extract(read, OPERATIONS))) + "\n", encoding="utf-8")
