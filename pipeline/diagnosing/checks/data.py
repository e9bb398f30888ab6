"""Tables, buckets and certificates: throttled, unprotected, about to expire."""

from collections.abc import Iterator
from datetime import datetime

from pipeline.diagnosing.finding import Check, Finding, Severity
from pipeline.diagnosing.patient import Patient
from pipeline.model.resource import Resource

_SOON = 45  # days; AWS renews its own certificates 60 days before they end


def throttled_tables(patient: Patient) -> Iterator[Finding]:
    """Reads and writes that DynamoDB refused for want of capacity.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
    """
    for table in patient.of("dynamodb.table"):
        evidence = tuple(_throttled(patient, table))
        if not evidence:
            continue
        place = str(table.source) if table.source else "the specs"
        fix = f"billing_mode: PAY_PER_REQUEST, or more capacity, in {place}"
        if table.properties.get("billing_mode") == "PAY_PER_REQUEST":
            fix = (
                "keys that spread: one of them takes 3,000 reads and 1,000 writes a second, and new tables begin lower"
            )
        yield Finding(f"table {table.name} is throttled", "warning", evidence, fix, table.address)


def _throttled(patient: Patient, table: Resource) -> Iterator[str]:
    """What was refused of the table itself and of its indexes, which have capacity and figures of their own.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
    """
    indexes = [str(index["name"]) for index in table.properties.get("indexes") or ()]
    for index in ("", *indexes):
        dimensions = {"TableName": table.name} | ({"GlobalSecondaryIndexName": index} if index else {})
        for kind in ("Read", "Write"):
            if count := patient.total("AWS/DynamoDB", f"{kind}ThrottleEvents", dimensions):
                what = f"{kind.lower()} of {index}" if index else kind.lower()
                yield f"{what}: {count:.0f} throttled in the last {patient.hours:g} h"


def unprotected_data(patient: Patient) -> Iterator[Finding]:
    """Data that one call could delete, or that has no second copy. Where environments come and go that may be meant."""
    severity: Severity = "warning" if patient.environment.name.startswith("prod") else "info"
    for table in patient.of("dynamodb.table"):
        for key in ("deletion_protection", "point_in_time_recovery"):
            if table.properties.get(key) is False and not table.properties.get("ttl_attribute"):
                place = str(table.source) if table.source else "the specs"
                yield Finding(
                    f"table {table.name} has no {key.replace('_', ' ')}",
                    severity,
                    (),
                    f"{key}: true in {place}",
                    table.address,
                )
    for bucket in patient.of("s3.bucket"):
        if bucket.properties.get("versioning") is False:
            place = str(bucket.source) if bucket.source else "the specs"
            yield Finding(
                f"bucket {bucket.name} keeps no old versions",
                severity,
                (),
                f"versioning: true in {place}",
                bucket.address,
            )
    for pool in patient.of("cognito-idp.user_pool"):
        if pool.properties.get("deletion_protection") is False:
            place = str(pool.source) if pool.source else "the specs"
            fix = f"deletion_protection: true in {place}"
            yield Finding(f"user pool {pool.name} has no deletion protection", severity, (), fix, pool.address)


def certificates(patient: Patient) -> Iterator[Finding]:
    """Certificates that end soon, or that are not issued."""
    for address, name, arn in _certificates(patient):
        region = str(arn).split(":")[3]
        found = patient.aws.call("acm", "DescribeCertificate", region=region, CertificateArn=arn)["Certificate"]
        status, ends = found["Status"], found.get("NotAfter")
        if status != "ISSUED":
            fix = "put its validation records into the domain's zone, or look at the reason"
            yield Finding(
                f"certificate {name} is {status}", "error", (str(found.get("FailureReason", "")),), fix, address
            )
        elif isinstance(ends, datetime) and (left := (ends - patient.now).days) < _SOON:
            worse: Severity = "error" if left < 7 else "warning"
            evidence = (
                f"renewal: {found.get('RenewalEligibility', 'unknown')}",
                f"used by {len(found.get('InUseBy', ()))}",
            )
            fix = "leave its validation records in the zone: AWS renews it then"
            yield Finding(f"certificate {name} ends in {left} days", worse, evidence, fix, address)


def _certificates(patient: Patient) -> Iterator[tuple[str, str, str]]:
    """(address, name, ARN) of those that are declared, and of others that distributions and domains name by ARN."""
    for certificate in patient.of("acm.certificate"):
        observed = patient.condition.observed.get(certificate.address)
        if observed and (arn := observed.outputs.get("arn")):
            yield certificate.address, certificate.name, str(arn)
    for kind in ("cloudfront.distribution", "apigateway.domain_name", "apigatewayv2.domain_name"):
        for resource in patient.of(kind):
            arn = resource.properties.get("certificate")
            if isinstance(arn, str) and ":acm:" in arn:
                yield resource.address, f"of {resource.name}", arn


CHECKS = (
    Check("certificates", "certificates are issued and do not end soon", certificates),
    Check("throttled-tables", "tables have the capacity that is asked of them", throttled_tables),
    Check("unprotected-data", "data is protected against deletion", unprotected_data),
)
