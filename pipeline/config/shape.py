"""What a JSON Schema expects at a place, without validating: types, defaults, extension words. Pure."""

import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from functools import cached_property
from typing import Any

Schema = Mapping[str, Any]

_BRANCHES = ("allOf", "anyOf", "oneOf")
_CONDITIONAL = ("then", "else")
_DEEPEST = 16


class Shape:
    """All subschemas that may apply at one place; branches of anyOf and the like count as one more each."""

    def __init__(self, *schemas: tuple[Any, Schema]) -> None:
        seen: set[int] = set()
        self._parts = [part for schema, root in schemas for part in _flat(schema, root, seen)]
        self._children: dict[str | None, Shape] = {}

    @classmethod
    def of(cls, *roots: Schema) -> "Shape":
        """The shape of a value that each of these whole schemas describes."""
        return cls(*((root, root) for root in roots))

    @cached_property
    def types(self) -> frozenset[str]:
        """The JSON types that are allowed; empty when anything is."""
        found: set[str] = set()
        for schema, _ in self._parts:
            found.update(_types(schema))
            if "type" not in schema:
                values = schema.get("enum", [schema["const"]] if "const" in schema else [])
                found.update(json_type(value) for value in values)
        return frozenset(found)

    @cached_property
    def takes_text(self) -> bool:
        """True when text may stand here that is none of the listed values."""
        return any("string" in _types(schema) and not {"enum", "const"} & schema.keys() for schema, _ in self._parts)

    @cached_property
    def keys(self) -> frozenset[str]:
        """The names of the declared properties."""
        return frozenset(key for schema, _ in self._parts for key in _mapping(schema, "properties"))

    @cached_property
    def choices(self) -> tuple[Any, ...]:
        """The values that `enum` lists."""
        return tuple(value for schema, _ in self._parts for value in schema.get("enum", ()))

    def word(self, keyword: str) -> Any:
        """The value of an extension word at this place, or None."""
        return next((schema[keyword] for schema, _ in self._parts if keyword in schema), None)

    def declares(self, key: str) -> bool:
        """True when `key` is declared, by name or by pattern."""
        return key in self.keys or any(
            _matches(pattern, key) for schema, _ in self._parts for pattern in _mapping(schema, "patternProperties")
        )

    @cached_property
    def closed(self) -> bool:
        """True when no schema here says that undeclared keys may come (`additionalProperties` true or a schema)."""
        words = ("additionalProperties", "unevaluatedProperties")
        return not any(schema.get(word) not in (None, False) for schema, _ in self._parts for word in words)

    def child(self, key: str) -> "Shape":
        """The shape of the value at `key`."""
        if key not in self._children:
            if not self.keys and not any("patternProperties" in schema for schema, _ in self._parts):
                return self._free_child()
            self._children[key] = Shape(*self._at(key))
        return self._children[key]

    def item(self, index: int) -> "Shape":
        """The shape of the item at `index` of a list."""
        prefixed = any(len(schema.get("prefixItems", ())) > index for schema, _ in self._parts)
        key = f"[{index}]" if prefixed else "[]"
        if key not in self._children:
            self._children[key] = Shape(*self._items(index))
        return self._children[key]

    def _free_child(self) -> "Shape":
        if None not in self._children:
            self._children[None] = Shape(*self._at(""))
        return self._children[None]

    def _at(self, key: str) -> Iterator[tuple[Any, Schema]]:
        for schema, root in self._parts:
            found = False
            if key in _mapping(schema, "properties"):
                found = True
                yield schema["properties"][key], root
            for pattern, sub in _mapping(schema, "patternProperties").items():
                if _matches(pattern, key):
                    found = True
                    yield sub, root
            if not found and isinstance(schema.get("additionalProperties"), Mapping):
                yield schema["additionalProperties"], root

    def _items(self, index: int) -> Iterator[tuple[Any, Schema]]:
        for schema, root in self._parts:
            prefix = schema.get("prefixItems", ())
            if index < len(prefix):
                yield prefix[index], root
            elif "items" in schema:
                yield schema["items"], root


def _mapping(schema: Schema, word: str) -> Mapping[str, Any]:
    found = schema.get(word)
    return found if isinstance(found, Mapping) else {}


def _types(schema: Schema) -> list[str]:
    named = schema.get("type")
    return [named] if isinstance(named, str) else named if isinstance(named, list) else []


def _matches(pattern: str, key: str) -> bool:
    return re.search(pattern, key) is not None


def _flat(schema: Any, root: Schema, seen: set[int]) -> Iterator[tuple[Schema, Schema]]:
    """A schema with those it refers to or branches into, each once."""
    if not isinstance(schema, Mapping) or id(schema) in seen:
        return
    seen.add(id(schema))
    yield schema, root
    if isinstance(schema.get("$ref"), str):
        yield from _flat(pointed(root, schema["$ref"]), root, seen)
    for word in _BRANCHES:
        branches = schema.get(word)
        for branch in branches if isinstance(branches, list) else ():
            yield from _flat(branch, root, seen)
    for word in _CONDITIONAL:
        yield from _flat(schema.get(word), root, seen)


def pointed(root: Schema, reference: str) -> Any:
    """What a local `$ref` (`#/$defs/name`) leads to, or None."""
    if not reference.startswith("#"):
        return None
    found: Any = root
    for part in reference[1:].split("/")[1:]:
        if not isinstance(found, Mapping):
            return None
        found = found.get(part.replace("~1", "/").replace("~0", "~"))
    return found


def json_type(value: Any) -> str:
    """The JSON Schema type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, Mapping) else "array"


Fits = Callable[[Any, Any], bool]


def with_defaults(value: Any, schema: Any, root: Schema, fits: Fits, depth: int = 0) -> Any:
    """`value` with the schema's defaults where keys are missing, in nested objects and lists, too.

    Of `anyOf` and `oneOf` the first branch counts that the value `fits` (value, branch) -> bool.
    """
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return value
    for part in _parts_for(value, schema, root, fits):
        value = with_defaults(value, part, root, fits, depth + 1)
    if isinstance(value, Mapping):
        return _mapping_with_defaults(value, schema, root, fits, depth)
    if isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        return [with_defaults(item, schema["items"], root, fits, depth + 1) for item in value]
    return value


def _mapping_with_defaults(value: Mapping[str, Any], schema: Schema, root: Schema, fits: Fits, depth: int) -> Any:
    declared = _mapping(schema, "properties")
    filled = dict(value)
    for key, sub in declared.items():
        if key not in filled and isinstance(sub, Mapping) and "default" in sub:
            filled[key] = deepcopy(sub["default"])
        if key in filled:
            filled[key] = with_defaults(filled[key], sub, root, fits, depth + 1)
    extra = schema.get("additionalProperties")
    if isinstance(extra, Mapping):
        for key in filled.keys() - declared.keys():
            filled[key] = with_defaults(filled[key], extra, root, fits, depth + 1)
    return filled


def _parts_for(value: Any, schema: Schema, root: Schema, fits: Fits) -> Iterator[Any]:
    if isinstance(schema.get("$ref"), str):
        yield pointed(root, schema["$ref"])
    yield from schema.get("allOf", ())
    for word in ("anyOf", "oneOf"):
        branch = next((sub for sub in schema.get(word, ()) if fits(value, sub)), None)
        if branch is not None:
            yield branch
