"""Validates values against JSON Schema and says what is wrong in words that people use. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from graphlib import CycleError, TopologicalSorter
from itertools import islice
from typing import Any, Self

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend
from referencing import Registry

from pipeline.config.explanation import Complaint, Fault, explain
from pipeline.config.findings import shown
from pipeline.config.shape import Schema, Shape, pointed, with_defaults

_MOST_FAULTS = 200  # of one value; who has more than that will come again

# Keywords whose subschemas are about the same value; `$ref` is another.
_IN_PLACE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else")

# What may hold a dollar sign that is no end, an escape or a set of characters; or one that is.
_END = re.compile(r"\\.|\[\]?(?:\\.|[^\]\\])*\]|\$", re.DOTALL)


@cache
def ecma(pattern: str) -> str:
    """A pattern as JSON Schema means it: `$` is the end of the text, in Python also the place before a last newline.

    https://json-schema.org/draft/2020-12/json-schema-core#section-6.4
    """
    return _END.sub(lambda found: r"\Z" if found[0] == "$" else found[0], pattern)


def _pattern(validator: Any, pattern: str, instance: Any, _: Schema) -> Iterator[ValidationError]:
    if validator.is_type(instance, "string") and not re.search(ecma(pattern), instance):
        yield ValidationError(f"does not match {pattern}")


_VALIDATOR: Any = extend(  # type: ignore[no-untyped-call]  # its stub has no types
    Draft202012Validator, {"pattern": _pattern}
)


class Placeholder(str):
    """Text that stands for what is not known yet: an Expression, a Secret, or None when a variable is missing.

    It passes as a value of any scalar type, whatever pattern or choice the schema has.
    """

    __slots__ = ("value",)
    value: Any

    def __new__(cls, text: str, value: Any) -> Self:
        """`text` is what messages show."""
        made = super().__new__(cls, text)
        made.value = value
        return made


@dataclass(frozen=True)
class Checker:
    """One JSON Schema (draft 2020-12), compiled once. `hidden` are keys that are declared but not offered."""

    schema: Schema
    what: str
    hidden: frozenset[str] = frozenset()
    extra: frozenset[str] = frozenset()
    formats: bool = False

    @cached_property
    def shape(self) -> Shape:
        """What is expected where."""
        return Shape.of(self.schema)

    @cached_property
    def _validator(self) -> Any:

        # An empty registry: by default jsonschema would fetch a remote $ref over the network.
        checker = Draft202012Validator.FORMAT_CHECKER if self.formats else None
        return _VALIDATOR(self.schema, registry=Registry(), format_checker=checker)

    def complaints(self, value: Any) -> list[Complaint]:
        """All that is wrong with `value`, each thing once."""
        offered = (self.shape.keys | self.extra) - self.hidden
        found: dict[Complaint, None] = {}
        for fault in self._faults(value):
            found.update(dict.fromkeys(explain(fault, self.what, offered)))
        return list(found)

    def _faults(self, value: Any) -> list[Fault]:
        faults = (_fault(error) for error in self._validator.iter_errors(value))
        return list(islice((fault for fault in faults if not _excused(fault)), _MOST_FAULTS))

    def fits(self, value: Any, schema: Any) -> bool:
        """True when `value` is valid by a subschema of this schema."""
        return all(_excused(_fault(error)) for error in self._validator.evolve(schema=schema).iter_errors(value))

    def with_defaults(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """`value` with the schema's defaults for what is missing."""
        filled: dict[str, Any] = with_defaults(value, self.schema, self.schema, self.fits)
        return filled


def schema_problem(schema: Any) -> tuple[tuple[str | int, ...], str] | None:
    """Where a JSON Schema is itself wrong, and how; None when it is right."""

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        fault = _fault(error)
        return fault.path, explain(fault, "a JSON Schema", ())[0].message
    return next(_bad_references(schema, schema, ()), None) or _endless(schema)


def _bad_references(part: Any, root: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(part, Mapping):
        reference = part.get("$ref")
        if isinstance(reference, str) and pointed(root, reference) is None:
            yield (*path, "$ref"), f"$ref {shown(reference)} leads nowhere: only #/... within this file is followed"
        for key, sub in part.items():
            yield from _bad_references(sub, root, (*path, key))
    elif isinstance(part, list):
        for index, sub in enumerate(part):
            yield from _bad_references(sub, root, (*path, index))


def _endless(schema: Any) -> tuple[tuple[str | int, ...], str] | None:
    """A `$ref` that leads back to itself without looking at any part of the value, so that validating never ends."""
    found: dict[int, tuple[tuple[str | int, ...], Any]] = {}
    for path, part in _subschemas(schema, ()):
        found.setdefault(id(part), (path, part))
    graph = {key: {id(sub) for sub in _in_place(part, schema)} & found.keys() for key, (_, part) in found.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as cycle:
        return found[cycle.args[1][0]][0], "this schema refers to itself without end"
    return None


def _subschemas(part: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(part, Mapping):
        yield path, part
    pairs = part.items() if isinstance(part, Mapping) else enumerate(part) if isinstance(part, list) else ()
    for key, sub in pairs:
        yield from _subschemas(sub, (*path, key))


def _in_place(part: Mapping[str, Any], root: Any) -> Iterator[Any]:
    if isinstance(part.get("$ref"), str):
        yield pointed(root, part["$ref"])
    for word in _IN_PLACE:
        sub = part.get(word)
        yield from sub if isinstance(sub, list) else [sub]


def _fault(error: ValidationError | SchemaError) -> Fault:
    branches: dict[Any, list[Fault]] = {}
    if error.validator in ("anyOf", "oneOf"):
        for inner in error.context or ():
            branches.setdefault(inner.relative_schema_path[0], []).append(_fault(inner))
    return Fault(
        keyword=str(error.validator),
        limit=error.validator_value,
        instance=error.instance,
        schema=error.schema,
        path=tuple(error.absolute_path),
        of_key="propertyNames" in error.absolute_schema_path and isinstance(error.instance, str),
        branches=tuple(tuple(faults) for faults in branches.values()),
    )


def _excused(fault: Fault) -> bool:
    """True when only a placeholder is at fault, and what it will become may be right."""
    if isinstance(fault.instance, Placeholder):
        if fault.instance.value is None:
            return True
        return fault.keyword != "type" or _takes_scalars(fault.limit)
    return any(all(map(_excused, branch)) for branch in fault.branches)


def _takes_scalars(types: Any) -> bool:
    named: Iterable[str] = [types] if isinstance(types, str) else types
    return not {"string", "integer", "number", "boolean"}.isdisjoint(named)
