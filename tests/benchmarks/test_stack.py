"""The floor is told of the same stack that the product makes, and how to fill in what only AWS knows."""

import json
import re

import pytest

from benchmarks import floor
from benchmarks.service import CHANGED, CHANGED_FILE, ENVIRONMENT, copied
from benchmarks.stack import API_ID, describe
from pipeline.config.loading import load
from pipeline.resources.registry import registry
from tests.config.support import TODAY

CODE = "sha256:" + "ab" * 32


@pytest.fixture
def stack() -> dict[str, dict[str, dict[str, list[dict[str, object]]]]]:
    with copied() as service:
        desired = load(service.root, [ENVIRONMENT], registry(), TODAY).desired[ENVIRONMENT]
        functions = [resource.address for resource in desired if resource.type == "lambda.function"]
        entries = [{"address": address, "code": CODE, "file": "/bundle.zip"} for address in functions]
        found = describe(service.root, ENVIRONMENT, entries)
        assert {f"{kind}/{name}" for kind, names in found["resources"].items() for name in names} == {
            resource.address for resource in desired
        }
        return json.loads(json.dumps(found))  # type: ignore[no-any-return]  # what the floor reads from its file


def test_the_floor_knows_how_to_make_and_read_every_kind(stack: dict[str, dict[str, object]]) -> None:
    assert set(stack["resources"]) == {
        "apigateway.rest_api", "dynamodb.table", "iam.role", "lambda.function", "lambda.permission", "logs.log_group",
        "s3.bucket",
    }  # fmt: skip


def test_each_resource_begins_with_what_makes_it(
    stack: dict[str, dict[str, dict[str, list[dict[str, object]]]]],
) -> None:
    for kind, names in stack["resources"].items():
        for calls in names.values():
            assert re.match("Create|AddPermission", str(calls[0]["operation"])), kind


def test_the_id_of_the_api_is_filled_in_wherever_it_stands() -> None:
    told = {"a": [f"arn:{API_ID}/x", {"b": API_ID}], "c": 1}
    assert floor._replaced(told, "abc") == {"a": ["arn:abc/x", {"b": "abc"}], "c": 1}
    assert floor.API_ID == API_ID


def test_a_change_is_one_of_the_bundle_of_one_function() -> None:
    with copied(12) as service:
        service.change(1)
        assert (service.root / "backend" / CHANGED_FILE).read_text().endswith("# change 1\n")
        desired = load(service.root, [ENVIRONMENT], registry(), TODAY).desired[ENVIRONMENT]
        left_out = {r.name: r.properties["exclude"] for r in desired if r.type == "lambda.function"}
        assert len(left_out) == 12
        assert [name for name, patterns in left_out.items() if CHANGED_FILE not in patterns] == [CHANGED]
