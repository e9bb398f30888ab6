"""Certificates: which region, which records, what is awaited, and what is not asked for twice."""

from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.applying.aws_client import AwsClient
from pipeline.errors import AwsError, FailedCall, PipelineError
from pipeline.resources._certificates import certificate_of, covers, following_certificate
from pipeline.resources.base import Target
from tests.contract.engine import carry_out
from tests.resources import edge as edges
from tests.resources.edge import ZONE, case, problems
from tests.support.aws import SCOPE, FakeClock
from tests.support.edge import Edge
from tests.support.faults import Failing, Recorder

CERTIFICATE = "acm.certificate"
BOTH = [ZONE, f"*.{ZONE}"]


@pytest.fixture
def account(aws_environment: None, clock: FakeClock) -> Iterator[tuple[AwsClient, Edge]]:
    with edges.account(aws_environment, clock) as opened:
        yield opened


def test_a_domain_and_its_wildcard_share_one_record_in_one_batch(account: tuple[AwsClient, Edge]) -> None:
    aws, _ = account
    recorder = Recorder(aws)
    carry_out(recorder, case(CERTIFICATE, name=ZONE, domains=BOTH))
    (batch,) = [call.params["ChangeBatch"]["Changes"] for call in recorder.calls if "ChangeResource" in call.name]
    assert [(change["Action"], change["ResourceRecordSet"]["Type"]) for change in batch] == [("UPSERT", "CNAME")]


def test_each_other_domain_has_its_own_record(account: tuple[AwsClient, Edge]) -> None:
    aws, _ = account
    recorder = Recorder(aws)
    carry_out(recorder, case(CERTIFICATE, name=ZONE, domains=[ZONE, f"a.{ZONE}", f"*.a.{ZONE}"]))
    (batch,) = [call.params["ChangeBatch"]["Changes"] for call in recorder.calls if "ChangeResource" in call.name]
    assert len({change["ResourceRecordSet"]["Name"] for change in batch}) == len(batch) == 2


def test_a_certificate_lies_in_the_region_that_is_asked_for(account: tuple[AwsClient, Edge]) -> None:
    aws, edge = account
    wanted = case(CERTIFICATE, name="api", domains=[f"api.{ZONE}"], zone=ZONE, region="eu-west-1")
    outputs = carry_out(aws, wanted)
    assert outputs["arn"].split(":")[3] == "eu-west-1"
    assert [arn.split(":")[3] for arn in edge.acm.certificates] == ["eu-west-1"]
    assert wanted.read(aws) is not None


def test_one_that_waits_for_its_records_is_gone_on_with(account: tuple[AwsClient, Edge]) -> None:
    """A run died after the request, or somebody deleted the records before it was issued."""
    aws, edge = account
    wanted = case(CERTIFICATE, name=ZONE, domains=BOTH)
    arn = wanted.kind.module._request(aws, wanted.resource)
    observed = wanted.read(aws)
    assert observed is not None
    assert wanted.differences(observed) == {"state"}
    assert carry_out(aws, wanted) == {"arn": arn}
    assert len(edge.acm.certificates) == 1


def test_it_takes_too_long_when_dns_does_not_know_the_records(
    account: tuple[AwsClient, Edge], clock: FakeClock
) -> None:
    aws, edge = account
    edge.acm._has_record = lambda name, value: False
    wanted = case(CERTIFICATE, name=ZONE, domains=BOTH)
    with pytest.raises(AwsError, match="not reached") as caught:
        carry_out(aws, wanted)
    assert caught.value.hint is not None
    assert "name servers (" in caught.value.hint
    assert clock.seconds >= 1800


def test_a_refusal_of_acm_is_told_with_its_reason_and_the_next_request_is_a_new_one(
    account: tuple[AwsClient, Edge],
) -> None:
    aws, edge = account
    edge.acm.failing[ZONE] = "CAA_ERROR"
    wanted = case(CERTIFICATE, name=ZONE, domains=BOTH)
    with pytest.raises(PipelineError, match=r"FAILED \(CAA_ERROR\)"):
        carry_out(aws, wanted)
    assert wanted.read(aws) is None
    edge.acm.failing.clear()
    carry_out(aws, wanted)
    assert sorted(one["status"] for one in edge.acm.certificates.values()) == ["FAILED", "ISSUED"]


def test_one_that_was_deleted_within_the_hour_is_asked_for_anew(account: tuple[AwsClient, Edge]) -> None:
    aws, edge = account
    wanted = case(CERTIFICATE, name=ZONE, domains=BOTH)
    first = carry_out(aws, wanted)["arn"]
    aws.call("acm", "DeleteCertificate", CertificateArn=first)
    edge.acm.certificates["arn:aws:acm:us-east-1:123456789012:certificate/x"] = {
        "domains": ["other.example.org"],
        "key": "RSA_2048",
        "tags": {},
        "status": "ISSUED",
        "looks": 9,
        "proven": 9,
    }
    assert carry_out(aws, wanted)["arn"] != first


