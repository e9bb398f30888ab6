"""The ASGI application that the child serves: the plane's own operations, and all else passed on to the emulator."""

import asyncio
from collections.abc import Callable

from pipeline.local.plane import scaling
from pipeline.local.plane.asgi import (
    Answer,
    Disconnected,
    Message,
    Receive,
    Scope,
    Send,
    first_header,
    raw_path,
    read_request,
    send_answer,
)
from pipeline.local.plane.buckets import Buckets, creates_bucket
from pipeline.local.plane.caller import Caller, caller_of
from pipeline.local.plane.domains import Domains, patches_domain
from pipeline.local.plane.emulator import Emulator
from pipeline.local.plane.functions.control import Functions
from pipeline.local.plane.functions.invoking import Invoker
from pipeline.local.plane.functions.lending import Lender
from pipeline.local.plane.functions.policies import Policies
from pipeline.local.plane.guardrails import Guardrails, is_guardrail
from pipeline.local.plane.journal import Journal
from pipeline.local.plane.logs import Logs, filters_events
from pipeline.local.plane.names import Names, is_distribution
from pipeline.local.plane.pages import with_local_addresses
from pipeline.local.plane.rest.control import RestApis
from pipeline.local.plane.rest.model import Store
from pipeline.local.plane.stages import Stages, stops_logs
from pipeline.local.plane.traffic.authorizing import Authorizers
from pipeline.local.plane.traffic.gateway import Gateway
from pipeline.local.plane.traffic.paths import Target, target_of
from pipeline.local.plane.zones import Zones, looks_for_zone

IDENTITY = "/_pipeline/identity"
_READS_JOURNAL = frozenset({"monitoring", "logs"})


class Front:
    """The plane before one emulator. `on_ready` is called once, when requests can be answered.

    `lender` is for an emulator that serves WebSockets itself: it has the processes that are to get the messages.
    """

    def __init__(self, emulator: Emulator, *, instance: str, account: str, on_ready: Callable[[], None]) -> None:
        self._emulator = emulator
        self._identity = Answer.of_json({"instance": instance})
        self._account = account
        self._on_ready = on_ready
        self._store = Store()
        self._journal = Journal(emulator)
        policies = Policies()
        invoker = Invoker(emulator, self._journal)
        self.lender = Lender(invoker)
        self._rest = RestApis(self._store)
        self._functions = Functions(emulator, invoker, policies)
        authorizers = Authorizers(emulator, invoker, policies)
        self._gateway = Gateway(self._store, invoker, policies, self._journal, authorizers)
        self._buckets = Buckets(emulator)
        self._zones, self._domains, self._stages = Zones(emulator), Domains(emulator), Stages(emulator)
        self._names = Names(emulator, self._zones, account)
        self._guardrails = Guardrails(emulator)
        self._logs = Logs(emulator)
        self._scaling = scaling.Scaling()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection's request, or the process's life."""
        if scope["type"] == "lifespan":
            await self._emulator.pass_on(scope, receive, self._telling(send))
        elif scope["type"] == "http":
            try:
                await self._http(scope, receive, send)
            except Disconnected:
                return
        else:
            self.lender.loop = asyncio.get_running_loop()
            await self._emulator.pass_on(await self._names.led(scope) or scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = raw_path(scope)
        if path == IDENTITY:
            await send_answer(send, self._identity)
            return
        query = scope["query_string"].decode("latin-1")
        caller = caller_of(first_header(scope["headers"], b"authorization"), query, self._account)
        if caller is None and (led := await self._names.led(scope)):
            scope, path = led, raw_path(led)
            send = with_local_addresses(scope, send) if is_distribution(scope) else send
        target = target_of(first_header(scope["headers"], b"host"), path)
        if target is not None and target.api in self._store.apis:
            await self._traffic(target, scope, receive, send)
            return
        if caller is not None and self._knows(caller, scope["method"], path, query):
            await self._aws(caller, scope, receive, send)
            return
        if caller is not None and caller.service in _READS_JOURNAL:
            await self._journal.flush()
        if caller is not None and caller.service == "logs" and filters_events(scope["headers"]):
            await self._aws(caller, scope, receive, send)
            return
        await self._emulator.pass_on(scope, receive, send)

    def _knows(self, caller: Caller, method: str, path: str, query: str) -> bool:
        """True when the plane may answer this itself; asked before the body is read."""
        if caller.service == "apigateway":
            return not path.startswith("/v2/") or stops_logs(method, path)
        if caller.service == "lambda":
            return self._functions.owns(method, path)
        if caller.service == "route53":
            return looks_for_zone(method, path, query)
        if caller.service == "bedrock":
            return is_guardrail(path)
        if caller.service == scaling.SERVICE:
            return True
        return caller.service == "s3" and creates_bucket(method, path, query)

    async def _traffic(self, target: Target, scope: Scope, receive: Receive, send: Send) -> None:
        request = await read_request(scope, receive)
        await send_answer(send, await self._gateway.answer(target, request), head=request.method == "HEAD")

    async def _aws(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        request = await read_request(scope, receive)
        answer: Answer | None
        if caller.service == "lambda":
            answer = await self._functions.answer(request, caller)
        elif caller.service == "logs":
            answer = await self._logs.filter(request, caller)
        elif caller.service == "s3":
            answer = await self._buckets.create(request, caller)
        elif caller.service == "route53":
            answer = await self._zones.list_by_name(request, caller)
        elif patches_domain(request.method, request.raw_path):
            answer = await self._domains.patch(request, caller)
        elif stops_logs(request.method, request.raw_path):
            answer = await self._stages.stop_logs(request, caller)
        elif caller.service == scaling.SERVICE:
            answer = self._scaling.answer(request, caller)
        elif caller.service == "bedrock":
            answer = await self._guardrails.answer(request, caller)
        else:
            answer = self._rest.answer(request, caller) if self._rest.owns(request) else None
        if answer is None:
            await self._emulator.pass_on(scope, _again(request.body), send)
        else:
            await send_answer(send, answer)

    def _telling(self, send: Send) -> Send:
        async def told(message: Message) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                self._on_ready()

        return told


def _again(body: bytes) -> Receive:
    """Gives a body that was read already."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive
