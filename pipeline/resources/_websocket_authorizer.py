"""The function that judges who may connect to a WebSocket API.

Canonically `{"function": "orders-judge", "identity": ["querystring.token"]}`. API Gateway asks it for $connect alone,
with the request; without all of `identity` callers are refused at once.
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.model.scope import Scope
from pipeline.model.values import Properties
from pipeline.resources._rest_authorizers import invocation_uri
from pipeline.resources._rest_reading import function_of
from pipeline.resources.base import Aws

CUSTOM = "CUSTOM"
_KIND, _NAME, _REQUEST = "REQUEST", "connect", "route.request."

Wire = Mapping[str, Any]


def listed(aws: Aws, api_id: str) -> list[Wire]:
    """All authorizers of the API."""
    return aws.pages("apigatewayv2", "GetAuthorizers", "Items", ApiId=api_id)


def shown(route: Wire | None, authorizers: Sequence[Wire], alias: str, scope: Scope) -> dict[str, Any] | None:
    """The authorizer of the route, canonically; what the specs have no words for differs from every declaration."""
    used = (route or {}).get("AuthorizerId")
    one = next((one for one in authorizers if one["AuthorizerId"] == used), None) if used else None
    if one is None:
        return {"function": f"unknown: {used}", "identity": []} if used else None
    identity = [str(source).removeprefix(_REQUEST) for source in one.get("IdentitySource") or ()]
    function = function_of(str(one.get("AuthorizerUri")), alias, scope)
    kind = one.get("AuthorizerType")
    return {"function": function if kind == _KIND else f"{kind}: {function}", "identity": sorted(identity)}


def ensure(aws: Aws, api_id: str, wanted: Properties) -> str | None:
    """The id of the declared authorizer, made or changed where it is not so; None when there is none to be."""
    declared = wanted.get("authorizer")
    if not declared:
        return None
    settings: dict[str, Any] = {
        "AuthorizerType": _KIND,
        "AuthorizerUri": invocation_uri(declared["function"], wanted["alias"], aws.scope),
        "IdentitySource": [f"{_REQUEST}{source}" for source in declared["identity"]],
    }
    found = next((one for one in listed(aws, api_id) if one["Name"] == _NAME), None)
    if found is None:
        return str(aws.call("apigatewayv2", "CreateAuthorizer", ApiId=api_id, Name=_NAME, **settings)["AuthorizerId"])
    known = str(found["AuthorizerId"])
    if any(_alike(found.get(name)) != _alike(value) for name, value in settings.items()):
        aws.call("apigatewayv2", "UpdateAuthorizer", ApiId=api_id, AuthorizerId=known, **settings)
    return known


def _alike(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value


def remove_others(aws: Aws, api_id: str, kept: str | None) -> None:
    """Deletes the authorizers that no route uses any more."""
    for one in listed(aws, api_id):
        if one["AuthorizerId"] != kept:
            aws.found("apigatewayv2", "DeleteAuthorizer", ApiId=api_id, AuthorizerId=one["AuthorizerId"])