def test_other_domains_are_another_certificate_and_the_old_one_goes_when_nothing_uses_it(
    account: tuple[AwsClient, Edge],
) -> None:
    aws, edge = account
    before, after = (
        case(CERTIFICATE, name=ZONE, domains=BOTH),
        case(CERTIFICATE, name=ZONE, domains=[*BOTH, f"a.b.{ZONE}"]),
    )
    old = carry_out(aws, before)["arn"]
    edge.acm._users = lambda arn: ["arn:aws:cloudfront::123456789012:distribution/E1"] if arn == old else []
    new = carry_out(aws, after)["arn"]
    assert set(edge.acm.certificates) == {old, new}
    edge.acm._users = lambda arn: []
    after.kind.retire(aws, after.resource)
    assert set(edge.acm.certificates) == {new}


def test_a_role_that_may_delete_nothing_deploys_all_the_same(account: tuple[AwsClient, Edge]) -> None:
    aws, edge = account
    carry_out(aws, case(CERTIFICATE, name=ZONE, domains=BOTH))
    after = case(CERTIFICATE, name=ZONE, domains=[ZONE])
    observed = after.read(aws)
    assert observed is not None
    after.kind.update(aws, after.resource, observed, frozenset({"domains"}))
    refused = AwsError(FailedCall("acm", "DeleteCertificate", "AccessDeniedException", "not allowed"))
    after.kind.retire(Failing(aws, {"acm:DeleteCertificate": [refused]}), after.resource)
    assert len(edge.acm.certificates) == 2


def test_the_recorded_one_is_described_and_nothing_is_searched(account: tuple[AwsClient, Edge]) -> None:
    aws, _ = account
    wanted = case(CERTIFICATE, name=ZONE, domains=BOTH)
    outputs = carry_out(aws, wanted)
    recorder = Recorder(aws)
    assert wanted.kind.read(recorder, [Target(wanted.resource, outputs)])
    assert recorder.counts == {"acm:DescribeCertificate": 1, "acm:ListTagsForCertificate": 1}


def test_one_without_a_mark_is_offered_and_one_of_others_is_not(account: tuple[AwsClient, Edge]) -> None:
    aws, _ = account
    wanted = case(CERTIFICATE, name=ZONE, domains=BOTH)
    theirs = {"Key": "pipeline:service", "Value": "billing"}
    asked: dict[str, Any] = {"DomainName": ZONE, "SubjectAlternativeNames": [f"*.{ZONE}"], "ValidationMethod": "DNS"}
    aws.call("acm", "RequestCertificate", IdempotencyToken="a", Tags=[theirs], **asked)
    assert wanted.read(aws) is None
    by_hand = aws.call("acm", "RequestCertificate", IdempotencyToken="b", **asked)["CertificateArn"]
    observed = wanted.read(aws)
    assert observed is not None
    assert (observed.mark, observed.outputs["arn"]) == (None, by_hand)


def test_one_in_use_is_not_deleted_and_its_users_are_named(account: tuple[AwsClient, Edge]) -> None:
    aws, edge = account
    wanted = case(CERTIFICATE, name=ZONE, domains=BOTH)
    carry_out(aws, wanted)
    observed = wanted.read(aws)
    assert observed is not None
    edge.acm._users = lambda arn: ["distribution/E1"]
    with pytest.raises(PipelineError, match="still used by distribution/E1"):
        wanted.kind.delete(aws, observed)


def test_domains_of_another_zone_and_long_first_domains_are_refused() -> None:
    assert problems(CERTIFICATE, name="x", domains=[ZONE, "example.org"]) == [
        f"example.org is no name in the zone {ZONE}"
    ]
    (long,) = problems(CERTIFICATE, name="x", zone=ZONE, domains=[f"{'a' * 60}.{ZONE}"])
    assert "ACM allows 64" in long


def test_one_certificate_serves_the_zone_and_what_lies_one_label_below() -> None:
    assert covers(BOTH, ZONE)
    assert covers(BOTH, f"www.{ZONE}")
    assert not covers(BOTH, f"a.b.{ZONE}")
    shared = following_certificate([f"api.{ZONE}"], ZONE, "us-east-1", None)
    assert (shared.name, shared.properties["domains"]) == (ZONE, BOTH)
    regional = following_certificate([f"api.{ZONE}"], ZONE, "eu-west-1", None)
    assert (regional.name, regional.properties["region"]) == (f"{ZONE}:eu-west-1", "eu-west-1")
    own = following_certificate([f"a.b.{ZONE}"], ZONE, "us-east-1", None)
    assert own.properties["domains"] == [f"a.b.{ZONE}"]


def test_what_follows_is_in_the_form_that_is_read_back() -> None:
    resource = following_certificate([ZONE], ZONE, "us-east-1", None)
    written = case(CERTIFICATE, name=ZONE, domains=BOTH).resource
    assert resource.properties == written.properties
    assert SCOPE.region == "us-east-1"


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("arn:aws:acm:us-east-1:123456789012:certificate/1", "arn:aws:acm:us-east-1:123456789012:certificate/1"),
        ("mine", "${acm.certificate/mine.arn}"),
        (None, f"${{acm.certificate/{ZONE}.arn}}"),
    ],
)
def test_a_certificate_is_named_by_arn_by_name_or_follows(declared: str | None, expected: str) -> None:
    assert str(certificate_of(declared, [ZONE], ZONE, "us-east-1")) == expected
