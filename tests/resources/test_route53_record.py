"""Records: what an author writes, whose they are, and zones that are found and never made."""

from collections.abc import Iterator

import pytest

from pipeline.applying.aws_client import AwsClient
from pipeline.errors import AwsError, PipelineError
from pipeline.resources._route53_zones import plain_name
from pipeline.resources.base import Target
from pipeline.resources.registry import registry
from tests.contract.engine import carry_out, converge, remove
from tests.resources import edge as edges
from tests.resources.edge import ZONE, ZONE_ID, case, problems
from tests.support.aws import SCOPE, FakeClock
from tests.support.faults import Recorder

RECORD = "route53.record"
ALIAS = {"target": "D111.CloudFront.net.", "zone_id": "Z2FDTNDATAQYW2"}


@pytest.fixture
def aws(aws_environment: None, clock: FakeClock) -> Iterator[AwsClient]:
    with edges.account(aws_environment, clock) as (client, _):
        yield client


def test_texts_are_quoted_and_cut() -> None:
    found = case(RECORD, name=f"x.{ZONE}", type="TXT", values=['a "b"', '"c"', "d" * 300])
    assert found.resource.properties["values"] == ['"a \\"b\\""', '"c"', f'"{"d" * 255}" "{"d" * 45}"']


def test_the_zone_is_what_follows_the_first_label_unless_it_is_named() -> None:
    assert case(RECORD, name="a.b.example.com", type="A", values=["192.0.2.1"]).resource.properties["zone"] == (
        "b.example.com"
    )
    named = case(RECORD, name="a.b.example.com", type="A", values=["192.0.2.1"], zone="example.com")
    assert named.resource.properties["zone"] == "example.com"
    (zone,) = named.kind.derive(named.resource, SCOPE)
    assert zone.address == "route53.hosted_zone/example.com"


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"name": "x.example.org", "type": "A", "zone": ZONE}, "is no name in the zone"),
        ({"name": ZONE, "type": "CNAME", "zone": ZONE}, "which cannot have a CNAME"),
        ({"name": ZONE, "type": "NS", "zone": ZONE}, "are Route 53's"),
        ({"name": f"x.{ZONE}", "type": "CNAME", "values": ["a.", "b."]}, "a CNAME has one value"),
        ({"name": f"x.{ZONE}", "type": "A", "alias": ALIAS, "ttl": 60}, "has the time to live of what it leads to"),
    ],
)
def test_what_route_53_refuses_is_told_before(properties: dict[str, object], message: str) -> None:
    given = {"values": ["a."], **properties} if "alias" not in properties else properties
    assert any(message in found for found in problems(RECORD, **given))


def test_an_alias_reads_back_as_declared_whatever_its_spelling(aws: AwsClient) -> None:
    wanted = case(RECORD, name=ZONE, type="AAAA", zone=ZONE, alias=ALIAS)
    carry_out(aws, wanted)
    again = Recorder(aws)
    carry_out(again, wanted)
    assert again.changing == []


def test_a_wildcard_is_found_although_route_53_writes_it_with_an_escape(aws: AwsClient) -> None:
    assert plain_name(f"\\052.{ZONE.upper()}.") == f"*.{ZONE}"
    wanted = case(RECORD, name=f"*.{ZONE}", type="A", values=["192.0.2.1"])
    carry_out(aws, wanted)
    assert wanted.read(aws) is not None


def test_a_record_that_appeared_meanwhile_is_not_written_over(aws: AwsClient) -> None:
    name = f"www.{ZONE}"
    theirs = case(RECORD, name=name, type="A", values=["192.0.2.1"])
    carry_out(aws, theirs)
    ours = case(RECORD, name=name, type="A", values=["192.0.2.2"])
    with pytest.raises(AwsError, match="already exists"):
        ours.kind.create(aws, ours.resource)
    observed = theirs.read(aws)
    assert observed is not None
    assert observed.properties["values"] == ["192.0.2.1"]
    assert not observed.markable


