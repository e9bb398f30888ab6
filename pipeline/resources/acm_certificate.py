"""Certificates of ACM, validated by DNS.

ACM knows certificates by ARNs alone: one is found by the ARN of the last release, else by its domains and the ownership
mark. Requesting carries a token made of what is wanted, so that asking twice gives one certificate. The records that
prove who owns the domains are written into the hosted zone, each once: a domain and the wildcard below it share one.
They stay when the certificate goes, because certificates of other regions and environments need the same ones to be
renewed. https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from pipeline.errors import AwsError, PipelineError
from pipeline.model.resource import Mark, Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties
from pipeline.resources import _certificate_validation as validation
from pipeline.resources._certificates import ISSUED, canonical_certificate
from pipeline.resources._route53_records import hosted_zone
from pipeline.resources._route53_zones import is_within
from pipeline.resources.base import (
    Aws,
    Problem,
    Target,
    read_each,
    split_tags,
    stale_tags,
    tag_list,
    tag_map,
    tags_for,
    touches,
)

# The list shows certificates of these keys when it is asked to, and of RSA_2048 alone when it is not.
# https://docs.aws.amazon.com/acm/latest/APIReference/API_ListCertificates.html
_KEYS = ["RSA_2048", "EC_prime256v1", "EC_secp384r1"]
_USABLE = ("ISSUED", "PENDING_VALIDATION")
_USELESS = ("EXPIRED", "FAILED", "INACTIVE", "REVOKED", "VALIDATION_TIMED_OUT")
_MOST_DEAD = 3
_MOST_CHARACTERS = (
    64  # of the first domain: https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html
)
_TOKEN_CHARACTERS = 32

Wire = Mapping[str, Any]


def canonical(properties: Properties, scope: Scope) -> Properties:
    """Domains in one order, the zone, and that it is to be issued."""
    return canonical_certificate(properties)


def derive(resource: Resource, scope: Scope) -> Iterator[Resource]:
    """The zone, which must be there."""
    yield hosted_zone(str(resource.properties["zone"]), resource.source)


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Domains outside of the zone, which could not be validated, and a first one that is too long."""
    zone = str(resource.properties["zone"])
    for index, domain in enumerate(resource.properties["domains"]):
        if not is_within(str(domain).removeprefix("*."), zone):
            hint = "name the zone that holds all domains, or make a certificate for each zone"
            yield Problem(f"{domain} is no name in the zone {zone}", ("domains", index), hint)
    first = str(resource.properties["domains"][0])
    if len(first) > _MOST_CHARACTERS:
        text = f"the first domain has {len(first)} characters; ACM allows {_MOST_CHARACTERS}"
        yield Problem(text, ("domains", 0), "put a shorter one first")


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each certificate by the ARN of the last release, else by its domains and its mark."""
    return read_each(aws, targets, _read_one)


def _read_one(aws: Aws, target: Target) -> Observed | None:
    wanted = target.resource
    recorded = target.recorded.get("arn")
    found = validation.describe(aws, str(recorded)) if recorded else None
    if found is None or found.get("Status") not in _USABLE:
        found = _find(aws, wanted)
    return _observed(aws, wanted, found) if found else None


def _find(aws: Aws, wanted: Resource) -> Wire | None:
    """The certificate with our mark, rather the one that is as wanted; else one like it without a mark, to be adopted.

    Only certificates for names in the zone are looked at: each takes two calls.
    """
    ours: list[Wire] = []
    unmarked: list[Wire] = []
    zone = str(wanted.properties["zone"])
    for summary in _listed(aws, str(wanted.properties["region"])):
        if not is_within(str(summary["DomainName"]).removeprefix("*."), zone):
            continue
        arn = str(summary["CertificateArn"])
        mark, found = _mark(aws, arn), validation.describe(aws, arn)
        if found is not None and mark == aws.scope.mark(wanted.address):
            ours.append(found)
        elif found is not None and mark is None and _fits(found, wanted):
            unmarked.append(found)
    return next((found for found in ours if _fits(found, wanted)), next(iter(ours or unmarked), None))


def _listed(aws: Aws, region: str, statuses: Sequence[str] = _USABLE) -> list[Wire]:
    chosen = {"CertificateStatuses": list(statuses), "Includes": {"keyTypes": _KEYS}}
    return aws.pages("acm", "ListCertificates", key="CertificateSummaryList", region=region, **chosen)


def _mark(aws: Aws, arn: str) -> Mark | None:
    return split_tags(_tags(aws, arn))[1]


def _tags(aws: Aws, arn: str) -> dict[str, str]:
    found = aws.call("acm", "ListTagsForCertificate", region=validation.region_of(arn), CertificateArn=arn)
    return tag_map({"Value": "", **tag} for tag in found.get("Tags") or ())


def _domains(found: Wire) -> list[str]:
    first = str(found["DomainName"])
    return [first, *sorted({*found.get("SubjectAlternativeNames", ())} - {first})]


def _observed(aws: Aws, wanted: Resource, found: Wire) -> Observed:
    arn, declared = str(found["CertificateArn"]), wanted.properties
    tags, mark = split_tags(_tags(aws, arn))
    status = str(found["Status"])
    properties = {
        "name": wanted.name,
        "domains": _domains(found),
        "zone": declared["zone"],
        "region": validation.region_of(arn),
        "key_algorithm": _key(found),
        "tags": tags,
        "state": ISSUED if status == "ISSUED" else status.lower().replace("_", " "),
    }
    return Observed(wanted.address, properties, {"arn": arn}, mark)


def create(aws: Aws, resource: Resource) -> Outputs:
    """Requests it with its mark, writes its validation records, waits until it is issued."""
    return _issued(aws, resource, _request(aws, resource))


def _request(aws: Aws, resource: Resource) -> str:
    """Asks for it; once more when ACM remembers only one that was deleted since."""
    dead: list[str] = _failed(aws, resource)
    arn = _ask(aws, resource, _token(aws, resource, dead))
    for _ in range(_MOST_DEAD):
        if validation.appears(aws, arn):
            break
        dead.append(arn)
        arn = _ask(aws, resource, _token(aws, resource, dead))
    return arn


def _ask(aws: Aws, resource: Resource, token: str) -> str:
    wanted = resource.properties
    first, *others = wanted["domains"]
    more = {"SubjectAlternativeNames": others} if others else {}
    answer = aws.call(
        "acm",
        "RequestCertificate",
        region=wanted["region"],
        DomainName=first,
        ValidationMethod="DNS",
        KeyAlgorithm=wanted["key_algorithm"],
        IdempotencyToken=token,
        Tags=tag_list(tags_for(aws, resource)),
        **more,
    )
    return str(answer["CertificateArn"])


def _token(aws: Aws, resource: Resource, dead: Sequence[str]) -> str:
    """Made of what is wanted, and of earlier ones that came to nothing: asked for within the hour, they would be given.

    https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html
    """
    wanted, scope = resource.properties, aws.scope
    said = [scope.service, scope.environment, resource.address, wanted["key_algorithm"], *wanted["domains"]]
    return sha256("\n".join([*said, *sorted(dead)]).encode()).hexdigest()[:_TOKEN_CHARACTERS]


def _failed(aws: Aws, resource: Resource) -> list[str]:
    listed = _listed(aws, str(resource.properties["region"]), _USELESS)
    return [one["CertificateArn"] for one in listed if one["DomainName"] == resource.properties["domains"][0]]


def _issued(aws: Aws, resource: Resource, arn: str) -> Outputs:
    validation.validate(aws, arn, str(resource.properties["zone"]))
    return {"arn": arn}


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """Another one for other domains or another key; tags; validation that is still to be done."""
    arn = str(observed.outputs["arn"])
    if touches(paths, "domains", "key_algorithm"):
        known = _find(aws, resource)
        ours = known is not None and _fits(known, resource) and _mark(aws, known["CertificateArn"]) is not None
        return _issued(aws, resource, str(known["CertificateArn"]) if known and ours else _request(aws, resource))
    if touches(paths, "tags"):
        tags = tags_for(aws, resource)
        where = {"region": validation.region_of(arn), "CertificateArn": arn}
        aws.call("acm", "AddTagsToCertificate", Tags=tag_list(tags), **where)
        if gone := stale_tags(observed, tags):
            aws.call("acm", "RemoveTagsFromCertificate", Tags=[{"Key": key} for key in gone], **where)
    return _issued(aws, resource, arn) if touches(paths, "state") else observed.outputs


def _key(found: Wire) -> str:
    """Its kind of key, which ACM writes with a dash in answers.

    https://docs.aws.amazon.com/acm/latest/APIReference/API_CertificateDetail.html
    """
    return str(found.get("KeyAlgorithm") or "RSA_2048").replace("-", "_")


def _fits(found: Wire, wanted: Resource) -> bool:
    """True for the same domains and the same kind of key."""
    properties = wanted.properties
    return bool(_domains(found) == list(properties["domains"]) and _key(found) == properties["key_algorithm"])


def retire(aws: Aws, resource: Resource) -> None:
    """Deletes our certificates for other domains that nothing uses any more.

    What used one lets go of it some time after it was told: what is in use now goes with a later change. A role that
    may not delete certificates leaves them.
    """
    current = _find(aws, resource)
    if current is None:
        return
    for summary in _listed(aws, str(resource.properties["region"])):
        arn = summary["CertificateArn"]
        if arn == current["CertificateArn"] or summary.get("InUse"):
            continue
        if _mark(aws, arn) == aws.scope.mark(resource.address):
            _delete_unused(aws, arn)


def _delete_unused(aws: Aws, arn: str) -> None:
    found = validation.describe(aws, arn)
    if found is None or found.get("InUseBy"):
        return
    try:
        aws.found("acm", "DeleteCertificate", region=validation.region_of(arn), CertificateArn=arn)
    except AwsError as error:
        if not error.code.startswith("AccessDenied"):
            raise


def delete(aws: Aws, observed: Observed) -> None:
    """The certificate; what used it lets go of it some minutes after it is gone itself."""
    arn = str(observed.outputs["arn"])
    try:
        aws.found("acm", "DeleteCertificate", region=validation.region_of(arn), CertificateArn=arn)
    except AwsError as error:
        if error.code != "ResourceInUseException":
            raise
        users = (validation.describe(aws, arn) or {}).get("InUseBy") or ()
        raise PipelineError(
            f"deleting certificate {arn}: it is still used by {', '.join(users) or 'something'}",
            hint="run again in some minutes, or detach it there",
        ) from error
