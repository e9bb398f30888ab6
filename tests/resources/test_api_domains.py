"""Domains of APIs: what follows from one, which certificate, and what API Gateway says meanwhile."""

from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.applying.aws_client import AwsClient
from pipeline.errors import AwsError, PipelineError
from pipeline.model.resource import Resource
from pipeline.model.scope import Scope
from pipeline.resources.registry import registry
from tests.contract.engine import Case, carry_out, converge, declared
from tests.resources import edge as edges
from tests.resources.edge import ZONE, case
from tests.support.aws import SCOPE, FakeClock
from tests.support.edge import Edge
from tests.support.faults import Recorder

REST, WEBSOCKET = "apigateway.domain_name", "apigatewayv2.domain_name"
SEOUL = Scope("orders", "dev", "123456789012", "ap-northeast-2")
NAME = f"api.{ZONE}"

both = pytest.mark.parametrize("kind", [REST, WEBSOCKET])


def written(kind: str, scope: Scope = SCOPE, **properties: Any) -> Resource:
    """As an author declares it, references unresolved."""
    given = {"name": NAME, "api": "orders", **properties}
    return Resource(kind, given["name"], declared(registry()[kind], given, scope))


def followers(kind: str, scope: Scope = SCOPE, **properties: Any) -> list[str]:
    return sorted({one.address for one in registry()[kind].derive(written(kind, scope, **properties), scope)})


@pytest.fixture
def account(aws_environment: None, clock: FakeClock) -> Iterator[tuple[AwsClient, Edge]]:
    with edges.account(aws_environment, clock) as opened:
        yield opened


@both
def test_two_lines_are_enough_and_all_around_it_follows(kind: str) -> None:
    assert followers(kind) == [
        f"acm.certificate/{ZONE}",
        f"route53.hosted_zone/{ZONE}",
        f"route53.record/{NAME}:A",
        f"route53.record/{NAME}:AAAA",
    ]
    found = written(kind).properties
    assert str(found["mappings"]["(none)"]["api"]).endswith("/orders.id}")
    assert found["mappings"]["(none)"]["stage"] == "dev"


def test_a_domain_of_http_apis_answers_over_https(account: tuple[AwsClient, Edge]) -> None:
    aws, _ = account
    mapped = declared(registry()[WEBSOCKET], {"name": NAME, "http_api": "orders"}, SCOPE)["mappings"]
    assert str(mapped["(none)"]["api"]) == "${apigatewayv2.http_api/orders.id}"
    api = aws.call("apigatewayv2", "CreateApi", Name="orders", ProtocolType="HTTP")["ApiId"]
    (arn,) = [carry_out(aws, case("acm.certificate", name=ZONE, domains=[ZONE, f"*.{ZONE}"]))["arn"]]
    reference = "${apigatewayv2.http_api/orders.id}"
    wanted = case(WEBSOCKET, {reference: api}, name=NAME, http_api="orders", certificate=arn)
    assert carry_out(aws, wanted)["url"] == f"https://{NAME}"


@both
def test_in_other_regions_the_certificate_is_another_one_than_cloudfront_s(kind: str) -> None:
    assert f"acm.certificate/{ZONE}:ap-northeast-2" in followers(kind, SEOUL)
    found = registry()[kind].derive(written(kind, SEOUL), SEOUL)
    regions = {one.properties["region"] for one in found if one.type == "acm.certificate"}
    assert regions == {"ap-northeast-2"}


@both
def test_nothing_more_follows_than_is_needed(kind: str) -> None:
    arn = "arn:aws:acm:us-east-1:123456789012:certificate/1"
    assert followers(kind, certificate=arn, records=False) == []
    assert followers(kind, certificate="mine", records=False) == []
    assert f"acm.certificate/a.b.{ZONE}" in followers(kind, name=f"a.b.{ZONE}", zone=ZONE)


@both
def test_a_certificate_of_another_region_and_a_name_outside_are_refused(kind: str) -> None:
    arn = "arn:aws:acm:eu-west-1:123456789012:certificate/1"
    found = written(kind, certificate=arn, zone="example.org")
    messages = [problem.message for problem in registry()[kind].check(found, SCOPE)]
    assert messages == [
        f"{NAME} is no name in the zone example.org",
        "API Gateway takes certificates of its own region, us-east-1",
    ]


def test_old_tls_is_warned_about_and_the_default_is_not() -> None:
    kind = registry()[REST]
    assert kind.warn(written(REST), SCOPE) == []
    (warning,) = kind.warn(written(REST, tls="TLS_1_0"), SCOPE)
    assert "TLS 1.0" in warning.message


