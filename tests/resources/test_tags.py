"""Tags that AWS would refuse, of every type that has tags."""

import pytest

from pipeline.model.resource import Resource
from pipeline.resources.base import ResourceType
from pipeline.resources.registry import registry
from pipeline.resources.tags import broken_rules
from tests.contract.engine import declared
from tests.support.aws import SCOPE


def told(tags: dict[str, object], name: str = "orders") -> list[str]:
    return [message for message, _, _ in broken_rules(Resource("dynamodb.table", name, {"tags": tags}))]


def test_letters_of_any_language_and_the_usual_signs_are_tags() -> None:
    assert told({"팀": "주문 부서", "cost:center": "a_b.c/d=e+f-g@h", "empty": "", "k" * 128: "v" * 256}) == []


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("aws:x", "y", "tag aws:x: keys that begin with aws: are AWS's own"),
        ("AWS:x", "y", "tag AWS:x: keys that begin with aws: are AWS's own"),
        ("pipeline:service", "y", "tag pipeline:service: keys that begin with pipeline: are the ownership mark"),
        ("a<b", "y", 'the key of tag "a<b" must have 1 to 128 letters'),
        ("", "y", 'the key of tag "" must have 1 to 128 letters'),
        ("k" * 129, "y", "the key of tag"),
        ("k", "a,b", "tag k: AWS takes letters, digits, spaces and _.:/=+-@ as a value"),
        ("k", "\N{ROCKET}", "tag k: AWS takes letters"),
        ("k", "a\n", "tag k: AWS takes letters"),
    ],
)
def test_refused(key: str, value: str, message: str) -> None:
    (found,) = told({key: value})
    assert found.startswith(message)


def test_the_ownership_mark_takes_three_of_fifty() -> None:
    assert told({f"k{number}": "" for number in range(47)}) == []
    assert told({f"k{number}": "" for number in range(48)}) == [
        "there are 48 tags; AWS takes 47 besides the ownership mark"
    ]


@pytest.mark.parametrize("name", ["a,b", "x" * 250])
def test_an_address_that_no_tag_can_hold_cannot_be_marked(name: str) -> None:
    (found,) = told({}, name)
    assert "cannot be marked as ours" in found


@pytest.mark.parametrize("kind", [kind for kind in registry().values() if "tags" in kind.spec.schema["properties"]])
def test_every_type_with_tags_looks_at_them(kind: ResourceType) -> None:
    example = dict(kind.spec.examples[0])
    properties = declared(kind, {**example, "tags": {"aws:x": ""}}, SCOPE)
    found = kind.check(Resource(kind.name, str(example["name"]), properties), SCOPE)
    assert any("AWS's own" in problem.message for problem in found)
