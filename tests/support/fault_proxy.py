"""An HTTP proxy before any AWS endpoint on this machine: latency, errors, lost answers, hangs and rate limits.

As a part of a test:

    with FaultProxy(upstream) as proxy:
        proxy.fail("lambda:CreateFunction", "InvalidParameterValueException", "... cannot be assumed by Lambda.")
        proxy.lose("iam:CreateRole")
        ...
        assert proxy.counts["iam:CreateRole"] == 1

As a program, for benchmarks and for tests of other processes; it prints its port and takes the same faults as JSON:

    python -m tests.support.fault_proxy --upstream http://127.0.0.1:5000 --latency-ms 50
    GET /_proxy/calls    POST /_proxy/faults    POST /_proxy/reset
"""

import argparse
import asyncio
import json
import sys
import threading
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tests.support import recorded_actions
from tests.support.faulty import Fault, Kind, Limit
from tests.support.http1 import Broken, Connection, Message, read_message
from tests.support.wire import Answer, Call, Request, error_answer, identify, preload, throttle_of

_MODELLED = ("s3", "lambda", "apigateway", "apigatewayv2", "cloudfront", "route53", "bedrock")


class FaultProxy:
    """The proxy, in a thread of its own. Names of operations are patterns (`apigateway:*`), with a path after a space.

    `latency` (seconds) is added to every call. `calls` holds every API call that arrived, in order, those that were
    answered by a fault included, `requests` what was sent for each; `carried_out` those that the upstream answered.
    Times are the machine's clock.
    """

    def __init__(self, upstream: str, *, latency: float = 0.0) -> None:
        self.upstream = urlsplit(upstream)
        self.latency = latency
        self.calls: list[Call] = []
        self.requests: list[Request] = []
        self.carried_out: list[Call] = []
        self.most_in_flight = 0
        self.port = 0
        self._faults: list[Fault] = []
        self._limits: list[Limit] = []
        self._in_flight = 0
        self._idle: list[Connection] = []
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)

    @property
    def url(self) -> str:
        """What AWS_ENDPOINT_URL should be."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def counts(self) -> Counter[str]:
        """How often each `service:Operation` arrived."""
        return Counter(call.name for call in self.calls)

    @property
    def iam_actions(self) -> set[str]:
        """The actions that a policy for what was called must allow."""
        return {call.iam_action for call in self.calls}

    def fail(
        self,
        name: str,
        code: str,
        message: str = "",
        *,
        times: int | None = 1,
        status: int | None = None,
        after: str | None = None,
        seconds: float | None = None,
    ) -> None:
        """Answers calls of `name` with an error, `times` times (None: always), without carrying them out.

        With `after`, only once a call of that name was carried out, and for `seconds` from then on.
        """
        kind = Kind.FAIL
        self._faults.append(
            Fault(name, kind, times, code=code, message=message, status=status, after=after, seconds=seconds)
        )

    def break_after(self, name: str, code: str = "InternalFailure", *, times: int = 1, status: int = 500) -> None:
        """Carries the call out and answers it with an error."""
        self._faults.append(Fault(name, Kind.BREAK_AFTER, times, code=code, status=status))

    def lose(self, name: str, *, times: int = 1) -> None:
        """Carries the call out and drops the connection instead of answering."""
        self._faults.append(Fault(name, Kind.LOSE, times))

    def drop(self, name: str, *, times: int = 1) -> None:
        """Drops the connection without carrying the call out."""
        self._faults.append(Fault(name, Kind.DROP, times))

    def hang(self, name: str, *, times: int = 1) -> None:
        """Carries the call out and never answers."""
        self._faults.append(Fault(name, Kind.HANG, times))

    def rewrite(self, name: str, change: Callable[[bytes], bytes], *, times: int | None = 1) -> None:
        """Carries the call out and changes the body of its answer."""
        self._faults.append(Fault(name, Kind.REWRITE, times, change=change))

    def throttle(self, name: str, rate: float, burst: float = 1.0) -> None:
        """Admits `rate` calls of `name` a second and `burst` at once; others are told that it is too much."""
        self._limits.append(Limit(name, rate, burst))

    def reset(self) -> None:
        """Forgets faults, limits and calls."""
        self._faults.clear()
        self._limits.clear()
        self.calls.clear()
        self.requests.clear()
        self.carried_out.clear()
        self.most_in_flight = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)

    def serve_forever(self, port: int = 0) -> None:
        """Serves in this thread; prints the port first."""
        self.port = port
        self._run(announce=lambda: print(self.port, flush=True))

    def _run(self, announce: Callable[[], None] = lambda: None) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=2**20, backlog=512)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        announce()
        try:
            self._loop.run_forever()
        finally:
            server.close()
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.run_until_complete(asyncio.sleep(0))
            self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        here = Connection(reader, writer)
        try:
            while (message := await read_message(here, answer_expect=True)) is not None:
                self._in_flight += 1
                self.most_in_flight = max(self.most_in_flight, self._in_flight)
                try:
                    await self._answer(here, message)
                finally:
                    self._in_flight -= 1
        except (Broken, ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, here: Connection, message: Message) -> None:
        request = Request(message.start[0], message.start[1], message.lowered, message.body)
        if request.path.startswith("/_proxy/"):
            here.send_answer(self._control(request))
            return
        call = identify(request)
        if call is None:
            here.send(await self._forward(message))
            return
        recorded_actions.note(call, request.headers.get("user-agent", ""))
        self.calls.append(call)
        self.requests.append(request)
        await asyncio.sleep(self.latency)
        if any(not limit.admits(call.name, self._loop.time()) for limit in self._limits):
            code, status = throttle_of(call.service)
            here.send_answer(error_answer(call, code, "Rate exceeded", status))
            return
        fault = next((f for f in self._faults if f.due(call.name, self._loop.time(), request.path)), None)
        await self._act(here, message, call, fault)

    async def _act(self, here: Connection, message: Message, call: Call, fault: Fault | None) -> None:
        kind = fault.kind if fault else None
        if fault is not None and kind is Kind.FAIL:
            here.send_answer(error_answer(call, fault.code, fault.message, fault.status))
            return
        if kind is Kind.DROP:
            raise here.abort()
        answer = await self._forward(message)
        self.carried_out.append(call)
        for other in self._faults:
            other.seen(call.name, self._loop.time())
        if kind is Kind.LOSE:
            raise here.abort()
        if kind is Kind.HANG:
            await asyncio.sleep(3600)
        if fault is not None and kind is Kind.BREAK_AFTER:
            here.send_answer(error_answer(call, fault.code, fault.message, fault.status))
        elif fault is not None and fault.change is not None:
            here.send(answer.with_body(fault.change(answer.body)))
        else:
            here.send(answer)

    async def _forward(self, message: Message) -> Message:
        """The upstream's answer, over a connection that is kept where the upstream keeps it."""
        connection = self._idle.pop() if self._idle else await self._connect()
        try:
            connection.send(message)
            answer = await read_message(connection, to=message.start[0])
        except (ConnectionError, asyncio.IncompleteReadError):
            answer = None
        if answer is None:  # an idle connection that the upstream had closed meanwhile
            connection = await self._connect()
            connection.send(message)
            answer = await read_message(connection, to=message.start[0])
        if answer is None:
            raise Broken("the upstream closed the connection without an answer")
        if answer.keeps_open:
            self._idle.append(connection)
        else:
            connection.writer.close()
        return answer

    async def _connect(self) -> Connection:
        host, port = self.upstream.hostname or "127.0.0.1", self.upstream.port or 80
        return Connection(*await asyncio.open_connection(host, port, limit=2**20))

    def _control(self, request: Request) -> Answer:
        if request.path == "/_proxy/faults":
            for row in json.loads(request.body):
                getattr(self, row.pop("do"))(**row)
        elif request.path == "/_proxy/reset":
            self.reset()
        found: dict[str, Any] = {"counts": self.counts, "most_in_flight": self.most_in_flight}
        found |= {"total": len(self.calls), "iam_actions": sorted(self.iam_actions)}
        return Answer(200, {"content-type": "application/json"}, json.dumps(found).encode())


def main(arguments: list[str]) -> None:
    """Runs the proxy until it is killed."""
    parser = argparse.ArgumentParser(prog="fault_proxy", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--upstream", required=True, help="URL of the AWS to stand before")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="added to every API call")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    options = parser.parse_args(arguments)
    preload(_MODELLED)
    FaultProxy(options.upstream, latency=options.latency_ms / 1000).serve_forever(options.port)


if __name__ == "__main__":
    main(sys.argv[1:])
