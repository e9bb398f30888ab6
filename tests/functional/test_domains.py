"""Names in a zone that is found: what blocks a plan, and whose records are whose."""

import shutil
from typing import Any

import pytest

from tests.functional.support import Service, actions, changing
from tests.support.fault_proxy import FaultProxy

RECORDS = """
records:
  - {name: mail.shop.example.org, type: MX, values: ["10 mail.example.net."]}
  - {name: shop.example.org, type: TXT, values: [v=spf1 -all], zone: shop.example.org}
"""
MAIL, TEXT = "route53.record/mail.shop.example.org:MX", "route53.record/shop.example.org:TXT"
ZONE = "route53.hosted_zone/shop.example.org"


@pytest.fixture
def named(shop: Service) -> Service:
    """A service that is nothing but records."""
    shutil.rmtree(shop.root / "aws")
    shop.edit("aws/route53/records.yaml", RECORDS)
    return shop


def make_zone(service: Service) -> str:
    made = service.aws().call("route53", "CreateHostedZone", Name="shop.example.org", CallerReference="x")
    return str(made["HostedZone"]["Id"])


def records(service: Service, zone: str) -> dict[str, list[str]]:
    """What is in the zone besides its own records."""
    listed = service.aws().call("route53", "ListResourceRecordSets", HostedZoneId=zone)["ResourceRecordSets"]
    return {
        f"{one['Name']}{one['Type']}": [value["Value"] for value in one["ResourceRecords"]]
        for one in listed
        if one["Type"] not in ("NS", "SOA")
    }


def write(service: Service, zone: str, value: str) -> None:
    """Somebody else's mail record."""
    record: dict[str, Any] = {"Name": "mail.shop.example.org", "Type": "MX", "TTL": 60}
    change = {"Action": "UPSERT", "ResourceRecordSet": {**record, "ResourceRecords": [{"Value": value}]}}
    service.aws().call("route53", "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch={"Changes": [change]})


def test_a_missing_zone_refuses_the_deploy_and_says_how_to_make_one(named: Service, proxy: FaultProxy) -> None:
    refused = named.run("deploy")
    assert refused.code == 4
    assert f"{ZONE}: there is none of this name in account 123456789012" in refused.err
    assert "pipeline bootstrap" in refused.err
    assert changing(proxy) == []


def test_records_are_made_kept_and_removed_and_the_zone_stays(named: Service) -> None:
    zone = make_zone(named)
    assert actions(named.run("plan").json) == {MAIL: "create", TEXT: "create"}
    assert named.run("deploy").code == 0
    assert records(named, zone) == {
        "mail.shop.example.org.MX": ["10 mail.example.net."],
        "shop.example.org.TXT": ['"v=spf1 -all"'],
    }
    assert named.run("plan").json["changes"] == []
    write(named, zone, "20 other.example.net.")
    drifted = named.run("plan").json["changes"]
    assert [(one["address"], one["action"], one["origin"]) for one in drifted] == [(MAIL, "update", "drift")]
    assert named.run("deploy").code == 0
    assert records(named, zone)["mail.shop.example.org.MX"] == ["10 mail.example.net."]
    assert named.run("destroy", "--yes").code == 0
    assert records(named, zone) == {}
    assert [one["Id"] for one in named.aws().call("route53", "ListHostedZones")["HostedZones"]] == [zone]


def test_a_record_of_somebody_else_is_neither_taken_over_nor_destroyed(named: Service) -> None:
    zone = make_zone(named)
    write(named, zone, "20 other.example.net.")
    refused = named.run("deploy")
    assert refused.code == 4
    assert f"take it over with --adopt {MAIL}" in refused.err
    named.run("destroy", "--yes")
    assert records(named, zone)["mail.shop.example.org.MX"] == ["20 other.example.net."]
    assert named.run("deploy", "--adopt", MAIL).code == 0
    assert records(named, zone)["mail.shop.example.org.MX"] == ["10 mail.example.net."]
