"""Words for what JSON Schema finds: which key, what is wrong, what is allowed. Pure; secrets are never quoted."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipeline.config.findings import did_you_mean, dotted, one_of, shown
from pipeline.config.nodes import integer, number
from pipeline.config.secrecy import secret_key, secret_shape
from pipeline.config.shape import Shape, json_type

_MOST_UNKNOWN_KEYS = 50  # each costs a search for the key that was meant

_LONGEST_DESCRIPTION = 160

# What limits a value that is of the right kind.
_BOUNDS = frozenset((
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern",
    "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties",
))  # fmt: skip

_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}

# Beside an `enum`: the choices that are worth proposing.
SUGGESTED = "suggested"


@dataclass(frozen=True)
class Fault:
    """One keyword of a schema that a value does not satisfy; `branches` are the faults by branch of anyOf and oneOf."""

    keyword: str
    limit: Any
    instance: Any
    schema: Any
    path: tuple[str | int, ...]
    of_key: bool = False
    branches: tuple[tuple["Fault", ...], ...] = ()

    @property
    def about(self) -> str:
        """What the schema says about this place, in brackets."""
        return in_brackets(self.schema.get("description") if isinstance(self.schema, Mapping) else None)


@dataclass(frozen=True)
class Complaint:
    """One thing that is wrong at `path`. `at_key`: look at the key rather than its value.

    `unknown`: the key has no meaning, and all else can be judged without it. `mild`: the value is of the right kind,
    and rules about others can be judged with it. `missing` names a key that is not there.
    """

    path: tuple[str | int, ...]
    message: str
    hint: str | None = None
    at_key: bool = False
    unknown: bool = False
    mild: bool = False
    missing: str | None = None


def explain(fault: Fault, what: str, offered: Iterable[str]) -> list[Complaint]:
    """A fault as complaints about `what`; `offered` are the keys to propose at the top."""
    path = fault.path
    if fault.of_key:
        return [Complaint((*path, fault.instance), *_about_key(fault), at_key=True, mild=True)]
    if fault.keyword in ("additionalProperties", "unevaluatedProperties"):
        return _unknown_keys(fault, path, what, offered)
    if fault.keyword in ("required", "dependentRequired"):
        return _missing_keys(fault, path, what)
    if keys := _alternatives(fault):
        return [_one_of_keys(fault, keys, path, what)]
    if fault.branches:
        return [found for inner in _likely_branch(fault) for found in explain(inner, what, offered)]
    return [Complaint(path, *_about_value(fault, path), mild=fault.keyword in _BOUNDS)]


def in_brackets(description: object) -> str:
    """A schema's description as an addition to a message."""
    text = str(description or "").rstrip(".")
    if not text or len(text) > _LONGEST_DESCRIPTION:
        return ""
    # The first word begins with a capital letter unless it is a name (ARN, URL).
    return f" ({text[0].lower() if text[1:2].islower() else text[0]}{text[1:]})"


def told(path: Iterable[str | int], value: Any) -> str:
    """A value for a message, unless it might be a secret."""
    named = any(isinstance(part, str) and secret_key(part) for part in path)
    if isinstance(value, str) and value and (named or secret_shape(value)):
        return "a value that is not shown"
    return shown(value)


def _unknown_keys(fault: Fault, path: tuple[str | int, ...], what: str, offered: Iterable[str]) -> list[Complaint]:
    shape = Shape.of(fault.schema)
    known = set(offered) if not path else set(shape.keys)
    place = f" in {dotted(path)}" if path else ""
    found = []
    for key in [key for key in fault.instance if not shape.declares(key)][:_MOST_UNKNOWN_KEYS]:
        message = f'unknown key "{key[:80]}"{place} of {what}{did_you_mean(key, known)}'
        found.append(Complaint((*path, key), message, one_of(known), at_key=True, unknown=True))
    return found


