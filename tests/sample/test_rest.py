"""The REST functions over the declared tables: what they answer, to good and to bad input."""

import base64
import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from tests.sample.support import Context, rest_event

Send = Callable[..., tuple[int, Any]]
Load = Callable[[str], ModuleType]
PATHS = ("/conversations", "/prompts", "/usage")


def fields(answer: Any) -> list[str]:
    return [error["field"] for error in answer["errors"]]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("query", [None, {"user_id": "ann"}, {"limit": "3"}])
def test_empty_tables_are_empty_lists(send: Send, path: str, query: dict[str, str] | None) -> None:
    assert send("GET", path, query=query) == (200, {"items": [], "next_token": None})


def test_a_message_is_kept_listed_changed_and_deleted(send: Send) -> None:
    status, kept = send("POST", "/conversations", body={"user_id": "ann", "content": " 안녕 "})
    assert status == 201
    assert kept["content"] == "안녕"
    assert kept["ttl"] > 0
    key = {name: kept[name] for name in ("conversation_id", "timestamp", "user_id")}

    assert send("GET", "/conversations", query={"user_id": "ann"})[1]["items"] == [kept]
    assert send("GET", "/conversations", query={"conversation_id": kept["conversation_id"]})[1]["items"] == [kept]
    assert send("GET", "/conversations")[1]["items"] == [kept]

    status, changed = send("PUT", "/conversations", body={**key, "content": "bye"})
    assert (status, changed["content"], changed["ttl"]) == (200, "bye", kept["ttl"])

    assert send("DELETE", "/conversations", query=key) == (204, None)
    assert send("DELETE", "/conversations", query=key)[0] == 404
    assert send("GET", "/conversations")[1]["items"] == []


def test_a_prompt_is_kept_listed_changed_in_part_and_deleted(send: Send) -> None:
    status, kept = send("POST", "/prompts", body={"user_id": "ann", "title": "t", "text": "x", "tags": ["a"]})
    assert status == 201
    key = {"prompt_id": kept["prompt_id"], "user_id": "ann"}
    for query in ({"user_id": "ann"}, {"prompt_id": kept["prompt_id"]}, key, None):
        assert send("GET", "/prompts", query=query)[1]["items"] == [kept]

    changed = send("PUT", "/prompts", body={**key, "tags": []})[1]
    assert (changed["title"], changed["text"], changed["tags"]) == ("t", "x", [])

    assert send("DELETE", "/prompts", body=key) == (204, None)
    assert send("GET", "/prompts")[1]["items"] == []


@pytest.mark.parametrize(
    ("method", "path", "parts"),
    [
        ("GET", "/conversations", {"query": {"conversation_id": "none"}}),
        ("PUT", "/conversations", {"body": {"conversation_id": "c", "timestamp": "t", "user_id": "u", "content": "x"}}),
        ("DELETE", "/conversations", {"query": {"conversation_id": "c", "timestamp": "t", "user_id": "u"}}),
        ("GET", "/prompts", {"query": {"prompt_id": "none"}}),
        ("GET", "/prompts", {"query": {"prompt_id": "none", "user_id": "ann"}}),
        ("PUT", "/prompts", {"body": {"prompt_id": "none", "user_id": "ann", "title": "t"}}),
        ("DELETE", "/prompts", {"query": {"prompt_id": "none", "user_id": "ann"}}),
    ],
)
def test_what_is_not_there_is_404(send: Send, method: str, path: str, parts: dict[str, Any]) -> None:
    status, answer = send(method, path, **parts)
    assert status == 404
    assert answer["message"].startswith("there is no such ")


def test_the_owner_of_an_item_alone_changes_and_deletes_it(send: Send) -> None:
    kept = send("POST", "/conversations", body={"user_id": "ann", "content": "mine"})[1]
    key = {"conversation_id": kept["conversation_id"], "timestamp": kept["timestamp"], "user_id": "bob"}
    assert send("PUT", "/conversations", body={**key, "content": "his"})[0] == 404
    assert send("DELETE", "/conversations", query=key)[0] == 404
    assert send("GET", "/conversations")[1]["items"] == [kept]


def test_a_signed_in_user_is_the_user_and_may_not_be_another(send: Send) -> None:
    kept = send("POST", "/prompts", body={"title": "t", "text": "x"}, user="ann")[1]
    send("POST", "/prompts", body={"title": "t", "text": "x"}, user="bob")
    assert kept["user_id"] == "ann"
    assert send("GET", "/prompts", user="ann")[1]["items"] == [kept]
    assert send("GET", "/prompts", query={"user_id": "bob"}, user="ann")[0] == 403
    assert send("GET", "/prompts", query={"prompt_id": kept["prompt_id"]}, user="bob")[0] == 404


def test_usage_is_told_by_user_and_range_of_days(send: Send, tables: dict[str, Any]) -> None:
    for user, day in (("ann", "2026-11-01"), ("ann", "2026-11-02"), ("ann", "2026-11-03"), ("bob", "2026-11-02")):
        tables["usage"].put_item(Item={"user_id": user, "date": day, "requests": 2})

    def days(**query: str) -> list[tuple[str, str, int]]:
        items = send("GET", "/usage", query=query)[1]["items"]
        return sorted((item["user_id"], item["date"], item["requests"]) for item in items)

    assert days(user_id="ann", **{"from": "2026-11-02"}) == [("ann", "2026-11-02", 2), ("ann", "2026-11-03", 2)]
    assert days(user_id="ann", to="2026-11-01") == [("ann", "2026-11-01", 2)]
    assert days(**{"from": "2026-11-02", "to": "2026-11-02"}) == [("ann", "2026-11-02", 2), ("bob", "2026-11-02", 2)]


