"""What a distribution serves from elsewhere: an API below the address of its pages, asked as it should be."""

from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.applying.aws_client import AwsClient
from pipeline.model.values import Expression
from pipeline.resources._distribution_config import from_wire, to_wire
from pipeline.resources._distribution_declaration import CACHE_POLICIES, ORIGIN_REQUESTS
from tests.contract.engine import converge
from tests.resources import edge as edges
from tests.resources.edge import case
from tests.resources.test_cloudfront_distribution import OTHER, SITE, problems, warnings, written
from tests.support.aws import FakeClock
from tests.support.edge import Edge

ELSEWHERE = {"path": "/api/*", "origin": "api.example.net"}


@pytest.fixture
def account(aws_environment: None, clock: FakeClock) -> Iterator[tuple[AwsClient, Edge]]:
    with edges.account(aws_environment, clock) as opened:
        yield opened


@pytest.mark.parametrize(("name", "kind"), [("api", "apigateway.rest_api"), ("http_api", "apigatewayv2.http_api")])
def test_an_api_is_asked_where_it_is_and_below_its_stage(name: str, kind: str) -> None:
    site = written(**SITE, behaviors=[{"path": "/api/*", name: "orders"}])
    (route,) = site.properties["routes"]
    source = route["source"]
    assert (str(source["domain"]), str(source["path"])) == (f"${{{kind}/orders.host}}", f"${{{kind}/orders.path}}")
    assert (source["protocol"], source["access_control"]) == ("https-only", None)
    assert f"{kind}/orders" in site.dependencies
    assert (route["methods"], route["viewer_protocol"]) == ("all", "https-only")
    assert (route["cache"], route["origin_request"]) == ("CachingDisabled", "AllViewerExceptHostHeader")
    assert str(route["response_headers"]) == "${cloudfront.response_headers_policy/site.id}"


def test_cloudfront_gets_an_origin_and_a_behavior_for_each_path() -> None:
    second = {"path": "/more/*", "origin": "api.example.net", "origin_path": "/v2", "cache": "mine", "methods": "read"}
    wanted = written(**OTHER, behaviors=[ELSEWHERE, second]).properties
    config = to_wire(wanted, {})
    default, first, _ = config["Origins"]["Items"]
    assert [one["Id"] for one in config["Origins"]["Items"]] == ["origin", "origin of /api/*", "origin of /more/*"]
    assert "S3OriginConfig" not in first
    assert first["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"
    assert first["CustomOriginConfig"]["OriginSslProtocols"] == {"Quantity": 1, "Items": ["TLSv1.2"]}
    behavior, other = config["CacheBehaviors"]["Items"]
    assert (behavior["PathPattern"], behavior["TargetOriginId"]) == ("/api/*", "origin of /api/*")
    assert behavior["CachePolicyId"] == CACHE_POLICIES["CachingDisabled"]
    assert behavior["OriginRequestPolicyId"] == ORIGIN_REQUESTS["AllViewerExceptHostHeader"]
    assert behavior["AllowedMethods"]["Quantity"] == 7
    assert isinstance(other["CachePolicyId"], Expression)
    assert config["DefaultCacheBehavior"]["TargetOriginId"] == default["Id"]
    assert from_wire(config)["routes"] == wanted["routes"]
    assert from_wire(config)["unmanaged"] == []


def test_it_is_added_changed_ordered_and_removed_in_place(account: tuple[AwsClient, Edge]) -> None:
    aws, edge = account
    first = case("cloudfront.distribution", **OTHER)
    identifier = str(converge(aws, first).outputs["id"])
    other = {"path": "/media/*", "origin": "media.example.net", "response_headers": "SecurityHeadersPolicy"}
    steps: tuple[list[dict[str, Any]], ...] = (
        [ELSEWHERE, other],
        [other, {**ELSEWHERE, "compress": False}],
        [ELSEWHERE],
        [],
    )
    for behaviors in steps:
        observed = converge(aws, case("cloudfront.distribution", **OTHER, behaviors=behaviors))
        assert observed.outputs["id"] == identifier
        found = edge.cloudfront.distributions[identifier]["config"]["CacheBehaviors"].get("Items") or []
        assert [one["PathPattern"] for one in found] == [str(one["path"]) for one in behaviors]


def test_what_is_set_of_it_besides_stays_and_what_others_added_goes(account: tuple[AwsClient, Edge]) -> None:
    aws, edge = account
    wanted = case("cloudfront.distribution", **OTHER, behaviors=[ELSEWHERE])
    identifier = str(converge(aws, wanted).outputs["id"])
    config = edge.cloudfront.distributions[identifier]["config"]
    config["Origins"]["Items"][1]["CustomOriginConfig"]["OriginReadTimeout"] = 60
    theirs = {**config["CacheBehaviors"]["Items"][0], "PathPattern": "/theirs/*"}
    config["CacheBehaviors"] = {"Quantity": 2, "Items": [theirs, config["CacheBehaviors"]["Items"][0]]}
    function = {"FunctionARN": "arn:aws:cloudfront::123456789012:function/x", "EventType": "viewer-request"}
    config["CacheBehaviors"]["Items"][1]["FunctionAssociations"] = {"Quantity": 1, "Items": [function]}
    observed = wanted.read(aws)
    assert observed is not None
    assert {path.partition(".")[0].partition("[")[0] for path in wanted.differences(observed)} == {
        "unmanaged",
        "routes",
    }
    converge(aws, wanted)
    config = edge.cloudfront.distributions[identifier]["config"]
    assert [one["PathPattern"] for one in config["CacheBehaviors"]["Items"]] == ["/api/*"]
    assert config["Origins"]["Items"][1]["CustomOriginConfig"]["OriginReadTimeout"] == 60


def test_pages_for_errors_also_hide_those_of_what_is_behind() -> None:
    """CloudFront has them for the whole distribution, and not for a behavior."""
    found = warnings(**SITE, spa=True, behaviors=[ELSEWHERE])
    assert found == ["callers of /api/* get a page for 403, 404: errors and spa are about all that is served"]
    assert warnings(**SITE, errors=[{"code": 503, "ttl": 0}], behaviors=[ELSEWHERE]) == []
    assert warnings(**SITE, spa=True) == []


def test_plain_http_is_warned_about_and_a_path_is_there_once() -> None:
    assert warnings(**SITE, behaviors=[{**ELSEWHERE, "viewer_protocol": "allow-all"}]) == [
        "/api/* is served over plain HTTP, too"
    ]
    assert problems(**SITE, behaviors=[ELSEWHERE, ELSEWHERE]) == ["/api/* is twice among the paths"]
