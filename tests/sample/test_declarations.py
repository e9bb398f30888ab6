"""The declarations beside the code: what they promise each other."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from types import ModuleType
from typing import Any

import jsonschema
import pytest
import yaml
from dotenv import dotenv_values

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
ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/new-service-"


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
    websocket = yaml.safe_load(spec("api-gateway/websocket-api.yaml"))["websocket_api"]
    assert set(websocket["routes"]) == {"$connect", "$disconnect", "$default"}
    assert set(websocket["routes"].values()) <= functions
    for name in functions:
        module = name.removeprefix("new-service-").replace("-", "_")
        assert callable(load(f"handlers.{module}").handler)


def test_handlers_are_imported_without_boto3_and_without_settings() -> None:
    """A cold start pays only for what it uses, and the code can be checked where the Lambda runtime is not."""
    names = [path.stem for path in (ROOT / "backend/handlers").glob("[a-z]*.py")]
    assert len(names) == 6
    program = "import sys; sys.modules.update(boto3=None, botocore=None)\n"
    program += "".join(f"import handlers.{name}\n" for name in names)
    subprocess.run([sys.executable, "-c", program], cwd=ROOT / "backend", env={}, check=True)


def test_dependencies_are_locked_with_hashes_and_name_no_index() -> None:
    lock = (ROOT / "backend/requirements.txt").read_text()
    lines = [line for line in lock.replace("\\\n", " ").splitlines() if line and not line.lstrip().startswith("#")]
    assert any(line.startswith("pydantic==") for line in lines)
    assert all("--hash=sha256:" in line for line in lines)
    assert "://" not in lock


def test_the_role_allows_exactly_what_the_code_calls(load: Load, send: Send, tables: dict[str, Any]) -> None:
    called: set[tuple[str, str]] = set()

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
        called.add(
            (f"dynamodb:{model.name}", f"arn:aws:dynamodb:us-east-1:123456789012:table/{params['TableName']}{index}")
        )

    for name in TABLES:
        load("lib.aws").table(name).meta.client.meta.events.register("provide-client-params.dynamodb.*", note)
    _use_everything(load, send)

    statements = json.loads(spec("iam/dynamodb-policy.json"))["Statement"]
    allowed = {(a, r) for one in statements for a in _many(one["Action"]) for r in _many(one["Resource"])}
    assert called == allowed


def _use_everything(load: Load, send: Send) -> None:
    ann = {"user_id": "ann"}
    message = send("POST", "/conversations", body={**ann, "content": "hi"})[1]
    prompt = send("POST", "/prompts", body={**ann, "title": "t", "text": "x"})[1]
    keys = {
        "/conversations": {**ann, "conversation_id": message["conversation_id"], "timestamp": message["timestamp"]},
        "/prompts": {**ann, "prompt_id": prompt["prompt_id"]},
    }
    for path, key in keys.items():
        for query in (None, ann, {name: value for name, value in key.items() if name.endswith("_id")}):
            assert send("GET", path, query=query)[0] == 200
    assert send("PUT", "/conversations", body={**keys["/conversations"], "content": "x"})[0] == 200
    assert send("PUT", "/prompts", body={**keys["/prompts"], "text": "y"})[0] == 200
    for path, key in keys.items():
        assert send("DELETE", path, query=key)[0] == 204
    for query in (None, ann):
        assert send("GET", "/usage", query=query)[0] == 200
    load("handlers.websocket_connect").handler(websocket_event("$connect"), Context())
    event = websocket_event("$default", body={"message": "hi"})
    load("handlers.websocket_message").respond(event, FakeGateway(), lambda: FakeBedrock(stream_of("ok")))
    load("handlers.websocket_disconnect").handler(websocket_event("$disconnect"), Context())


def _many(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_the_role_writes_the_logs_of_the_declared_functions_and_no_others() -> None:
    role = yaml.safe_load(spec("iam/roles.yaml"))["roles"][0]
    (statement,) = role["policies"]["Logs"]["Statement"]
    functions = [item["name"] for item in yaml.safe_load(spec("lambda/functions.yaml"))["functions"]]
    prefix = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/"
    assert statement["Resource"] == [f"{prefix}{name}:*" for name in functions]


def test_no_policy_allows_whole_services_or_everything() -> None:
    files = [json.loads(spec(f"iam/{name}.json")) for name in ("dynamodb-policy", "bedrock-policy")]
    inline = [p for p in yaml.safe_load(spec("iam/roles.yaml"))["roles"][0]["policies"].values() if isinstance(p, dict)]
    for statement in (statement for policy in [*files, *inline] for statement in policy["Statement"]):
        assert not any("*" in action for action in _many(statement["Action"]))
        assert not any(resource.split(":", 5)[-1] == "*" for resource in _many(statement["Resource"]))


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
