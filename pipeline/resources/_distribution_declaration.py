"""A CloudFront distribution as its author declares it: in canonical form, what follows from it, what AWS would refuse.

Pure. Certificates for CloudFront lie in us-east-1 whatever the region of the rest:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cnames-and-https-requirements.html
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.model.resource import Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Expression, Properties, Reference, Value
from pipeline.resources._certificates import CLOUDFRONT_REGION, certificate_of, following_certificate
from pipeline.resources._response_headers import canonical_headers
from pipeline.resources._route53_records import alias_records, hosted_zone
from pipeline.resources._route53_zones import is_within
from pipeline.resources.base import Problem

# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
CACHE_POLICIES = {
    "CachingOptimized": "658327ea-f89d-4fab-a63d-7e88639e58f6",
    "CachingOptimizedForUncompressedObjects": "b2884449-e4de-46a7-ac36-70bc7f1ddd6d",
    "CachingDisabled": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
    "UseOriginCacheControlHeaders": "83da9c7e-98b4-4e11-a168-04f0df8e2c65",
    "UseOriginCacheControlHeaders-QueryStrings": "4cc15a8a-d715-48a4-82b8-cc0b614638fe",
}
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html
ORIGIN_REQUESTS = {
    "AllViewer": "216adef6-5c7f-47e4-b989-5492eafa07d3",
    "AllViewerExceptHostHeader": "b689b0a8-53d0-40ab-baf2-68738e2966ac",
    "CORS-S3Origin": "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf",
    "CORS-CustomOrigin": "59781a5b-3903-41f3-afcb-af62929ccde1",
    "UserAgentRefererHeaders": "acba4595-bd28-49b8-b9fe-13317c0390fa",
}
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-response-headers-policies.html
RESPONSE_HEADERS = {
    "SecurityHeadersPolicy": "67f7725c-6f97-4210-82d7-5512b31e9d03",
    "SimpleCORS": "60669652-455b-4ae9-85a4-c4c02393f86c",
    "CORS-With-Preflight": "5cc3b908-e619-4b99-88e5-2cf7f45965bd",
    "CORS-and-SecurityHeadersPolicy": "e61eb60c-9c35-4d20-a928-2b84e02af89c",
    "CORS-with-preflight-and-SecurityHeadersPolicy": "eaab4381-ed33-4a86-88ca-d9558dc6cd63",
}
# What only declares, and more follows from; CloudFront has no such settings.
DECLARED = ("bucket", "website", "zone", "records")
# What is said in other words canonically.
_REWORDED = ("origin", "origin_protocol", "origin_path", "spa", "behaviors")
NO_POLICY = "none"
_HEADERS = "cloudfront.response_headers_policy"
# What leads to an API, by the property that names one.
APIS = {"api": "apigateway.rest_api", "http_api": "apigatewayv2.http_api"}
OLD_TLS = ("TLSv1.2_2019", "TLSv1.2_2018", "TLSv1.1_2016", "TLSv1_2016")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What a private bucket and a public one answer for a file that is not there.
_MISSING = (403, 404)


def canonical(properties: Properties, scope: Scope) -> Properties:
    """Aliases in order, the origin, policies by reference, errors by their code."""
    aliases = sorted(properties.get("aliases") or ())
    zone = properties.get("zone") or (_shortest(aliases).removeprefix("*.") if aliases else None)
    declared = properties.get("certificate")
    certificate = certificate_of(declared, aliases, str(zone), CLOUDFRONT_REGION) if aliases else declared
    response_headers = _response_headers(properties)
    return {
        **{name: value for name, value in properties.items() if name not in _REWORDED},
        "aliases": aliases,
        "zone": zone,
        "certificate": certificate,
        "minimum_tls": properties["minimum_tls"] if certificate else None,
        "source": _source(properties),
        "errors": _errors(properties),
        "cache": _policy(properties["cache"], CACHE_POLICIES, "cloudfront.cache_policy"),
        "response_headers": response_headers,
        "routes": [_route(one, response_headers) for one in properties["behaviors"]],
        "comment": properties.get("comment") or properties["name"],
        "unmanaged": [],
    }


def _shortest(aliases: list[str]) -> str:
    return min(aliases, key=lambda alias: (len(alias), alias))


def address_of(aliases: list[str], domain: str) -> str:
    """What people type: the shortest alias that is no wildcard, or the name at CloudFront."""
    plain = [alias for alias in aliases if not alias.startswith("*")]
    return f"https://{_shortest(plain) if plain else domain}"


def _source(properties: Properties) -> dict[str, Any]:
    """The origin: where it is, how it is asked, who signs."""
    path, bucket = properties.get("origin_path") or "", properties.get("bucket")
    if not bucket:
        host = properties.get("origin")
        return {"domain": host, "path": path, "protocol": properties["origin_protocol"], "access_control": None}
    if properties["website"]:
        host = Expression((Reference(f"s3.bucket/{bucket}", "website_domain"),))
        return {"domain": host, "path": path, "protocol": "http-only", "access_control": None}
    control = Expression((Reference(f"cloudfront.origin_access_control/{properties['name']}", "id"),))
    host = Expression((Reference(f"s3.bucket/{bucket}", "domain"),))
    return {"domain": host, "path": path, "protocol": "s3", "access_control": control}


def _route(behavior: Mapping[str, Any], response_headers: Value) -> dict[str, Any]:
    """One behavior with its origin. CloudFront asks an API over HTTPS, and below the path of its stage."""
    said = behavior.get("response_headers")
    headers = None if said == NO_POLICY else _policy(said, RESPONSE_HEADERS, _HEADERS) if said else response_headers
    return {
        **{name: behavior[name] for name in ("path", "viewer_protocol", "methods", "compress", "origin_request")},
        "cache": _policy(behavior["cache"], CACHE_POLICIES, "cloudfront.cache_policy"),
        "response_headers": headers,
        "source": {**_behind(behavior), "protocol": "https-only", "access_control": None},
    }


def _behind(behavior: Mapping[str, Any]) -> dict[str, Any]:
    for name, kind in APIS.items():
        if behavior.get(name):
            api = f"{kind}/{behavior[name]}"
            return {"domain": Expression((Reference(api, "host"),)), "path": Expression((Reference(api, "path"),))}
    return {"domain": behavior["origin"], "path": behavior["origin_path"]}


def _errors(properties: Properties) -> dict[str, Any]:
    pages = {str(one["code"]): _error(one) for one in properties.get("errors") or ()}
    if properties["spa"]:
        root = f"/{properties['default_root'].lstrip('/')}"
        pages = {str(code): {"page": root, "status": 200, "ttl": 10} for code in _MISSING} | pages
    return pages


def _error(one: Mapping[str, Any]) -> dict[str, Any]:
    page = one.get("page")
    return {"page": page, "status": one.get("status", one["code"]) if page else None, "ttl": one.get("ttl", 10)}


def _policy(said: Value, known: Mapping[str, str], kind: str) -> Value:
    """AWS's own by its name, one with an id by that, else the declared one of this name."""
    if not isinstance(said, str) or said in known or _ID.fullmatch(said):
        return said
    return Expression((Reference(f"{kind}/{said}", "id"),))