@pytest.mark.parametrize("query", [{}, {"user_id": "ann"}])
@pytest.mark.parametrize("path", ["/conversations", "/prompts"])
def test_pages_lead_through_the_whole_list(send: Send, path: str, query: dict[str, str]) -> None:
    texts = {"/conversations": {"content": "x"}, "/prompts": {"title": "t", "text": "x"}}
    for _ in range(5):
        send("POST", path, body={"user_id": "ann", **texts[path]})
    seen: list[str] = []
    token: str | None = ""
    while token is not None:
        page = send("GET", path, query={**query, "limit": "2", **({"next_token": token} if token else {})})[1]
        assert len(page["items"]) <= 2
        seen += [json.dumps(item) for item in page["items"]]
        token = page["next_token"]
    assert len(seen) == len(set(seen)) == 5


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        "%%%",
        "ü",
        base64.urlsafe_b64encode(b"[1]").decode(),
        base64.urlsafe_b64encode(b'{"a": "b"}').decode(),
    ],
)
@pytest.mark.parametrize("path", PATHS)
def test_a_page_token_of_another_list_is_named(send: Send, path: str, token: str) -> None:
    status, answer = send("GET", path, query={"next_token": token})
    assert (status, fields(answer)) == (400, ["next_token"])


@pytest.mark.parametrize("body", ["{", "[1, 2]", '"text"', "[" * 100_000, "nul"])
def test_a_body_that_is_no_json_object_is_400(send: Send, body: str) -> None:
    status, answer = send("POST", "/prompts", body=body)
    assert (status, fields(answer)) == (400, ["body"])


def test_every_field_that_is_wrong_is_named_without_its_value(send: Send) -> None:
    body = {"user_id": "two words", "content": 5, "role": "system", "private": "hunter2"}
    status, answer = send("POST", "/conversations", body=body)
    assert status == 400
    assert sorted(fields(answer)) == ["content", "private", "role", "user_id"]
    assert "hunter2" not in json.dumps(answer)


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/conversations", {"limit": "0"}, "limit"),
        ("/conversations", {"limit": "many"}, "limit"),
        ("/usage", {"from": "yesterday"}, "from"),
        ("/usage", {"from": "2026-11-02", "to": "2026-11-01"}, "to"),
    ],
)
def test_a_query_that_is_wrong_names_its_parameter(send: Send, path: str, query: dict[str, str], field: str) -> None:
    status, answer = send("GET", path, query=query)
    assert (status, fields(answer)) == (400, [field])


def test_a_change_of_nothing_is_400(send: Send) -> None:
    status, answer = send("PUT", "/prompts", body={"prompt_id": "p", "user_id": "ann"})
    assert (status, fields(answer)) == (400, ["body"])


def test_a_body_in_base64_is_read(load: Load, tables: dict[str, Any]) -> None:
    body = base64.b64encode(json.dumps({"user_id": "ann", "content": "hi"}).encode()).decode()
    event = rest_event("POST", "/conversations", body=body) | {"isBase64Encoded": True}
    assert load("handlers.conversation_api").handler(event, Context())["statusCode"] == 201
    event["body"] = "not base64"
    assert load("handlers.conversation_api").handler(event, Context())["statusCode"] == 400


def test_other_methods_are_405_and_told_which_are_allowed(load: Load, tables: dict[str, Any]) -> None:
    answer = load("handlers.usage_handler").handler(rest_event("POST", "/usage"), Context())
    assert answer["statusCode"] == 405
    assert answer["headers"]["Allow"] == "GET, OPTIONS"


def test_only_pages_of_the_configured_origin_may_read_answers(
    load: Load, tables: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = load("handlers.usage_handler").handler
    assert "Access-Control-Allow-Origin" not in handler(rest_event("GET", "/usage"), Context())["headers"]
    monkeypatch.setenv("CORS_ORIGIN", "https://new-service.com")
    for method, status in (("GET", 200), ("OPTIONS", 204), ("PUT", 405)):
        answer = handler(rest_event(method, "/usage"), Context())
        assert answer["statusCode"] == status
        assert answer["headers"]["Access-Control-Allow-Origin"] == "https://new-service.com"
        assert answer["headers"]["Access-Control-Allow-Methods"] == "GET, OPTIONS"


def test_what_nobody_foresaw_is_logged_and_not_shown(
    send: Send, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SERVICE_NAME", "elsewhere")
    status, answer = send("GET", "/usage")
    assert (status, answer) == (500, {"message": "internal error", "request_id": Context().aws_request_id})
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["message"] for line in lines] == ["unforeseen", "answered"]
    assert lines[0]["kind"] == "ResourceNotFoundException"
    assert any("tables.py" in place for place in lines[0]["where"])


def test_the_log_holds_neither_bodies_nor_headers_nor_secrets(
    load: Load, send: Send, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-2-3")
    send("POST", "/conversations", body={"user_id": "ann", "content": "my-diary", "unknown": "hunter2"})
    log = load("utils.log")
    log.info("shown", api_key="hunter3", input_tokens=3, next_token="hunter4")
    out = capsys.readouterr().out
    assert not any(private in out for private in ("my-diary", "hunter", "very-private"))
    last = json.loads(out.splitlines()[-1])
    assert (last["input_tokens"], last["api_key"], last["trace"]) == (3, "***", "Root=1-2-3")

    monkeypatch.setenv("LOG_LEVEL", "WARNING")
    log.info("too much")
    assert capsys.readouterr().out == ""
