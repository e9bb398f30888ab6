"""A program: the embedded AWS with the emulator's IAM enforcement on, asked for what the plane answers itself as well.

    python -I tests/granting/enforcing.py PORT

The plane speaks in the name of callers and cannot sign for them, and the emulator takes several actions by wrong names
or for all resources. So whatever a role calls is authorized here before: signature, policies and boundary by the
emulator's own evaluator, for what AWS has it authorized (authorizing.py). Then it goes on as the account's own.
"""

import asyncio
import importlib
import importlib.util
import itertools
import os
import sys
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "123456789012"
RESET = "/moto-api/reset"  # as moto has it: tests know one way
OF_TESTS = "testing"  # the key with which tests themselves look at the account, and change it
_OF_FUNCTIONS = {"execute-api", "xray"}
_DECISIONS = {"Allow": "allowed", "Deny": "explicitDeny", "ImplicitDeny": "implicitDeny"}
_RESULT = (
    "<member><EvalActionName>{action}</EvalActionName><EvalResourceName>{arn}</EvalResourceName>"
    "<EvalDecision>{decision}</EvalDecision></member>"
)
_SIMULATION = (
    '<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><SimulatePrincipalPolicyResult>'
    "<EvaluationResults>{results}</EvaluationResults><IsTruncated>false</IsTruncated>"
    "</SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
)
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Account:
    """What the emulator holds."""

    def __init__(self) -> None:
        self._iam = importlib.import_module("ministack.services.iam")
        self._secrets = importlib.import_module("ministack.services.secretsmanager")

    @property
    def roles(self) -> Any:
        """All roles, as the emulator keeps them."""
        return self._iam._roles

    def role(self, name: str) -> Mapping[str, Any] | None:
        """A role as GetRole shows it."""
        found: Mapping[str, Any] | None = self._iam._roles.get_scoped(ACCOUNT, None, name)
        return found

    def secret(self, name: str) -> str | None:
        """The ARN of a secret."""
        return next((one["ARN"] for key, one in self._secrets._secrets.to_dict().items() if name in key), None)


