"""What the floor is told: the requests that make the sample's stack, worked out before any clock runs.

They are those that the product's own resource types send, so that both ask AWS for the same; recorded by letting each
type create its resources at an `Aws` that only writes down. Waits and look-ups are left out, the floor has its own.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pipeline.config.loading import load
from pipeline.model.resource import DesiredState, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import resolve
from pipeline.planning.graph import ordered
from pipeline.releasing.store import bucket_name
from pipeline.resources.registry import registry

T = TypeVar("T")
Calls = list[dict[str, Any]]

# Stands for the id of the REST API, which only AWS can tell.
API_ID = "API-ID"
ROLE_ARN = "arn:aws:iam::{account}:role/{name}"


def describe(root: Path, environment: str, packaged: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The stack of `environment`: {"store", "archives": digest -> file, "resources": type -> name -> calls}.

    `packaged` is the `artifacts` list of `pipeline package --format json`.
    """
    entries = list(packaged)
    code = {entry["address"]: entry["code"] for entry in entries}
    loaded = load(root, [environment], registry(), datetime.now(UTC).date())
    scope = loaded.environments[environment].scope
    resources: dict[str, dict[str, Calls]] = {}
    outputs: dict[str, Mapping[str, Any]] = {}
    for resource in _in_order(loaded.desired[environment]):
        recorder = Recorder(scope, bucket_name(scope))
        outputs[resource.address] = registry()[resource.type].create(recorder, _filled(resource, outputs, code))
        resources.setdefault(resource.type, {})[resource.name] = recorder.calls
    archives = {entry["code"]: entry["file"] for entry in entries}
    return {"store": bucket_name(scope), "region": scope.region, "archives": archives, "resources": resources}


def _in_order(desired: DesiredState) -> list[Resource]:
    by_address = desired.by_address
    graph = {r.address: frozenset(a for a in r.dependencies if a in by_address) for r in desired}
    return [by_address[address] for address in ordered(graph)]


def _filled(resource: Resource, outputs: Mapping[str, Mapping[str, Any]], code: Mapping[str, str]) -> Resource:
    properties = resolve(resource.properties, lambda reference: outputs[reference.address][reference.output])
    if resource.address in code:
        properties["code"] = code[resource.address]
    return Resource(resource.type, resource.name, properties)


class Recorder:
    """An `Aws` that writes requests down and answers just enough for the next one."""

    def __init__(self, scope: Scope, store: str) -> None:
        self.scope = scope
        self.calls: Calls = []
        self._store = store

    def call(self, service: str, operation: str, /, *, region: str | None = None, **params: Any) -> dict[str, Any]:
        """Writes the request down."""
        body = params.get("body")
        told = {**params, "body": body.decode()} if isinstance(body, bytes) else params
        self.calls.append({"service": service, "operation": operation, "params": told})
        return self._answer(operation, params)

    def _answer(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        arn = ROLE_ARN.format(account=self.scope.account, name=params.get("RoleName"))
        table = {"TableName": params.get("TableName"), "TableArn": "-", "TableStatus": "ACTIVE"}
        answers: dict[str, dict[str, Any]] = {
            "CreateRole": {"Role": {"Arn": arn, "RoleName": params.get("RoleName"), "RoleId": "-"}},
            "CreateTable": {"TableDescription": table},
            "CreateFunction": {"FunctionName": params.get("FunctionName")},
            "PublishVersion": {"FunctionName": params.get("FunctionName"), "Version": "1"},
            "CreateRestApi": {"id": API_ID},
            "PutRestApi": {"name": "", "endpointConfiguration": {"types": ["REGIONAL"]}},
            "CreateDeployment": {"id": "-"},
        }
        return answers.get(operation, {})

    def pages(self, service: str, operation: str, /, key: str, **params: Any) -> list[Any]:
        """Nothing is there yet."""
        return []

    def found(self, service: str, operation: str, /, **params: Any) -> dict[str, Any] | None:
        """The policy with what was added to it; nothing else is there."""
        statements = [
            {"Sid": call["params"]["StatementId"], "Resource": self._alias_arn(params)}
            for call in self.calls
            if call["operation"] == "AddPermission"
        ]
        return {"Policy": json.dumps({"Statement": statements})} if operation == "GetPolicy" and statements else None

    def _alias_arn(self, params: Mapping[str, Any]) -> str:
        return self.scope.arn("lambda", f"function:{params['FunctionName']}:{params['Qualifier']}")

    def gather(self, thunks: Iterable[Callable[[], T]]) -> list[T]:
        """One after the other."""
        return [thunk() for thunk in thunks]

    def wait(self, what: str, poll: Callable[[], T | None], *, every: float, budget: float) -> T:
        """Nothing here has to be waited for."""
        raise AssertionError(f"recording: waiting for {what}")

    def artifact(self, digest: str) -> Mapping[str, str]:
        """Where the floor puts the archive."""
        return {"bucket": self._store, "key": f"artifacts/{digest.removeprefix('sha256:')}.zip"}
