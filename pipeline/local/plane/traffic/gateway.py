"""The gateway: from the address of a request to the answer of its function, with metrics and access log."""

import asyncio
import json
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipeline.local.plane.asgi import Answer, Request
from pipeline.local.plane.caller import Caller
from pipeline.local.plane.functions.invoking import Invoker
from pipeline.local.plane.functions.names import Function, function_of
from pipeline.local.plane.functions.policies import Policies
from pipeline.local.plane.journal import Journal, LogStream, Metric, stream_name
from pipeline.local.plane.rest.model import RestApi, Store, Wire
from pipeline.local.plane.traffic import refusals
from pipeline.local.plane.traffic.authorizing import FUNCTION_ARN, SERVICE, Authorizers
from pipeline.local.plane.traffic.event import invoke_arguments, proxy_event
from pipeline.local.plane.traffic.exchange import Exchange, Served, access_line, extended, new_request_id, served
from pipeline.local.plane.traffic.mock import answer_mock
from pipeline.local.plane.traffic.paths import Match, Target, match, method_for
from pipeline.local.plane.traffic.refusals import GatewayError
from pipeline.local.plane.traffic.reply import Malformed, reply

_NAMESPACE = "AWS/ApiGateway"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Gateway:
    """Serves the stages of the APIs in `store`."""

    store: Store
    invoker: Invoker
    policies: Policies
    journal: Journal
    authorizers: Authorizers
    clock: Callable[[], float] = time.time

    async def answer(self, target: Target, request: Request) -> Answer:
        """The answer to a request for an API that is in the store."""
        api = self.store.apis[target.api]
        stage = api.stages.get(target.stage)
        if stage is None or api.attributes.get("disableExecuteApiEndpoint"):
            return refusals.forbidden()
        now, failure = self.clock(), ""
        exchange = _exchange(api, target, served(api, stage), request, now)
        try:
            answer = await self._serve(exchange)
        except GatewayError as error:
            failure = error.kind
            if error.reason:
                _log.warning("%s %s of API %s: %s", request.method, target.path, api.id, error.reason)
            answer = refusals.answer_of(error, exchange.served.deployment.definition, exchange.context, request)
        answer = answer.with_header("x-amzn-requestid", exchange.request_id)
        answer = answer.with_header("x-amz-apigw-id", extended(exchange.request_id))
        self._record(exchange, stage, answer, (self.clock() - now) * 1000.0, failure)
        return answer

    async def _serve(self, exchange: Exchange) -> Answer:
        if not exchange.method:
            raise refusals.missing_token()
        exchange = replace(exchange, authorizer=await self.authorizers.judge(exchange))
        await self.authorizers.check_key(exchange)
        integration: Wire = exchange.method["methodIntegration"]
        if integration["type"] == "MOCK":
            return answer_mock(exchange)
        if integration["type"] != "AWS_PROXY":
            raise refusals.misconfigured(f"integrations of type {integration['type']} are not served here")
        return await self._proxy(exchange, integration)

    async def _proxy(self, exchange: Exchange, integration: Wire) -> Answer:
        function = _function(exchange, str(integration["uri"]))
        api = exchange.api
        allowed = self.policies.allows(function, SERVICE, _sources(exchange), api.account)
        if not allowed and not integration.get("credentials"):
            raise refusals.misconfigured(f"no permission for API Gateway to invoke {function.arn}")
        event = json.dumps(proxy_event(exchange)).encode()
        invocation = asyncio.ensure_future(self.invoker.invoke(function, event))
        try:
            answer = await asyncio.wait_for(asyncio.shield(invocation), integration["timeoutInMillis"] / 1000.0)
        except TimeoutError:
            # The function goes on and is counted, as on AWS; only this client no longer waits.
            raise refusals.timed_out() from None
        if answer.status != 200:
            raise refusals.misconfigured(f"invoking {function.arn}: {answer.status} {_text(answer.body)}")
        if answer.header("x-amz-function-error") is not None:
            raise refusals.failed(f"{function.arn}: {_text(answer.body)}")
        binary = exchange.served.deployment.definition.binary_media_types
        try:
            return reply(answer.body, exchange.request.header("accept") or "", binary)
        except Malformed as malformed:
            raise refusals.failed(f"malformed proxy response of {function.arn}: {malformed}") from None

    def _record(self, exchange: Exchange, stage: Wire, answer: Answer, milliseconds: float, failure: str) -> None:
        api = exchange.api
        caller = Caller(api.account, api.region, "apigateway")
        named = (("ApiName", str(api.attributes["name"])),)
        values = {
            "Count": (1.0, "Count"),
            "4XXError": (float(400 <= answer.status < 500), "Count"),
            "5XXError": (float(answer.status >= 500), "Count"),
            "Latency": (milliseconds, "Milliseconds"),
        }
        for dimensions in (named, (*named, ("Stage", exchange.target.stage))):
            for name, (value, unit) in values.items():
                self.journal.measure(Metric(caller, _NAMESPACE, name, unit, dimensions), value)
        access: Wire | None = stage.get("accessLogSettings")
        if access and ":log-group:" in access["destinationArn"]:
            figures = {"responseLatency": str(int(milliseconds)), "integrationStatus": _by_lambda(exchange, failure)}
            self._log_access(exchange, caller, access, answer, figures)

    def _log_access(
        self, exchange: Exchange, caller: Caller, access: Wire, answer: Answer, figures: Mapping[str, str]
    ) -> None:
        context = {
            **exchange.context,
            **figures,
            "status": str(answer.status),
            "responseLength": str(len(answer.body)),
            "error.message": "-",
            "integrationErrorMessage": "-",
        }
        line = access_line(access.get("format", ""), context)
        group = access["destinationArn"].partition(":log-group:")[2]
        stream = LogStream(caller, group, stream_name(exchange.api.id, exchange.target.stage))
        self.journal.log(stream, int(exchange.now * 1000), line)


