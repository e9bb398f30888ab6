"""Routes and integrations of an HTTP API, with its authorizers: what AWS has, and bringing it to what is declared.

There is one integration for each function. Nothing here goes live: that takes an api deployment.
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.model.scope import Scope
from pipeline.model.values import Properties
from pipeline.resources import _http_authorizers
from pipeline.resources._http_authorizers import NONE
from pipeline.resources.base import Aws

_TARGET = "integrations/"

Wire = Mapping[str, Any]


@dataclass(frozen=True)
class Parts:
    """What AWS has of one API."""

    routes: Sequence[Wire]
    integrations: Sequence[Wire]
    authorizers: Sequence[Wire]

    @property
    def authorizer_names(self) -> dict[str, str]:
        """id -> name."""
        return {str(one["AuthorizerId"]): str(one["Name"]) for one in self.authorizers}


def fetch(aws: Aws, api_id: str) -> Parts:
    """All of it, in one round."""

    def listed(operation: str) -> list[Wire]:
        return aws.pages("apigatewayv2", operation, "Items", ApiId=api_id)

    routes, integrations, authorizers = aws.gather(
        [lambda: listed("GetRoutes"), lambda: listed("GetIntegrations"), lambda: listed("GetAuthorizers")]
    )
    return Parts(routes, integrations, authorizers)


def alias_arn(function: str, alias: str, scope: Scope) -> str:
    """What an integration invokes."""
    return scope.arn("lambda", f"function:{function}:{alias}")


def payload_of(parts: Parts, declared: str) -> str:
    """The form of the events that the integrations send; the declared one where there are several, or none."""
    found = {str(one.get("PayloadFormatVersion")) for one in parts.integrations} & {"1.0", "2.0"}
    return found.pop() if len(found) == 1 else declared


def shown(parts: Parts, wanted: Properties, scope: Scope) -> dict[str, Any]:
    """The routes, canonically; what an author's terms cannot express is shown as it is, so that it is put right."""
    by_id = {str(one["IntegrationId"]): one for one in parts.integrations}
    return {str(route["RouteKey"]): _route(route, by_id, parts, wanted, scope) for route in parts.routes}


def _route(route: Wire, by_id: Mapping[str, Wire], parts: Parts, wanted: Properties, scope: Scope) -> dict[str, Any]:
    target = str(route.get("Target") or "")
    integration = by_id.get(target.removeprefix(_TARGET))
    if integration is None:
        return {"unmanaged": f"leads to {target or 'nothing'}"}
    if not _ours(integration, wanted):
        kind = integration.get("IntegrationType")
        return {"unmanaged": f"{kind} integration with settings of its own, {integration.get('IntegrationUri')}"}
    authorizer = route.get("AuthorizerId")
    return {
        "function": _function_of(str(integration.get("IntegrationUri")), wanted["alias"], scope),
        "authorization": route.get("AuthorizationType") or NONE,
        "authorizer": parts.authorizer_names.get(str(authorizer), f"unknown: {authorizer}") if authorizer else None,
        "scopes": sorted(route.get("AuthorizationScopes") or ()),
    }


def _function_of(uri: str, alias: str, scope: Scope) -> str:
    """The function's name when it is one of this account, through the alias; else the whole address."""
    before, after = alias_arn("", alias, scope).removesuffix(f":{alias}"), f":{alias}"
    own = uri.startswith(before) and uri.endswith(after)
    return uri[len(before) : -len(after)] if own else uri


def unused(parts: Parts) -> list[str]:
    """Integrations that no route leads to, by their ids: left by somebody, or by a run that died."""
    targets = {str(route.get("Target") or "").removeprefix(_TARGET) for route in parts.routes}
    return sorted(str(one["IntegrationId"]) for one in parts.integrations if one["IntegrationId"] not in targets)


def converge(aws: Aws, api_id: str, wanted: Properties) -> None:
    """Authorizers and integrations that are missing, then routes; at last what no route needs any more.

    What is there is looked up first: a run that died may have done any part of it. AWS merges what an update says into
    what it has, so what is to be empty goes by a deletion.
    """
    parts = fetch(aws, api_id)
    authorizers = _http_authorizers.ensure(aws, api_id, wanted, parts.authorizers)
    targets = _integrate(aws, api_id, wanted, parts)
    have = shown(parts, wanted, aws.scope)
    by_key = {str(route["RouteKey"]): route for route in parts.routes}
    for key, entry in wanted["endpoints"].items():
        settings = _settings(entry, targets, authorizers)
        present = by_key.get(key)
        if present and have[key] == entry and present.get("Target") == settings["Target"]:
            continue
        if present and _clears(have[key], entry):
            _delete_route(aws, api_id, by_key.pop(key))
            present = None
        if present:
            aws.call("apigatewayv2", "UpdateRoute", ApiId=api_id, RouteId=present["RouteId"], **settings)
        else:
            aws.call("apigatewayv2", "CreateRoute", ApiId=api_id, RouteKey=key, **settings)
    for key in sorted(by_key.keys() - wanted["endpoints"].keys()):
        _delete_route(aws, api_id, by_key[key])
    for gone in sorted({str(one["IntegrationId"]) for one in parts.integrations} - set(targets.values())):
        aws.found("apigatewayv2", "DeleteIntegration", ApiId=api_id, IntegrationId=gone)
    for gone in sorted(parts.authorizer_names.keys() - set(authorizers.values())):
        aws.found("apigatewayv2", "DeleteAuthorizer", ApiId=api_id, AuthorizerId=gone)


def _settings(entry: Mapping[str, Any], targets: Mapping[str, str], authorizers: Mapping[str, str]) -> dict[str, Any]:
    settings = {"Target": _TARGET + targets[entry["function"]], "AuthorizationType": entry["authorization"]}
    if entry["authorizer"]:
        settings["AuthorizerId"] = authorizers[entry["authorizer"]]
    return {**settings, "AuthorizationScopes": entry["scopes"]} if entry["scopes"] else settings


def _clears(have: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    """True when the route has something that an update could not take away."""
    return "unmanaged" in have or any(have[key] and not entry[key] for key in ("authorizer", "scopes"))


def _integrate(aws: Aws, api_id: str, wanted: Properties, parts: Parts) -> dict[str, str]:
    """The id of each function's integration; made when there is none that is as ours."""
    known = {
        str(one.get("IntegrationUri")): str(one["IntegrationId"]) for one in parts.integrations if _ours(one, wanted)
    }
    found = {}
    for function in sorted({entry["function"] for entry in wanted["endpoints"].values()}):
        uri = alias_arn(function, wanted["alias"], aws.scope)
        found[function] = known.get(uri) or _create_integration(aws, api_id, uri, wanted["payload"])
    return found


def _ours(integration: Wire, wanted: Properties) -> bool:
    plain = not any(integration.get(key) for key in ("CredentialsArn", "RequestParameters", "ResponseParameters"))
    same = integration.get("PayloadFormatVersion") == wanted["payload"]
    return integration.get("IntegrationType") == "AWS_PROXY" and plain and same


def _create_integration(aws: Aws, api_id: str, uri: str, payload: str) -> str:
    made = aws.call(
        "apigatewayv2",
        "CreateIntegration",
        ApiId=api_id,
        IntegrationType="AWS_PROXY",
        IntegrationMethod="POST",
        IntegrationUri=uri,
        PayloadFormatVersion=payload,
    )
    return str(made["IntegrationId"])


def _delete_route(aws: Aws, api_id: str, route: Wire) -> None:
    aws.found("apigatewayv2", "DeleteRoute", ApiId=api_id, RouteId=route["RouteId"])