def _response_headers(properties: Properties) -> Value:
    said = properties.get("response_headers") or properties["name"]
    return None if said == NO_POLICY else _policy(said, RESPONSE_HEADERS, _HEADERS)


def derive(resource: Resource, scope: Scope) -> Iterator[Resource]:
    """Everything around it that is not declared by itself: who may read the bucket, headers, certificate, records."""
    wanted, source, name = resource.properties, resource.source, resource.name
    if wanted.get("bucket") and not wanted["website"]:
        control = {"name": name, "description": "", "origin": "s3", "signing": "always"}
        yield Resource("cloudfront.origin_access_control", name, control, source=source)
        yield _grant(resource)
    headers = Reference(f"cloudfront.response_headers_policy/{name}", "id")
    if wanted["response_headers"] == Expression((headers,)):
        properties = canonical_headers({"name": name})
        yield Resource("cloudfront.response_headers_policy", name, properties, source=source)
    aliases, zone = wanted["aliases"], str(wanted["zone"])
    if not aliases:
        return
    following = following_certificate(aliases, zone, CLOUDFRONT_REGION, source)
    if wanted["certificate"] == Expression((Reference(following.address, "arn"),)):
        yield hosted_zone(zone, source)
        yield following
    if wanted["records"]:
        yield hosted_zone(zone, source)
        own = Reference(resource.address, "domain")
        yield from alias_records(aliases, zone, own, Expression((Reference(resource.address, "zone_id"),)), source)


