"""The control plane of REST APIs: which operation a request asks for, and its answer or refusal.

Shapes of requests and answers: the service model `apigateway` 2015-07-09 of botocore.
"""

import json
import time
from collections.abc import Callable, Mapping

from pipeline.local.plane.asgi import Answer, Request
from pipeline.local.plane.caller import Caller
from pipeline.local.plane.refusal import Refusal, bad_request
from pipeline.local.plane.rest import apis, deployments, imports, method_patches, methods, parts, resources, stages
from pipeline.local.plane.rest.model import Handler, Op, Store, Wire

_API = "restapis/{api}"
_RESOURCE = f"{_API}/resources/{{resource}}"
_METHOD = f"{_RESOURCE}/methods/{{verb}}"
_INTEGRATION = f"{_METHOD}/integration"
_STAGE = f"{_API}/stages/{{stage}}"
_DEPLOYMENT = f"{_API}/deployments/{{deployment}}"
_GATEWAY = f"{_API}/gatewayresponses"


def _part(path: str, kind: str) -> dict[tuple[str, str], Handler]:
    of = parts.handlers(kind)
    one = f"{_API}/{path}/{{key}}"
    return {
        ("POST", f"{_API}/{path}"): of["create"],
        ("GET", f"{_API}/{path}"): of["list"],
        ("GET", one): of["get"],
        ("PATCH", one): of["update"],
        ("DELETE", one): of["delete"],
    }


_ROUTES: Mapping[tuple[str, str], Handler] = {
    ("POST", "restapis"): lambda op: (imports.import_api if op.option("mode") == "import" else apis.create)(op),
    ("GET", "restapis"): apis.get_all,
    ("GET", _API): apis.get,
    ("PATCH", _API): apis.update,
    ("PUT", _API): imports.put,
    ("DELETE", _API): apis.delete,
    ("GET", "tags/{arn}"): apis.get_tags,
    ("PUT", "tags/{arn}"): apis.tag,
    ("DELETE", "tags/{arn}"): apis.untag,
    ("GET", "account"): apis.get_account,
    ("PATCH", "account"): apis.update_account,
    ("GET", f"{_API}/resources"): resources.get_all,
    ("POST", _RESOURCE): resources.create,
    ("GET", _RESOURCE): resources.get,
    ("PATCH", _RESOURCE): resources.update,
    ("DELETE", _RESOURCE): resources.delete,
    ("GET", _METHOD): methods.get_method,
    ("PUT", _METHOD): methods.put_method,
    ("PATCH", _METHOD): method_patches.update_method,
    ("DELETE", _METHOD): methods.delete_method,
    ("GET", f"{_METHOD}/responses/{{code}}"): methods.get_method_response,
    ("PUT", f"{_METHOD}/responses/{{code}}"): methods.put_method_response,
    ("PATCH", f"{_METHOD}/responses/{{code}}"): method_patches.update_method_response,
    ("DELETE", f"{_METHOD}/responses/{{code}}"): methods.delete_method_response,
    ("GET", _INTEGRATION): methods.get_integration,
    ("PUT", _INTEGRATION): methods.put_integration,
    ("PATCH", _INTEGRATION): method_patches.update_integration,
    ("DELETE", _INTEGRATION): methods.delete_integration,
    ("GET", f"{_INTEGRATION}/responses/{{code}}"): methods.get_integration_response,
    ("PUT", f"{_INTEGRATION}/responses/{{code}}"): methods.put_integration_response,
    ("PATCH", f"{_INTEGRATION}/responses/{{code}}"): method_patches.update_integration_response,
    ("DELETE", f"{_INTEGRATION}/responses/{{code}}"): methods.delete_integration_response,
    ("POST", f"{_API}/deployments"): deployments.create,
    ("GET", f"{_API}/deployments"): deployments.get_all,
    ("GET", _DEPLOYMENT): deployments.get,
    ("PATCH", _DEPLOYMENT): deployments.update,
    ("DELETE", _DEPLOYMENT): deployments.delete,
    ("POST", f"{_API}/stages"): stages.create,
    ("GET", f"{_API}/stages"): stages.get_all,
    ("GET", _STAGE): stages.get,
    ("PATCH", _STAGE): stages.update,
    ("DELETE", _STAGE): stages.delete,
    ("DELETE", f"{_STAGE}/cache/data"): stages.flush_cache,
    ("DELETE", f"{_STAGE}/cache/authorizers"): stages.flush_cache,
    ("GET", f"{_STAGE}/exports/{{kind}}"): imports.get_export,
    ("GET", _GATEWAY): parts.get_gateway_responses,
    ("GET", f"{_GATEWAY}/{{key}}"): parts.get_gateway_response,
    ("PUT", f"{_GATEWAY}/{{key}}"): parts.put_gateway_response,
    ("DELETE", f"{_GATEWAY}/{{key}}"): parts.delete_gateway_response,
    **_part("authorizers", "authorizers"),
    **_part("requestvalidators", "validators"),
    **_part("models", "models"),
}
_TABLE = [(verb, tuple(path.split("/")), handler) for (verb, path), handler in _ROUTES.items()]

Clock = Callable[[], float]


class RestApis:
    """Answers the operations on REST APIs; everything else of API Gateway is the emulator's."""

    def __init__(self, store: Store, clock: Clock = time.time) -> None:
        self._store = store
        self._clock = clock

    def owns(self, request: Request) -> bool:
        """True when the request is one of ours."""
        return _find(request) is not None

    def answer(self, request: Request, caller: Caller) -> Answer:
        """The answer, refusals included."""
        found = _find(request)
        if found is None:
            return bad_request("Unknown operation").answer()
        handler, params = found
        try:
            op = Op(self._store, caller, request, params, _body(request, params), int(self._clock()))
            return handler(op)
        except Refusal as refusal:
            return refusal.answer()


def _find(request: Request) -> tuple[Handler, dict[str, str]] | None:
    given = request.segments
    for verb, wanted, handler in _TABLE:
        if verb != request.method or len(wanted) != len(given):
            continue
        params = _match(wanted, given)
        if params is not None:
            if "arn" in params and "::/restapis/" not in params["arn"]:
                return None
            return handler, params
    return None


def _match(wanted: tuple[str, ...], given: tuple[str, ...]) -> dict[str, str] | None:
    params = {}
    for name, value in zip(wanted, given, strict=True):
        if name.startswith("{"):
            params[name[1:-1]] = value
        elif name != value:
            return None
    return params


def _body(request: Request, params: Mapping[str, str]) -> Wire:
    """The JSON of the body; documents to import are read by their own handlers."""
    if not request.body or (request.method == "PUT" and set(params) == {"api"}) or request.query.get("mode"):
        return {}
    try:
        document = json.loads(request.body)
    except ValueError:
        raise bad_request("Invalid request input") from None
    if not isinstance(document, dict):
        raise bad_request("Invalid request input")
    return document
