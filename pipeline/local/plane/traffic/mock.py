"""MOCK integrations: the answer comes from the definition alone. That is how CORS preflights are answered. Pure.

https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-mock-integration.html
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from pipeline.local.plane.asgi import Answer, Headers
from pipeline.local.plane.rest.model import Wire
from pipeline.local.plane.traffic.event import canonical, is_binary
from pipeline.local.plane.traffic.exchange import Exchange
from pipeline.local.plane.traffic.refusals import misconfigured
from pipeline.local.plane.traffic.templates import Params, Rendered, mapped, render
from pipeline.local.plane.traffic.velocity import TemplateError

_HEADER = "method.response.header."
_STATUS = re.compile(r'"?statusCode"?\s*:\s*"?(\d{3})')


def answer_mock(exchange: Exchange) -> Answer:
    """The response. Raises GatewayError for a definition that answers nothing."""
    integration: Wire = exchange.method["methodIntegration"]
    content_type = exchange.request.header("content-type") or "application/json"
    binary = exchange.served.deployment.definition.binary_media_types
    if is_binary(content_type, binary) and integration.get("contentHandling") != "CONVERT_TO_TEXT":
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings-workflow.html
        raise misconfigured("a binary payload meets the template of a MOCK integration without CONVERT_TO_TEXT")
    params = _params(exchange)
    body = exchange.request.body.decode("utf-8", "replace")
    request = _template(integration.get("requestTemplates") or {}, content_type)
    text = _render(request, exchange, params, body).text if request is not None else body
    response = _response(integration.get("integrationResponses") or {}, _status(text))
    templates: Mapping[str, str] = response.get("responseTemplates") or {}
    kind, template = next(iter(templates.items()), ("application/json", ""))
    rendered = _render(template, exchange, params, text)
    headers = _headers(response, exchange, params, rendered)
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers = (("content-type", kind), *headers)
    return Answer(rendered.status or int(response["statusCode"]), headers, rendered.text.encode())


def _params(exchange: Exchange) -> Params:
    """Headers under both spellings: the one that the client used is lost."""
    headers = dict(exchange.request.headers)
    return Params(
        path=exchange.match.variables,
        querystring={name: values[-1] for name, values in exchange.request.query.items()},
        header={**headers, **{canonical(name): value for name, value in headers.items()}},
    )


def _render(template: str, exchange: Exchange, params: Params, body: str) -> Rendered:
    try:
        return render(template, context=exchange.context, variables=exchange.served.variables, params=params, body=body)
    except TemplateError as error:
        raise misconfigured(f"mapping template: {error}") from None


def _template(templates: Mapping[str, str], content_type: str) -> str | None:
    return templates.get(content_type.partition(";")[0].strip(), templates.get("application/json"))


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


def _headers(response: Wire, exchange: Exchange, params: Params, rendered: Rendered) -> Headers:
    """Those that the response maps; an override of the template wins."""

    def lookup(path: str) -> str | None:
        if path.startswith("context."):
            return exchange.context.get(path.removeprefix("context."))
        if path.startswith("stageVariables."):
            return exchange.served.variables.get(path.removeprefix("stageVariables."))
        return params.find(path.rpartition(".")[2]) if path.startswith("method.request.") else None

    found: dict[str, tuple[str, str]] = {}
    for target, expression in (response.get("responseParameters") or {}).items():
        value = mapped(str(expression), lookup)
        if target.startswith(_HEADER) and value is not None:
            name = target.removeprefix(_HEADER)
            found[name.lower()] = (name, value)
    found |= {name.lower(): (name, value) for name, value in rendered.headers.items()}
    return tuple(found.values())
