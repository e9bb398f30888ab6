"""A parsed document: values that know their place. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.config.findings import Place

# The core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema), so `on`, `no`, `1:30`, `2012-10-17` stay
# text. A number with a leading zero stays text, too: YAML 1.1 reads it as octal, YAML 1.2 as decimal.
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLEAN = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})", re.ASCII)
_BASED = re.compile(r"0o[0-7]{1,20}|0x[0-9a-fA-F]{1,16}")
_FLOAT = re.compile(
    r"[-+]?((0|[1-9][0-9]{0,17})?\.[0-9]{1,30}|(0|[1-9][0-9]{0,17})\.?)([eE][-+]?[0-9]{1,2})?", re.ASCII
)


def integer(text: str) -> int | None:
    """The whole number that `text` is, or None."""
    return int(text) if _INTEGER.fullmatch(text) else None


def number(text: str) -> int | float | None:
    """The number that `text` is, or None."""
    whole = integer(text)
    if whole is not None:
        return whole
    return float(text) if _FLOAT.fullmatch(text) else None


def boolean(text: str) -> bool | None:
    """The truth value that `text` is, or None: only true and false are."""
    return _BOOLEAN.get(text)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value. `plain` is False when quotes, a block or a tag say that it is text.

    `offset` is how many columns after `place` the text begins, or None when it does not stand there letter by letter.
    """

    text: str
    place: Place
    plain: bool = True
    offset: int | None = 0

    def value(self) -> Any:
        """None, bool, int, float or str, as YAML 1.2 reads it."""
        if not self.plain:
            return self.text
        if self.text in _NULL:
            return None
        if self.text in _BOOLEAN:
            return _BOOLEAN[self.text]
        if _BASED.fullmatch(self.text):
            return int(self.text, 0)
        found = number(self.text)
        return self.text if found is None else found


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple["Node", ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping with its value; `place` is that of the key."""

    place: Place
    node: "Node"


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping; keys are text."""

    entries: Mapping[str, Entry]
    place: Place


Node = Scalar | Items | Table


def merged(defaults: Table, own: Table) -> Table:
    """`own` with what only `defaults` has; mappings are merged deeply, anything else in `own` replaces."""
    entries = dict(defaults.entries)
    for key, entry in own.entries.items():
        other = entries.get(key)
        if other is not None and isinstance(other.node, Table) and isinstance(entry.node, Table):
            entries[key] = Entry(entry.place, merged(other.node, entry.node))
        else:
            entries[key] = entry
    return Table(entries, own.place)
