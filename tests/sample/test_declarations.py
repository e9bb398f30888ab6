"""The declarations beside the code: what they promise each other."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from html.parser import HTMLParser
from types import ModuleType
from typing import Any

import jsonschema
import pytest
import yaml
from dotenv import dotenv_values

from pipeline.config import loading
from pipeline.model.access import Grant
from pipeline.model.scope import Scope
from pipeline.model.values import Unknown, resolve
from pipeline.resources.registry import registry
from tests.sample.support import (
    ROOT,
    TABLES,
    Context,
    FakeBedrock,
    FakeGateway,
    spec,
    stream_of,
    websocket_event,
)

Load = Callable[[str], ModuleType]
Send = Callable[..., tuple[int, Any]]
ENVIRONMENTS = ("dev", "staging", "production")


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_environments_fit_their_schema(name: str) -> None:
    schema = json.loads((ROOT / "environments/schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    text = dotenv_values(ROOT / f"environments/{name}.env", interpolate=False)
    typed = {key: _typed(value, schema["properties"][key]) for key, value in text.items()}
    jsonschema.Draft202012Validator(schema).validate(typed)
    assert typed["ENVIRONMENT"] == name
    assert set(typed) == set(schema["properties"])


def test_an_environment_needs_no_more_than_the_seven_keys_it_began_with() -> None:
    schema = json.loads((ROOT / "environments/schema.json").read_text())
    first = (
        "SERVICE_NAME",
        "ENVIRONMENT",
        "AWS_REGION",
        "DOMAIN",
        "LAMBDA_MEMORY",
        "LAMBDA_TIMEOUT",
        "DYNAMODB_BILLING",
    )
    text = dotenv_values(ROOT / "environments/production.env", interpolate=False)
    typed = {key: _typed(text[key], schema["properties"][key]) for key in first}
    jsonschema.Draft202012Validator(schema).validate(typed)


def _typed(value: str | None, schema: dict[str, Any]) -> Any:
    assert value is not None
    return json.loads(value) if schema["type"] in {"integer", "boolean"} else value


def test_every_variable_that_a_declaration_uses_is_in_the_environments() -> None:
    known = set(dotenv_values(ROOT / "environments/dev.env", interpolate=False))
    used = {name for path in (ROOT / "aws").rglob("*.*") for name in re.findall(r"\$\{([A-Z_]+)\}", path.read_text())}
    assert used <= known


def test_every_endpoint_has_a_declared_function_and_every_function_a_handler(load: Load) -> None:
    functions = {item["name"] for item in yaml.safe_load(spec("lambda/functions.yaml"))["functions"]}
    api = yaml.safe_load(spec("api-gateway/rest-api.yaml"))["api"]
    assert {endpoint["function"] for endpoint in api["endpoints"]} <= functions
    http = yaml.safe_load(spec("api-gateway/http-api.yaml"))["http_api"]
    assert {endpoint["function"] for endpoint in http["endpoints"]} <= functions
    websocket = yaml.safe_load(spec("api-gateway/websocket-api.yaml"))["websocket_api"]
    assert set(websocket["routes"]) == {"$connect", "$disconnect", "$default"}
    assert set(websocket["routes"].values()) <= functions
    for name in functions:
        module = name.removeprefix("new-service-").replace("-", "_")
        assert callable(load(f"handlers.{module}").handler)


def test_handlers_are_imported_without_boto3_and_without_settings() -> None:
    """A cold start pays only for what it uses, and the code can be checked where the Lambda runtime is not."""
    names = [path.stem for path in (ROOT / "backend/handlers").glob("[a-z]*.py")]
    assert len(names) == 8
    program = "import sys; sys.modules.update(boto3=None, botocore=None)\n"
    program += "".join(f"import handlers.{name}\n" for name in names)
    subprocess.run([sys.executable, "-c", program], cwd=ROOT / "backend", env={}, check=True)


def test_dependencies_are_locked_with_hashes_and_name_no_index() -> None:
    lock = (ROOT / "backend/requirements.txt").read_text()
    lines = [line for line in lock.replace("\\\n", " ").splitlines() if line and not line.lstrip().startswith("#")]
    assert any(line.startswith("pydantic==") for line in lines)
    assert all("--hash=sha256:" in line for line in lines)
    assert "://" not in lock


ROUTES = {"/conversations": "conversation-api", "/prompts": "prompt-crud", "/usage": "usage-handler"}


@pytest.fixture(scope="module")
def roles() -> dict[str, set[Grant]]:
    """function -> what its role allows, with what only applying can tell as the expression that it comes from."""
    functions = [item["name"] for item in yaml.safe_load(spec("lambda/functions.yaml"))["functions"]]
    desired = loading.load(ROOT, ["dev"], registry(), date(2026, 3, 1)).desired["dev"]
    scope = Scope("new-service", "dev", "123456789012", "us-east-1")
    found: dict[str, set[Grant]] = {}
    for resource in desired:
        of_function = resource.name.partition("-us-east-1")[0] in functions
        if resource.type in ("iam.role", "iam.role_policy") and of_function:
            name = resource.name.partition("-us-east-1")[0].removeprefix("new-service-")
            properties = resolve(resource.properties, lambda reference: Unknown(str(reference)))
            allowed = {
                one for one in registry().grants(scope)(resource.type, properties) if one.action != "sts:AssumeRole"
            }
            found.setdefault(name, set()).update(allowed)
    return found


def test_each_function_may_call_exactly_what_its_code_calls(
    load: Load, send: Send, tables: dict[str, Any], roles: dict[str, set[Grant]]
) -> None:
    doing: list[str] = []
    called: dict[str, set[tuple[str, str]]] = {}

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
        table = f"arn:aws:dynamodb:us-east-1:123456789012:table/{params['TableName']}{index}"
        called.setdefault(doing[0], set()).add((f"dynamodb:{model.name}", table))

    for name in TABLES:
        load("lib.aws").table(name).meta.client.meta.events.register("provide-client-params.dynamodb.*", note)
    _use_everything(load, send, doing)

    own = {name: {(one.action, one.resource) for one in allowed} for name, allowed in roles.items()}
    assert called == {
        name: {pair for pair in pairs if pair[0].startswith("dynamodb:")}
        for name, pairs in own.items()
        if name in called
    }
    assert set(called) == {"conversation-api", "prompt-crud", "usage-handler", "usage-report", *WEBSOCKETS}


WEBSOCKETS = ("websocket-connect", "websocket-message", "websocket-disconnect")


def test_each_function_writes_its_own_logs_and_no_others(roles: dict[str, set[Grant]]) -> None:
    functions = [item["name"] for item in yaml.safe_load(spec("lambda/functions.yaml"))["functions"]]
    groups = {
        one.resource for allowed in roles.values() for one in allowed if one.action == "logs:PutLogEvents"
    }  # fmt: skip
    assert groups == {f"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/{name}:*" for name in functions}
    for name, allowed in roles.items():
        assert {one.resource for one in allowed if one.action.startswith("logs:")} == {
            f"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/new-service-{name}:*"
        }


def test_no_role_allows_whole_services_or_everything(roles: dict[str, set[Grant]]) -> None:
    for one in (one for allowed in roles.values() for one in allowed):
        assert "*" not in one.action
        assert one.resource.split(":", 5)[-1] != "*"


def test_answers_go_to_the_connections_of_one_stage_of_one_api(roles: dict[str, set[Grant]]) -> None:
    (grant,) = [one for one in roles["websocket-message"] if one.action.startswith("execute-api:")]
    api = "${apigatewayv2.api/new-service-websocket-api.execution_arn}"
    assert grant.resource == f"{api}/dev/POST/@connections/*"


def _use_everything(load: Load, send: Send, doing: list[str]) -> None:
    ann = {"user_id": "ann"}

    def ask(*args: Any, **more: Any) -> tuple[int, Any]:
        doing[:] = [ROUTES[args[1]]]
        return send(*args, **more)

    message = ask("POST", "/conversations", body={**ann, "content": "hi"})[1]
    prompt = ask("POST", "/prompts", body={**ann, "title": "t", "text": "x"})[1]
    keys = {
        "/conversations": {**ann, "conversation_id": message["conversation_id"], "timestamp": message["timestamp"]},
        "/prompts": {**ann, "prompt_id": prompt["prompt_id"]},
    }
    for path, key in keys.items():
        for query in (None, ann, {name: value for name, value in key.items() if name.endswith("_id")}):
            assert ask("GET", path, query=query)[0] == 200
    assert ask("PUT", "/conversations", body={**keys["/conversations"], "content": "x"})[0] == 200
    assert ask("PUT", "/prompts", body={**keys["/prompts"], "text": "y"})[0] == 200
    for path, key in keys.items():
        assert ask("DELETE", path, query=key)[0] == 204
    for query in (None, ann):
        assert ask("GET", "/usage", query=query)[0] == 200
    doing[:] = ["usage-report"]
    load("handlers.usage_report").handler({"requestContext": {}}, Context())
    doing[:] = ["websocket-connect"]
    load("handlers.websocket_connect").handler(websocket_event("$connect"), Context())
    doing[:] = ["websocket-message"]
    event = websocket_event("$default", body={"message": "hi"})
    load("handlers.websocket_message").respond(event, FakeGateway(), lambda: FakeBedrock(stream_of("ok")))
    doing[:] = ["websocket-disconnect"]
    load("handlers.websocket_disconnect").handler(websocket_event("$disconnect"), Context())


class Page(HTMLParser):
    """Ids, references to ids and addresses of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.fields: list[str] = []
        self.references: dict[str, list[str]] = {"for": [], "aria-labelledby": [], "href": [], "src": []}
        self.lang: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.ids += [found["id"]] if "id" in found else []
        self.fields += [found["id"]] if tag in {"input", "textarea", "select"} else []
        self.lang = found.get("lang", self.lang)
        for name, values in self.references.items():
            values.extend([found[name]] if name in found else [])


def pages() -> Iterator[Page]:
    for path in sorted((ROOT / "frontend").glob("*.html")):
        yield Page(path.read_text())


def test_the_site_is_labelled_and_comes_from_one_host() -> None:
    for page in pages():
        assert page.lang == "en"
        assert len(page.ids) == len(set(page.ids))
        assert set(page.references["aria-labelledby"]) <= set(page.ids)
        assert sorted(page.references["for"]) == sorted(page.fields)
        for address in page.references["href"] + page.references["src"]:
            local = address.lstrip("/").split("#")[0]
            assert address == "data:," or local == "" or (ROOT / "frontend" / local).is_file()


def test_the_script_uses_ids_that_the_page_has() -> None:
    script = (ROOT / "frontend/app.js").read_text()
    used = set(re.findall(r"(?:byId|fill|onSubmit)\(\"([a-z-]+)\"", script))
    assert used
    assert used <= set(Page((ROOT / "frontend/index.html").read_text()).ids)
