"""Who may call routes of an HTTP API: issuers of tokens and functions that judge, as specs and AWS say it.

Canonically:

    "users": {"issuer": "https://...", "audience": ["4example"]}
    "judge": {"function": "orders-judge", "identity": ["header.Authorization"], "ttl": 0, "answer": "simple"}

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.model.scope import Scope
from pipeline.model.values import Properties
from pipeline.resources._rest_authorizers import invocation_uri
from pipeline.resources._rest_reading import function_of
from pipeline.resources.base import Aws, Problem

NONE, JWT, CUSTOM = "NONE", "JWT", "CUSTOM"
_FUNCTION, _TOKEN = "REQUEST", "$request.header.Authorization"
_REQUEST, _FORM = "$request.", "2.0"
_OF_REQUEST = ("header.", "querystring.")
_SIMPLE, _POLICY = "simple", "policy"
_OF_TOKENS, _OF_FUNCTIONS = ("issuer", "audience"), ("function", "identity", "ttl", "answer")

Wire = Mapping[str, Any]


def canonical(declared: Mapping[str, Any]) -> dict[str, Any]:
    """An authorizer with its defaults; what does not go together is left for `check`."""
    if "function" not in declared:
        return {**declared, "audience": sorted(declared.get("audience") or (), key=str)}
    identity = sorted(declared.get("identity") or ["header.Authorization"])
    return {"ttl": 0, "answer": _SIMPLE, **declared, "identity": identity}


def authorization(authorizer: Any) -> str:
    """What a route with that authorizer asks for."""
    return CUSTOM if isinstance(authorizer, Mapping) and "function" in authorizer else JWT


def functions(properties: Properties) -> list[str]:
    """The functions that judge."""
    return sorted({one["function"] for one in properties["authorizers"].values() if "function" in one})


def check(properties: Properties) -> Iterator[Problem]:
    """Authorizers that are neither or both, and scopes where no token tells them."""
    for name, one in properties["authorizers"].items():
        path = ("authorizers", name)
        if "function" not in one and "issuer" not in one:
            yield Problem("an authorizer has an issuer or a function", path, "add one of them")
        elif "function" not in one and not one["audience"]:
            yield Problem("an issuer needs an audience", path, "add the ids of your app clients")
        others = _OF_TOKENS if "function" in one else _OF_FUNCTIONS
        for key in (key for key in others if key in one):
            kind = "an issuer" if key in _OF_TOKENS else "a function"
            yield Problem(f"{key} belongs to {kind}", (*path, key), "remove it, or declare two authorizers")
    for key, entry in properties["endpoints"].items():
        if isinstance(entry, Mapping) and entry["authorization"] == CUSTOM and entry["scopes"]:
            yield Problem(f"{key} has scopes, which only tokens have", ("endpoints",), "remove scopes")


def shown(listed: Sequence[Wire], alias: str, scope: Scope) -> dict[str, Any]:
    """Authorizers by name, as declared; what the specs have no words for differs from every declaration."""
    return {str(one["Name"]): _shown(one, alias, scope) for one in listed}


def _shown(one: Wire, alias: str, scope: Scope) -> dict[str, Any]:
    sources = [str(source) for source in one.get("IdentitySource") or ()]
    if one.get("AuthorizerType") == _FUNCTION:
        found = {
            "function": function_of(str(one.get("AuthorizerUri")), alias, scope),
            "identity": sorted(source.removeprefix(_REQUEST).removeprefix("$") for source in sources),
            "ttl": int(one.get("AuthorizerResultTtlInSeconds") or 0),
            "answer": _SIMPLE if one.get("EnableSimpleResponses") else _POLICY,
        }
        form = one.get("AuthorizerPayloadFormatVersion")
        ours = form == _FORM and not one.get("AuthorizerCredentialsArn")
        return found if ours else {**found, "unmanaged": f"events of form {form} or credentials of its own"}
    jwt = one.get("JwtConfiguration") or {}
    found = {"issuer": jwt.get("Issuer"), "audience": sorted(jwt.get("Audience") or ())}
    if one.get("AuthorizerType") == JWT and sources == [_TOKEN]:
        return found
    return {**found, "unmanaged": f"{one.get('AuthorizerType')} from {', '.join(sources)}"}


def ensure(aws: Aws, api_id: str, wanted: Properties, listed: Sequence[Wire]) -> dict[str, str]:
    """The id of each declared authorizer, which is as declared then.

    One of another kind gives its name to a new one, and goes when no route needs it any more.
    """
    have = shown(listed, wanted["alias"], aws.scope)
    known = {str(one["Name"]): one for one in listed}
    found = {}
    for name, entry in wanted["authorizers"].items():
        settings = {"Name": name, **_settings(entry, wanted["alias"], aws.scope)}
        present = known.get(name)
        if present and present.get("AuthorizerType") != settings["AuthorizerType"]:
            identifier = str(present["AuthorizerId"])
            aws.call(
                "apigatewayv2", "UpdateAuthorizer", ApiId=api_id, AuthorizerId=identifier, Name=f"former-{identifier}"
            )
            present = None
        if present is None:
            found[name] = str(aws.call("apigatewayv2", "CreateAuthorizer", ApiId=api_id, **settings)["AuthorizerId"])
            continue
        found[name] = str(present["AuthorizerId"])
        if have[name] != entry:
            aws.call("apigatewayv2", "UpdateAuthorizer", ApiId=api_id, AuthorizerId=found[name], **settings)
    return found


def _settings(entry: Mapping[str, Any], alias: str, scope: Scope) -> dict[str, Any]:
    if "function" not in entry:
        token = {"Issuer": entry["issuer"], "Audience": entry["audience"]}
        return {"AuthorizerType": JWT, "IdentitySource": [_TOKEN], "JwtConfiguration": token}
    return {
        "AuthorizerType": _FUNCTION,
        "AuthorizerUri": invocation_uri(entry["function"], alias, scope),
        "IdentitySource": [_source(one) for one in entry["identity"]],
        "AuthorizerPayloadFormatVersion": _FORM,
        "AuthorizerResultTtlInSeconds": entry["ttl"],
        "EnableSimpleResponses": entry["answer"] == _SIMPLE,
    }


def _source(identity: str) -> str:
    return (_REQUEST if identity.startswith(_OF_REQUEST) else "$") + identity
