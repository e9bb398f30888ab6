"""What a version says of itself: for which release it was published, beside the function's own description."""

from dataclasses import replace
from typing import Any

import pytest

from pipeline.resources._lambda_properties import described
from tests.resources.fake_lambda import FakeLambda
from tests.resources.functions import CODE_B, bring, differing, function, read


@pytest.fixture
def world() -> FakeLambda:
    return FakeLambda(delay=0.0)


def release(world: FakeLambda, label: str) -> None:
    """From now on the world's runs work for another release."""
    world.scope = replace(world.scope, label=label)


def told(world: FakeLambda, version: str) -> str:
    return str(world.functions["orders-list"].versions[version]["Description"])


def test_each_version_names_its_release_and_commit(world: FakeLambda) -> None:
    release(world, "release 1, commit 1a2b3c4")
    bring(world, function(description="lists orders"))
    release(world, "release 2, commit 5d6e7f8")
    bring(world, function(description="lists orders", code=CODE_B))
    release(world, "release 3")
    bring(world, function(description="lists orders", code=CODE_B, memory=1024))
    assert [told(world, version) for version in "123"] == [
        "release 1, commit 1a2b3c4: lists orders",
        "release 2, commit 5d6e7f8: lists orders",
        "release 3: lists orders",
    ]
    assert world.functions["orders-list"].latest["Description"] == "lists orders"


def test_a_function_without_a_description(world: FakeLambda) -> None:
    release(world, "release 1")
    bring(world, function())
    assert told(world, "1") == "release 1"
    assert differing(function(), read(world, function())) == set()


@pytest.mark.parametrize("own", ["", "lists orders", "release 9: of the shop", "x" * 256])
def test_what_a_version_says_of_itself_is_no_difference(world: FakeLambda, own: str) -> None:
    release(world, "release 123456, commit 1a2b3c4")
    wanted = function(description=own)
    bring(world, wanted)
    assert len(told(world, "1")) <= 256
    assert differing(wanted, read(world, wanted)) == set()
    release(world, "release 123457, commit 5d6e7f8")
    assert bring(world, wanted)["latest"] == "1"
    assert list(world.functions["orders-list"].versions) == ["1"]


def test_another_description_is_another_version(world: FakeLambda) -> None:
    release(world, "release 1")
    bring(world, function(description="lists orders"))
    release(world, "release 2")
    assert bring(world, function(description="lists all orders"))["latest"] == "2"
    assert told(world, "2") == "release 2: lists all orders"


def test_nothing_but_code_and_configuration_makes_a_version(world: FakeLambda) -> None:
    release(world, "release 1")
    bring(world, function(tags={"team": "shop"}))
    release(world, "release 2")
    outputs = bring(world, function(tags={"team": "stock"}, log_retention_days=7))
    assert (outputs["latest"], list(world.functions["orders-list"].versions)) == ("1", ["1"])


@pytest.mark.parametrize(
    "change",
    [
        {"code": CODE_B}, {"memory": 1024}, {"timeout": 9}, {"environment": {"A": "b"}},
        {"handler": "handlers.other.do"}, {"tracing": "Active"},
        {"description": "other"}, {"runtime": "python3.12"}, {"ephemeral_storage": 1024},
    ],
)  # fmt: skip
def test_each_part_of_code_and_configuration_makes_one(world: FakeLambda, change: dict[str, Any]) -> None:
    release(world, "release 1")
    bring(world, function())
    release(world, "release 2")
    assert bring(world, function(**change))["latest"] == "2"


def test_a_version_that_was_published_for_a_run_that_died_keeps_its_words(world: FakeLambda) -> None:
    release(world, "release 1")
    bring(world, function())
    release(world, "release 2, commit 1a2b3c4")
    bring(world, function(memory=1024))
    release(world, "release 2, commit 5d6e7f8")
    assert bring(world, function(memory=1024))["latest"] == "2"
    assert told(world, "2") == "release 2, commit 1a2b3c4"


def test_without_a_release_a_version_has_the_description_of_the_function() -> None:
    assert described("", {"description": "lists orders"}) == {}
