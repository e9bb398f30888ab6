"""Domains of REST APIs, regional, with the paths that lead to each API.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-regional-api-custom-domain-create.html
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.errors import PipelineError
from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties
from pipeline.resources import _api_domains as domains
from pipeline.resources._api_domains import check, derive
from pipeline.resources.base import Aws, Problem, Target, read_each, split_tags, stale_tags, tags_for, touches

__all__ = ["canonical", "check", "create", "delete", "derive", "read", "update", "warn"]

_KIND = domains.Kind({"api": "apigateway.rest_api"})
canonical = _KIND.canonical
# A policy of the newer kind goes with a mode:
# https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-custom-domain-tls-version.html
_ENHANCED, _MODE = "SecurityPolicy_", "BASIC"

Wire = Mapping[str, Any]


def warn(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Every weaker form."""
    if resource.properties["tls"] == "TLS_1_0":
        yield Problem("callers may use TLS 1.0", ("tls",), "say TLS_1_2 or newer")


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each domain by its name."""
    return read_each(aws, targets, _read_one)


def _read_one(aws: Aws, target: Target) -> Observed | None:
    found = aws.found("apigateway", "GetDomainName", domainName=target.name)
    if found is None:
        return None
    own, mark = split_tags(found.get("tags") or {})
    mappings = _mappings(aws, target.name)
    declared, endpoint = target.resource.properties, found.get("endpointConfiguration") or {}
    properties = {
        "name": target.name,
        **{name: declared.get(name) for name in domains.DECLARED},
        "mappings": {path: {"api": one["restApiId"], "stage": one.get("stage")} for path, one in mappings.items()},
        "certificate": found.get("regionalCertificateArn") or found.get("certificateArn"),
        "tls": found.get("securityPolicy"),
        "ipv6": endpoint.get("ipAddressType") == "dualstack",
        "tags": own,
    }
    status = found.get("domainNameStatus", domains.AVAILABLE)
    pending = f"{target.address} is {status}" if status != domains.AVAILABLE else None
    return Observed(target.address, properties, _outputs(aws.scope, found), mark, pending=pending)


def _mappings(aws: Aws, name: str) -> dict[str, Wire]:
    listed = aws.pages("apigateway", "GetBasePathMappings", key="items", domainName=name)
    return {one.get("basePath") or domains.ROOT: one for one in listed}


def _outputs(scope: Scope, found: Wire) -> Outputs:
    target, zone_id = found.get("regionalDomainName"), found.get("regionalHostedZoneId")
    return domains.outputs(scope, found["domainName"], target, zone_id, "https")


def create(aws: Aws, resource: Resource) -> Outputs:
    """The domain with its mark; when it is there, its mappings."""
    wanted = resource.properties
    aws.call(
        "apigateway",
        "CreateDomainName",
        domainName=resource.name,
        regionalCertificateArn=wanted["certificate"],
        endpointConfiguration={"types": ["REGIONAL"], "ipAddressType": _addresses(wanted)},
        securityPolicy=wanted["tls"],
        tags=tags_for(aws, resource),
        **({"endpointAccessMode": _MODE} if wanted["tls"].startswith(_ENHANCED) else {}),
    )
    found = _available(aws, resource.name)
    _map(aws, resource, {})
    return _outputs(aws.scope, found)


def _addresses(wanted: Properties) -> str:
    return "dualstack" if wanted["ipv6"] else "ipv4"


def _available(aws: Aws, name: str) -> Wire:
    """The domain when it can be used. PipelineError when it never will be."""

    def look() -> Wire | None:
        found = aws.call("apigateway", "GetDomainName", domainName=name)
        status = found.get("domainNameStatus", domains.AVAILABLE)
        if status not in (domains.AVAILABLE, *domains.CHANGING):
            reason = found.get("domainNameStatusMessage") or "no reason"
            raise PipelineError(f"domain name {name} is {status}: {reason}")
        return found if status == domains.AVAILABLE else None

    return aws.wait(f"domain name {name} to be available", look, every=domains.EVERY, budget=domains.SECONDS)


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """Settings in one call; then the mappings; tags."""
    operations = _patches(observed.properties, resource.properties, paths)
    if operations:
        aws.call("apigateway", "UpdateDomainName", domainName=resource.name, patchOperations=operations)
    outputs = _outputs(aws.scope, _available(aws, resource.name)) if operations else observed.outputs
    if touches(paths, "mappings"):
        _map(aws, resource, _mappings(aws, resource.name))
    if touches(paths, "tags"):
        tags, arn = tags_for(aws, resource), domains.arn(aws.scope, resource.name)
        aws.call("apigateway", "TagResource", resourceArn=arn, tags=tags)
        if gone := stale_tags(observed, tags):
            aws.call("apigateway", "UntagResource", resourceArn=arn, tagKeys=gone)
    return outputs


def _patches(have: Properties, wanted: Properties, paths: frozenset[str]) -> list[dict[str, str]]:
    """With a policy of the older kind there may be no mode.

    https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html#UpdateDomainName-Patch
    """
    values = {
        "certificate": {"/regionalCertificateArn": wanted["certificate"]},
        "tls": {"/securityPolicy": wanted["tls"]},
        "ipv6": {"/endpointConfiguration/ipAddressType": _addresses(wanted)},
    }
    if wanted["tls"].startswith(_ENHANCED):
        values["tls"]["/endpointAccessMode"] = _MODE
    elif str(have["tls"]).startswith(_ENHANCED):
        values["tls"]["/endpointAccessMode"] = ""
    chosen = {path: value for name, pairs in values.items() if touches(paths, name) for path, value in pairs.items()}
    return [{"op": "replace", "path": path, "value": value} for path, value in chosen.items()]


def _map(aws: Aws, resource: Resource, have: Mapping[str, Wire]) -> None:
    """Mappings that are missing or lead elsewhere; then those that nobody wants go."""
    wanted = resource.properties["mappings"]
    for path, one in wanted.items():
        found = have.get(path)
        if found is None:
            base = {} if path == domains.ROOT else {"basePath": path}
            where = {"domainName": resource.name, "restApiId": one["api"], "stage": one["stage"], **base}
            aws.call("apigateway", "CreateBasePathMapping", **where)
        elif (found["restApiId"], found.get("stage")) != (one["api"], one["stage"]):
            operations = [
                {"op": "replace", "path": "/restapiId", "value": one["api"]},
                {"op": "replace", "path": "/stage", "value": one["stage"]},
            ]
            at = {"domainName": resource.name, "basePath": path}
            aws.call("apigateway", "UpdateBasePathMapping", patchOperations=operations, **at)
    for path in sorted(have.keys() - wanted.keys()):
        aws.found("apigateway", "DeleteBasePathMapping", domainName=resource.name, basePath=path)


def delete(aws: Aws, observed: Observed) -> None:
    """The domain with its mappings."""
    aws.found("apigateway", "DeleteDomainName", domainName=observed.properties["name"])
