"""A distribution's configuration: from the words of the specs to CloudFront's, and back. Pure.

An update replaces the whole configuration, so what is wanted is laid over what is there: settings that the specs do not
speak of (logging, geographic restrictions) stay as they are.
https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_UpdateDistribution.html
"""

from collections.abc import Mapping
from typing import Any

from pipeline.model.values import Properties
from pipeline.resources._distribution_declaration import CACHE_POLICIES, ORIGIN_REQUESTS, RESPONSE_HEADERS

ORIGIN = "origin"
_METHODS = {
    "read": ["GET", "HEAD"],
    "read-and-options": ["GET", "HEAD", "OPTIONS"],
    "all": ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"],
}
# Settings of behaviors from before there were cache policies; CloudFront takes them or a policy.
_LEGACY = ("ForwardedValues", "MinTTL", "DefaultTTL", "MaxTTL")
_EMPTY: Mapping[str, Any] = {"Quantity": 0}
_OWN_HOSTS = (".s3.", ".s3-")

Wire = Mapping[str, Any]


def to_wire(wanted: Properties, have: Wire) -> dict[str, Any]:
    """The configuration; `have` is the one that is there, {} for a new distribution."""
    config = {
        **have,
        "Comment": wanted["comment"],
        "Enabled": wanted["enabled"],
        "Aliases": _items(wanted["aliases"]),
        "DefaultRootObject": wanted["default_root"],
        "Origins": _items([_origin(ORIGIN, wanted["source"], have), *_further_origins(wanted, have)]),
        "OriginGroups": {"Quantity": 0},
        "DefaultCacheBehavior": _behavior(ORIGIN, wanted, have.get("DefaultCacheBehavior") or {}),
        "CacheBehaviors": _items([_route(route, have) for route in wanted["routes"]]),
        "CustomErrorResponses": _errors(wanted["errors"]),
        "PriceClass": wanted["price_class"],
        "ViewerCertificate": _certificate(wanted),
        "HttpVersion": wanted["http_version"],
        "IsIPV6Enabled": wanted["ipv6"],
    }
    if wanted.get("web_acl"):
        config["WebACLId"] = wanted["web_acl"]
    return config


def _items(values: Any) -> dict[str, Any]:
    return {"Quantity": len(values), "Items": list(values)} if values else {"Quantity": 0}


def _further_origins(wanted: Properties, have: Wire) -> list[dict[str, Any]]:
    return [_origin(_origin_of(route), route["source"], have) for route in wanted["routes"]]


def _origin_of(route: Properties) -> str:
    """The id of a behavior's origin: each has its own, as the same host may be asked in different ways."""
    return f"{ORIGIN} of {route['path']}"


def _origin(identifier: str, source: Properties, have: Wire) -> dict[str, Any]:
    """An origin of ours; what is set of it besides stays, where it is the same host."""
    found = [one for one in _listed(have, "Origins") if one["DomainName"] == source["domain"]]
    same: Wire = next((one for one in found if one["Id"] == identifier), found[0] if found else {})
    origin = {
        "CustomHeaders": {"Quantity": 0},
        "ConnectionAttempts": 3,
        "ConnectionTimeout": 10,
        "OriginShield": {"Enabled": False},
        **same,
        "Id": identifier,
        "DomainName": source["domain"],
        "OriginPath": source["path"],
        "OriginAccessControlId": source["access_control"] or "",
    }
    if source["protocol"] == "s3":
        origin.pop("CustomOriginConfig", None)
        # Always there, always empty with an access control:
        # https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_S3OriginConfig.html
        return {**origin, "S3OriginConfig": {**(same.get("S3OriginConfig") or {}), "OriginAccessIdentity": ""}}
    origin.pop("S3OriginConfig", None)
    custom = {
        "HTTPPort": 80,
        "HTTPSPort": 443,
        "OriginReadTimeout": 30,
        "OriginKeepaliveTimeout": 5,
        "OriginSslProtocols": {"Quantity": 1, "Items": ["TLSv1.2"]},
        **(same.get("CustomOriginConfig") or {}),
        "OriginProtocolPolicy": source["protocol"],
    }
    return {**origin, "CustomOriginConfig": custom}


def _route(route: Properties, have: Wire) -> dict[str, Any]:
    """The behavior for a path; what is set of it besides stays."""
    there = next((one for one in _listed(have, "CacheBehaviors") if one["PathPattern"] == route["path"]), {})
    return {**_behavior(_origin_of(route), route, there), "PathPattern": route["path"]}


def _behavior(origin: str, wanted: Properties, have: Wire) -> dict[str, Any]:
    kept = {name: value for name, value in have.items() if name not in _LEGACY}
    methods = _METHODS[wanted["methods"]]
    behavior = {
        "SmoothStreaming": False,
        "FieldLevelEncryptionId": "",
        **kept,
        "TargetOriginId": origin,
        "ViewerProtocolPolicy": wanted["viewer_protocol"],
        "AllowedMethods": {**_items(methods), "CachedMethods": _items(_METHODS["read"])},
        "Compress": wanted["compress"],
        "CachePolicyId": CACHE_POLICIES.get(wanted["cache"], wanted["cache"]),
        "TrustedSigners": {"Enabled": False, "Quantity": 0},
        "TrustedKeyGroups": {"Enabled": False, "Quantity": 0},
        "LambdaFunctionAssociations": {"Quantity": 0},
        "FunctionAssociations": {"Quantity": 0},
    }
    for name, said, known in (
        ("OriginRequestPolicyId", wanted.get("origin_request"), ORIGIN_REQUESTS),
        ("ResponseHeadersPolicyId", wanted.get("response_headers"), RESPONSE_HEADERS),
    ):
        behavior.pop(name, None)
        if said:
            behavior[name] = known.get(said, said)
    return behavior


