"""Distributions: what follows from one, what AWS would refuse, and how AWS behaves while one changes."""

from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.applying.aws_client import AwsClient
from pipeline.errors import AwsError
from pipeline.model.resource import Resource
from pipeline.model.scope import Scope
from pipeline.resources.base import Target
from pipeline.resources.registry import registry
from tests.contract.engine import Case, carry_out, converge, declared, remove
from tests.resources import edge as edges
from tests.resources.edge import ZONE, case
from tests.support.aws import SCOPE, FakeClock
from tests.support.edge import Edge
from tests.support.faults import Recorder

KIND = registry()["cloudfront.distribution"]
BUCKET = "orders-site-123456789012"
SITE: dict[str, Any] = {"name": "site", "bucket": BUCKET}
OTHER: dict[str, Any] = {"name": "site", "origin": "files.example.net", "response_headers": "none"}


def written(**properties: Any) -> Resource:
    """As an author declares it, references unresolved."""
    return Resource(KIND.name, properties["name"], declared(KIND, properties, SCOPE))


def followers(**properties: Any) -> dict[str, Resource]:
    return {resource.address: resource for resource in KIND.derive(written(**properties), SCOPE)}


def problems(**properties: Any) -> list[str]:
    return [problem.message for problem in KIND.check(written(**properties), SCOPE)]


def warnings(**properties: Any) -> list[str]:
    return [problem.message for problem in KIND.warn(written(**properties), SCOPE)]


@pytest.fixture
def account(aws_environment: None, clock: FakeClock) -> Iterator[tuple[AwsClient, Edge]]:
    with edges.account(aws_environment, clock) as opened:
        yield opened


def test_a_private_site_under_its_domain_is_a_few_lines_and_all_around_it_follows() -> None:
    found = followers(**SITE, aliases=[f"www.{ZONE}", ZONE])
    assert sorted(found) == [
        f"acm.certificate/{ZONE}",
        "cloudfront.origin_access_control/site",
        "cloudfront.response_headers_policy/site",
        f"route53.hosted_zone/{ZONE}",
        f"route53.record/{ZONE}:A",
        f"route53.record/{ZONE}:AAAA",
        f"route53.record/www.{ZONE}:A",
        f"route53.record/www.{ZONE}:AAAA",
        f"s3.bucket_grant/{BUCKET}:site",
    ]
    certificate = found[f"acm.certificate/{ZONE}"].properties
    assert (certificate["domains"], certificate["region"]) == ([ZONE, f"*.{ZONE}"], "us-east-1")
    alias = found[f"route53.record/{ZONE}:AAAA"].properties["alias"]
    assert str(alias["target"]) == "${cloudfront.distribution/site.domain}"


def test_the_certificate_lies_in_us_east_1_whatever_the_region() -> None:
    scope = Scope("orders", "dev", "123456789012", "ap-northeast-2")
    resource = Resource(KIND.name, "site", declared(KIND, {**SITE, "aliases": [ZONE]}, scope))
    regions = [one.properties["region"] for one in KIND.derive(resource, scope) if one.type == "acm.certificate"]
    assert regions == ["us-east-1"]
    assert str(resource.properties["certificate"]) == f"${{acm.certificate/{ZONE}.arn}}"


def test_nothing_more_follows_than_is_needed() -> None:
    assert sorted(followers(**OTHER)) == []
    assert sorted(followers(**SITE, website=True, response_headers="SecurityHeadersPolicy")) == []
    arn = "arn:aws:acm:us-east-1:123456789012:certificate/1"
    assert followers(**OTHER, aliases=[ZONE], certificate=arn, records=False) == {}
    named = followers(**OTHER, aliases=[ZONE], certificate="mine", records=False)
    assert named == {}


def test_a_wildcard_that_the_zone_s_certificate_does_not_cover_has_one_of_its_own_whose_name_tags_may_have() -> None:
    found = followers(**OTHER, aliases=[f"*.a.{ZONE}"], zone=ZONE)
    certificate = found[f"acm.certificate/a.{ZONE}"]
    assert certificate.properties["domains"] == [f"*.a.{ZONE}"]
    assert f"route53.record/*.a.{ZONE}:A" in found


def test_the_bucket_is_there_before_the_distribution_and_that_before_the_grant() -> None:
    resource = written(**SITE)
    grant = followers(**SITE)[f"s3.bucket_grant/{BUCKET}:site"]
    assert f"s3.bucket/{BUCKET}" in resource.dependencies
    assert {f"s3.bucket/{BUCKET}", "cloudfront.distribution/site"} <= set(grant.dependencies)
    assert "cloudfront.origin_access_control/site" in resource.dependencies


