"""What counts as a difference, how it is shown, and whose doing it is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.plan import Origin
from pipeline.model.type_spec import TypeSpec
from pipeline.model.values import Expression, Reference, Secret, Unknown
from pipeline.planning.diff import diff, same

SPEC = TypeSpec(
    name="test.thing",
    schema={},
    collections=("things",),
    primary_identifier=("name",),
    create_only=("name", "keys"),
    read_only=("arn",),
    write_only=("password",),
    sensitive=("token",),
    unordered=("methods", "rules.*.methods"),
)


def paths(desired: Any, observed: Any) -> list[str]:
    return [field.path for field in diff(SPEC, desired, observed)]


@pytest.mark.parametrize(
    ("desired", "observed"),
    [
        ({"a": 1}, {"a": 1}),
        ({"a": None}, {}),
        ({"tags": {}}, {"tags": None}),
        ({"layers": []}, {}),
        ({"methods": ["GET", "PUT"]}, {"methods": ["PUT", "GET"]}),
        ({"rules": [{"name": "r", "methods": ["a", "b"]}]}, {"rules": [{"name": "r", "methods": ["b", "a"]}]}),
        ({"items": [{"name": "a"}, {"name": "b"}]}, {"items": [{"name": "b"}, {"name": "a"}]}),
        ({"steps": [{"weight": 1, "note": None}]}, {"steps": [{"weight": 1}]}),
        ({"arn": "x"}, {"arn": "y"}),
        ({"password": "x"}, {}),
        ({"env": {"KEY": Secret("ssm:/k", "3", "hidden")}}, {"env": {"KEY": "hidden"}}),
    ],
)
def test_these_are_the_same(desired: Any, observed: Any) -> None:
    assert paths(desired, observed) == []
    assert same(SPEC, desired, observed)


@pytest.mark.parametrize(
    ("desired", "observed", "expected"),
    [
        ({"a": 1}, {"a": 2}, ["a"]),
        ({"a": True}, {"a": 1}, ["a"]),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {"c": 2}}}, ["a.b.c"]),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, ["a.c"]),
        ({}, {"a": {"b": 1}}, ["a"]),
        ({"order": ["a", "b"]}, {"order": ["b", "a"]}, ["order"]),
        ({"indexes": [{"name": "i", "key": "x"}]}, {"indexes": [{"name": "i", "key": "y"}]}, ["indexes.i.key"]),
        ({"indexes": [{"name": "i"}, {"name": "j"}]}, {"indexes": [{"name": "i"}]}, ["indexes.j"]),
        ({"env": {"KEY": Secret("ssm:/k", "3", "new")}}, {"env": {"KEY": "old"}}, ["env.KEY"]),
    ],
)
def test_these_differ(desired: Any, observed: Any, expected: list[str]) -> None:
    assert paths(desired, observed) == expected


def test_secrets_are_never_shown_before_or_after() -> None:
    (field,) = diff(SPEC, {"env": {"K": Secret("ssm:/k", "3", "new-secret")}}, {"env": {"K": "old-secret"}})
    assert "secret" not in str(field)
    assert field.before == "(sensitive)"
    assert field.after == "(sensitive) ssm:/k@3"


def test_sensitive_properties_are_never_shown() -> None:
    (field,) = diff(SPEC, {"token": "one"}, {"token": "two"})
    assert (field.before, field.after) == ("(sensitive)", "(sensitive)")


def test_what_is_not_known_yet_says_so() -> None:
    (field,) = diff(SPEC, {"role": Unknown("${iam.role/x.arn}")}, {"role": "arn:old"})
    assert not field.known
    assert field.after == "(known after apply)"


@pytest.mark.parametrize(("path", "forces"), [("name", True), ("keys.partition", True), ("keysmith", False)])
def test_create_only_properties_force_replacement(path: str, forces: bool) -> None:
    key, _, sub = path.partition(".")
    desired, observed = ({key: {sub: 1}}, {key: {sub: 2}}) if sub else ({key: 1}, {key: 2})
    (field,) = diff(SPEC, desired, observed)
    assert field.forces_replacement is forces


@pytest.mark.parametrize(
    ("released", "desired", "observed", "origin"),
    [
        (1, 2, 1, Origin.GIT),
        (1, 1, 2, Origin.DRIFT),
        (1, 2, 3, Origin.BOTH),
        (None, 2, None, Origin.GIT),
    ],
)
def test_origin(released: Any, desired: Any, observed: Any, origin: Origin) -> None:
    (field,) = diff(SPEC, {"a": desired}, {"a": observed}, ({"a": desired}, {"a": released}))
    assert field.origin is origin


@pytest.mark.parametrize(
    ("path", "released", "desired", "observed", "origin"),
    [
        # AWS gives a list without an order back in one of its own: that is no drift.
        ("methods", ["b", "a"], ["b", "a", "c"], ["a", "b"], Origin.GIT),
        ("methods", ["b", "a"], [], ["a", "b"], Origin.GIT),
        ("methods", ["b", "a"], ["a", "b"], ["a"], Origin.DRIFT),
        ("methods", ["b", "a"], ["b", "a", "c"], ["a", "b", "d"], Origin.BOTH),
        ("order", ["b", "a"], ["b", "a", "c"], ["a", "b"], Origin.BOTH),
        ("order", ["b", "a"], ["a", "b"], ["b", "a"], Origin.GIT),
        ("rules.x.n", [{"name": "x", "n": 1}], [{"name": "x", "n": 2}], [{"name": "x", "n": 1}], Origin.GIT),
        ("rules.x.n", [{"name": "x", "n": 1}], [{"name": "x", "n": 1}], [{"name": "x", "n": 2}], Origin.DRIFT),
        ("rules.y", [{"name": "x"}], [{"name": "x"}, {"name": "y"}], [{"name": "x"}], Origin.GIT),
        ("rules", [], [], [{"name": "y"}], Origin.DRIFT),
        ("rules", [{"name": "x"}], [], [{"name": "x"}], Origin.GIT),
        ("env.K", {"K": 1, "L": 1}, {"K": 2, "L": 1}, {"K": 1, "L": 1}, Origin.GIT),
        ("env.K", {"L": 1}, {"L": 1}, {"K": 2, "L": 1}, Origin.DRIFT),
        ("env", {"K": 1}, {}, {"K": 1}, Origin.GIT),
        ("env", {"K": 1}, {}, {"K": 2}, Origin.BOTH),
        ("env.K", {"K": Secret("ssm:/k", "1")}, {"K": Secret("ssm:/k", "2", "new")}, {"K": "old"}, Origin.GIT),
        ("env.K", {"K": Secret("ssm:/k", "1")}, {"K": Secret("ssm:/k", "1", "new")}, {"K": "old"}, Origin.DRIFT),
    ],
)
def test_origin_inside(path: str, released: Any, desired: Any, observed: Any, origin: Origin) -> None:
    name = path.partition(".")[0]
    (field,) = diff(SPEC, {name: desired}, {name: observed}, ({name: desired}, {name: released}))
    assert (field.path, field.origin) == (path, origin)


def test_without_a_release_everything_comes_from_git() -> None:
    (field,) = diff(SPEC, {"a": 1}, {"a": 2})
    assert field.origin is Origin.GIT


def test_an_unchanged_reference_whose_value_was_altered_in_aws_is_drift() -> None:
    reference = Expression((Reference("iam.role/r", "arn"),))
    (field,) = diff(SPEC, {"role": "arn:r"}, {"role": "arn:other"}, ({"role": reference}, {"role": reference}))
    assert field.origin is Origin.DRIFT


def test_a_reference_that_is_about_to_change_is_no_drift() -> None:
    reference = Expression((Reference("iam.role/r", "arn"),))
    before_after = ({"role": reference}, {"role": reference})
    (field,) = diff(SPEC, {"role": Unknown(str(reference))}, {"role": "arn:old"}, before_after)
    assert field.origin is Origin.GIT


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet="abc", max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(alphabet="abc", min_size=1, max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)
properties = st.dictionaries(st.sampled_from(["a", "b", "methods", "rules", "name"]), values, max_size=4)


@given(properties)
def test_nothing_differs_from_itself(found: Any) -> None:
    assert diff(SPEC, found, found) == ()


@given(properties, properties)
def test_every_difference_has_two_sides(one: Any, other: Any) -> None:
    assert bool(diff(SPEC, one, other)) == bool(diff(SPEC, other, one))
    assert same(SPEC, one, other) == (diff(SPEC, one, other) == ())