def _errors(wanted: Properties) -> dict[str, Any]:
    items = []
    for code, one in sorted(wanted.items()):
        item = {"ErrorCode": int(code), "ErrorCachingMinTTL": one["ttl"]}
        if one["page"]:
            item |= {"ResponsePagePath": one["page"], "ResponseCode": str(one["status"])}
        items.append(item)
    return _items(items)


def _certificate(wanted: Properties) -> dict[str, Any]:
    if not wanted.get("certificate"):
        return {"CloudFrontDefaultCertificate": True}
    return {
        "ACMCertificateArn": wanted["certificate"],
        "SSLSupportMethod": "sni-only",
        "MinimumProtocolVersion": wanted["minimum_tls"],
    }


def from_wire(config: Wire) -> dict[str, Any]:
    """The settings, in the words of the specs."""
    behavior = config.get("DefaultCacheBehavior") or {}
    certificate = config.get("ViewerCertificate") or {}
    arn = certificate.get("ACMCertificateArn") or None
    return {
        "comment": config.get("Comment") or "",
        "enabled": bool(config.get("Enabled")),
        "aliases": sorted((config.get("Aliases") or {}).get("Items") or ()),
        "default_root": config.get("DefaultRootObject") or "",
        "source": _source(config, behavior),
        "certificate": arn,
        "minimum_tls": certificate.get("MinimumProtocolVersion") if arn else None,
        "http_version": str(config.get("HttpVersion") or "http2").lower(),
        "ipv6": bool(config.get("IsIPV6Enabled")),
        "price_class": config.get("PriceClass"),
        "errors": {str(one["ErrorCode"]): _error(one) for one in _listed(config, "CustomErrorResponses")},
        **_served(behavior),
        "routes": [
            {"path": one["PathPattern"], **_served(one), "source": _source(config, one)}
            for one in _listed(config, "CacheBehaviors")
        ],
        "web_acl": config.get("WebACLId") or None,
        "unmanaged": _unmanaged(config, behavior),
    }


def _served(behavior: Wire) -> dict[str, Any]:
    """How a behavior serves, wherever from."""
    return {
        "viewer_protocol": behavior.get("ViewerProtocolPolicy"),
        "methods": _methods(behavior),
        "compress": bool(behavior.get("Compress")),
        "cache": _named(behavior.get("CachePolicyId"), CACHE_POLICIES),
        "origin_request": _named(behavior.get("OriginRequestPolicyId"), ORIGIN_REQUESTS),
        "response_headers": _named(behavior.get("ResponseHeadersPolicyId"), RESPONSE_HEADERS),
    }


def _listed(config: Wire, name: str) -> list[Wire]:
    return list((config.get(name) or {}).get("Items") or ())


def _named(identifier: str | None, known: Mapping[str, str]) -> str | None:
    by_id = {value: name for name, value in known.items()}
    return by_id.get(identifier, identifier) if identifier else None


def _source(config: Wire, behavior: Wire) -> dict[str, Any]:
    """The origin that a behavior leads to."""
    target = behavior.get("TargetOriginId")
    origin = next((one for one in _listed(config, "Origins") if one["Id"] == target), {})
    custom = origin.get("CustomOriginConfig")
    return {
        "domain": origin.get("DomainName"),
        "path": origin.get("OriginPath") or "",
        "protocol": custom.get("OriginProtocolPolicy") if custom else "s3",
        "access_control": origin.get("OriginAccessControlId") or None,
    }


def _error(one: Wire) -> dict[str, Any]:
    page, code = one.get("ResponsePagePath") or None, one.get("ResponseCode")
    return {"page": page, "status": int(code) if page and code else None, "ttl": one.get("ErrorCachingMinTTL")}


def _methods(behavior: Wire) -> str:
    found = sorted((behavior.get("AllowedMethods") or {}).get("Items") or _METHODS["read"])
    return next((name for name, methods in _METHODS.items() if methods == found), ", ".join(found))


def _unmanaged(config: Wire, behavior: Wire) -> list[str]:
    """What an author's terms cannot express, and would change what viewers get."""
    behaviors = [behavior, *_listed(config, "CacheBehaviors")]
    used = {one.get("TargetOriginId") for one in behaviors}
    found = {f"origin {one['Id']}" for one in _listed(config, "Origins") if one["Id"] not in used}
    for one in behaviors:
        found |= {f"function {each['FunctionARN']}" for each in _listed(one, "FunctionAssociations")}
        found |= {f"function {each['LambdaFunctionARN']}" for each in _listed(one, "LambdaFunctionAssociations")}
        found |= {f"signer {each}" for name in ("TrustedSigners", "TrustedKeyGroups") for each in _listed(one, name)}
    return sorted(found)