def _missing_keys(fault: Fault, path: tuple[str | int, ...], what: str) -> list[Complaint]:
    if fault.keyword == "required":
        wanted = dict.fromkeys(fault.limit, "")
    else:
        pairs = fault.limit.items()
        wanted = {key: f", which {by} needs" for by, keys in pairs if by in fault.instance for key in keys}
    place = f"in {dotted(path)} of {what}" if path else f"in {what}"
    missing = [key for key in wanted if key not in fault.instance]
    return [
        Complaint(path, f'"{key}" is missing {place}{wanted[key]}', _addition(fault, key), missing=key)
        for key in missing
    ]


def _alternatives(fault: Fault) -> list[str]:
    """The keys of which one is wanted, where that is all that the forms differ in."""
    forms = fault.limit if fault.keyword == "oneOf" else ()
    keys = [form["required"][0] for form in forms if form.keys() == {"required"} and len(form["required"]) == 1]
    return keys if len(keys) == len(forms) else []


def _one_of_keys(fault: Fault, keys: list[str], path: tuple[str | int, ...], what: str) -> Complaint:
    place = f"in {dotted(path)} of {what}" if path else f"in {what}"
    given = [f'"{key}"' for key in keys if key in fault.instance]
    if given:
        return Complaint(path, f"{' and '.join(given)} exclude each other {place}", "keep one of the two")
    wanted = " or ".join(f'"{key}"' for key in keys)
    return Complaint(path, f"{wanted} is missing {place}", f"add {one_of(keys)}", missing=keys[0])


def _addition(fault: Fault, key: str) -> str:
    return f"add {key}{in_brackets(Shape.of(fault.schema).child(key).word('description'))}"


def _likely_branch(fault: Fault) -> tuple[Fault, ...]:
    """The errors of the branch that was probably meant: the right type, and found wrong as deep inside as possible."""
    depth = len(fault.path)

    def closeness(errors: tuple[Fault, ...]) -> tuple[bool, int, int]:
        wrong_kind = any(len(e.path) == depth and _is_other_kind(e) for e in errors)
        return wrong_kind, -max(len(e.path) for e in errors), len(errors)

    best = min(fault.branches, key=closeness)
    if closeness(best)[0]:
        return (_as_type_fault(fault),)
    return best


def _is_other_kind(fault: Fault) -> bool:
    """True when the value is of another type than the schema wants."""
    if fault.keyword == "enum":
        return json_type(fault.instance) not in {json_type(choice) for choice in fault.limit}
    return fault.keyword in ("type", "const")


def _as_type_fault(fault: Fault) -> Fault:
    """All branches want another type: one fault that names them together."""
    shape = Shape.of({fault.keyword: fault.limit})
    if shape.choices and not shape.types - {"string"}:
        return replace(fault, keyword="enum", limit=list(shape.choices), branches=())
    return replace(fault, keyword="type", limit=sorted(shape.types), branches=())


def _about_key(fault: Fault) -> tuple[str, str | None]:
    limit = fault.limit
    if fault.keyword == "pattern":
        return f'key "{fault.instance[:80]}" does not match {limit}{fault.about}', None
    if fault.keyword == "maxLength":
        return f"this key is {len(fault.instance)} characters long: at most {limit} are allowed", None
    if fault.keyword == "enum":
        return f'key "{fault.instance[:80]}" is not allowed{did_you_mean(fault.instance, limit)}', one_of(limit)
    return f'key "{fault.instance[:80]}" is not allowed here{fault.about}', None


def _about_value(fault: Fault, path: tuple[str | int, ...]) -> tuple[str, str | None]:
    name = dotted(path) or "this"
    words = _WORDS.get(fault.keyword)
    if fault.schema is False:
        return f"{name} is not allowed here", None
    if words is None:
        return f"{name} is {told(path, fault.instance)}: not allowed here{fault.about}", None
    return words(name, told(path, fault.instance), fault)


Words = Callable[[str, str, Fault], tuple[str, str | None]]


