"""What a journal says of what its run, and those before it, may leave behind."""

from typing import Any

import pytest

from pipeline.commands.unrecorded import Left, between, to_journal, with_earlier
from pipeline.model.plan import Action, Change, Origin
from pipeline.model.release import Release
from pipeline.model.resource import DesiredState, Resource


def thing(name: str, shared: bool = False, **properties: Any) -> Resource:
    return Resource("test.thing", name, properties, shared=shared)


def release(*desired: Resource) -> Release:
    return Release(7, "shop", "dev", "eu-west-1", "123456789012", None, "", "ada", "run-1", desired=desired)


def told(journal: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(entry["name"], entry["properties"]) for entry in journal["unrecorded"]]


def test_a_journal_names_what_the_release_does_not_declare_so() -> None:
    desired = DesiredState((thing("same", a=1), thing("other", a=2), thing("new"), thing("home", shared=True)))
    changes = [
        Change("test.thing/gone", Action.DELETE, Origin.GIT, desired=thing("gone")),
        Change("test.thing/made", Action.DELETE, Origin.GIT, desired=thing("made")),
        Change("test.thing/other", Action.REPLACE, Origin.GIT, desired=thing("other", a=2)),
    ]
    journal = to_journal(desired, changes, release(thing("same", a=1), thing("other", a=1), thing("gone")))
    assert sorted(told(journal), key=str) == [("made", {}), ("new", {}), ("other", {"a": 2})]
    assert journal["removing"] == ["test.thing/gone", "test.thing/made", "test.thing/other"]


def test_a_rollback_names_both_ways() -> None:
    """Until it is recorded the one release is the current one, and after that the other."""
    now, then = DesiredState((thing("x", a=1), thing("y"))), DesiredState((thing("x", a=2), thing("y")))
    assert told(between(now, then)) == [("x", {"a": 1}), ("x", {"a": 2})]


@pytest.mark.parametrize("kind", [{}, to_journal(DesiredState((thing("x", a=1),)), (), None)])
def test_a_journal_keeps_what_the_runs_before_it_left(kind: dict[str, Any]) -> None:
    earlier = Left({"test.thing/x": (thing("x", a=2), thing("x", a=1)), "test.thing/y": (thing("y"),)}, frozenset("z"))
    journal = with_earlier({**kind, "target": 3}, earlier)
    assert set(map(str, told(journal))) == {"('x', {'a': 1})", "('x', {'a': 2})", "('y', {})"}
    assert (journal["removing"], journal["target"]) == (["z"], 3)
    assert len(told(journal)) == 3
    if kind:
        assert told(journal)[0] == ("x", {"a": 1}), "the latest first"


def test_what_breaks_for_months_does_not_fill_the_journal() -> None:
    journal: dict[str, Any] = {}
    for size in range(100):
        mine = to_journal(DesiredState((thing("x", size=size),)), (), None)
        left = Left({"test.thing/x": tuple(thing("x", **props) for _, props in told(journal))} if journal else {})
        journal = with_earlier(mine, left)
    assert [props["size"] for _, props in told(journal)] == list(range(99, 79, -1))


def test_what_a_release_or_the_specs_name_is_not_left_over() -> None:
    left = Left({"test.thing/x": (thing("x", a=2), thing("x", a=1)), "test.thing/y": (thing("y"),)})
    assert left.beside(["test.thing/y"]) == {"test.thing/x": thing("x", a=2)}
