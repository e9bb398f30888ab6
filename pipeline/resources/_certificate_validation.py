"""Proves to ACM who owns the domains of a certificate, by records in their hosted zone, and waits for it."""

from collections.abc import Mapping
from typing import Any

from pipeline.errors import AwsError, PipelineError
from pipeline.resources._route53_zones import find_zone, plain_name
from pipeline.resources.base import Aws

_APPEARS_SECONDS = 15.0
# ACM thinks of the records some seconds after the request: hashicorp/terraform-provider-aws internal/service/acm
_RECORDS_EVERY, _RECORDS_SECONDS = 2.0, 300.0
# Usually some minutes, up to half an hour: https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
_ISSUED_EVERY, _ISSUED_SECONDS = 10.0, 1800.0
_TTL = 300

Wire = Mapping[str, Any]


def region_of(arn: str) -> str:
    """The region that a certificate lies in."""
    return arn.split(":")[3]


def describe(aws: Aws, arn: str) -> Wire | None:
    """The certificate, or None."""
    found = aws.found("acm", "DescribeCertificate", region=region_of(arn), CertificateArn=arn)
    return found["Certificate"] if found else None


def appears(aws: Aws, arn: str) -> bool:
    """True when there is such a certificate, which may take ACM a moment; False for one that was deleted."""
    try:
        aws.wait(f"certificate {arn} to appear", lambda: describe(aws, arn), every=1.0, budget=_APPEARS_SECONDS)
    except AwsError as error:
        if error.code != "TimedOut":
            raise
        return False
    return True


def validate(aws: Aws, arn: str, zone: str) -> None:
    """Writes the records that ACM asks for into the zone, and waits until it has issued the certificate.

    Raises PipelineError when ACM will not issue it or there is no zone, AwsError when it takes too long.
    """
    found = aws.wait(
        f"the validation records of certificate {arn}",
        lambda: _with_records(aws, arn),
        every=_RECORDS_EVERY,
        budget=_RECORDS_SECONDS,
    )
    if found["Status"] == "ISSUED":
        return
    zone_id = find_zone(aws, zone)
    if zone_id is None:
        raise PipelineError(f"validating certificate {found['DomainName']}: there is no hosted zone {zone}")
    records = _records(found)
    _write(aws, zone_id, records)
    try:
        aws.wait(
            f"certificate {found['DomainName']} to be issued",
            lambda: _issued(aws, arn),
            every=_ISSUED_EVERY,
            budget=_ISSUED_SECONDS,
        )
    except AwsError as error:
        if error.code != "TimedOut":
            raise
        raise AwsError(error.call, hint=_hint(aws, zone, zone_id, records)) from error


def _with_records(aws: Aws, arn: str) -> Wire | None:
    """The certificate once every domain has its record; how that proceeds differs between the domains."""
    found = describe(aws, arn)
    if found is None:
        return None
    _check(found)
    if found["Status"] == "ISSUED":
        return found
    options = found.get("DomainValidationOptions") or ()
    named = {option["DomainName"] for option in options if option.get("ResourceRecord")}
    wanted = {str(found["DomainName"]), *found.get("SubjectAlternativeNames", ())}
    return found if wanted <= named else None


def _issued(aws: Aws, arn: str) -> Wire | None:
    found = describe(aws, arn)
    if found is not None:
        _check(found)
    return found if found and found["Status"] == "ISSUED" else None


def _check(found: Wire) -> None:
    """https://docs.aws.amazon.com/acm/latest/userguide/troubleshooting-failed.html"""
    if found["Status"] in ("ISSUED", "PENDING_VALIDATION"):
        return
    reason = found.get("FailureReason") or "no reason given"
    raise PipelineError(
        f"certificate {found['DomainName']} is {found['Status']} ({reason})",
        hint="mend what the reason names (a CAA record of the domain has to admit amazon.com), and run again",
    )


def _records(found: Wire) -> list[Wire]:
    """What proves all domains, each record once: a domain and the wildcard below it have the same one."""
    records = (option["ResourceRecord"] for option in found["DomainValidationOptions"])
    return list({(record["Name"], record["Type"]): record for record in records}.values())


def _write(aws: Aws, zone_id: str, records: list[Wire]) -> None:
    """In one batch. The names are ACM's own, so nobody else's record can be meant."""
    changes = [
        {
            "Action": "UPSERT",
            "ResourceRecordSet": {
                "Name": record["Name"],
                "Type": record["Type"],
                "TTL": _TTL,
                "ResourceRecords": [{"Value": record["Value"]}],
            },
        }
        for record in records
    ]
    aws.call("route53", "ChangeResourceRecordSets", HostedZoneId=zone_id, ChangeBatch={"Changes": changes})


def _hint(aws: Aws, zone: str, zone_id: str, records: list[Wire]) -> str:
    details = aws.call("route53", "GetHostedZone", Id=zone_id)
    servers = ", ".join(sorted((details.get("DelegationSet") or {}).get("NameServers") or ()))
    names = ", ".join(plain_name(record["Name"]) for record in records)
    return f"check that {names} can be looked up: the registrar of {zone} has to name its name servers ({servers})"
