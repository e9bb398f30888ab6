"""Which releases one can roll back to, and what only the others name."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipeline.model.delivery import Retention
from pipeline.model.release import Release
from pipeline.model.resource import Resource
from pipeline.releasing.window import Entry, apis_of, functions_of, window_of

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def entry(number: int, days_ago: float = 0.0, **named: Any) -> Entry:
    created = (NOW - timedelta(days=days_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Entry(number, created, **{what: frozenset(values) for what, values in named.items()})


def numbers(entries: list[Entry], **settings: int) -> list[int]:
    """The releases inside the window."""
    return [found.number for found in window_of(entries, Retention(**settings), NOW).inside]


@pytest.mark.parametrize(
    ("settings", "inside"),
    [
        ({"releases": 2, "days": 0}, [4, 5]),
        ({"releases": 10, "days": 0}, [1, 2, 3, 4, 5]),
        ({"releases": 2, "days": 25}, [3, 4, 5]),
        ({"releases": 2, "days": 35}, [2, 3, 4, 5]),
        ({"releases": 2, "days": 1000}, [1, 2, 3, 4, 5]),
    ],
)
def test_the_last_ones_and_whatever_served_lately(settings: dict[str, int], inside: list[int]) -> None:
    """Release n was replaced when the next one was made: 3 served until 20 days ago, 2 until 30."""
    entries = [entry(1, 400), entry(2, 40), entry(3, 30), entry(4, 20), entry(5, 10)]
    assert numbers(entries, **settings) == inside


def test_a_release_that_served_for_long_is_inside_though_it_is_old() -> None:
    entries = [entry(1, 400), entry(2, 1), entry(3, 0.5), entry(4, 0.1)]
    assert numbers(entries, releases=2, days=30) == [1, 2, 3, 4]


def test_what_serves_is_always_inside() -> None:
    assert numbers([entry(7, 400)], releases=0, days=0) == [7]


def test_what_is_named_inside_is_never_spare() -> None:
    window = window_of(
        [
            entry(1, versions=[("f", "1"), ("g", "1")], objects=["a", "b"]),
            entry(2, versions=[("f", "2"), ("g", "1")], objects=["b"]),
            entry(3, versions=[("f", "1"), ("g", "2")], objects=["c"]),
        ],
        Retention(1, 0), NOW,
    )  # fmt: skip
    assert window.spare("versions") == {("f", "2"), ("g", "1")}
    assert window.spare("objects") == {"a", "b"}
    assert window.spare("deployments") == frozenset()


def release(**more: Any) -> Release:
    facts: dict[str, Any] = {
        "service": "shop", "environment": "dev", "region": "eu-west-1", "account": "123456789012", "commit": None,
        "created": "2026-11-24T00:00:00Z", "actor": "ada", "run": "run",
    }  # fmt: skip
    return Release(3, **(facts | more))


def test_a_release_names_its_versions_deployments_and_archives() -> None:
    found = Entry.of(
        release(
            desired=(
                Resource("lambda.function", "f", {"code": "sha256:aa"}),
                Resource("lambda.layer", "l", {"code": "sha256:bb"}),
                Resource("apigateway.rest_api", "shop", {}),
                Resource("apigatewayv2.api", "shop", {}),
                Resource("dynamodb.table", "t", {"code": "of a different kind"}),
            ),
            functions={"f": {"version": "4", "previous": "3"}},
            apis={"shop": {"deployment": "d1"}, "apigatewayv2.api/shop": {"deployment": "d2"}},
            outputs={"apigateway.rest_api/shop": {"id": "r"}, "apigatewayv2.api/shop": {"id": "w"}},
        )
    )
    assert found.versions == {("f", "4")}
    assert found.deployments == {("stage", "r", "d1"), ("websocket stage", "w", "d2")}
    assert found.objects == {"artifacts/aa.zip", "artifacts/bb.zip"}
    assert Entry.from_json(found.to_json()) == found
    assert functions_of(found.versions) == {"f": {"4"}}
    assert {api: ids for (_, api), ids in apis_of(found.deployments).items()} == {"r": {"d1"}, "w": {"d2"}}


def test_the_record_of_a_destroy_names_nothing() -> None:
    kept = Resource("lambda.function", "f", {"code": "sha256:aa"})
    assert Entry.of(release(desired=(kept,), destroyed=True)) == Entry(3, "2026-11-24T00:00:00Z")
