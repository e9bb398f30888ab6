"""YAML into nodes: places, refusals, and bounds on what a document may cost."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.documents import MAX_DEPTH, MAX_NODES, parse
from pipeline.config.findings import Findings
from pipeline.config.nodes import Items, Node, Scalar, Table


def plain(node: Node) -> Any:
    if isinstance(node, Scalar):
        return node.value()
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    return {key: plain(entry.node) for key, entry in node.entries.items()}


def read(text: str) -> tuple[Any, list[str]]:
    findings = Findings()
    node = parse(text, "a.yaml", findings)
    return (None if node is None else plain(node)), [f"{d.place}: {d.message}" for d in findings.found]


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines)


REFUSED = {
    "tab": ("a:\n\tb: 1\n", "a.yaml:2:1: YAML syntax: found character that cannot start any token"),
    "colon": ("a: b: c\n", "a.yaml:1:5: YAML syntax: mapping values are not allowed in this context"),
    "indentation": ("a:\n  - b\n c: 1\n", "a.yaml:3:2: YAML syntax: did not find expected key"),
    "open quote": ('a: "x\n', "a.yaml:2:1: YAML syntax: found unexpected end of stream"),
    "second document": ("a: 1\n---\nb: 2\n", "a.yaml:2:1: a second document begins here"),
    "complex key": ("? [a, b]\n: c\n", "a.yaml:1:3: a key must be text, not a list or a mapping"),
    "empty key": ("? \n: 1\n", "a.yaml:1:2: a key must be text"),
    "control character": ("a: 1\nb: \x00\n", "a.yaml:2:4: there is a control character here"),
    "unknown alias": ("a: *b\n", "a.yaml:1:4: alias *b has no anchor before it"),
    "alias of itself": ("a: &a [1, *a]\n", "a.yaml:1:11: alias *a holds itself"),
    "merge of text": ("a:\n  <<: b\n", 'a.yaml:3:1: "<<" takes a mapping, or a list of mappings'),
    "alias bomb": (bomb(9), f"a.yaml:6:10: more than {MAX_NODES:,} values, aliases expanded"),
    "deep list": ("a: " + "[" * 100_000, f"a.yaml:1:67: nested deeper than {MAX_DEPTH} levels"),
    "deep mapping": ("a: " + "{a: " * 100_000, "a.yaml:1:256: nested deeper than 64 levels"),
    "deep through aliases": (
        "a: &a " + "[" * 40 + "]" * 40 + "\nb: " + "[" * 40 + "*a" + "]" * 40,
        "a.yaml:2:44: nested deeper than 64 levels",
    ),
    "many values": ("[" + "a," * MAX_NODES + "]", f"more than {MAX_NODES:,} values"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "finding"), REFUSED.values(), ids=REFUSED)
def test_refused(text: str, finding: str) -> None:
    value, found = read(text)
    assert value is None
    assert len(found) == 1
    assert finding in found[0]


def test_what_is_wrong_but_readable_is_told_all_at_once() -> None:
    value, found = read("a: 1\nb: {c: 1, c: 2}\na: 2\nd: !Ref x\ne: !!python/object:os.system x\n")
    assert value == {"a": 1, "b": {"c": 1}, "d": "x", "e": "x"}
    assert found == [
        'a.yaml:2:11: key "c" appears twice: first in line 2',
        'a.yaml:3:1: key "a" appears twice: first in line 1',
        "a.yaml:4:4: tag !Ref is not allowed: files are data",
        "a.yaml:5:4: tag python/object:os.system is not allowed: files are data",
    ]


def test_keys_that_yaml_1_1_reads_as_truth_values_are_text() -> None:
    assert read("on: 1\n1: x\n~: y\n")[0] == {"on": 1, "1": "x", "~": "y"}


def test_tags_of_the_core_schema() -> None:
    assert read("[!!str 12, !!int '12', !!seq [1], ! x]") == (["12", 12, [1], "x"], [])


def test_aliases_and_merges() -> None:
    value, found = read("a: &a {x: 1, y: {z: 1}}\nb: &b {x: 2}\nc: {<<: *a, w: 3}\nd: {<<: [*b, *a], y: 4}\ne: *a\n")
    assert found == []
    assert value["c"] == {"x": 1, "y": {"z": 1}, "w": 3}
    assert value["d"] == {"x": 2, "y": 4}
    assert value["e"] == value["a"]


def test_an_anchor_may_be_set_again() -> None:
    assert read("- &a 1\n- *a\n- &a [2]\n- *a\n")[0] == [1, 1, [2], [2]]


def test_everything_knows_its_place() -> None:
    findings = Findings()
    node = parse('# c\na:\n  "b": [x,\n    y]\n  é: &z 7\n  c: *z\n', "a.yaml", findings)
    assert isinstance(node, Table)
    inner = node.entries["a"].node
    assert isinstance(inner, Table)
    assert str(node.entries["a"].place) == "a.yaml:2"
    assert (inner.entries["b"].place.line, inner.entries["b"].place.column) == (3, 3)
    items = inner.entries["b"].node
    assert isinstance(items, Items)
    assert [(item.place.line, item.place.column) for item in items.items] == [(3, 9), (4, 5)]
    assert (inner.entries["é"].node.place.line, inner.entries["é"].node.place.column) == (5, 6)
    assert inner.entries["c"].place.line == 6


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_an_empty_document_is_no_error(text: str) -> None:
    value, found = read(text)
    assert value is None
    assert found == []


def test_findings_of_one_file_are_bounded() -> None:
    _, found = read("{" + "a: 1," * 5000 + "}")
    assert len(found) == 501
    assert "more than 500 findings in this file" in found[-1]


json_like = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(st.characters(exclude_categories=["C"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcxyz", min_size=1), inner, max_size=4),
    max_leaves=20,
)


@given(json_like)
def test_what_is_dumped_is_read(value: Any) -> None:
    assert read(yaml.safe_dump(value, default_style='"' if isinstance(value, str) else None))[1] == []


@given(json_like)
def test_json_is_read_as_json(value: Any) -> None:
    import json

    assert read(json.dumps(value, ensure_ascii=False))[0] == value


@given(st.text())
def test_no_text_whatever_breaks_the_reader(text: str) -> None:
    read(text)


@given(st.text("[]{}&*!<>?:-,'\"|# \n\tab", max_size=60))
def test_nor_does_a_heap_of_punctuation(text: str) -> None:
    read(text)
