"""The WebSocket functions: whose connection it is, streamed answers, and the plain answer where no model is."""

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, EventStreamError
from urllib3.exceptions import ProtocolError

from tests.sample.support import Context, FakeBedrock, FakeGateway, refusal, stream_of, websocket_event

Load = Callable[[str], ModuleType]
Ask = Callable[..., int]
UNREACHABLE = EndpointConnectionError(endpoint_url="https://bedrock-runtime.us-east-1.amazonaws.com")


@pytest.fixture
def connect(load: Load, tables: dict[str, Any]) -> Callable[..., int]:
    """Opens the connection; the status."""

    def _connect(**parts: Any) -> int:
        answer = load("handlers.websocket_connect").handler(websocket_event("$connect", **parts), Context())
        return int(answer["statusCode"])

    return _connect


@pytest.fixture
def ask(load: Load, connect: Callable[..., int], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Sends a message over ann's connection: `ask(gateway, bedrock, body)` -> the status."""
    monkeypatch.setenv("MODEL_ID", "amazon.nova-lite-v1:0")
    connect(query={"user_id": "ann"})

    def _ask(gateway: FakeGateway, bedrock: FakeBedrock, body: Any) -> int:
        event = websocket_event("$default", body=body)
        answer = load("handlers.websocket_message").respond(event, gateway, lambda: bedrock)
        return int(answer["statusCode"])

    return _ask


def kept(tables: dict[str, Any]) -> list[tuple[str, str]]:
    """(role, content) of all messages, in order."""
    items = sorted(tables["conversations"].scan()["Items"], key=lambda item: item["timestamp"])
    return [(item["role"], item["content"]) for item in items]


def usage(tables: dict[str, Any]) -> tuple[str, int, int, int]:
    """(user, requests, tokens in, tokens out) of the one day there is."""
    (day,) = tables["usage"].scan()["Items"]
    return day["user_id"], int(day["requests"]), int(day["input_tokens"]), int(day["output_tokens"])


@pytest.mark.parametrize(
    ("parts", "user"),
    [
        ({}, "anonymous"),
        ({"query": {"user_id": "ann"}}, "ann"),
        ({"user": "auth0|7"}, "auth0|7"),
        ({"user": "ann", "query": {"user_id": "ann"}}, "ann"),
    ],
)
def test_a_connection_is_kept_with_its_user_and_forgotten(
    load: Load, connect: Callable[..., int], tables: dict[str, Any], parts: dict[str, Any], user: str
) -> None:
    assert connect(**parts) == 200
    (item,) = tables["websocket-connections"].scan()["Items"]
    assert (item["connection_id"], item["user_id"]) == ("c-1=", user)
    assert item["ttl"] > 0

    disconnect = load("handlers.websocket_disconnect").handler
    for _ in range(2):
        assert disconnect(websocket_event("$disconnect"), Context()) == {"statusCode": 200}
    assert tables["websocket-connections"].scan()["Items"] == []


@pytest.mark.parametrize(
    ("parts", "status"),
    [({"query": {"user_id": "two words"}}, 400), ({"query": {"user_id": "bob"}, "user": "ann"}, 403)],
)
def test_a_connection_in_a_wrong_name_is_refused(
    connect: Callable[..., int], tables: dict[str, Any], parts: dict[str, Any], status: int
) -> None:
    assert connect(**parts) == status
    assert tables["websocket-connections"].scan()["Items"] == []


def test_an_answer_is_streamed_kept_and_counted(ask: Ask, tables: dict[str, Any]) -> None:
    gateway, bedrock = FakeGateway(), FakeBedrock(stream_of("Hel", "lo, ", "x" * 80, " end"))
    assert ask(gateway, bedrock, {"action": "message", "message": "hi", "conversation_id": "k"}) == 200

    pieces = [message["text"] for message in gateway.posted[:-1]]
    assert pieces == ["Hello, " + "x" * 80, " end"]
    assert gateway.posted[-1] == {
        "type": "end",
        "conversation_id": "k",
        "offline": False,
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 12, "output_tokens": 7},
    }
    assert kept(tables) == [("user", "hi"), ("assistant", "".join(pieces))]
    assert usage(tables) == ("ann", 1, 12, 7)


def test_the_model_gets_the_conversation_so_far_and_nothing_of_others(
    load: Load, ask: Ask, tables: dict[str, Any]
) -> None:
    conversations = load("src.conversations").Conversations(tables["conversations"])
    message = load("src.models").NewMessage
    for user, role, text in (
        ("ann", "assistant", "?"),
        ("ann", "user", "one"),
        ("bob", "user", "secret"),
        ("ann", "user", "two"),
    ):
        conversations.add(message(user_id=user, role=role, content=text, conversation_id="k"))
    bedrock = FakeBedrock(stream_of("ok"))
    ask(FakeGateway(), bedrock, {"message": "three", "conversation_id": "k"})
    ask(FakeGateway(), bedrock, {"message": "four", "conversation_id": "k"})
    told = [(turn["role"], [part["text"] for part in turn["content"]]) for turn in bedrock.requests[1]["messages"]]
    assert told == [("user", ["one", "two", "three"]), ("assistant", ["ok"]), ("user", ["four"])]
    assert usage(tables) == ("ann", 2, 24, 14)


def test_every_answer_goes_through_the_guardrail_where_there_is_one(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    without, through = FakeBedrock(stream_of("ok")), FakeBedrock(stream_of("no.", stop="guardrail_intervened"))
    ask(FakeGateway(), without, {"message": "hi"})
    monkeypatch.setenv("GUARDRAIL_ID", "gr1234567890")
    monkeypatch.setenv("GUARDRAIL_VERSION", "3")
    gateway = FakeGateway()
    ask(gateway, through, {"message": "hi"})

    assert "guardrailConfig" not in without.requests[0]
    assert through.requests[0]["modelId"] == "amazon.nova-lite-v1:0"
    assert through.requests[0]["guardrailConfig"] == {
        "guardrailIdentifier": "gr1234567890",
        "guardrailVersion": "3",
        "streamProcessingMode": "sync",
    }
    assert gateway.posted[-1]["stop_reason"] == "guardrail_intervened"


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (refusal("AccessDeniedException"), "the model refused: AccessDeniedException"),
        (UNREACHABLE, "the model is out of reach: EndpointConnectionError"),
    ],
)
def test_without_bedrock_a_plain_answer_says_so(ask: Ask, tables: dict[str, Any], error: Exception, why: str) -> None:
    gateway = FakeGateway()
    assert ask(gateway, FakeBedrock([error]), {"message": "how are you?"}) == 200
    assert gateway.text == f"This is the offline answer, not a model's ({why}). Your message of 3 words is kept."
    assert (gateway.posted[-1]["offline"], gateway.posted[-1]["stop_reason"]) == (True, "offline")
    assert kept(tables) == [("user", "how are you?"), ("assistant", gateway.text)]
    assert usage(tables) == ("ann", 1, 0, 0)


def test_without_a_model_nothing_is_called(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODEL_ID")
    gateway, bedrock = FakeGateway(), FakeBedrock([])
    ask(gateway, bedrock, {"message": "hi"})
    assert "offline answer" in gateway.text
    assert "no model is configured" in gateway.text
    assert bedrock.requests == []


@pytest.mark.parametrize(
    "error",
    [EventStreamError({"Error": {"Code": "modelStreamErrorException"}}, "ConverseStream"), ProtocolError("broken")],
)
def test_an_answer_that_breaks_off_ends_in_the_plain_one(ask: Ask, tables: dict[str, Any], error: Exception) -> None:
    gateway = FakeGateway()
    assert ask(gateway, FakeBedrock([*stream_of("y" * 90)[:2], error]), {"message": "hi"}) == 200
    assert gateway.text.startswith("y" * 90 + "\n\nThis is the offline answer")
    assert kept(tables)[1] == ("assistant", gateway.text)


def test_a_browser_that_went_away_is_forgotten_and_what_it_used_is_counted(ask: Ask, tables: dict[str, Any]) -> None:
    gateway = FakeGateway(stays=1)
    assert ask(gateway, FakeBedrock(stream_of("a" * 80, "b" * 80, "c" * 80)), {"message": "hi"}) == 200
    assert len(gateway.posted) == 1
    assert kept(tables)[1] == ("assistant", "a" * 80 + "b" * 80)
    assert usage(tables)[1] == 1
    assert tables["websocket-connections"].scan()["Items"] == []


@pytest.mark.parametrize("body", ["{", "[]", {}, {"message": ""}, {"message": "x" * 20_001}, None])
def test_a_message_that_is_wrong_is_answered_with_what_is_wrong(ask: Ask, tables: dict[str, Any], body: Any) -> None:
    gateway, bedrock = FakeGateway(), FakeBedrock([])
    assert ask(gateway, bedrock, body) == 400
    (told,) = gateway.posted
    assert told["type"] == "error"
    assert [error["field"] for error in told["errors"]] in (["body"], ["message"])
    assert (kept(tables), bedrock.requests) == ([], [])


def test_a_connection_that_is_not_known_is_told_to_connect_again(ask: Ask, tables: dict[str, Any]) -> None:
    tables["websocket-connections"].delete_item(Key={"connection_id": "c-1="})
    gateway = FakeGateway()
    assert ask(gateway, FakeBedrock([]), {"message": "hi"}) == 403
    assert gateway.posted == [{"type": "error", "message": "the connection is not known: connect again", "errors": []}]


def test_the_function_writes_to_the_api_that_the_message_came_through(
    load: Load, connect: Callable[..., int], tables: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    connect()
    module = load("handlers.websocket_message")
    answer = module.handler(websocket_event("$default", body={"message": "hi"}), Context())
    assert answer == {"statusCode": 200}
    handled = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (handled["message"], handled["request_id"]) == ("handled", Context().aws_request_id)


def test_the_endpoint_of_the_connections_can_be_said_by_the_environment(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = websocket_event("$default")["requestContext"]
    endpoint = load("handlers.websocket_message")._endpoint
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert endpoint(context) == "https://abc123.execute-api.us-east-1.amazonaws.com/dev"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566/")
    assert endpoint(context) == "http://127.0.0.1:4566/_aws/execute-api/abc123/dev"
    monkeypatch.setenv("WEBSOCKET_ENDPOINT", "http://127.0.0.1:4566/dev")
    assert endpoint(context) == "http://127.0.0.1:4566/dev"
