"""Response headers policies of CloudFront, which carry no tags: the mark stands in their comment.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-response-headers-policies.html
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties
from pipeline.resources import _cloudfront_etags as etags
from pipeline.resources import _text_marks as marks
from pipeline.resources._cloudfront_listed import chosen
from pipeline.resources._response_headers import ANY, canonical_headers
from pipeline.resources.base import Aws, Problem, Target

_THING = "ResponseHeadersPolicy"
Wire = Mapping[str, Any]


def canonical(properties: Properties, scope: Scope) -> Properties:
    """With the defaults of what is nested, the comment without white space around it."""
    return canonical_headers(properties)


def warn(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Every weaker form."""
    wanted = resource.properties
    if wanted["hsts"]["max_age"] == 0:
        yield Problem("browsers may be led to the pages over plain HTTP", ("hsts",))
    if wanted["frame"] == ANY:
        yield Problem("every site may show the pages in a frame of its own", ("frame",), "say frame: SAMEORIGIN")
    if not wanted["no_sniff"]:
        yield Problem("browsers may take a file for another type than it has", ("no_sniff",))


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """By the recorded ids, else by their names, from one list."""
    key = "ResponseHeadersPolicyList.Items"
    listed = aws.pages("cloudfront", "ListResponseHeadersPolicies", key=key, Type="custom")
    policies = [one["ResponseHeadersPolicy"] for one in listed]
    found = [(one["ResponseHeadersPolicyConfig"]["Name"], one) for one in policies]
    return {target.address: _observed(target, one) for target, one in chosen(targets, found)}


def _observed(target: Target, found: Wire) -> Observed:
    config = found["ResponseHeadersPolicyConfig"]
    comment, mark = marks.split(config.get("Comment"), target.address)
    security = config.get("SecurityHeadersConfig") or {}
    strict = security.get("StrictTransportSecurity") or {}
    custom = (config.get("CustomHeadersConfig") or {}).get("Items") or ()
    removed = (config.get("RemoveHeadersConfig") or {}).get("Items") or ()
    properties = {
        "name": config["Name"],
        "comment": comment,
        "hsts": {
            "max_age": strict.get("AccessControlMaxAgeSec", 0),
            "subdomains": bool(strict.get("IncludeSubdomains")),
            "preload": bool(strict.get("Preload")),
        },
        "frame": (security.get("FrameOptions") or {}).get("FrameOption", ANY),
        "no_sniff": bool(security.get("ContentTypeOptions")),
        "referrer": (security.get("ReferrerPolicy") or {}).get("ReferrerPolicy"),
        "content_security": (security.get("ContentSecurityPolicy") or {}).get("ContentSecurityPolicy"),
        "headers": {one["Header"]: one.get("Value", "") for one in custom},
        "remove": sorted(one["Header"] for one in removed),
    }
    return Observed(target.address, properties, {"id": found["Id"]}, mark)


def create(aws: Aws, resource: Resource) -> Outputs:
    """The policy with its mark."""
    config = _config(aws.scope, resource)
    made = aws.call("cloudfront", "CreateResponseHeadersPolicy", ResponseHeadersPolicyConfig=config)
    return {"id": made["ResponseHeadersPolicy"]["Id"]}


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """The whole of it."""
    wanted = {"ResponseHeadersPolicyConfig": _config(aws.scope, resource)}
    etags.change(aws, _THING, str(observed.outputs["id"]), lambda _: wanted)
    return observed.outputs


def delete(aws: Aws, observed: Observed) -> None:
    """The policy, once no distribution has it any more."""
    etags.remove(aws, _THING, str(observed.outputs["id"]))


def _config(scope: Scope, resource: Resource) -> dict[str, Any]:
    wanted = resource.properties
    config: dict[str, Any] = {
        "Name": resource.name,
        "Comment": marks.marked(scope, wanted["comment"]),
        "SecurityHeadersConfig": _security(wanted),
    }
    if headers := wanted["headers"]:
        items = [{"Header": name, "Value": value, "Override": True} for name, value in sorted(headers.items())]
        config["CustomHeadersConfig"] = {"Quantity": len(items), "Items": items}
    if removed := wanted["remove"]:
        config["RemoveHeadersConfig"] = {"Quantity": len(removed), "Items": [{"Header": name} for name in removed]}
    return config


def _security(wanted: Properties) -> dict[str, Any]:
    hsts = wanted["hsts"]
    found: dict[str, Any] = {"ReferrerPolicy": {"Override": True, "ReferrerPolicy": wanted["referrer"]}}
    if hsts["max_age"]:
        found["StrictTransportSecurity"] = {
            "Override": True,
            "AccessControlMaxAgeSec": hsts["max_age"],
            "IncludeSubdomains": hsts["subdomains"],
            "Preload": hsts["preload"],
        }
    if wanted["frame"] != ANY:
        found["FrameOptions"] = {"Override": True, "FrameOption": wanted["frame"]}
    if wanted["no_sniff"]:
        found["ContentTypeOptions"] = {"Override": True}
    if policy := wanted.get("content_security"):
        found["ContentSecurityPolicy"] = {"Override": True, "ContentSecurityPolicy": policy}
    return found
