"""The rules for env files: the built-in schema, and the service's own `environments/schema.json`."""

import json
from collections.abc import Iterable
from functools import cached_property
from importlib import resources as package_files
from typing import Any

from pipeline.config.documents import parse
from pipeline.config.files import ENVIRONMENTS, Files
from pipeline.config.findings import Findings, Place
from pipeline.config.nodes import Items, Node, Table
from pipeline.config.shape import Schema, Shape
from pipeline.config.validation import Checker, schema_problem

DIRECTORY = ENVIRONMENTS
SCHEMA = f"{DIRECTORY}/schema.json"


class Rules:
    """What the env files of a project must satisfy."""

    def __init__(self, own: Schema | None) -> None:
        text = package_files.files("pipeline.config").joinpath("environment.schema.json").read_text(encoding="utf-8")
        built_in: dict[str, Any] = json.loads(text)
        customary: dict[str, Any] = built_in.pop("$defs")["customary"]
        self._own = own
        declared = Shape.of(own).keys if own else frozenset()
        for key, schema in customary["properties"].items():
            if key not in declared:
                built_in["properties"][key] = schema
        self._built_in = built_in

    @cached_property
    def shape(self) -> Shape:
        """The types of the keys."""
        return Shape.of(self._built_in, *([self._own] if self._own else []))

    @cached_property
    def checkers(self) -> tuple[Checker, ...]:
        """The built-in schema, then the service's own."""
        schemas = [self._built_in] + ([dict(self._own)] if self._own else [])
        return tuple(Checker(schema, "the environment", formats=True) for schema in schemas)

    def knows(self, key: str) -> bool:
        """True when `key` is declared, or when undeclared keys are welcome."""
        return self._own is None or self.shape.declares(key) or not Shape.of(self._own).closed

    def defaults(self) -> dict[str, Any]:
        """key -> the schema's default, where it has one."""
        found = {key: self.shape.child(key).word("default") for key in self.shape.keys}
        return {key: value for key, value in found.items() if value is not None}


def read_rules(files: Files, findings: Findings) -> Rules:
    """The rules of a project; a schema that is wrong becomes an error, and then only the built-in rules count."""
    if not files.exists(SCHEMA):
        return Rules(None)
    text = files.text(SCHEMA, findings)
    if text is None:
        return Rules(None)
    try:
        schema = json.loads(text)
    except json.JSONDecodeError as error:
        findings.error(f"JSON syntax: {error.msg[:1].lower()}{error.msg[1:]}", Place(SCHEMA, error.lineno, error.colno))
        return Rules(None)
    except (RecursionError, ValueError):  # too deep, or a number with thousands of digits
        findings.error("this JSON cannot be read: it is nested too deep", Place(SCHEMA))
        return Rules(None)
    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        findings.error('an environment is an object: the schema must have "type": "object"', Place(SCHEMA))
        return Rules(None)
    parsed = Findings()
    tree = parse(text, SCHEMA, parsed)
    if tree is not None:  # valid JSON that is valid YAML, too: what remains are keys that appear twice
        findings.found += parsed.found
    problem = schema_problem(schema)
    if problem:
        findings.error(f"not a JSON Schema: {problem[1]}", _place_in(tree, problem[0], Place(SCHEMA)))
        return Rules(None)
    return Rules(schema)


def _place_in(node: Node | None, path: Iterable[str | int], place: Place) -> Place:
    """Where `path` leads to in a document, as far as it can be followed."""
    for part in path:
        if isinstance(node, Table) and part in node.entries:
            entry = node.entries[str(part)]
            node, place = entry.node, entry.place
        elif isinstance(node, Items) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            place = node.place
        else:
            break
    return place