class Gate:
    """The plane, behind the emulator's evaluator."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make, self._front, self._account = make, make(), Account()
        self._app = importlib.import_module("ministack.app")
        self._actions = importlib.import_module("ministack.core.iam_actions")
        self._evaluator = importlib.import_module("ministack.core.iam_evaluator")
        self._authorizing = importlib.import_module("tests.granting.authorizing")
        self._wire = importlib.import_module("tests.support.wire")
        self._members = importlib.import_module("tests.support.members")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request through, or says that it is denied."""
        if scope["type"] == "http":  # policies of buckets may insist on TLS, which AWS speaks
            scope = {**scope, "headers": [*scope["headers"], (b"x-forwarded-proto", b"https")]}
        if scope["type"] == "http" and scope["path"] == RESET:
            await self._reset(send)
            return
        if not self._is_of_a_role(scope):
            await self._front(_as_account(scope) if _key_of(scope) == OF_TESTS else scope, receive, send)
            return
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        try:
            answer = await asyncio.to_thread(self._decided, scope, body)
        except self._authorizing.Unknown as unknown:
            answer = 501, {"content-type": "text/plain", "x-amzn-errortype": "Unknown"}, str(unknown).encode()
        if answer is not None:
            await send({"type": "http.response.start", "status": answer[0], "headers": list(_raw(answer[1]))})
            await send({"type": "http.response.body", "body": answer[2]})
            return
        await self._front(scope if b"GetCallerIdentity" in body else _as_account(scope), _again(body), send)

    async def _reset(self, send: Send) -> None:
        """Everything as it was at the beginning, for the next test."""
        await asyncio.to_thread(self._app._reset_all_state)
        self._front = self._make()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def _is_of_a_role(self, scope: Scope) -> bool:
        """Whether a request is signed, and not for the account itself, which may everything.

        What functions call of services that the pipeline does not know of is the emulator's alone.
        """
        if scope["type"] != "http":
            return False
        key, service = _credential(_header(scope, b"authorization"))
        if service in _OF_FUNCTIONS or key in ("", OF_TESTS):
            return False
        return not self._evaluator.is_root_access_key(key)

    def _decided(self, scope: Scope, body: bytes) -> tuple[int, dict[str, str], bytes] | None:
        """The emulator's refusal; in a context of its own, which keeps the request apart from others."""
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        query_string, path = scope["query_string"].decode("latin-1"), scope["raw_path"].decode("latin-1")
        query = parse_qs(query_string, keep_blank_values=True)
        key, service = _credential(headers["authorization"])
        self._app.set_request_account_id(ACCOUNT)
        self._app.set_request_region(self._app.extract_region(headers, query))
        self._evaluator.pin_signed_request(scope["method"], path, query, scope["headers"])
        self._evaluator.pin_signed_body(body)
        target = f"{path}?{query_string}" if query_string else path
        request = self._wire.Request(scope["method"], target, headers, body)
        call = self._wire.identify(request)
        for one in self._authorizing.asked(call, request, ACCOUNT, self._account):
            denied = self._evaluator.enforce(
                key, one.action, service, call.region, resource_arn=one.resource, service_context=one.keys
            )
            if denied:
                return self._refusal(service, one, denied, headers)
        if call.name == "iam:SimulatePrincipalPolicy":
            return 200, {"content-type": "text/xml"}, self._simulated(self._members.members(call, request)).encode()
        return None

    def _simulated(self, given: Mapping[str, Any]) -> str:
        """What the role may do, in the context that is told: the emulator's own simulator looks at none of it.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
        """
        name = given["PolicySourceArn"].rpartition("/")[2]
        policies = self._evaluator._gather_role_policies(name, ACCOUNT)
        limits = self._evaluator._permissions_boundary(self._account.roles, name, ACCOUNT)
        told = {one["ContextKeyName"].lower(): one["ContextKeyValues"][0] for one in given.get("ContextEntries", ())}
        region = told.pop("aws:requestedregion", "us-east-1")
        results = []
        for action, arn in itertools.product(given["ActionNames"], given.get("ResourceArns") or ["*"]):
            context = self._evaluator.EvalContext(
                given["PolicySourceArn"], "Role", ACCOUNT, action, arn, region, service_context=told
            )
            decision = _DECISIONS[self._evaluator.evaluate(context, policies, *limits).decision]
            results.append(_RESULT.format(action=action, arn=arn, decision=decision))
        return _SIMULATION.format(results="".join(results))

    def _refusal(self, service: str, asked: Any, denied: Any, headers: Any) -> tuple[int, dict[str, str], bytes]:
        found: tuple[int, dict[str, str], bytes] = self._actions.access_denied_response(
            service,
            asked.action,
            getattr(denied, "principal_arn", "") or getattr(denied, "message", ""),
            str(uuid.uuid4()),
            headers=headers,
            resource_arn=asked.resource,
            explicit_deny=getattr(denied, "decision", "") == "Deny",
        )
        return found


def _credential(authorization: str) -> tuple[str, str]:
    """(access key, service) of a signature; empty where there is none."""
    parts = authorization.partition("Credential=")[2].partition(",")[0].split("/")
    return (parts[0], parts[3]) if len(parts) == 5 else ("", "")


def _key_of(scope: Scope) -> str:
    return _credential(_header(scope, b"authorization"))[0] if scope["type"] == "http" else ""


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name), "")


def _as_account(scope: Scope) -> Scope:
    authorization = _header(scope, b"authorization")
    own = authorization.replace(f"Credential={_credential(authorization)[0]}/", f"Credential={ACCOUNT}/")
    kept = [(k, v) for k, v in scope["headers"] if k.lower() not in (b"authorization", b"x-amz-security-token")]
    return {**scope, "headers": [*kept, (b"authorization", own.encode("latin-1"))]}