def made(account: tuple[AwsClient, Edge], kind: str, **properties: Any) -> Case:
    """A domain with a certificate, ready to be carried out."""
    aws, edge = account
    if not edge.acm.certificates:
        carry_out(aws, case("acm.certificate", name=ZONE, domains=[ZONE, f"*.{ZONE}"]))
    (arn, *_) = edge.acm.certificates
    given = {"api": "orders"} if "mappings" not in properties else {}
    return case(kind, name=NAME, certificate=arn, **{**given, **properties})


@both
def test_it_is_awaited_before_it_is_mapped(account: tuple[AwsClient, Edge], kind: str) -> None:
    aws, edge = account
    outputs = carry_out(aws, made(account, kind))
    assert edge.domains.domains[NAME]["slow"] == 0
    assert outputs["url"] == {REST: f"https://{NAME}", WEBSOCKET: f"wss://{NAME}"}[kind]
    assert outputs["domain"] == "d-0.execute-api.us-east-1.amazonaws.com"
    assert edge.domains.domains[NAME]["addresses"] == "dualstack"


def test_a_newer_policy_goes_with_a_mode(account: tuple[AwsClient, Edge]) -> None:
    aws, edge = account
    carry_out(aws, made(account, REST, tls="TLS_1_2"))
    converge(aws, made(account, REST))
    found = edge.domains.domains[NAME]
    assert (found["policy"], found["mode"]) == ("SecurityPolicy_TLS13_1_2_2021_06", "BASIC")
    converge(aws, made(account, REST, tls="TLS_1_2"))
    assert (found["policy"], found["mode"]) == ("TLS_1_2", "")


@both
def test_mappings_are_added_moved_and_taken_away(account: tuple[AwsClient, Edge], kind: str) -> None:
    aws, edge = account
    carry_out(aws, made(account, kind, mappings=[{"api": "one"}, {"path": "old", "api": "two"}]))
    converge(aws, made(account, kind, mappings=[{"api": "one", "stage": "beta"}, {"path": "new", "api": "two"}]))
    mappings = edge.domains.domains[NAME]["mappings"]
    assert {path: one["stage"] for path, one in mappings.items()} == {"(none)": "beta", "new": "dev"}


@both
def test_a_run_that_died_before_mapping_is_gone_on_with(account: tuple[AwsClient, Edge], kind: str) -> None:
    aws, edge = account
    wanted = made(account, kind)
    carry_out(aws, wanted)
    edge.domains.domains[NAME]["mappings"].clear()
    observed = wanted.read(aws)
    assert observed is not None
    assert wanted.differences(observed) == {"mappings"}
    converge(aws, wanted)


@both
def test_another_certificate_is_taken_in_place(account: tuple[AwsClient, Edge], kind: str) -> None:
    aws, edge = account
    carry_out(aws, made(account, kind))
    other = carry_out(aws, case("acm.certificate", name="own", domains=[NAME], zone=ZONE))["arn"]
    recorder = Recorder(aws)
    converge(recorder, case(kind, name=NAME, api="orders", certificate=other))
    assert edge.domains.domains[NAME]["certificate"] == other
    assert [call.name.partition(":")[2] for call in recorder.changing] == ["UpdateDomainName"]


@both
def test_a_pending_certificate_is_refused_as_aws_does(account: tuple[AwsClient, Edge], kind: str) -> None:
    aws, edge = account
    wanted = made(account, kind)
    next(iter(edge.acm.certificates.values()))["status"] = "PENDING_VALIDATION"
    with pytest.raises(AwsError, match="BadRequestException"):
        carry_out(aws, wanted)
    assert edge.domains.domains == {}


@both
def test_a_domain_that_will_never_be_there_says_why(account: tuple[AwsClient, Edge], kind: str) -> None:
    aws, edge = account
    edge.domains.look = lambda found: "FAILED"  # type: ignore[method-assign]  # a store of this one test
    with pytest.raises(PipelineError, match="is FAILED"):
        carry_out(aws, made(account, kind))


@both
def test_one_that_is_on_its_way_is_said_to_be(account: tuple[AwsClient, Edge], kind: str) -> None:
    aws, edge = account
    wanted = made(account, kind)
    carry_out(aws, wanted)
    edge.domains.domains[NAME]["slow"] = 1
    observed = wanted.read(aws)
    assert observed is not None
    assert observed.pending == f"{wanted.address} is UPDATING"
