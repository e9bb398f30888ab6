"""`moved` in spec files: what it maps, and everything that is wrong with it at its place."""

from pathlib import Path

import pytest

from pipeline.config.loaded import Loaded
from tests.config.support import agree, real, told

POLICY = "cloudfront.cache_policy"
SPEC = "cache_policies:\n  - name: {}\n"
TABLE = "tables:\n  - name: new\n    partition_key: id\n"


def read(root: Path, moves: str, declared: str = "orders-c") -> Loaded:
    """One cache policy, and a file with the moves from its second line on."""
    return real(root, {"aws/policies.yaml": SPEC.format(declared), "aws/moved.yaml": f"moved:\n{moves}"})


def move(old: str, new: str, kind: str = POLICY) -> str:
    return f'  - {{from: "{kind}/{old}", to: "{kind}/{new}"}}\n'


def test_new_addresses_lead_to_old_ones_with_variables_filled_in(tmp_path: Path) -> None:
    result = read(tmp_path, move("${SERVICE_NAME}-b", "${SERVICE_NAME}-c") + move("orders-a", "orders-b"))
    assert told(result) == []
    assert result.moved["dev"] == {
        f"{POLICY}/orders-c": f"{POLICY}/orders-b",
        f"{POLICY}/orders-b": f"{POLICY}/orders-a",
    }


def test_it_stands_beside_what_is_declared_and_beside_defaults(tmp_path: Path) -> None:
    text = f"defaults:\n  comment: x\n{SPEC.format('orders-c')}moved:\n{move('a', 'orders-c')}"
    result = real(tmp_path, {"aws/policies.yaml": text})
    assert told(result) == []
    assert result.moved["dev"] == {f"{POLICY}/orders-c": f"{POLICY}/a"}


@pytest.mark.parametrize("text", ["moved:\n", "moved: []\n"])
def test_nothing_is_moved(tmp_path: Path, text: str) -> None:
    result = real(tmp_path, {"aws/policies.yaml": SPEC.format("orders-c") + text})
    assert told(result) == []
    assert result.moved["dev"] == {}


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        ("  - a\n", "aws/moved.yaml:2:5: moved: "),
        ("  - {from: x/y}\n", "aws/moved.yaml:2:5: moved: "),
        ("  - {from: orders, to: orders-c}\n", "aws/moved.yaml:2:12: moved: orders is no address"),
        (
            move("a", "c", "cloudfront.cache_polisy"),
            "aws/moved.yaml:2:12: moved: cloudfront.cache_polisy/a is no address: there is no resource type",
        ),
        (move("a", "nowhere"), f"aws/moved.yaml:2:45: moved: there is no {POLICY}/nowhere"),
        (move("orders-c", "orders-c"), f"aws/moved.yaml:2:52: moved: {POLICY}/orders-c is moved to itself"),
        (
            f"  - {{from: apigatewayv2.api/a, to: {POLICY}/orders-c}}\n",
            f"aws/moved.yaml:2:36: moved: apigatewayv2.api/a cannot become {POLICY}/orders-c: they are",
        ),
        (
            move("a", "orders-c") + move("b", "orders-c"),
            f"aws/moved.yaml:3:45: moved: {POLICY}/b and {POLICY}/a cannot both become {POLICY}/orders-c: first at",
        ),
        (
            move("a", "orders-c") + move("a", "b"),
            f"aws/moved.yaml:3:12: moved: {POLICY}/a is moved twice: first at aws/moved.yaml:2",
        ),
        (
            move("a", "b") + move("b", "a"),
            f"aws/moved.yaml:2:12: moved: these moves go in a circle: {POLICY}/a -> {POLICY}/b -> {POLICY}/a",
        ),
        (
            move("orders-c", "b") + move("b", "d"),
            f"aws/moved.yaml:2:12: moved: {POLICY}/orders-c is moved to {POLICY}/b, and still declared at aws/pol",
        ),
        (
            move("a", "b", "route53.hosted_zone"),
            "aws/moved.yaml:2:12: moved: route53.hosted_zone/a is only looked up: there is nothing to move",
        ),
        (
            move("a", "b", "lambda.function_url"),
            "aws/moved.yaml:2:12: moved: lambda.function_url/a follows from other resources, and moves with them",
        ),
        (
            move("a", "b", "lambda.function"),
            "aws/moved.yaml:2:12: moved: AWS cannot rename lambda.function/a: it knows a lambda.function by its name",
        ),
    ],
)
def test_what_is_wrong(tmp_path: Path, moves: str, expected: str) -> None:
    found = read(tmp_path, moves)
    assert told(found)[0].startswith(expected), told(found)


def test_what_bears_data_cannot_be_renamed_and_would_be_made_empty(tmp_path: Path) -> None:
    text = f"{TABLE}moved:\n{move('old', 'new', 'dynamodb.table')}"
    found = real(tmp_path, {"aws/tables.yaml": text})
    assert agree(found, ["aws/tables.yaml:5:12: moved: AWS cannot rename dynamodb.table/old"])
    assert "kept with its data" in str(found.diagnostics[0].hint)