def _exchange(api: RestApi, target: Target, what: Served, request: Request, now: float) -> Exchange:
    """The request with its method; without a match, one of the root that has no method."""
    definition = what.deployment.definition
    found = match(definition.resources.values(), target.path)
    method = method_for(found.resource, request.method) if found else None
    return Exchange(
        api=api,
        target=target,
        served=what,
        request=request,
        match=found or Match(replace(definition.root, path=target.path), {}),
        method=method or {},
        request_id=new_request_id(),
        now=now,
    )


def _function(exchange: Exchange, uri: str) -> Function:
    found = FUNCTION_ARN.fullmatch(invoke_arguments(uri, exchange.served.variables))
    function = function_of(found["function"], exchange.api.account, exchange.api.region) if found else None
    if function is None:
        raise refusals.misconfigured(f"not the address of a function: {uri}")
    return function


def _sources(exchange: Exchange) -> Iterator[str]:
    """The source ARNs that AWS may give for this request: with the path that was asked for, or the resource's."""
    api, method = exchange.api, exchange.request.method
    start = f"arn:aws:execute-api:{api.region}:{api.account}:{api.id}/{exchange.target.stage}"
    resource = exchange.match.resource.path
    for path in (exchange.target.path, resource, re.sub(r"\{[^}]*\}", "*", resource)):
        yield f"{start}/{method}{path}"


def _by_lambda(exchange: Exchange, failure: str) -> str:
    """Lambda's own status: 200 also where the function failed, or returned what is no answer.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html
    """
    proxied = bool(exchange.method) and exchange.method["methodIntegration"]["type"] == "AWS_PROXY"
    return "200" if proxied and failure in {"", refusals.failed("").kind} else "-"


def _text(body: bytes) -> Any:
    return body[:500].decode("utf-8", "replace")
