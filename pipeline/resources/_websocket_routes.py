"""Routes of a WebSocket API and the integrations behind them: what AWS has, and bringing it to what is declared.

There is one integration for each function. Nothing here goes live: that takes an api deployment.
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-integrations.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.model.scope import Scope
from pipeline.model.values import Properties
from pipeline.resources import _websocket_authorizer as authorizer
from pipeline.resources._rest_definition import invocation_uri
from pipeline.resources._rest_reading import function_of
from pipeline.resources._websocket_authorizer import CUSTOM
from pipeline.resources.base import Aws

_TARGET = "integrations/"
TIMEOUT_MS = 29000  # the most that API Gateway waits, and its default

Wire = Mapping[str, Any]


def shown(listed: Sequence[Wire], integrations: Sequence[Wire], alias: str, scope: Scope) -> dict[str, Any]:
    """The routes, canonically; what an author's terms cannot express is shown as it is, so that it is put right."""
    by_id = {str(one["IntegrationId"]): one for one in integrations}
    return {str(route["RouteKey"]): _route(route, by_id, alias, scope) for route in listed}


def _route(route: Wire, by_id: Mapping[str, Wire], alias: str, scope: Scope) -> dict[str, Any]:
    target = str(route.get("Target") or "")
    integration = by_id.get(target.removeprefix(_TARGET))
    if integration is None:
        return {"unmanaged": f"leads to {target or 'nothing'}"}
    if route.get("ApiKeyRequired"):
        return {"unmanaged": "asks for an API key"}
    kind = str(integration.get("IntegrationType"))
    uri = str(integration.get("IntegrationUri") or "")
    if kind != "AWS_PROXY" or not _plain(integration):
        return {"unmanaged": f"{kind} integration with settings of its own, {uri}"}
    return {"function": function_of(uri, alias, scope), "authorization": route.get("AuthorizationType") or "NONE"}


def _plain(integration: Wire) -> bool:
    return integration.get("TimeoutInMillis") == TIMEOUT_MS and not integration.get("CredentialsArn")


def unused(listed: Sequence[Wire], integrations: Sequence[Wire]) -> list[str]:
    """Integrations that no route leads to, by their ids: left by somebody, or by a run that died."""
    targets = {str(route.get("Target") or "").removeprefix(_TARGET) for route in listed}
    return sorted(str(one["IntegrationId"]) for one in integrations if one["IntegrationId"] not in targets)


def converge(aws: Aws, api_id: str, wanted: Properties) -> None:
    """Integrations that are missing, then routes; at last what no route needs any more.

    What is there is looked up first: a run that died may have done any part of it. AWS merges what an update says into
    what it has, so what is not ours goes by a deletion.
    """
    listed, integrations = fetch(aws, api_id)
    targets = _integrate(aws, api_id, wanted, integrations)
    judge = authorizer.ensure(aws, api_id, wanted)
    have = shown(listed, integrations, wanted["alias"], aws.scope)
    by_key = {str(route["RouteKey"]): route for route in listed}
    for key, entry in wanted["routes"].items():
        target, judged = _TARGET + targets[entry["function"]], judge if entry["authorization"] == CUSTOM else None
        found = by_key.get(key, {})
        if found and have[key] == entry and (found.get("Target"), found.get("AuthorizerId")) == (target, judged):
            continue
        if found and ("unmanaged" in have[key] or (found.get("AuthorizerId") and not judged)):
            _delete_route(aws, api_id, by_key.pop(key))
        settings = {"Target": target, "AuthorizationType": entry["authorization"]}
        settings |= {"AuthorizerId": judged} if judged else {}
        if key in by_key:
            aws.call("apigatewayv2", "UpdateRoute", ApiId=api_id, RouteId=by_key[key]["RouteId"], **settings)
        else:
            aws.call("apigatewayv2", "CreateRoute", ApiId=api_id, RouteKey=key, **settings)
    for key in sorted(by_key.keys() - wanted["routes"].keys()):
        _delete_route(aws, api_id, by_key[key])
    for gone in sorted({str(one["IntegrationId"]) for one in integrations} - set(targets.values())):
        aws.found("apigatewayv2", "DeleteIntegration", ApiId=api_id, IntegrationId=gone)
    if any(route.get("AuthorizerId") not in (None, judge) for route in listed):
        authorizer.remove_others(aws, api_id, judge)


def fetch(aws: Aws, api_id: str) -> tuple[list[Wire], list[Wire]]:
    """The routes and the integrations."""

    def listed(operation: str) -> list[Wire]:
        return aws.pages("apigatewayv2", operation, "Items", ApiId=api_id)

    found = aws.gather([lambda: listed("GetRoutes"), lambda: listed("GetIntegrations")])
    return found[0], found[1]


def _integrate(aws: Aws, api_id: str, wanted: Properties, integrations: Sequence[Wire]) -> dict[str, str]:
    """The id of each function's integration; made when there is none that is as ours."""
    known = {str(one.get("IntegrationUri")): str(one["IntegrationId"]) for one in integrations if _ours(one)}
    found = {}
    for function in sorted({entry["function"] for entry in wanted["routes"].values()}):
        uri = invocation_uri(function, wanted["alias"], aws.scope)
        found[function] = known.get(uri) or _create_integration(aws, api_id, uri)
    return found


def _ours(integration: Wire) -> bool:
    return integration.get("IntegrationType") == "AWS_PROXY" and _plain(integration)


def _create_integration(aws: Aws, api_id: str, uri: str) -> str:
    made = aws.call(
        "apigatewayv2",
        "CreateIntegration",
        ApiId=api_id,
        IntegrationType="AWS_PROXY",
        IntegrationMethod="POST",
        IntegrationUri=uri,
        TimeoutInMillis=TIMEOUT_MS,
    )
    return str(made["IntegrationId"])


def _delete_route(aws: Aws, api_id: str, route: Wire) -> None:
    aws.found("apigatewayv2", "DeleteRoute", ApiId=api_id, RouteId=route["RouteId"])
