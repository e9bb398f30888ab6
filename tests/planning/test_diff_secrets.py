"""AWS tells secrets in plain text: what a plan shows of what is there."""

from typing import Any

import pytest

from pipeline.model.type_spec import TypeSpec
from pipeline.model.values import SENSITIVE, Secret
from pipeline.planning.diff import diff

SPEC = TypeSpec.from_schema({
    "typeName": "lambda.function",
    "properties": {
        "environment": {"additionalProperties": {"type": "string", "secrets": True}},
        "layers": {"items": {"type": "string"}},
    },
})  # fmt: skip
KEY = Secret("ssm:/key", "1", "hunter2")
FORGOTTEN = Secret("ssm:/key", "1")  # as a release is read back: without what it held


def shown(
    wanted: dict[str, Any], found: dict[str, str], recorded: dict[str, Any] | None = None
) -> list[tuple[str, Any, Any]]:
    """(path, before, after) of every difference between two environments."""
    pair = ({"environment": wanted}, {"environment": recorded}) if recorded is not None else None
    changes = diff(SPEC, {"environment": wanted}, {"environment": found}, pair)
    return [(change.path, change.before, change.after) for change in changes]


def test_places_that_may_hold_secrets_are_known() -> None:
    assert SPEC.secretable == ("environment.*",)


@pytest.mark.parametrize("recorded", [None, {}, {"KEY": "old"}, {"KEY": FORGOTTEN}])
def test_a_value_that_becomes_a_secret_is_hidden(recorded: dict[str, Any] | None) -> None:
    ((path, before, after),) = shown({"KEY": KEY, "A": "1"}, {"KEY": "old", "A": "1"}, recorded)
    assert (path, before) == ("environment.KEY", SENSITIVE)
    assert "hunter2" not in str(after)


@pytest.mark.parametrize("wanted", [{"A": "1"}, {"A": "1", "KEY": "plain"}])
def test_a_secret_that_is_taken_out_or_becomes_plain_is_hidden(wanted: dict[str, str]) -> None:
    ((path, before, after),) = shown(wanted, {"KEY": "hunter2", "A": "1"}, {"KEY": FORGOTTEN, "A": "1"})
    assert (path, before, after) == ("environment.KEY", SENSITIVE, wanted.get("KEY"))


def test_all_secrets_that_are_taken_out_at_once_are_hidden() -> None:
    found = {"KEY": "hunter2", "A": "1"}
    ((path, before, _),) = shown({}, found, {"KEY": FORGOTTEN, "A": "1"})
    assert (path, before) == ("environment", {"KEY": SENSITIVE, "A": "1"})


@pytest.mark.parametrize("recorded", [None, {}, {"A": "1"}])
def test_a_value_that_nobody_declared_is_hidden(recorded: dict[str, Any] | None) -> None:
    """Somebody set it by hand, and nobody knows whether it is a secret."""
    assert shown({"A": "1"}, {"A": "1", "DB": "hunter2"}, recorded) == [("environment.DB", SENSITIVE, None)]
    assert shown({}, {"DB": "hunter2"}, recorded) == [("environment", {"DB": SENSITIVE}, {})]


def test_a_plain_value_that_is_taken_out_is_shown() -> None:
    assert shown({"A": "1"}, {"A": "1", "B": "2"}, {"A": "1", "B": "2"}) == [("environment.B", "2", None)]


@pytest.mark.parametrize("recorded", [None, {"LEVEL": "info"}])
def test_a_plain_value_that_changes_is_shown(recorded: dict[str, Any] | None) -> None:
    assert shown({"LEVEL": "info"}, {"LEVEL": "debug"}, recorded) == [("environment.LEVEL", "debug", "info")]


def test_places_without_secrets_are_shown() -> None:
    ((change),) = diff(SPEC, {"layers": []}, {"layers": ["arn:x:1"]})
    assert change.before == ["arn:x:1"]
