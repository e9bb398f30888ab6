"""Who may call methods of a REST API: user pools and functions that judge, as specs, document and AWS say it. Pure.

Canonically:

    "users": {"type": "COGNITO_USER_POOLS", "user_pools": [ARNs], "identity": ["header.Authorization"]}
    "judge": {"type": "REQUEST", "function": "orders-judge", "identity": ["header.Authorization"], "ttl": 300}

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-authorizer.html
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pipeline.model.scope import Scope
from pipeline.model.values import Properties
from pipeline.resources._cognito_pools import pool_reference
from pipeline.resources.base import Problem

NONE = ("none", "")
POOLS, FUNCTION = "COGNITO_USER_POOLS", "REQUEST"
_REQUEST = "method.request."
Wire = Mapping[str, Any]


def canonical(declared: Mapping[str, Any], endpoints: Mapping[str, Any]) -> dict[str, Any]:
    """The authorizers that endpoints name; the others mean nothing."""
    used = named(endpoints)
    return {name: _canonical(one) for name, one in declared.items() if name in used}


def named(endpoints: Mapping[str, Any]) -> set[str]:
    """The names of authorizers that canonical endpoints use."""
    found: set[str] = set()
    for entry in endpoints.values():
        for one in entry if isinstance(entry, list) else [entry]:
            if one.get("authorizer"):
                found.add(str(one["authorizer"]))
    return found


def _canonical(declared: Mapping[str, Any]) -> dict[str, Any]:
    if "type" in declared:
        return dict(declared)
    identity = list(declared.get("identity") or ["header.Authorization"])
    if declared.get("user_pools"):
        pools = [pool_reference(pool, "arn") for pool in declared["user_pools"]]
        return {"type": POOLS, "user_pools": pools, "identity": identity}
    ttl = declared.get("ttl", 300)
    return {"type": FUNCTION, "function": declared.get("function"), "identity": identity, "ttl": ttl}


def demand(endpoint: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """What an endpoint's methods demand beyond what all have; nothing for one without an authorizer."""
    name = endpoint.get("authorizer", NONE[0])
    if name in NONE:
        return {}
    pools = _canonical(known[name])["type"] == POOLS if name in known else True
    scopes = {"scopes": sorted(endpoint["scopes"])} if endpoint.get("scopes") else {}
    return {"authorization": POOLS if pools else "CUSTOM", "authorizer": name, **scopes}


def check(properties: Properties) -> Iterator[Problem]:
    """Authorizers that are not there, or are two things at once."""
    known = properties.get("authorizers") or {}
    for key, entry in properties["endpoints"].items():
        if not isinstance(entry, Mapping) or not entry.get("authorizer"):
            continue
        if entry["authorizer"] not in known:
            hint = "declare it below authorizers, or say none"
            yield Problem(f"{key} names the authorizer {entry['authorizer']}, which is not there", ("endpoints",), hint)
        elif entry.get("scopes") and entry["authorization"] != POOLS:
            yield Problem(f"{key} has scopes, which only user pools give", ("endpoints",), "remove scopes")
    for name, one in known.items():
        path = ("authorizers", name)
        if one["type"] == FUNCTION and not one["function"]:
            yield Problem("an authorizer has user_pools or a function", path, "add one of them")
        if one["type"] == POOLS and (len(one["identity"]) > 1 or not one["identity"][0].startswith("header.")):
            yield Problem("tokens of user pools come in one header", (*path, "identity"), "say [header.Authorization]")


def schemes(properties: Properties, scope: Scope) -> dict[str, Any]:
    """The security schemes of the document."""
    return {
        name: _by_pools(one) if one["type"] == POOLS else _by_function(one, properties["alias"], scope)
        for name, one in sorted((properties.get("authorizers") or {}).items())
    }


def _by_pools(one: Mapping[str, Any]) -> dict[str, Any]:
    """The header is the scheme's own name."""
    authorizer = {"type": POOLS.lower(), "providerARNs": list(one["user_pools"])}
    return _scheme(one["identity"][0].partition(".")[2], "cognito_user_pools", authorizer)


def _by_function(one: Mapping[str, Any], alias: str, scope: Scope) -> dict[str, Any]:
    identity = [f"{_REQUEST}{part}" if _is_of_request(part) else part for part in one["identity"]]
    authorizer = {
        "type": FUNCTION.lower(),
        "identitySource": ",".join(identity),
        "authorizerResultTtlInSeconds": one["ttl"],
        "authorizerUri": invocation_uri(one["function"], alias, scope),
    }
    return _scheme("Unused", "custom", authorizer)


def _scheme(header: str, kind: str, authorizer: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "apiKey",
        "name": header,
        "in": "header",
        "x-amazon-apigateway-authtype": kind,
        "x-amazon-apigateway-authorizer": authorizer,
    }


def _is_of_request(part: str) -> bool:
    return part.startswith(("header.", "querystring."))


def invocation_uri(function: str, alias: str, scope: Scope) -> str:
    """What API Gateway calls to invoke a function through its alias."""
    arn = scope.arn("lambda", f"function:{function}:{alias}")
    return f"arn:{scope.partition}:apigateway:{scope.region}:lambda:path/2015-03-31/functions/{arn}/invocations"


def shown(listed: Sequence[Wire], wanted: set[str], function_of: Callable[[str], str]) -> dict[str, Any]:
    """The authorizers among `wanted` as canonical properties; what the specs have no words for differs from them."""
    return {str(one["name"]): _shown(one, function_of) for one in listed if one["name"] in wanted}


def _shown(one: Wire, function_of: Callable[[str], str]) -> dict[str, Any]:
    identity = [part.strip().removeprefix(_REQUEST) for part in str(one.get("identitySource") or "").split(",")]
    common = {"type": one["type"], "identity": identity}
    if one["type"] == POOLS:
        return {**common, "user_pools": sorted(one.get("providerARNs") or ())}
    ttl = one.get("authorizerResultTtlInSeconds", 300)
    return {**common, "function": function_of(str(one.get("authorizerUri"))), "ttl": ttl}
