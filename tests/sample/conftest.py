import importlib
import json
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.sample.support import ROOT, TABLES, Context, create_table, declared_tables, rest_event

Load = Callable[[str], ModuleType]
Send = Callable[..., tuple[int, Any]]
HANDLERS = {"/conversations": "conversation_api", "/prompts": "prompt_crud", "/usage": "usage_handler"}


@pytest.fixture
def load() -> Iterator[Load]:
    """Imports a module of backend/ as a function would; its top-level names are gone again after the test."""
    sys.path.insert(0, str(ROOT / "backend"))
    try:
        yield importlib.import_module
    finally:
        sys.path.remove(str(ROOT / "backend"))
        for name in [name for name in sys.modules if name.split(".")[0] in {"handlers", "src", "lib", "utils"}]:
            del sys.modules[name]


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The declared tables on an AWS in process; by their names without the service's."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "MODEL_ID", "GUARDRAIL_ID", "GUARDRAIL_VERSION", "CORS_ORIGIN"):
        monkeypatch.delenv(name, raising=False)
    credentials = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    for name, value in {"SERVICE_NAME": "new-service", "AWS_DEFAULT_REGION": "us-east-1", **credentials}.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        resource = boto3.resource("dynamodb")
        for table in declared_tables():
            create_table(resource.meta.client, table)
        yield {name: resource.Table(f"new-service-{name}") for name in TABLES}


@pytest.fixture
def send(load: Load, tables: dict[str, Any]) -> Send:
    """Sends a request to the function behind its path: `send("GET", "/usage", query={...})` -> (status, JSON)."""

    def _send(method: str, path: str, **parts: Any) -> tuple[int, Any]:
        answer = load(f"handlers.{HANDLERS[path]}").handler(rest_event(method, path, **parts), Context())
        return answer["statusCode"], json.loads(answer["body"]) if answer["body"] else None

    return _send