def test_records_of_one_zone_are_read_with_one_list(aws: AwsClient) -> None:
    cases = [case(RECORD, name=f"{name}.{ZONE}", type="A", values=["192.0.2.1"]) for name in ("a", "b", "c")]
    for one in cases:
        converge(aws, one)
    recorder = Recorder(aws)
    found = cases[0].kind.read(recorder, [Target(one.resource, {}) for one in cases])
    assert set(found) == {one.address for one in cases}
    assert recorder.counts == {"route53:ListHostedZonesByName": 1, "route53:ListResourceRecordSets": 1}


def test_records_beyond_the_first_page_are_looked_for_one_by_one(aws: AwsClient) -> None:
    many = [
        {
            "Action": "CREATE",
            "ResourceRecordSet": {
                "Name": f"a{number:03}.{ZONE}",
                "Type": "A",
                "TTL": 60,
                "ResourceRecords": [{"Value": "192.0.2.1"}],
            },
        }
        for number in range(301)
    ]
    aws.call("route53", "ChangeResourceRecordSets", HostedZoneId=ZONE_ID, ChangeBatch={"Changes": many})
    cases = [case(RECORD, name=f"{name}.{ZONE}", type="A", values=["192.0.2.1"]) for name in ("a001", "a300", "zz")]
    found = cases[0].kind.read(aws, [Target(one.resource, {}) for one in cases])
    assert set(found) == {cases[0].address, cases[1].address}


def test_a_routing_policy_is_refused_and_not_overwritten(aws: AwsClient) -> None:
    record = {"Name": f"w.{ZONE}", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    weighted = {**record, "SetIdentifier": "one", "Weight": 1}
    change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": weighted}]}
    aws.call("route53", "ChangeResourceRecordSets", HostedZoneId=ZONE_ID, ChangeBatch=change)
    with pytest.raises(PipelineError, match="routing policy"):
        case(RECORD, name=f"w.{ZONE}", type="A", values=["192.0.2.1"]).read(aws)


def test_deleting_a_record_that_was_changed_meanwhile_deletes_what_is_there(aws: AwsClient) -> None:
    wanted = case(RECORD, name=f"x.{ZONE}", type="A", values=["192.0.2.1"])
    carry_out(aws, wanted)
    observed = wanted.read(aws)
    assert observed is not None
    changed = case(RECORD, name=f"x.{ZONE}", type="A", values=["192.0.2.9"])
    carry_out(aws, changed)
    wanted.kind.delete(aws, observed)
    assert wanted.read(aws) is None
    remove(aws, wanted)


def test_a_zone_is_found_by_its_exact_name(aws: AwsClient) -> None:
    zone = case("route53.hosted_zone", name=ZONE).read(aws)
    assert zone is not None
    assert zone.outputs["id"] == ZONE_ID
    assert len(zone.outputs["name_servers"]) == 4
    assert case("route53.hosted_zone", name="example.com").read(aws) is None


def test_private_zones_do_not_count_and_two_public_ones_are_refused(aws: AwsClient) -> None:
    aws.call(
        "route53",
        "CreateHostedZone",
        Name="private.example.com",
        CallerReference="1",
        HostedZoneConfig={"PrivateZone": True},
        VPC={"VPCRegion": "us-east-1", "VPCId": "vpc-1"},
    )
    assert case("route53.hosted_zone", name="private.example.com").read(aws) is None
    aws.call("route53", "CreateHostedZone", Name=ZONE, CallerReference="2")
    with pytest.raises(PipelineError, match="there are 2 public ones"):
        case("route53.hosted_zone", name=ZONE).read(aws)


def test_a_missing_zone_names_the_command_that_makes_it() -> None:
    assert "pipeline bootstrap" in str(registry()["route53.hosted_zone"].spec.lookup)
