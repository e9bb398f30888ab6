"""The functions that nobody waits for: the nightly report and the record of what goes on."""

import json
import time
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest

from tests.sample.support import Context

Load = Callable[[str], ModuleType]
YESTERDAY = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400))


@pytest.fixture
def used(tables: dict[str, Any]) -> None:
    """Two users on the day before, and one on another day."""
    for user, date, requests in (("ann", YESTERDAY, 2), ("bob", YESTERDAY, 3), ("ann", "2020-01-01", 50)):
        item = {"user_id": user, "date": date, "requests": requests, "input_tokens": 10, "output_tokens": 20}
        tables["usage"].put_item(Item=item)


REPORT = {"date": YESTERDAY, "users": 2, "requests": 5, "input_tokens": 20, "output_tokens": 40}


def test_the_night_s_report_goes_to_the_topic(load: Load, used: None, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = boto3.client("sns").create_topic(Name="reports")["TopicArn"]
    queue = boto3.client("sqs").create_queue(QueueName="reader")["QueueUrl"]
    boto3.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:reader")
    monkeypatch.setenv("REPORTS_TOPIC", topic)
    assert load("handlers.usage_report").handler({"source": "aws.events"}, Context()) == REPORT
    (message,) = boto3.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    published = json.loads(message["Body"])
    assert published["Subject"] == f"Usage of {YESTERDAY}"
    assert "input tokens: 20\n" in published["Message"]


@pytest.mark.parametrize("context", [{"http": {"method": "GET"}}, {"httpMethod": "GET"}])
def test_whoever_asks_over_http_gets_it_as_json_and_nobody_else_does(
    load: Load, used: None, context: dict[str, Any]
) -> None:
    answer = load("handlers.usage_report").handler({"requestContext": context}, Context())
    assert (answer["statusCode"], json.loads(answer["body"])) == (200, REPORT)


def test_all_pages_of_the_table_are_counted(load: Load) -> None:
    class Paged:
        meta = SimpleNamespace(client=SimpleNamespace(exceptions=None))

        def scan(self, **request: Any) -> dict[str, Any]:
            last = "ExclusiveStartKey" in request
            return {"Items": [{"requests": 1}], **({} if last else {"LastEvaluatedKey": {"user_id": "ann"}})}

    found = load("src.usage").Usage(Paged()).total("2026-01-01")
    assert (found["users"], found["requests"], found["input_tokens"]) == (2, 2, 0)


CHANGE = {
    "eventSource": "aws:dynamodb",
    "eventName": "INSERT",
    "dynamodb": {
        "SequenceNumber": "7",
        "NewImage": {"user_id": {"S": "ann"}, "role": {"S": "user"}, "content": {"S": "very private"}},
    },
}


def message(body: str) -> dict[str, Any]:
    return {"eventSource": "aws:sqs", "messageId": "m-1", "body": body}


def test_activity_is_written_down_without_what_was_said(load: Load, capsys: pytest.CaptureFixture[str]) -> None:
    told = message(json.dumps({"service": "shop", "action": "bought", "user_id": "bob", "card": "4242"}))
    answer = load("handlers.activity_recorder").handler({"Records": [CHANGE, told]}, Context())
    assert answer == {"batchItemFailures": []}
    _, first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["source"], first["action"], first["user_id"]) == ("conversations", "insert", "ann")
    assert (second["source"], second["action"], second["user_id"]) == ("shop", "bought", "bob")
    assert "private" not in str(first)
    assert "4242" not in str(second)


@pytest.mark.parametrize("body", ["no JSON", "[]", '{"service": "shop"}'])
def test_only_what_is_not_understood_comes_again(load: Load, body: str) -> None:
    answer = load("handlers.activity_recorder").handler({"Records": [CHANGE, message(body)]}, Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}


def test_a_change_that_is_not_understood_is_named_by_its_place_in_the_stream(load: Load) -> None:
    broken = {key: value for key, value in CHANGE.items() if key != "eventName"}
    answer = load("handlers.activity_recorder").handler({"Records": [broken]}, Context())
    assert answer["batchItemFailures"] == [{"itemIdentifier": "7"}]
