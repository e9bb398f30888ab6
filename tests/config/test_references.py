"""References between resources."""

from pathlib import Path

import pytest

from pipeline.model.values import Expression, Reference
from tests.config.support import SPEC, Files, agree, loaded, properties, real, thing, told, write


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


class TestFilesThatCannotBeRead:
    """Nobody misses what such a file may declare: only the file itself is wrong."""

    USES = "things:\n  - {name: a, friend: b, depends_on: test.thing/c, label: '${test.shadow/shadow-b.id}'}\n"
    MISSES = "roles:\n  - {name: a, depends_on: [dynamodb.table/b, lambda.layer/c, iam.role/d]}\n"

    @pytest.mark.parametrize(
        ("broken", "finding"),
        [
            (b"things:\n  - name: b\n\tsize: 1\n", "3:1: YAML syntax: found a tab character"),
            (b"- [\n", "2:1: YAML syntax: did not find expected node content"),
            (b"things:\n  - name: \xff\n", "2:11: the file is not UTF-8 text (byte 0xff)"),
        ],
    )
    def test_others_may_refer_to_it(self, tmp_path: Path, broken: bytes, finding: str) -> None:
        smoke = "environments:\n  dev: dev\nsmoke:\n  - url: https://${test.thing/b.arn}/\n"
        files: Files = {SPEC: self.USES, "aws/broken.yaml": broken, "pipeline.yaml": smoke}
        assert agree(loaded(tmp_path, files), [f"aws/broken.yaml:{finding}"])

    def test_a_collection_may_be_misspelt(self, tmp_path: Path) -> None:
        found = loaded(tmp_path, {SPEC: self.USES, "aws/more.yaml": "thinks:\n  - name: b\n"})
        assert agree(found, ['aws/more.yaml:1:1: unknown collection "thinks": did you mean "things"?'])

    def test_a_directory_may_lie_elsewhere(self, tmp_path: Path) -> None:
        write(tmp_path, {SPEC: self.USES})
        (tmp_path / "aws" / "more").symlink_to(tmp_path)
        assert agree(loaded(tmp_path, {SPEC: self.USES}), ["aws/more:1:1: a symbolic link to a directory"])

    def test_what_it_does_not_seem_to_declare_is_missed(self, tmp_path: Path) -> None:
        """And what no other file declares may follow from it, as layers here."""
        found = told(real(tmp_path, {"aws/a.yaml": self.MISSES, "aws/b.yaml": "tables:\n\t- name: b\n"}))
        assert found[0] == "aws/a.yaml:2:62: depends_on iam.role/d: there is no iam.role/d"
        assert [each.partition(" ")[0] for each in found[1:]] == ["aws/b.yaml:2:1:"]


def test_a_move_into_a_file_that_cannot_be_read_is_no_error(tmp_path: Path) -> None:
    moved = "moved:\n  - {from: apigateway.rest_api/a, to: apigateway.rest_api/b}\n"
    assert len(told(real(tmp_path, {"aws/a.yaml": moved, "aws/b.yaml": "api:\n\tname: b\n"}))) == 1