def _grant(resource: Resource) -> Resource:
    bucket = str(resource.properties["bucket"])
    name = f"{bucket}:{resource.name}"
    properties = {
        "name": name,
        "bucket": bucket,
        "distribution": Expression((Reference(resource.address, "arn"),)),
    }
    return Resource("s3.bucket_grant", name, properties, (f"s3.bucket/{bucket}",), resource.source)


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Names outside of the zone, certificates of another region, what would let viewers write to a bucket."""
    wanted = resource.properties
    if wanted["website"] and not wanted.get("bucket"):
        yield Problem("website is about a bucket", ("website",), "name the bucket, or remove it")
    if wanted.get("certificate") and not wanted["aliases"]:
        yield Problem("a certificate means nothing without aliases", ("certificate",), "add aliases")
    certificate = wanted.get("certificate")
    if isinstance(certificate, str) and certificate.split(":")[3:4] != [CLOUDFRONT_REGION]:
        yield Problem(f"CloudFront takes certificates of {CLOUDFRONT_REGION} alone", ("certificate",))
    for index, alias in enumerate(wanted["aliases"]):
        if wanted["records"] and not is_within(alias.removeprefix("*."), str(wanted["zone"])):
            hint = "name the zone that holds all aliases, or say records: false"
            yield Problem(f"{alias} is no name in the zone {wanted['zone']}", ("aliases", index), hint)
    paths = [route["path"] for route in wanted["routes"]]
    for index, path in enumerate(paths):
        if path in paths[:index]:
            yield Problem(f"{path} is twice among the paths", ("behaviors", index, "path"))
    if wanted["methods"] == "all" and wanted.get("bucket") and not wanted["website"]:
        yield Problem("viewers could write to the bucket", ("methods",), "say methods: read")


def warn(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Every weaker form."""
    wanted = resource.properties
    if wanted["website"]:
        text = "CloudFront asks the website of the bucket over plain HTTP, and everybody can read the bucket directly"
        yield Problem(text, ("website",), "remove website and keep the bucket private")
    elif wanted["source"]["protocol"] in ("http-only", "match-viewer"):
        yield Problem("CloudFront may ask the origin over plain HTTP", ("origin_protocol",), "say https-only")
    if wanted["viewer_protocol"] == "allow-all":
        yield Problem("pages are shown over plain HTTP, too", ("viewer_protocol",), "say redirect-to-https")
    if wanted["minimum_tls"] in OLD_TLS:
        yield Problem(f"{wanted['minimum_tls']} admits old ciphers", ("minimum_tls",), "say TLSv1.2_2021 or newer")
    for index, route in enumerate(wanted["routes"]):
        if route["viewer_protocol"] == "allow-all":
            text = f"{route['path']} is served over plain HTTP, too"
            yield Problem(text, ("behaviors", index, "viewer_protocol"), "say https-only")
    shown = [code for code, one in sorted(wanted["errors"].items()) if one["page"]]
    if wanted["routes"] and shown:
        # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/creating-custom-error-pages.html
        paths = ", ".join(route["path"] for route in wanted["routes"])
        text = f"callers of {paths} get a page for {', '.join(shown)}: errors and spa are about all that is served"
        hint = "let what is behind answer with other statuses, or let pages do without: paths after # need no spa"
        yield Problem(text, ("behaviors",), hint)
    if wanted["response_headers"] is None:
        yield Problem("answers carry no security headers", ("response_headers",), "remove response_headers: none")