def _type(name: str, value: str, fault: Fault) -> tuple[str, str | None]:
    types = [fault.limit] if isinstance(fault.limit, str) else list(fault.limit)
    wanted = " or ".join(_TYPES.get(each, each) for each in types)
    found = fault.instance
    if found is None:
        return f"{name} has no value: {wanted} is wanted{fault.about}", None
    if json_type(found) == "string" and found:
        return f"{name} is {value}: {wanted} is wanted", _unquoting(found, types)
    return f"{name} is {value}: {wanted} is wanted{fault.about}", None


def _unquoting(text: str, types: list[str]) -> str | None:
    """The hint for text where YAML would have read another type."""
    if "boolean" in types and text.casefold() in ("yes", "no", "on", "off", "y", "n", "true", "false"):
        return "write true or false, without quotes"
    if {"integer", "number"} & set(types):
        if (integer(text) if "number" not in types else number(text)) is not None:
            return f"write {text} without quotes"
        if re.fullmatch(r"0[0-9]+", text):
            return f"write {text.lstrip('0') or '0'}: a leading zero could mean octal"
    return None


def _enum(name: str, value: str, fault: Fault) -> tuple[str, str | None]:
    choices = fault.schema.get(SUGGESTED, fault.limit) if isinstance(fault.schema, Mapping) else fault.limit
    allowed = [shown(choice).strip('"') for choice in choices]
    guess = did_you_mean(fault.instance, allowed) if isinstance(fault.instance, str) and '"' in value else ""
    ordered = ", ".join(allowed[:40]) + (f" and {len(allowed) - 40} more" if len(allowed) > 40 else "")
    return f"{name} is {value}{guess or ': not among the allowed values'}", f"one of {ordered}"


def _const(name: str, value: str, fault: Fault) -> tuple[str, str | None]:
    return f"{name} is {value}: only {shown(fault.limit)} is allowed", None


def _limit(text: str) -> Words:
    def words(name: str, value: str, fault: Fault) -> tuple[str, str | None]:
        return f"{name} is {value}: {text.format(fault.limit)}{fault.about}", None

    return words


def _length(text: str, noun: str) -> Words:
    def words(name: str, value: str, fault: Fault) -> tuple[str, str | None]:
        quoted = f" ({value})" if noun == "characters" else ""
        return f"{name} has {len(fault.instance)} {noun}{quoted}: {text.format(fault.limit)}", None

    return words


def _pattern(name: str, value: str, fault: Fault) -> tuple[str, str | None]:
    return f"{name} is {value}: it must match {fault.limit}{fault.about}", None


def _unique(name: str, _: str, fault: Fault) -> tuple[str, str | None]:
    items: list[Any] = fault.instance
    twice = next((item for at, item in enumerate(items) if item in items[:at]), None)
    return f"{name} has the same item twice: {shown(twice)}", "keep one of the two"


def _several(name: str, value: str, fault: Fault) -> tuple[str, str | None]:
    return f"{name} is {value}: it fits more than one of the allowed forms{fault.about}", None


_WORDS: Mapping[str, Words] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "pattern": _pattern,
    "uniqueItems": _unique,
    "oneOf": _several,
    "minimum": _limit("at least {} is allowed"),
    "maximum": _limit("at most {} is allowed"),
    "exclusiveMinimum": _limit("it must be more than {}"),
    "exclusiveMaximum": _limit("it must be less than {}"),
    "multipleOf": _limit("it must be a multiple of {}"),
    "format": _limit("it is no valid {}"),
    "minLength": _length("at least {} are wanted", "characters"),
    "maxLength": _length("at most {} are allowed", "characters"),
    "minItems": _length("at least {} are wanted", "items"),
    "maxItems": _length("at most {} are allowed", "items"),
    "minProperties": _length("at least {} are wanted", "keys"),
    "maxProperties": _length("at most {} are allowed", "keys"),
}
