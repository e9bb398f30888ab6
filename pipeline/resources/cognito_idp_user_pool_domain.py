"""Domains of Cognito's sign-in pages: a prefix of AWS's own domain, or a name of one's own with a certificate.

A prefix is there within seconds and waited for. A domain of one's own takes up to an hour to be distributed, which
nothing has to wait for: the alias record needs its target only, which is known at once.
https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-assign-domain.html
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties
from pipeline.resources._cognito_pools import SERVICE, id_of, pool_reference
from pipeline.resources.base import Aws, Problem, Target, read_each

_EVERY, _READY_WITHIN = 2.0, 120.0
_RESERVED = re.compile(r"aws|amazon|cognito")
_CERTIFICATE_REGION = "us-east-1"
_UNDER_WAY = ("CREATING", "UPDATING")
Wire = Mapping[str, Any]


def canonical(properties: Properties, scope: Scope) -> Properties:
    """The pool as a reference."""
    return {**properties, "user_pool": pool_reference(properties["user_pool"])}


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Prefixes that Cognito refuses; a certificate where one is needed, and in the region that CloudFront looks in."""
    certificate = resource.properties.get("certificate")
    if not _is_custom(resource.name):
        if found := _RESERVED.search(resource.name):
            yield Problem(f"Cognito takes no prefix with {found[0]} in it", ("name",), "choose another prefix")
        if certificate:
            yield Problem("a prefix has AWS's certificate", ("certificate",), "remove it, or name a domain of your own")
        return
    if not certificate:
        yield Problem("a domain of your own needs a certificate", ("name",), "add certificate: <ARN>")
    elif isinstance(certificate, str) and certificate.split(":")[3:4] not in ([_CERTIFICATE_REGION], []):
        hint = f"request it in {_CERTIFICATE_REGION}"
        yield Problem(f"the certificate must be of {_CERTIFICATE_REGION}", ("certificate",), hint)


def _is_custom(name: str) -> bool:
    return "." in name


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each domain by its name."""
    return read_each(aws, targets, _read_one)


def _read_one(aws: Aws, target: Target) -> Observed | None:
    found = _described(aws, target.name)
    if not found:
        return None
    properties = {
        "name": target.name,
        "user_pool": found["UserPoolId"],
        "certificate": (found.get("CustomDomainConfig") or {}).get("CertificateArn"),
        "managed_login_version": found.get("ManagedLoginVersion") or 1,
    }
    pending = None
    if _is_custom(target.name) and found.get("Status") in _UNDER_WAY:
        pending = f"{target.address} is being distributed, which takes up to an hour"
    outputs = _outputs(aws.scope, target.name, found.get("CloudFrontDistribution"))
    return Observed(target.address, properties, outputs, None, markable=False, pending=pending)


def _described(aws: Aws, name: str) -> Wire:
    """The domain; empty when there is none, which is no error to Cognito."""
    found = aws.found(SERVICE, "DescribeUserPoolDomain", Domain=name)
    domain = (found or {}).get("DomainDescription") or {}
    return domain if domain.get("UserPoolId") else {}


def _outputs(scope: Scope, name: str, target: str | None) -> Outputs:
    if _is_custom(name):
        return {"url": f"https://{name}", "target": target or ""}
    return {"url": f"https://{name}.auth.{scope.region}.amazoncognito.com", "target": ""}


def create(aws: Aws, resource: Resource) -> Outputs:
    """The domain, as soon as its pages are there; one of one's own is distributed later."""
    made = aws.call(
        SERVICE, "CreateUserPoolDomain", UserPoolId=id_of(resource.properties["user_pool"]), **_settings(resource)
    )
    if not _is_custom(resource.name):
        aws.wait(f"domain {resource.name}", lambda: _settled(aws, resource.name), every=_EVERY, budget=_READY_WITHIN)
    return _outputs(aws.scope, resource.name, made.get("CloudFrontDomain"))


def _settled(aws: Aws, name: str) -> bool | None:
    found = _described(aws, name)
    return True if found and found.get("Status") not in _UNDER_WAY else None


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """Another certificate, other pages."""
    pool = observed.properties["user_pool"]
    made = aws.call(SERVICE, "UpdateUserPoolDomain", UserPoolId=pool, **_settings(resource))
    return _outputs(aws.scope, resource.name, made.get("CloudFrontDomain") or observed.outputs.get("target"))


def delete(aws: Aws, observed: Observed) -> None:
    """The domain, and all that is under way with it: a pool cannot go before it."""
    name, pool = str(observed.properties["name"]), observed.properties["user_pool"]
    aws.found(SERVICE, "DeleteUserPoolDomain", UserPoolId=pool, Domain=name)
    aws.wait(
        f"deletion of domain {name}",
        lambda: None if _described(aws, name) else True,
        every=_EVERY,
        budget=_READY_WITHIN,
    )


def _settings(resource: Resource) -> dict[str, Any]:
    wanted = resource.properties
    found: dict[str, Any] = {"Domain": resource.name, "ManagedLoginVersion": wanted["managed_login_version"]}
    if wanted.get("certificate"):
        found["CustomDomainConfig"] = {"CertificateArn": wanted["certificate"]}
    return found
