"""MOCK integrations: the answer comes from the definition alone. That is how CORS preflights are answered. Pure.

https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-mock-integration.html
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from pipeline.local.plane.asgi import Answer, Headers
from pipeline.local.plane.rest.model import Wire
from pipeline.local.plane.traffic.exchange import Exchange
from pipeline.local.plane.traffic.refusals import misconfigured
from pipeline.local.plane.traffic.templates import mapped, render

_HEADER = "method.response.header."
_STATUS = re.compile(r'"?statusCode"?\s*:\s*"?(\d{3})')


def answer_mock(exchange: Exchange) -> Answer:
    """The response. Raises GatewayError for a definition that answers nothing."""
    integration: Wire = exchange.method["methodIntegration"]
    params = request_params(exchange)
    body = exchange.request.body.decode("utf-8", "replace")
    request = _template(integration.get("requestTemplates") or {}, exchange.request.header("content-type"))
    rendered = _render(request, exchange, params, body) if request is not None else body
    response = _response(integration.get("integrationResponses") or {}, _status(rendered))
    headers = _headers(response, exchange, params)
    templates: Mapping[str, str] = response.get("responseTemplates") or {}
    kind, template = next(iter(templates.items()), ("application/json", ""))
    text = _render(template, exchange, params, rendered)
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers = (("content-type", kind), *headers)
    return Answer(int(response["statusCode"]), headers, text.encode())


def request_params(exchange: Exchange) -> dict[str, str]:
    """What `$input.params('x')` finds: path before query before header."""
    headers = dict(exchange.request.headers)
    query = {name: values[-1] for name, values in exchange.request.query.items()}
    return {**headers, **query, **exchange.match.variables}


def _render(template: str, exchange: Exchange, params: Mapping[str, str], body: str) -> str:
    return render(template, context=exchange.context, variables=exchange.served.variables, params=params, body=body)


def _template(templates: Mapping[str, str], content_type: str | None) -> str | None:
    kind = (content_type or "application/json").partition(";")[0].strip()
    return templates.get(kind, templates.get("application/json"))


def _status(rendered: str) -> str:
    try:
        document: Any = json.loads(rendered or "{}")
        status = document.get("statusCode") if isinstance(document, dict) else None
    except ValueError:
        found = _STATUS.search(rendered)
        status = found[1] if found else None
    if status is None:
        raise misconfigured("the request template of a MOCK integration gives no statusCode")
    return str(status)


def _response(responses: Mapping[str, Wire], status: str) -> Wire:
    """The one whose pattern matches the status, else the one without a pattern."""
    default: Wire | None = None
    for response in responses.values():
        pattern = response.get("selectionPattern")
        if not pattern:
            default = default or response
        elif re.fullmatch(pattern, status):
            return response
    if default is None:
        raise misconfigured(f"no integration response for status {status}")
    return default


def _headers(response: Wire, exchange: Exchange, params: Mapping[str, str]) -> Headers:
    def lookup(path: str) -> str | None:
        if path.startswith("context."):
            return exchange.context.get(path.removeprefix("context."))
        if path.startswith("stageVariables."):
            return exchange.served.variables.get(path.removeprefix("stageVariables."))
        return params.get(path.rpartition(".")[2]) if path.startswith("method.request.") else None

    found = []
    for target, expression in (response.get("responseParameters") or {}).items():
        value = mapped(str(expression), lookup)
        if target.startswith(_HEADER) and value is not None:
            found.append((target.removeprefix(_HEADER), value))
    return tuple(found)
