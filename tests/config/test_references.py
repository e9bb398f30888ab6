"""References between resources."""

from pathlib import Path

import pytest

from pipeline.model.values import Expression, Reference
from tests.config.support import SPEC, agree, loaded, properties, real, thing, told


class TestReferences:
    def test_outputs_become_expressions(self, tmp_path: Path) -> None:
        text = (
            "things:\n  - name: a\n    label: ${test.thing/${SERVICE_NAME}-b.arn}\n"
            "    tags: {x: 'a ${test.thing/orders-b.arn} b'}\n  - name: orders-b\n"
        )
        result = loaded(tmp_path, {SPEC: text})
        assert told(result) == []
        found = properties(result, "test.thing/a")
        reference = Reference("test.thing/orders-b", "arn")
        assert found["label"] == Expression((reference,))
        assert found["tags"] == {"x": Expression(("a ", reference, " b"))}
        assert result.desired["dev"].by_address["test.thing/a"].dependencies == ("test.thing/orders-b",)

    @pytest.mark.parametrize("key", ["size", "mode", "days", "label"])
    def test_they_may_stand_for_any_scalar(self, tmp_path: Path, key: str) -> None:
        result = loaded(tmp_path, {SPEC: f"things:\n  - name: a\n    {key}: ${{test.thing/b.arn}}\n  - name: b\n"})
        assert told(result) == []

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            (
                "label: ${test.thing/orders-t.arn}",
                '3:12: ${test.thing/orders-t.arn}: there is no test.thing/orders-t: did you mean "orders-thing"?',
            ),
            (
                "label: ${test.thng/x.arn}",
                '3:12: ${test.thng/x.arn}: there is no resource type test.thng: did you mean "test.thing"?',
            ),
            (
                "label: ${test.shadow/shadow-orders-thing.ids}",
                '3:12: ${test.shadow/shadow-orders-thing.ids}: test.shadow has no output ids: did you mean "id"?',
            ),
            (
                "label: ${test.thing/orders-thing.arn}",
                "3:12: ${test.thing/orders-thing.arn} refers to the resource itself",
            ),
            (
                "rules: ${test.shadow/shadow-orders-thing.id}",
                '3:12: rules is "${test.shadow/shadow-orders-thing.id}": a list is wanted',
            ),
            ("friend: nobody", "3:13: there is no test.thing/nobody"),
            (
                "tags: {'${test.shadow/shadow-orders-thing.id}': x}",
                "3:12: key ${test.shadow/shadow-orders-thing.id}: a key must be known before deploying",
            ),
        ],
    )
    def test_refused(self, tmp_path: Path, text: str, found: str) -> None:
        assert agree(loaded(tmp_path, thing(text)), [f"{SPEC}:{found}"])

    @pytest.mark.parametrize("value", ["orders-thing", "arn:aws:test", "${test.shadow/shadow-orders-thing.id}"])
    def test_friends(self, tmp_path: Path, value: str) -> None:
        assert told(loaded(tmp_path, thing(f"friend: {value}"))) == []

    def test_a_name_must_be_known(self, tmp_path: Path) -> None:
        found = told(loaded(tmp_path, {SPEC: "things:\n  - name: a\n  - name: ${test.thing/a.arn}\n"}))
        assert found == [f"{SPEC}:3:11: name must be known before deploying: it cannot be ${{test.thing/a.arn}}"]

    def test_circles_are_told_with_their_path(self, tmp_path: Path) -> None:
        circle = "these resources need each other"
        text = (
            "things:\n"
            "  - {name: c, label: '${test.thing/a.arn}'}\n"
            "  - {name: a, label: '${test.thing/b.arn}'}\n"
            "  - {name: b, depends_on: test.thing/c}\n"
            "  - {name: x, label: '${test.thing/y.arn}'}\n"
            "  - {name: y, label: '${test.thing/x.arn} ${test.thing/a.arn}'}\n"
        )
        assert told(loaded(tmp_path, {SPEC: text})) == [
            f"{SPEC}:3:23: {circle}: test.thing/a -> test.thing/b -> test.thing/c -> test.thing/a",
            f"{SPEC}:5:23: {circle}: test.thing/x -> test.thing/y -> test.thing/x",
        ]

    def test_two_resources_with_one_address(self, tmp_path: Path) -> None:
        files = {"aws/a.yaml": "things: {name: orders}\n", SPEC: "things:\n  - name: b\n  - name: ${SERVICE_NAME}\n"}
        assert told(loaded(tmp_path, files)) == [
            f"{SPEC}:3:5: test.thing/orders is declared twice: first at aws/a.yaml:1"
        ]

    def test_two_names_that_aws_takes_for_one(self, tmp_path: Path) -> None:
        tables = "tables:\n  - {name: Rows, partition_key: id}\n  - {name: rows, partition_key: id}\n"
        files = {"aws/a.yaml": f"roles:\n  - name: Worker\n  - name: worker\n{tables}"}
        assert told(real(tmp_path, files)) == [
            "aws/a.yaml:3:5: iam.role/worker is iam.role/Worker to AWS: first at aws/a.yaml:2"
        ]

    def test_a_type_that_needs_the_value_itself_says_so(self, tmp_path: Path) -> None:
        text = "things:\n  - {name: a, label: '${test.thing/b.arn}', ratio: 2, mode: slow}\n  - name: b\n"
        found = (
            f"{SPEC}:2:5: a property of this test.thing must be known before deploying: it cannot be ${{test.thing/b"
        )
        assert agree(loaded(tmp_path, {SPEC: text}), [found])

    def test_a_mistake_in_a_type_is_no_finding(self, tmp_path: Path) -> None:
        with pytest.raises(TypeError):
            loaded(tmp_path, {SPEC: "things:\n  - {name: a, label: x, ratio: 3, mode: slow}\n"})

    def test_what_a_broken_resource_would_bring_is_not_missed(self, tmp_path: Path) -> None:
        text = "things:\n  - {name: a, size: 0}\n  - {name: b, label: '${test.shadow/shadow-a.id}', friend: a}\n"
        assert told(loaded(tmp_path, {SPEC: text})) == [f"{SPEC}:2:21: size is 0: at least 1 is allowed"]