def _raw(headers: dict[str, str]) -> Iterator[tuple[bytes, bytes]]:
    for name, value in headers.items():
        yield name.lower().encode("latin-1"), value.encode("latin-1")


def _again(body: bytes) -> Receive:
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


def simulate_in_context() -> None:
    """Has the emulator simulate on every resource that is named, with the context that is given, as AWS does.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
    """
    iam: Any = importlib.import_module("ministack.services.iam")
    evaluator = importlib.import_module("ministack.core.iam_evaluator")

    def listed(given: Any, name: str) -> Iterator[str]:
        number = 1
        while found := iam._p(given, name.format(number)):
            yield found
            number += 1

    def asked(given: Any) -> tuple[list[str], tuple[list[str], dict[str, str]]]:
        entry = "ContextEntries.member.{}."
        keys = listed(given, f"{entry}ContextKeyName")
        values = listed(given, f"{entry}ContextKeyValues.member.1")
        context = {key.lower(): value for key, value in zip(keys, values, strict=True)}
        arns = list(listed(given, "ResourceArns.member.{}")) or ["*"]
        return list(listed(given, "ActionNames.member.{}")), (arns, context)

    def answered(actions: list[str], on: Any, principal: str, account: str, policies: Any) -> str:
        arns, context = on
        given = {"service_context": context, "source_ip": "127.0.0.1", "secure_transport": True}
        members = []
        for action, arn in ((action, arn) for action in actions for arn in arns):
            one = evaluator.EvalContext(principal, "User", account, action, arn, iam.get_region(), **given)
            found = {"Allow": "allowed", "Deny": "explicitDeny"}.get(evaluator.evaluate(one, policies).decision)
            members.append(
                f"<member><EvalActionName>{action}</EvalActionName><EvalResourceName>{arn}</EvalResourceName>"
                f"<EvalDecision>{found or 'implicitDeny'}</EvalDecision></member>"
            )
        return "".join(members)

    iam._extract_simulate_params, iam._build_simulate_results_real = asked, answered


def loaded(name: str, path: Path) -> ModuleType:
    """A module by its file: neither the product nor the tests are installed beside the emulator."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _package(name: str) -> None:
    """A package of which only the wanted modules are imported: what lies beside them needs more than is here."""
    module = sys.modules[name] = ModuleType(name)
    module.__path__ = [str(ROOT.joinpath(*name.split(".")))]


def main(port: str) -> None:
    """Serves until it is killed."""
    os.environ.update(
        AUTH="true", BIND_HOST="127.0.0.1", GATEWAY_PORT=port, MINISTACK_ACCOUNT_ID=ACCOUNT, IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0", LAMBDA_EXECUTOR="local", LOG_LEVEL="ERROR", DOCKER_HOST="unix:///nonexistent",
    )  # fmt: skip
    serve = loaded("serve", ROOT / "pipeline" / "local" / "serve.py")
    serve._make_importable(ROOT / "pipeline")
    app = importlib.import_module("ministack.app").app
    emulator = importlib.import_module("pipeline.local.plane.emulator").AsgiEmulator(app, counts_invocations=True)
    importlib.import_module("ministack.core.iam_evaluator").pin_request_origin("127.0.0.1", True)
    simulate_in_context()
    front = importlib.import_module("pipeline.local.plane.front").Front
    for name in ("tests", "tests.support", "tests.granting"):
        _package(name)
    gate = Gate(lambda: front(emulator, instance="enforced", account=ACCOUNT, on_ready=lambda: None))
    config = importlib.import_module("hypercorn.config").Config()
    config.bind = [f"127.0.0.1:{port}"]
    asyncio.run(importlib.import_module("hypercorn.asyncio").serve(gate, config, mode="asgi"))


if __name__ == "__main__":
    main(sys.argv[1])
