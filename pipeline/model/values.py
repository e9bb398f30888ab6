"""Property values: plain JSON, plus expressions over other resources' outputs, unknowns and secrets."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# A property value: None, bool, int, float, str, list, dict of these, Expression, Unknown or Secret. JSON-shaped
# recursion is beyond what mypy can follow usefully, so the alias documents more than it checks.
Value = Any
Properties = Mapping[str, Value]
Outputs = Mapping[str, Value]

SENSITIVE = "(sensitive)"
KNOWN_AFTER_APPLY = "(known after apply)"


@dataclass(frozen=True)
class Reference:
    """An output of another resource: `${dynamodb.table/orders.arn}` is Reference("dynamodb.table/orders", "arn")."""

    address: str
    output: str

    def __str__(self) -> str:
        return f"${{{self.address}.{self.output}}}"


@dataclass(frozen=True)
class Expression:
    """A string made of literal text and references; with one reference alone it stands for that output's value."""

    parts: tuple[str | Reference, ...]

    @property
    def references(self) -> tuple[Reference, ...]:
        """The references, in order."""
        return tuple(part for part in self.parts if isinstance(part, Reference))

    def resolve(self, lookup: Callable[[Reference], Value]) -> Value:
        """The value with every reference looked up; Unknown when `lookup` returns an Unknown for one of them."""
        values = [lookup(part) if isinstance(part, Reference) else part for part in self.parts]
        if any(isinstance(value, Unknown) for value in values):
            return Unknown(str(self))
        return values[0] if len(values) == 1 else "".join(str(value) for value in values)

    def __str__(self) -> str:
        return "".join(str(part) for part in self.parts)


@dataclass(frozen=True)
class Unknown:
    """A value that only applying can tell; `expression` is the text it will come from."""

    expression: str

    def __str__(self) -> str:
        return KNOWN_AFTER_APPLY


@dataclass(frozen=True)
class Secret:
    """A value from SSM or Secrets Manager: compared and sent, never shown or stored.

    `reference` is what the author wrote (`ssm:/name`, `secretsmanager:name#key`), `version` the version found.
    """

    reference: str
    version: str = ""
    value: str = field(default="", repr=False)

    def __str__(self) -> str:
        return SENSITIVE


def leaves(value: Value) -> Iterator[Value]:
    """Every scalar, Expression, Unknown and Secret inside `value`."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def transform(value: Value, change: Callable[[Value], Value]) -> Value:
    """A copy of `value` with `change` applied to every leaf."""
    if isinstance(value, Mapping):
        return {key: transform(item, change) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [transform(item, change) for item in value]
    return change(value)


def references_of(value: Value) -> tuple[Reference, ...]:
    """All references inside `value`."""
    return tuple(ref for leaf in leaves(value) if isinstance(leaf, Expression) for ref in leaf.references)


def resolve(value: Value, lookup: Callable[[Reference], Value]) -> Value:
    """`value` with every expression resolved; what cannot be known yet becomes Unknown."""
    return transform(value, lambda leaf: leaf.resolve(lookup) if isinstance(leaf, Expression) else leaf)


def is_known(value: Value) -> bool:
    """False when an Unknown or an unresolved Expression is inside."""
    return not any(isinstance(leaf, (Unknown, Expression)) for leaf in leaves(value))


def plain(value: Value) -> Value:
    """`value` as JSON: expressions as their text, unknowns and secrets as their placeholders."""
    return transform(value, _plain_leaf)


def _plain_leaf(leaf: Value) -> Value:
    if isinstance(leaf, Secret):
        return f"{SENSITIVE} {leaf.reference}@{leaf.version}" if leaf.reference else SENSITIVE
    if isinstance(leaf, (Expression, Unknown)):
        return str(leaf)
    return leaf


def reveal(value: Value) -> Value:
    """`value` with secrets replaced by what they hold; only for what is sent to AWS."""
    return transform(value, lambda leaf: leaf.value if isinstance(leaf, Secret) else leaf)


def canonical_json(value: Value) -> str:
    """Compact JSON with sorted keys: equal values give equal text."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: Value) -> str:
    """`sha256:<hex>` of the canonical JSON of `value`."""
    return "sha256:" + hashlib.sha256(canonical_json(value).encode()).hexdigest()


def joined(path: Sequence[str]) -> str:
    """A property path as shown to people: `environment.LOG_LEVEL`."""
    return ".".join(path)
