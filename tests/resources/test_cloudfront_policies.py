"""Access controls, cache policies and headers: their mark, what they warn of, and ETags."""

from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.applying.aws_client import AwsClient
from pipeline.model.resource import Mark
from pipeline.model.values import Expression, Reference
from pipeline.resources import _text_marks as marks
from pipeline.resources.registry import registry
from tests.contract.engine import carry_out
from tests.resources import edge as edges
from tests.resources.edge import case, problems
from tests.support.aws import SCOPE, FakeClock
from tests.support.edge import Edge

CONTROL, CACHE, HEADERS = (
    "cloudfront.origin_access_control",
    "cloudfront.cache_policy",
    "cloudfront.response_headers_policy",
)


@pytest.fixture
def account(aws_environment: None, clock: FakeClock) -> Iterator[tuple[AwsClient, Edge]]:
    with edges.account(aws_environment, clock) as opened:
        yield opened


def warnings(type_name: str, **properties: Any) -> list[str]:
    found = case(type_name, name="x", **properties)
    return [problem.message for problem in found.kind.warn(found.resource, SCOPE)]


@pytest.mark.parametrize("text", ["", "the shop", "pipelines: many"])
def test_a_mark_in_a_text_is_read_back_with_it(text: str) -> None:
    assert marks.split(marks.marked(SCOPE, text), "a/b") == (text, Mark("orders", "dev", "a/b"))


def test_a_text_without_a_mark_is_left_as_it_is() -> None:
    assert marks.split("pipeline: by hand", "a/b") == ("pipeline: by hand", None)
    assert marks.split(None, "a/b") == ("", None)


@pytest.mark.parametrize("type_name", [CONTROL, CACHE, HEADERS])
def test_one_of_somebody_else_is_shown_as_theirs(account: tuple[AwsClient, Edge], type_name: str) -> None:
    aws, edge = account
    wanted = case(type_name, name="site")
    carry_out(aws, wanted)
    (held,) = [config for kept in edge.cloudfront.policies.held.values() for _, config in kept.values()]
    for key in ("Description", "Comment"):
        if key in held:
            held[key] = "pipeline:billing/live"
    observed = wanted.read(aws)
    assert observed is not None
    assert observed.mark == Mark("billing", "live", wanted.address)


def test_headers_are_secure_unless_somebody_says_otherwise() -> None:
    wanted = case(HEADERS, name="x").resource.properties
    assert wanted["hsts"] == {"max_age": 31536000, "subdomains": False, "preload": False}
    assert (wanted["frame"], wanted["no_sniff"]) == ("DENY", True)
    assert warnings(HEADERS) == []
    assert len(warnings(HEADERS, hsts={"max_age": 0}, frame="ANY", no_sniff=False)) == 3


def test_headers_of_a_distribution_are_those_that_an_author_gets() -> None:
    site = case("cloudfront.distribution", name="x", origin="files.example.net").resource
    (derived,) = registry()["cloudfront.distribution"].derive(
        type(site)(site.type, site.name, {**site.properties, "response_headers": _reference()}), SCOPE
    )
    assert derived.properties == case(HEADERS, name="x").resource.properties


def _reference() -> Any:
    return Expression((Reference(f"{HEADERS}/x", "id"),))


def test_an_access_control_that_signs_nothing_is_warned_about() -> None:
    assert warnings(CONTROL) == []
    assert "public" in warnings(CONTROL, signing="never")[0]


def test_times_of_a_cache_policy_increase_and_nothing_kept_tells_nothing_apart() -> None:
    assert "must not decrease" in problems(CACHE, name="x", min_ttl=10, default_ttl=5)[0]
    (found,) = problems(CACHE, name="x", default_ttl=0, max_ttl=0)
    assert "nothing can be told apart" in found
    assert problems(CACHE, name="x", default_ttl=0, max_ttl=0, compress=False) == []
