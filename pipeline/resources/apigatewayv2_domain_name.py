"""Domains of WebSocket and of HTTP APIs, regional, with the paths that lead to each API.

https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-custom-domain-names.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.errors import PipelineError
from pipeline.model.resource import Observed, Resource
from pipeline.model.values import Outputs, Properties
from pipeline.resources import _api_domains as domains
from pipeline.resources._api_domains import check, derive
from pipeline.resources.base import Aws, Target, read_each, split_tags, stale_tags, tags_for, touches

__all__ = ["canonical", "check", "create", "delete", "derive", "read", "update"]

_KIND = domains.Kind({"api": "apigatewayv2.api", "http_api": "apigatewayv2.http_api"})
canonical = _KIND.canonical

Wire = Mapping[str, Any]


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each domain by its name."""
    return read_each(aws, targets, _read_one)


def _read_one(aws: Aws, target: Target) -> Observed | None:
    found = aws.found("apigatewayv2", "GetDomainName", DomainName=target.name)
    if found is None:
        return None
    own, mark = split_tags(found.get("Tags") or {})
    declared, setting = target.resource.properties, _setting(found)
    mappings = _mappings(aws, target.name)
    properties = {
        "name": target.name,
        **{name: declared.get(name) for name in domains.DECLARED},
        "mappings": {path: {"api": one["ApiId"], "stage": one.get("Stage")} for path, one in mappings.items()},
        "certificate": setting.get("CertificateArn"),
        "tls": setting.get("SecurityPolicy"),
        "ipv6": setting.get("IpAddressType") == "dualstack",
        "tags": own,
    }
    status = setting.get("DomainNameStatus", domains.AVAILABLE)
    pending = f"{target.address} is {status}" if status != domains.AVAILABLE else None
    return Observed(target.address, properties, _outputs(aws, found, mappings), mark, pending=pending)


def _setting(found: Wire) -> Wire:
    """A domain has one configuration; there are several only while it moves from one kind of endpoint to another."""
    return next(iter(found.get("DomainNameConfigurations") or ()), {})


def _mappings(aws: Aws, name: str) -> dict[str, Wire]:
    listed = aws.pages("apigatewayv2", "GetApiMappings", key="Items", DomainName=name)
    return {one.get("ApiMappingKey") or domains.ROOT: one for one in listed}


def _outputs(aws: Aws, found: Wire, mappings: Mapping[str, Wire]) -> Outputs:
    setting = _setting(found)
    first = next((mappings[path] for path in sorted(mappings)), None)
    api = aws.found("apigatewayv2", "GetApi", ApiId=first["ApiId"]) if first else None
    scheme = "https" if api and api.get("ProtocolType") == "HTTP" else "wss"
    target, zone_id = setting.get("ApiGatewayDomainName"), setting.get("HostedZoneId")
    return domains.outputs(aws.scope, found["DomainName"], target, zone_id, scheme)


def create(aws: Aws, resource: Resource) -> Outputs:
    """The domain with its mark; when it is there, its mappings."""
    aws.call(
        "apigatewayv2",
        "CreateDomainName",
        DomainName=resource.name,
        DomainNameConfigurations=[_wanted(resource.properties)],
        Tags=tags_for(aws, resource),
    )
    found = _available(aws, resource.name)
    _map(aws, resource, {})
    return _outputs(aws, found, _mappings(aws, resource.name))


def _wanted(properties: Properties) -> dict[str, str]:
    return {
        "CertificateArn": properties["certificate"],
        "EndpointType": "REGIONAL",
        "SecurityPolicy": properties["tls"],
        "IpAddressType": "dualstack" if properties["ipv6"] else "ipv4",
    }


def _available(aws: Aws, name: str) -> Wire:
    """The domain when it can be used. PipelineError when it never will be."""

    def look() -> Wire | None:
        found = aws.call("apigatewayv2", "GetDomainName", DomainName=name)
        setting = _setting(found)
        status = setting.get("DomainNameStatus", domains.AVAILABLE)
        if status not in (domains.AVAILABLE, *domains.CHANGING):
            reason = setting.get("DomainNameStatusMessage") or "no reason"
            raise PipelineError(f"domain name {name} is {status}: {reason}")
        return found if status == domains.AVAILABLE else None

    return aws.wait(f"domain name {name} to be available", look, every=domains.EVERY, budget=domains.SECONDS)


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """Settings as a whole; then the mappings; tags."""
    outputs = observed.outputs
    if touches(paths, "certificate", "tls", "ipv6"):
        settings = [_wanted(resource.properties)]
        aws.call("apigatewayv2", "UpdateDomainName", DomainName=resource.name, DomainNameConfigurations=settings)
        _available(aws, resource.name)
    if touches(paths, "mappings"):
        _map(aws, resource, _mappings(aws, resource.name))
        outputs = _outputs(aws, _available(aws, resource.name), _mappings(aws, resource.name))
    if touches(paths, "tags"):
        tags, arn = tags_for(aws, resource), domains.arn(aws.scope, resource.name)
        aws.call("apigatewayv2", "TagResource", ResourceArn=arn, Tags=tags)
        if gone := stale_tags(observed, tags):
            aws.call("apigatewayv2", "UntagResource", ResourceArn=arn, TagKeys=gone)
    return outputs


def _map(aws: Aws, resource: Resource, have: Mapping[str, Wire]) -> None:
    """Mappings that are missing or lead elsewhere; then those that nobody wants go."""
    wanted = resource.properties["mappings"]
    for path, one in wanted.items():
        found = have.get(path)
        where = {"DomainName": resource.name, "ApiId": one["api"], "Stage": one["stage"]}
        if found is None:
            key = {} if path == domains.ROOT else {"ApiMappingKey": path}
            aws.call("apigatewayv2", "CreateApiMapping", **key, **where)
        elif (found["ApiId"], found.get("Stage")) != (one["api"], one["stage"]):
            aws.call("apigatewayv2", "UpdateApiMapping", ApiMappingId=found["ApiMappingId"], **where)
    for path in sorted(have.keys() - wanted.keys()):
        gone = {"DomainName": resource.name, "ApiMappingId": have[path]["ApiMappingId"]}
        aws.found("apigatewayv2", "DeleteApiMapping", **gone)


def delete(aws: Aws, observed: Observed) -> None:
    """The domain with its mappings."""
    aws.found("apigatewayv2", "DeleteDomainName", DomainName=observed.properties["name"])
