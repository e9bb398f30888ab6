"""Scalars as YAML 1.2 reads them, and merging."""

from typing import Any

import pytest

from pipeline.config.findings import Place
from pipeline.config.nodes import Entry, Scalar, Table, boolean, integer, merged, number

AT = Place("a.yaml")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None),
        ("true", True), ("False", False),
        ("on", "on"), ("yes", "yes"), ("no", "no"), ("off", "off"), ("y", "y"),
        ("0", 0), ("-1", -1), ("+12", 12), ("0o17", 15), ("0xff", 255),
        ("012", "012"), ("123456789012", 123456789012), ("012345678901", "012345678901"), ("1_000", "1_000"),
        ("1:30", "1:30"), ("190:20:30", "190:20:30"), ("2012-10-17", "2012-10-17"), ("1.10", 1.1), ("1.", 1.0),
        (".5", 0.5), ("1e3", 1000.0), ("1e999", "1e999"), (".inf", ".inf"), (".nan", ".nan"), ("1" * 30, "1" * 30),
        ("٣", "٣"), ("=", "="), ("<<", "<<"), (".", "."), ("-", "-"),
    ],
)  # fmt: skip
def test_plain_scalars(text: str, value: Any) -> None:
    found = Scalar(text, AT).value()
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize("text", ["true", "12", "", "~", "1.5"])
def test_quoted_scalars_are_text(text: str) -> None:
    assert Scalar(text, AT, plain=False).value() == text


def test_text_as_types() -> None:
    assert (integer("012"), integer("12"), integer("1.0")) == (None, 12, None)
    assert (number("1.5"), number("12"), number("x")) == (1.5, 12, None)
    assert (boolean("true"), boolean("yes")) == (True, None)


def _table(**values: str | Table) -> Table:
    nodes = {key: value if isinstance(value, Table) else Scalar(value, AT) for key, value in values.items()}
    return Table({key: Entry(AT, node) for key, node in nodes.items()}, AT)


def test_mappings_are_merged_deeply_and_the_item_wins() -> None:
    both = merged(_table(a="1", b=_table(x="1", y="1"), c="1"), _table(b=_table(y="2", z="2"), c=_table(d="2")))
    assert both == _table(a="1", b=_table(x="1", y="2", z="2"), c=_table(d="2"))