def test_the_website_form_is_asked_over_http_without_an_access_control_and_warned_about() -> None:
    source = written(**SITE, website=True).properties["source"]
    assert str(source["domain"]) == f"${{s3.bucket/{BUCKET}.website_domain}}"
    assert (source["protocol"], source["access_control"]) == ("http-only", None)
    (warning,) = warnings(**SITE, website=True)
    assert "plain HTTP" in warning
    assert "everybody can read the bucket directly" in warning


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"origin_protocol": "http-only"}, "plain HTTP"),
        ({"viewer_protocol": "allow-all"}, "shown over plain HTTP"),
        ({"minimum_tls": "TLSv1.1_2016", "aliases": [ZONE]}, "old ciphers"),
        ({"response_headers": "none"}, "no security headers"),
    ],
)
def test_every_weaker_form_is_warned_about(properties: dict[str, Any], message: str) -> None:
    found = warnings(**{**OTHER, "response_headers": "SecurityHeadersPolicy", **properties})
    assert len(found) == 1
    assert message in found[0]


def test_the_secure_form_warns_of_nothing() -> None:
    assert warnings(**SITE, aliases=[ZONE]) == []


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({**OTHER, "website": True}, "website is about a bucket"),
        ({**SITE, "certificate": "mine"}, "means nothing without aliases"),
        (
            {**SITE, "aliases": [ZONE], "certificate": "arn:aws:acm:eu-west-1:123456789012:certificate/1"},
            "certificates of us-east-1 alone",
        ),
        ({**SITE, "aliases": [ZONE, "example.org"]}, "is no name in the zone example.org"),
        ({**SITE, "methods": "all"}, "viewers could write to the bucket"),
    ],
)
def test_what_aws_refuses_is_told_before(properties: dict[str, Any], message: str) -> None:
    assert any(message in found for found in problems(**properties))


def test_spa_shows_the_root_for_what_is_missing_and_own_pages_come_first() -> None:
    errors = written(**SITE, spa=True, errors=[{"code": 404, "page": "/lost.html"}]).properties["errors"]
    assert errors == {
        "403": {"page": "/index.html", "status": 200, "ttl": 10},
        "404": {"page": "/lost.html", "status": 404, "ttl": 10},
    }


def test_policies_are_named_declared_or_given_by_id() -> None:
    identifier = "11111111-2222-3333-4444-555555555555"
    found = written(**OTHER, cache="mine")
    assert str(found.properties["cache"]) == "${cloudfront.cache_policy/mine.id}"
    assert written(**OTHER, cache=identifier).properties["cache"] == identifier
    assert written(**OTHER, cache="CachingDisabled").properties["cache"] == "CachingDisabled"


def made(account: tuple[AwsClient, Edge], **properties: Any) -> tuple[Case, str]:
    """A distribution that is there, and its id."""
    wanted = case(KIND.name, **OTHER, **properties)
    return wanted, str(carry_out(account[0], wanted)["id"])


def test_its_address_is_the_shortest_alias_or_its_own_name(account: tuple[AwsClient, Edge]) -> None:
    wanted, identifier = made(account)
    observed = wanted.read(account[0])
    assert observed is not None
    assert observed.outputs["url"] == f"https://{observed.outputs['domain']}"
    assert observed.outputs["zone_id"] == "Z2FDTNDATAQYW2"
    assert identifier in account[1].cloudfront.distributions


def test_it_is_awaited_until_the_change_and_not_the_state_before_is_everywhere(
    account: tuple[AwsClient, Edge], clock: FakeClock
) -> None:
    aws, edge = account
    wanted, identifier = made(account)
    changed = case(KIND.name, **{**OTHER, "comment": "other"})
    carry_out(aws, changed)
    found = edge.cloudfront.distributions[identifier]
    assert (found["stale"], found["slow"]) == (0, 0)
    observed = changed.read(aws)
    assert observed is not None
    assert observed.pending is None
    assert observed.properties["comment"] == "other"
    assert wanted.differences(observed) == {"comment"}


def test_somebody_else_s_change_in_between_ends_the_wait_as_well(
    account: tuple[AwsClient, Edge], clock: FakeClock
) -> None:
    aws, edge = account
    _, identifier = made(account)

    def attach(_seconds: float) -> None:
        edge.cloudfront.distributions[identifier]["etag"] = "THEIRS"

    clock.on_sleep = attach
    began = clock.seconds
    carry_out(aws, case(KIND.name, **{**OTHER, "comment": "other"}))
    assert clock.seconds - began < 120


def test_one_that_is_on_its_way_is_said_to_be(account: tuple[AwsClient, Edge]) -> None:
    wanted, identifier = made(account)
    account[1].cloudfront.distributions[identifier]["slow"] = 1
    observed = wanted.read(account[0])
    assert observed is not None
    assert "on its way to all edge locations" in str(observed.pending)


