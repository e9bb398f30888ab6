"""A program: the embedded AWS with the emulator's IAM enforcement on, asked for what the plane answers itself as well.

    python -I tests/granting/enforcing.py PORT

The plane speaks in the name of callers and cannot sign for them. So what it may answer, and functions, of which the
emulator knows several actions by wrong names, is authorized here before: signature and policies by the emulator's own
evaluator, with the action's real name and resource. Then it goes on as the account's own. All else is authorized by the
emulator as it comes.
"""

import asyncio
import importlib
import importlib.util
import json
import os
import sys
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "123456789012"
GATED = {"apigateway", "bedrock", "lambda", "logs", "route53", "s3"}
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Gate:
    """The plane, behind the emulator's evaluator."""

    def __init__(self, front: Any, wire: Any) -> None:
        self._front, self._wire = front, wire
        self._app = importlib.import_module("ministack.app")
        self._actions = importlib.import_module("ministack.core.iam_actions")
        self._evaluator = importlib.import_module("ministack.core.iam_evaluator")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request through, or says that it is denied."""
        if scope["type"] == "http":  # policies of buckets may insist on TLS, which AWS speaks
            scope = {**scope, "headers": [*scope["headers"], (b"x-forwarded-proto", b"https")]}
        if self._signer(scope) not in GATED:
            await self._front(scope, receive, send)
            return
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        denied = await asyncio.to_thread(self._denied, scope, body)
        if denied is not None:
            status, headers, text = denied
            await send({"type": "http.response.start", "status": status, "headers": list(_raw(headers))})
            await send({"type": "http.response.body", "body": text})
            return
        await self._front(_as_account(scope), _again(body), send)

    def _signer(self, scope: Scope) -> str | None:
        """The service that a request is signed for; None for those of the account, and for what is not signed."""
        if scope["type"] != "http":
            return None
        key, service = _credential(_header(scope, b"authorization"))
        if service == "s3" and not (scope["method"] == "PUT" and scope["path"].strip("/").count("/") == 0):
            return None  # the plane makes buckets, and has nothing to do with what is in them
        return None if self._evaluator.is_root_access_key(key) else service

    def _denied(self, scope: Scope, body: bytes) -> tuple[int, dict[str, str], bytes] | None:
        """The emulator's refusal; in a context of its own, which keeps the request apart from others."""
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        query_string = scope["query_string"].decode("latin-1")
        query, path = parse_qs(query_string, keep_blank_values=True), scope["path"]
        key, service = _credential(headers["authorization"])
        region = self._app.extract_region(headers, query)
        self._app.set_request_account_id(ACCOUNT)
        self._app.set_request_region(region)
        self._evaluator.pin_signed_request(
            scope["method"], scope["raw_path"].decode("latin-1"), query, scope["headers"]
        )
        self._evaluator.pin_signed_body(body)
        target = scope["raw_path"].decode("latin-1") + (f"?{query_string}" if query_string else "")
        call = self._wire.identify(self._wire.Request(scope["method"], target, headers, body))
        for action, resource, context in self._asked(call, path, headers, body, query, region):
            denied = self._evaluator.enforce(
                key, action, service, region, resource_arn=resource, service_context=context
            )
            if denied:
                who = getattr(denied, "principal_arn", "") or getattr(denied, "message", "")
                found: tuple[int, dict[str, str], bytes] = self._actions.access_denied_response(
                    service,
                    action,
                    who,
                    str(uuid.uuid4()),
                    headers=headers,
                    resource_arn=resource,
                    explicit_deny=getattr(denied, "decision", "") == "Deny",
                )
                return found
        return None

    def _asked(
        self, call: Any, path: str, headers: dict[str, str], body: bytes, query: Any, region: str
    ) -> Iterator[tuple[str, str, dict[str, str]]]:
        """(action, resource, context) of what has to be allowed for a call."""
        service = call.iam_action.partition(":")[0]
        arn = self._actions.extract_resource_arn(service, call.method, path, headers, body, query, region, ACCOUNT)
        sent = json.loads(body) if service == "lambda" and call.method in ("POST", "PUT") and body[:1] == b"{" else {}
        if call.operation == "CreateFunction":
            arn = f"arn:aws:lambda:{region}:{ACCOUNT}:function:{sent['FunctionName']}"
        context = {f"lambda:{name}": sent[name] for name in ("Principal",) if name in sent}
        yield call.iam_action, arn, context
        if call.operation in ("CreateFunction", "UpdateFunctionConfiguration") and "Role" in sent:
            yield "iam:PassRole", sent["Role"], {"iam:PassedToService": "lambda.amazonaws.com"}


def _credential(authorization: str) -> tuple[str, str]:
    """(access key, service) of a signature; empty where there is none."""
    parts = authorization.partition("Credential=")[2].partition(",")[0].split("/")
    return (parts[0], parts[3]) if len(parts) == 5 else ("", "")


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


def loaded(name: str, path: Path) -> ModuleType:
    """A module by its file: neither the product nor the tests are installed beside the emulator."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
    front = importlib.import_module("pipeline.local.plane.front").Front(
        emulator, instance="enforced", account=ACCOUNT, on_ready=lambda: None
    )
    gate = Gate(front, loaded("wire", ROOT / "tests" / "support" / "wire.py"))
    config = importlib.import_module("hypercorn.config").Config()
    config.bind = [f"127.0.0.1:{port}"]
    asyncio.run(importlib.import_module("hypercorn.asyncio").serve(gate, config, mode="asgi"))


if __name__ == "__main__":
    main(sys.argv[1])
