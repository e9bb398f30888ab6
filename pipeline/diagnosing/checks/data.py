"""Tables, buckets and certificates: throttled, unprotected, about to expire."""

from collections.abc import Iterator
from datetime import datetime

from pipeline.diagnosing.finding import Check, Finding, Severity
from pipeline.diagnosing.patient import Patient

_SOON = 45  # days; AWS renews its own certificates 60 days before they end


def throttled_tables(patient: Patient) -> Iterator[Finding]:
    """Reads and writes that DynamoDB refused for want of capacity."""
    for table in patient.of("dynamodb.table"):
        counts = {
            kind: patient.total("AWS/DynamoDB", f"{kind}ThrottleEvents", {"TableName": table.name})
            for kind in ("Read", "Write")
        }
        if not any(counts.values()):
            continue
        place = str(table.source) if table.source else "the specs"
        evidence = tuple(
            f"{kind.lower()}: {count:.0f} throttled in the last {patient.hours:g} h"
            for kind, count in counts.items()
            if count
        )
        fix = f"billing_mode: PAY_PER_REQUEST, or more capacity, in {place}"
        yield Finding(f"table {table.name} is throttled", "warning", evidence, fix, table.address)


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


def certificates(patient: Patient) -> Iterator[Finding]:
    """Certificates that end soon, or that are not issued."""
    for certificate in patient.of("acm.certificate"):
        observed = patient.condition.observed.get(certificate.address)
        arn = observed.outputs.get("arn") if observed else None
        if not arn:
            continue
        region = str(arn).split(":")[3]
        found = patient.aws.call("acm", "DescribeCertificate", region=region, CertificateArn=arn)["Certificate"]
        status, ends = found["Status"], found.get("NotAfter")
        if status != "ISSUED":
            fix = "put its validation records into the domain's zone, or look at the reason"
            yield Finding(
                f"certificate {certificate.name} is {status}",
                "error",
                (str(found.get("FailureReason", "")),),
                fix,
                certificate.address,
            )
        elif isinstance(ends, datetime) and (left := (ends - patient.now).days) < _SOON:
            worse: Severity = "error" if left < 7 else "warning"
            evidence = (
                f"renewal: {found.get('RenewalEligibility', 'unknown')}",
                f"used by {len(found.get('InUseBy', ()))}",
            )
            fix = "leave its validation records in the zone: AWS renews it then"
            yield Finding(
                f"certificate {certificate.name} ends in {left} days", worse, evidence, fix, certificate.address
            )


CHECKS = (
    Check("certificates", "certificates are issued and do not end soon", certificates),
    Check("throttled-tables", "tables have the capacity that is asked of them", throttled_tables),
    Check("unprotected-data", "data is protected against deletion", unprotected_data),
)