def test_what_the_specs_do_not_speak_of_stays_and_what_others_added_goes(account: tuple[AwsClient, Edge]) -> None:
    aws, edge = account
    wanted, identifier = made(account)
    config = edge.cloudfront.distributions[identifier]["config"]
    config["Restrictions"] = {"GeoRestriction": {"RestrictionType": "whitelist", "Quantity": 1, "Items": ["CH"]}}
    config["WebACLId"] = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/guard/1"
    config["DefaultCacheBehavior"]["FunctionAssociations"] = {
        "Quantity": 1,
        "Items": [{"FunctionARN": "arn:aws:cloudfront::123456789012:function/x", "EventType": "viewer-request"}],
    }
    config["Origins"]["Items"][0]["ConnectionAttempts"] = 1
    observed = wanted.read(aws)
    assert observed is not None
    assert wanted.differences(observed) == {"unmanaged"}
    converge(aws, wanted)
    config = edge.cloudfront.distributions[identifier]["config"]
    assert config["Restrictions"]["GeoRestriction"]["Items"] == ["CH"]
    assert config["WebACLId"].endswith("guard/1")
    assert config["Origins"]["Items"][0]["ConnectionAttempts"] == 1
    assert config["DefaultCacheBehavior"]["FunctionAssociations"] == {"Quantity": 0}


def test_a_distribution_of_the_old_kind_is_brought_to_cache_policies(account: tuple[AwsClient, Edge]) -> None:
    """Such as the one that the manual makes: values that are forwarded, and a website of S3 as its origin."""
    aws, edge = account
    wanted, identifier = made(account)
    behavior = edge.cloudfront.distributions[identifier]["config"]["DefaultCacheBehavior"]
    del behavior["CachePolicyId"]
    behavior |= {"ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}}, "MinTTL": 0}
    converge(aws, wanted)
    behavior = edge.cloudfront.distributions[identifier]["config"]["DefaultCacheBehavior"]
    assert "ForwardedValues" not in behavior
    assert "MinTTL" not in behavior


def test_a_stale_etag_is_read_again_once(account: tuple[AwsClient, Edge]) -> None:
    aws, edge = account
    _, identifier = made(account)
    found = edge.cloudfront.distributions[identifier]
    found["before"] = (dict(found["config"]), "OLD")
    changed = case(KIND.name, **{**OTHER, "price_class": "PriceClass_100"})
    observed = changed.kind.read(aws, [Target(changed.resource, {"id": identifier})])[changed.address]
    found["stale"] = 1
    recorder = Recorder(aws)
    changed.kind.update(recorder, changed.resource, observed, frozenset({"price_class"}))
    assert recorder.counts["cloudfront:UpdateDistribution"] == 2


def test_deleting_disables_waits_and_only_then_deletes(account: tuple[AwsClient, Edge]) -> None:
    aws, edge = account
    wanted, _ = made(account)
    recorder = Recorder(aws)
    remove(recorder, wanted)
    changing = [call.name.partition(":")[2] for call in recorder.changing]
    assert changing == ["UpdateDistribution", "DeleteDistribution"]
    assert edge.cloudfront.distributions == {}


def test_the_reference_of_one_that_was_deleted_is_used_up(account: tuple[AwsClient, Edge]) -> None:
    aws, _ = account
    wanted, first = made(account)
    remove(aws, wanted)
    assert carry_out(aws, wanted)["id"] != first


def test_the_reference_of_one_that_is_there_makes_no_second_one(account: tuple[AwsClient, Edge]) -> None:
    aws, edge = account
    wanted, _ = made(account)
    with pytest.raises(AwsError, match="DistributionAlreadyExists"):
        wanted.kind.create(aws, wanted.resource)
    assert len(edge.cloudfront.distributions) == 1


def test_one_without_a_mark_is_offered_when_it_has_our_alias(account: tuple[AwsClient, Edge]) -> None:
    aws, edge = account
    wanted, identifier = made(account)
    found = edge.cloudfront.distributions[identifier]
    found["tags"].clear()
    assert wanted.read(aws) is None
    found["config"]["Aliases"] = {"Quantity": 1, "Items": [ZONE]}
    observed = case(KIND.name, **OTHER, aliases=[ZONE]).read(aws)
    assert observed is not None
    assert (observed.mark, observed.outputs["id"]) == (None, identifier)


def test_a_tag_alone_changes_no_configuration(account: tuple[AwsClient, Edge]) -> None:
    aws, _ = account
    made(account, tags={"team": "a", "old": "x"})
    recorder = Recorder(aws)
    carry_out(recorder, case(KIND.name, **OTHER, tags={"team": "b"}))
    assert [call.name for call in recorder.changing] == ["cloudfront:TagResource", "cloudfront:UntagResource"]


def test_the_recorded_one_takes_two_calls(account: tuple[AwsClient, Edge]) -> None:
    aws, _ = account
    wanted, identifier = made(account)
    recorder = Recorder(aws)
    assert wanted.kind.read(recorder, [Target(wanted.resource, {"id": identifier})])
    assert recorder.counts == {"cloudfront:GetDistribution": 1, "cloudfront:ListTagsForResource": 1}
