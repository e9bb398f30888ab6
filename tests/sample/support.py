"""Events as API Gateway sends them, a context as Lambda passes it, and fakes of Bedrock and of the connections' API."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import ClientError

ROOT = Path(__file__).resolve().parents[2]
VALUES = {"SERVICE_NAME": "new-service", "AWS_REGION": "us-east-1", "AWS_ACCOUNT_ID": "123456789012"}
TABLES = ("conversations", "prompts", "usage", "websocket-connections")


@dataclass(frozen=True)
class Context:
    """What Lambda passes beside the event, as far as the handlers look at it."""

    aws_request_id: str = "11111111-2222-3333-4444-555555555555"


def spec(path: str) -> str:
    """The text of a file below aws/, with the variables that the tests need filled in."""
    text = (ROOT / "aws" / path).read_text()
    for name, value in VALUES.items():
        text = text.replace("${" + name + "}", value)
    return text


def rest_event(
    method: str, path: str, *, query: Mapping[str, str] | None = None, body: Any = None, user: str | None = None
) -> dict[str, Any]:
    """A REST proxy event; `body` is sent as it is when it is text, else as JSON; `user` is whom an authorizer found."""
    authorizer = {"authorizer": {"claims": {"sub": user}}} if user else {}
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": {"Host": "abc123.execute-api.us-east-1.amazonaws.com", "Authorization": "Bearer very-private"},
        "multiValueHeaders": {},
        "queryStringParameters": dict(query) if query else None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {"stage": "dev", "httpMethod": method, "requestId": "r-1", **authorizer},
        "body": body if body is None or isinstance(body, str) else json.dumps(body),
        "isBase64Encoded": False,
    }


def websocket_event(
    route: str, *, query: Mapping[str, str] | None = None, body: Any = None, user: str | None = None
) -> dict[str, Any]:
    """A WebSocket proxy event of the connection `c-1=`."""
    authorizer = {"authorizer": {"principalId": user}} if user else {}
    event: dict[str, Any] = {
        "requestContext": {
            "routeKey": route,
            "eventType": {"$connect": "CONNECT", "$disconnect": "DISCONNECT"}.get(route, "MESSAGE"),
            "connectionId": "c-1=",
            "apiId": "abc123",
            "domainName": "abc123.execute-api.us-east-1.amazonaws.com",
            "stage": "dev",
            **authorizer,
        },
        "isBase64Encoded": False,
    }
    if query:
        event["queryStringParameters"] = dict(query)
    if body is not None:
        event["body"] = body if isinstance(body, str) else json.dumps(body)
    return event


def stream_of(*pieces: str, stop: str = "end_turn") -> list[dict[str, Any]]:
    """The events with which ConverseStream answers."""
    deltas = [{"contentBlockDelta": {"delta": {"text": piece}, "contentBlockIndex": 0}} for piece in pieces]
    return [
        {"messageStart": {"role": "assistant"}},
        *deltas,
        {"contentBlockStop": {"contentBlockIndex": 0}},
        {"messageStop": {"stopReason": stop}},
        {"metadata": {"usage": {"inputTokens": 12, "outputTokens": 7, "totalTokens": 19}}},
    ]


class FakeBedrock:
    """Answers with the given events; an exception among them is raised where it stands."""

    def __init__(self, events: Iterable[dict[str, Any] | Exception]) -> None:
        self.events = list(events)
        self.requests: list[dict[str, Any]] = []

    def converse_stream(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        if self.events and isinstance(self.events[0], Exception):
            raise self.events[0]
        return {"stream": self._stream()}

    def _stream(self) -> Iterator[dict[str, Any]]:
        for event in self.events:
            if isinstance(event, Exception):
                raise event
            yield event


class Gone(Exception):
    """As boto3 raises it for a connection that is no longer there."""


class Exceptions:
    GoneException = Gone


class FakeGateway:
    """Keeps what is posted; the browser goes away after `stays` messages."""

    exceptions = Exceptions

    def __init__(self, stays: int = 1000) -> None:
        self.stays = stays
        self.posted: list[dict[str, Any]] = []

    def post_to_connection(self, *, ConnectionId: str, Data: bytes) -> None:  # noqa: N803 - boto3's parameter names
        assert ConnectionId == "c-1="
        if len(self.posted) >= self.stays:
            raise Gone
        self.posted.append(json.loads(Data))

    @property
    def text(self) -> str:
        """All pieces of the answer."""
        return "".join(message["text"] for message in self.posted if message["type"] == "delta")


def refusal(code: str) -> ClientError:
    """An error of AWS."""
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "ConverseStream")


def declared_tables() -> list[dict[str, Any]]:
    """The tables of the service's own spec."""
    tables: list[dict[str, Any]] = yaml.safe_load(spec("dynamodb/tables.yaml"))["tables"]
    return tables


def create_table(dynamodb: Any, table: Mapping[str, Any]) -> None:
    """Makes a table as its spec declares it, as far as requests depend on it."""
    indexes = table.get("indexes", [])
    keys = {key for item in (table, *indexes) for key in _keys(item)}
    extra = {"GlobalSecondaryIndexes": [_index(index) for index in indexes]} if indexes else {}
    dynamodb.create_table(
        TableName=table["name"],
        KeySchema=_schema(table),
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in sorted(keys)],
        BillingMode="PAY_PER_REQUEST",
        **extra,
    )


def _index(index: Mapping[str, Any]) -> dict[str, Any]:
    return {"IndexName": index["name"], "KeySchema": _schema(index), "Projection": {"ProjectionType": "ALL"}}


def _keys(item: Mapping[str, Any]) -> list[str]:
    return [item[role] for role in ("partition_key", "sort_key") if role in item]


def _schema(item: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"AttributeName": key, "KeyType": kind} for key, kind in zip(_keys(item), ("HASH", "RANGE"), strict=False)]
