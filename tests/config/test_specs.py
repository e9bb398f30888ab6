"""Specs: collections, defaults, and the keys that every type has."""

from datetime import date
from pathlib import Path

import pytest

from pipeline.config.loading import load
from tests.config.support import (
    SOUND,
    SPEC,
    agree,
    invented,
    loaded,
    properties,
    thing,
    told,
    write,
)


class TestShape:
    @pytest.mark.parametrize(
        "text",
        [
            "things:\n  - name: a\n  - name: b\n",
            "things: [{name: a}, {name: b}]\n",
            "thing:\n  name: a\nthings:\n  - name: b\n",
            "defaults:\n  size: 10\nthings:\n  - name: a\n  - name: b\n",
            "defaults:\nthings:\n  - &a {name: a}\n  - <<: *a\n    name: b\nthing:\n",
        ],
    )
    def test_a_collection_is_a_list_or_one_item(self, tmp_path: Path, text: str) -> None:
        result = loaded(tmp_path, {SPEC: text})
        assert told(result) == []
        assert {"test.thing/a", "test.thing/b"} <= set(result.desired["dev"].by_address)

    def test_every_yaml_file_below_aws_is_read(self, tmp_path: Path) -> None:
        files = {
            "aws/a/b/c.yml": "things: {name: a}",
            "aws/UPPER.YAML": "things: {name: b}",
            "aws/.hidden/d.yaml": "nonsense",
            "aws/.e.yaml": "nonsense",
            "aws/readme.md": "nonsense",
            "aws/policy.yaml": "Version: 2012-10-17\nStatement: []\n",
            "aws/x.yaml/y.yaml": "things: {name: c}",
            "other/f.yaml": "nonsense",
        }
        result = loaded(tmp_path, files)
        assert told(result) == []
        names = [r.name for r in result.desired["dev"] if r.type == "test.thing"]
        assert names == ["b", "a", "orders-thing", "c"]

    def test_defaults_are_merged_deeply_into_every_item(self, tmp_path: Path) -> None:
        text = (
            "defaults:\n  size: 5\n  variables: {A: '1', B: '2'}\n  list: [a, b]\n"
            "things:\n  - name: x\n    variables: {B: '3', C: '4'}\n    list: [c]\n  - name: y\n    size: 6\n"
        )
        result = loaded(tmp_path, {SPEC: text})
        found = properties(result, "test.thing/x")
        assert (found["size"], found["variables"], found["list"]) == (5, {"A": "1", "B": "3", "C": "4"}, ["c"])
        assert properties(result, "test.thing/y")["size"] == 6

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("thngs:\n  - name: a\n", ['1:1: unknown collection "thngs": did you mean "things"?']),
            ("default: {}\nthings: {name: a}\n", ['1:1: unknown collection "default": did you mean "defaults"?']),
            ("defaults: [a]\nthings: {name: a}\n", ["1:1: defaults must be a mapping of properties"]),
            (
                "thing: {name: a}\ndefaults: {size: 1}\nthings: {name: b}\n",
                ["2:1: defaults are for one collection, and this file has 2: thing, things"],
            ),
            ("- name: a\n", ["1:1: a mapping from collections to resources is wanted"]),
            ("things: a\n", ["1:9: things must be a list of resources, or one resource"]),
            (
                "things:\n  - a\n  -\n",
                [
                    "2:5: an item of things must be a mapping with a name",
                    "3:4: an item of things must be a mapping with a name",
                ],
            ),
            ("things:\n  - size: 1\n", ['2:5: "name" is missing in test.thing']),
            ("things:\n  - name:\n", ["2:10: name has no value: text is wanted (what it is called)"]),
            (
                'things:\n  - name: ""\n',
                ["2:11: this test.thing has no name", '2:11: name is "": it must match ^[a-z-]+$ (what it is called)'],
            ),
        ],
    )
    def test_refused(self, tmp_path: Path, text: str, found: list[str]) -> None:
        got = [line.removeprefix(f"{SPEC}:") for line in told(loaded(tmp_path, {SPEC: text}))]
        assert sorted(got) == sorted(found) or [g.split(": ", 1)[1] for g in got] == [
            f.split(": ", 1)[1] for f in found
        ]
        assert sorted(g.split(":")[0] for g in got) == sorted(f.split(":")[0] for f in found)

    def test_no_spec_at_all(self, tmp_path: Path) -> None:
        root = write(tmp_path, {key: value for key, value in SOUND.items() if key != SPEC})
        found = told(load(root, None, invented(), date(2026, 11, 24)))
        assert found == ["aws:1:1: no resource is declared: aws/ holds no YAML file"]

    def test_an_empty_spec_declares_nothing(self, tmp_path: Path) -> None:
        assert told(loaded(tmp_path, {"aws/empty.yaml": "# later\n"})) == []


class TestReserved:
    def test_dependencies_and_consent_to_adopt(self, tmp_path: Path) -> None:
        text = (
            "things:\n  - name: a\n    depends_on: test.thing/b\n    adopt: true\n"
            "  - name: b\n    depends_on: ['test.shadow/shadow-${SERVICE_NAME}']\n  - name: orders\n"
        )
        result = loaded(tmp_path, {SPEC: text})
        assert told(result) == []
        first, second = (result.desired["dev"].by_address[f"test.thing/{name}"] for name in "ab")
        assert (first.depends_on, first.adopt) == (("test.thing/b",), True)
        assert (second.depends_on, second.adopt) == (("test.shadow/shadow-orders",), False)
        assert "depends_on" not in first.properties

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("depends_on: test.thing/x", ["3:17: depends_on test.thing/x: there is no test.thing/x"]),
            (
                "depends_on: [tests.thing/x, x]",
                [
                    '3:18: depends_on tests.thing/x: there is no resource type tests.thing: did you mean "test.thing"?',
                    "3:33: depends_on x: there is no resource type x",
                ],
            ),
            ("depends_on: 5", ["3:17: depends_on takes addresses such as dynamodb.table/orders"]),
            ("adopt: maybe", ["3:12: adopt is true or false"]),
        ],
    )
    def test_refused(self, tmp_path: Path, text: str, found: list[str]) -> None:
        assert agree(loaded(tmp_path, thing(text)), [f"{SPEC}:{each}" for each in found])
