"""Lambda's control plane where the emulator is too lenient: aliases, versions, permissions; and Invoke itself.

Texts: recorded by the LocalStack project on AWS (tests/aws/services/lambda_/*.snapshot.json).
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pipeline.local.plane.asgi import Answer, Request
from pipeline.local.plane.caller import Caller
from pipeline.local.plane.emulator import Call, Emulator
from pipeline.local.plane.functions.guards import check_alias_name, check_routing, versions_of
from pipeline.local.plane.functions.invoking import Invoker
from pipeline.local.plane.functions.names import Function, function_of
from pipeline.local.plane.functions.policies import Policies
from pipeline.local.plane.functions.publishing import Publishing
from pipeline.local.plane.refusal import Refusal

_ROOT = ("2015-03-31", "functions")
_Handler = Callable[[Request, Function, tuple[str, ...]], Awaitable[Answer | None]]


class Functions:
    """Answers the operations that it knows better; None means that the emulator shall answer."""

    def __init__(self, emulator: Emulator, invoker: Invoker, policies: Policies) -> None:
        self._emulator = emulator
        self._invoker = invoker
        self._policies = policies
        self._publishing = Publishing(emulator)
        self._handlers: Mapping[tuple[str, str], _Handler] = {
            ("POST", "invocations"): self._invoke,
            ("POST", "aliases"): self._create_alias,
            ("PUT", "aliases"): self._update_alias,
            ("DELETE", "aliases"): self._delete_alias,
            ("POST", "versions"): self._publish,
            ("POST", "policy"): self._add_permission,
            ("GET", "policy"): self._get_policy,
            ("DELETE", "policy"): self._remove_permission,
            ("DELETE", ""): self._delete_function,
        }

    def owns(self, method: str, raw_path: str) -> bool:
        """True when the request is for one of the operations above; cheap, for it is asked of every Lambda request."""
        return self._key(method, tuple(raw_path.strip("/").split("/"))) in self._handlers

    def _key(self, method: str, parts: tuple[str, ...]) -> tuple[str, str]:
        if parts[:2] != _ROOT or len(parts) < 3:
            return ("", "")
        return (method, parts[3] if len(parts) > 3 else "")

    async def answer(self, request: Request, caller: Caller) -> Answer | None:
        """The answer, refusals included."""
        segments = request.segments
        qualifier = request.query.get("Qualifier", [""])[-1] or None
        function = function_of(segments[2], caller.account, caller.region, qualifier)
        if function is None:
            return None
        try:
            return await self._handlers[self._key(request.method, segments)](request, function, segments[4:])
        except Refusal as refusal:
            return refusal.answer(member="Message")

    async def _invoke(self, request: Request, function: Function, _rest: tuple[str, ...]) -> Answer:
        dropped = {"authorization", "content-length", "host"}
        headers = tuple((name, value) for name, value in request.headers if name not in dropped)
        return await self._invoker.invoke(function, request.body, headers)

    async def _create_alias(self, request: Request, function: Function, _rest: tuple[str, ...]) -> Answer | None:
        body = _json(request)
        check_alias_name(str(body.get("Name", "")))
        await self._check_target(function, body, {})
        return None

    async def _update_alias(self, request: Request, function: Function, rest: tuple[str, ...]) -> Answer | None:
        alias = await self._invoker.alias(function.qualified(rest[0] if rest else None))
        if alias is None:
            return None
        await self._check_target(function, _json(request), alias)
        return await self._forward(request, function)

    async def _check_target(self, function: Function, body: Mapping[str, Any], alias: Mapping[str, Any]) -> None:
        """All versions exist, and the weights are as AWS has them."""
        version = str(body.get("FunctionVersion") or alias.get("FunctionVersion") or "")
        routing = body.get("RoutingConfig", alias.get("RoutingConfig")) or {}
        weights: Mapping[str, Any] = routing.get("AdditionalVersionWeights") or {}
        check_routing(version, weights)
        for wanted in (version, *weights):
            await self._check_version(function.qualified(wanted))

    async def _check_version(self, function: Function) -> None:
        if function.qualifier == "$LATEST":
            return
        configuration = await self._publishing.configuration(function)
        if configuration is None and await self._publishing.configuration(function.qualified(None)) is not None:
            raise Refusal(404, "ResourceNotFoundException", f"Function not found: {function.arn}")

    async def _delete_alias(self, request: Request, function: Function, rest: tuple[str, ...]) -> Answer | None:
        answer = await self._forward(request, function)
        if rest and answer.status < 300:
            self._policies.forget(function.qualified(rest[0]))
        return answer

    async def _delete_function(self, request: Request, function: Function, _rest: tuple[str, ...]) -> Answer | None:
        await self._check_unused(function)
        answer = await self._forward(request, function)
        if answer.status < 300:
            self._policies.forget(function)
            self._publishing.forget(function)
        return answer

    async def _check_unused(self, function: Function) -> None:
        """No alias may be on a version that is deleted. Raises Refusal."""
        if function.qualifier is None:
            return
        path = f"/{'/'.join(_ROOT)}/{function.name}/aliases"
        answer = await self._emulator.call(Call(function.caller, "GET", path))
        listed = json.loads(answer.body).get("Aliases", []) if answer.status == 200 else []
        names = [alias["Name"] for alias in listed if function.qualifier in versions_of(alias)]
        if names:
            message = f"Unable to delete version because the following aliases reference it: [{', '.join(names)}]"
            raise Refusal(409, "ResourceConflictException", message)

    async def _forward(self, request: Request, function: Function) -> Answer:
        query = {name: values[-1] for name, values in request.query.items()}
        call = Call(function.caller, request.method, request.raw_path, query, body=request.body)
        return await self._emulator.call(call)

    async def _publish(self, request: Request, function: Function, _rest: tuple[str, ...]) -> Answer:
        return await self._publishing.publish(function, _json(request), request.body)

    async def _add_permission(self, request: Request, function: Function, _rest: tuple[str, ...]) -> Answer:
        await self._check_exists(function)
        statement = self._policies.add(function, _json(request))
        return Answer.of_json({"Statement": json.dumps(statement, separators=(",", ":"))}, 201)

    async def _get_policy(self, _request: Request, function: Function, _rest: tuple[str, ...]) -> Answer:
        await self._check_exists(function)
        policy, revision = self._policies.document(function)
        return Answer.of_json({"Policy": policy, "RevisionId": revision})

    async def _remove_permission(self, request: Request, function: Function, rest: tuple[str, ...]) -> Answer:
        await self._check_exists(function)
        revision = request.query.get("RevisionId", [""])[-1] or None
        self._policies.remove(function, rest[0] if rest else "", revision)
        return Answer(204)

    async def _check_exists(self, function: Function) -> None:
        if await self._publishing.configuration(function) is None:
            raise Refusal(404, "ResourceNotFoundException", f"Function not found: {function.arn}")


def _json(request: Request) -> dict[str, Any]:
    try:
        document = json.loads(request.body or b"{}")
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise Refusal(400, "InvalidRequestContentException", "Could not parse request body into json")
    return document
