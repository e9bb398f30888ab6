"""Cache policies of CloudFront, which carry no tags: the mark stands in their comment.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cache-key-understand-cache-policy.html
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties
from pipeline.resources import _cloudfront_etags as etags
from pipeline.resources import _text_marks as marks
from pipeline.resources._cloudfront_listed import chosen
from pipeline.resources.base import Aws, Problem, Target

_THING = "CachePolicy"
Wire = Mapping[str, Any]


def canonical(properties: Properties, scope: Scope) -> Properties:
    """Lists in one order, the comment without white space around it."""
    return {
        **properties,
        "comment": str(properties.get("comment") or "").strip(),
        "query_strings": _in_order(properties["query_strings"]),
        "cookies": _in_order(properties["cookies"]),
    }


def _in_order(value: Any) -> Any:
    return sorted(value) if isinstance(value, (list, tuple)) else value


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Times that contradict each other, and a policy that keeps nothing and tells apart all the same."""
    wanted = resource.properties
    if not wanted["min_ttl"] <= wanted["default_ttl"] <= wanted["max_ttl"]:
        yield Problem("min_ttl, default_ttl and max_ttl must not decrease in this order", ("default_ttl",))
    tells = wanted["headers"] or wanted["query_strings"] != "none" or wanted["cookies"] != "none" or wanted["compress"]
    if wanted["max_ttl"] == 0 and tells:
        # https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_ParametersInCacheKeyAndForwardedToOrigin.html
        hint = "use the policy CachingDisabled of AWS"
        yield Problem("with max_ttl 0 nothing is kept, so nothing can be told apart", ("max_ttl",), hint)


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """By the recorded ids, else by their names, from one list."""
    listed = aws.pages("cloudfront", "ListCachePolicies", key="CachePolicyList.Items", Type="custom")
    found = [(one["CachePolicy"]["CachePolicyConfig"]["Name"], one["CachePolicy"]) for one in listed]
    return {target.address: _observed(target, one) for target, one in chosen(targets, found)}


def _observed(target: Target, found: Wire) -> Observed:
    config = found["CachePolicyConfig"]
    comment, mark = marks.split(config.get("Comment"), target.address)
    key = config.get("ParametersInCacheKeyAndForwardedToOrigin") or {}
    properties = {
        "name": config["Name"],
        "comment": comment,
        "min_ttl": config.get("MinTTL"),
        "default_ttl": config.get("DefaultTTL"),
        "max_ttl": config.get("MaxTTL"),
        "headers": sorted((key.get("HeadersConfig") or {}).get("Headers", {}).get("Items") or ()),
        "query_strings": _shown(key.get("QueryStringsConfig") or {}, "QueryString"),
        "cookies": _shown(key.get("CookiesConfig") or {}, "Cookie"),
        "compress": bool(key.get("EnableAcceptEncodingGzip") and key.get("EnableAcceptEncodingBrotli")),
    }
    return Observed(target.address, properties, {"id": found["Id"]}, mark)


def _shown(config: Wire, what: str) -> Any:
    behavior = config.get(f"{what}Behavior", "none")
    if behavior != "whitelist":
        return behavior
    return sorted((config.get(f"{what}s") or {}).get("Items") or ())


def create(aws: Aws, resource: Resource) -> Outputs:
    """The policy with its mark."""
    made = aws.call("cloudfront", "CreateCachePolicy", CachePolicyConfig=_config(aws.scope, resource))
    return {"id": made["CachePolicy"]["Id"]}


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """The whole of it."""
    wanted = {"CachePolicyConfig": _config(aws.scope, resource)}
    etags.change(aws, _THING, str(observed.outputs["id"]), lambda _: wanted)
    return observed.outputs


def delete(aws: Aws, observed: Observed) -> None:
    """The policy, once no distribution has it any more."""
    etags.remove(aws, _THING, str(observed.outputs["id"]))


def _config(scope: Scope, resource: Resource) -> dict[str, Any]:
    wanted = resource.properties
    headers: dict[str, Any] = {"HeaderBehavior": "none"}
    if wanted["headers"]:
        headers = {"HeaderBehavior": "whitelist", "Headers": _items(wanted["headers"])}
    return {
        "Name": resource.name,
        "Comment": marks.marked(scope, wanted["comment"]),
        "MinTTL": wanted["min_ttl"],
        "DefaultTTL": wanted["default_ttl"],
        "MaxTTL": wanted["max_ttl"],
        "ParametersInCacheKeyAndForwardedToOrigin": {
            "EnableAcceptEncodingGzip": wanted["compress"],
            "EnableAcceptEncodingBrotli": wanted["compress"],
            "HeadersConfig": headers,
            "QueryStringsConfig": _chosen(wanted["query_strings"], "QueryString"),
            "CookiesConfig": _chosen(wanted["cookies"], "Cookie"),
        },
    }


def _chosen(wanted: Any, what: str) -> dict[str, Any]:
    if isinstance(wanted, str):
        return {f"{what}Behavior": wanted}
    return {f"{what}Behavior": "whitelist", f"{what}s": _items(wanted)}


def _items(values: Sequence[str]) -> dict[str, Any]:
    return {"Quantity": len(values), "Items": sorted(values)}
