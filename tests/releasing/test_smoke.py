"""What counts as the expected answer of a function and of an address, and how long one waits for it."""

import io
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import pytest

from pipeline.errors import AwsError, FailedCall
from pipeline.model.delivery import Check, Tried, failures_of
from pipeline.releasing.smoke import NoReply, Reply, Timing, ask_all, invoke_all, reply_of, unexpected
from tests.support.aws import SCOPE

T = TypeVar("T")


class Functions:
    """An `Aws` whose functions give these answers, one after the other; the last one for ever."""

    scope = SCOPE

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    def call(self, service: str, operation: str, /, *, region: str | None = None, **params: Any) -> dict[str, Any]:
        assert (service, operation) == ("lambda", "Invoke")
        self.asked.append(params)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, AwsError):
            raise answer
        error = {"FunctionError": "Unhandled"} if isinstance(answer, dict) and "errorMessage" in answer else {}
        return {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(answer).encode()), **error}

    def pages(self, service: str, operation: str, /, key: str, **params: Any) -> list[Any]:
        raise AssertionError("nothing here is listed")

    def found(self, service: str, operation: str, /, **params: Any) -> dict[str, Any] | None:
        raise AssertionError("nothing here is looked for")

    def gather(self, thunks: Iterable[Callable[[], T]]) -> list[T]:
        return [thunk() for thunk in thunks]

    def wait(self, what: str, poll: Callable[[], T | None], *, every: float, budget: float) -> T:
        raise AssertionError("nothing here is waited for")

    def artifact(self, digest: str) -> dict[str, str]:
        raise AssertionError("nothing here is uploaded")


class Clock:
    """Time that passes by sleeping."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timing(self) -> Timing:
        return Timing(lambda: self.seconds, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def invoke(aws: Functions, patience: float = 0.0, **expected: Any) -> tuple[list[str], float]:
    """What is wrong with function `f`, and how long that took to say."""
    clock = Clock()
    check = Check(function="f", payload={"path": "/"}, **expected)
    return failures_of(invoke_all(aws, [check], {"f": "7"}, clock.timing(), patience)), clock.seconds


def test_the_new_version_gets_the_payload() -> None:
    aws = Functions({"statusCode": 200, "body": "{}"})
    assert invoke(aws, status=200)[0] == []
    (asked,) = aws.asked
    assert (asked["FunctionName"], asked["Qualifier"], json.loads(asked["Payload"])) == ("f", "7", {"path": "/"})


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        ({"errorMessage": "No module named boto", "errorType": "ImportError"}, "version 7 ended in an error"),
        ({"statusCode": 500, "body": "broken"}, "answered 500: broken"),
        ({"statusCode": 404, "body": "x" * 900}, "…"),
        (AwsError(FailedCall("lambda", "Invoke", "AccessDeniedException", "you may not")), "you may not"),
    ],
)
def test_errors_fail_without_any_expectation(answer: Any, part: str) -> None:
    (failure,), _ = invoke(Functions(answer))
    assert failure.startswith("function f: ")
    assert part in failure


@pytest.mark.parametrize(
    ("expected", "body", "right"),
    [
        ({"status": 201}, "", False), ({"status": 200}, "", True), ({"contains": "hello"}, "say hello", True),
        ({"contains": "hello"}, "bye", False), ({"json": {"a": 1}}, '{"a": 1, "b": 2}', True),
        ({"json": {"a": {"b": [1, 2]}}}, '{"a": {"b": [1, 2], "c": 3}}', True), ({"json": {"a": 1}}, '{"a": 2}', False),
        ({"json": [1]}, "[1, 2]", False), ({"json": {"a": 1}}, "no JSON", False),
        ({"json": {"a": True}}, '{"a": 1}', False), ({"json": {"a": 1.0}}, '{"a": 1}', True),
        ({"json": {"a": "1"}}, '{"a": 1}', False),
    ],
)  # fmt: skip
def test_what_is_expected(expected: Mapping[str, Any], body: str, right: bool) -> None:
    assert (unexpected(Check(url="https://x", **expected), Reply(body, 200)) is None) is right


def test_an_error_that_is_expected_is_right() -> None:
    assert unexpected(Check(url="https://x", status=403), Reply("no", 403)) is None


def test_values_that_are_not_for_an_api_are_looked_at_themselves() -> None:
    assert reply_of('{"ok": true}') == Reply('{"ok": true}')
    assert reply_of("null") == Reply("null")
    assert reply_of('{"statusCode": 200, "body": "{}"}') == Reply("{}", 200)
    assert invoke(Functions({"ok": True}), json={"ok": True})[0] == []


def test_a_broken_function_fails_at_once_and_one_that_settles_is_given_time() -> None:
    assert invoke(Functions({"statusCode": 500, "body": ""}))[1] == 0.0
    assert invoke(Functions({"statusCode": 500, "body": ""}, {"statusCode": 200, "body": ""}), 30.0) == ([], 1.0)
    failures, seconds = invoke(Functions({"statusCode": 500, "body": ""}), 30.0)
    assert (len(failures), seconds) == (1, 30.0)
    assert invoke(Functions({"statusCode": 404, "body": ""}), 30.0)[1] == 0.0, "that is no error of something new"


def test_addresses_are_asked_again_until_they_answer() -> None:
    answers: list[Reply | None] = [None, Reply("", 500), Reply("ok", 200)]
    sent: list[tuple[str, str, Mapping[str, str], bytes | None, float]] = []

    def web(method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout: float) -> Reply:
        sent.append((method, url, headers, body, timeout))
        answer = answers.pop(0)
        if answer is None:
            raise NoReply("no answer: connection refused")
        return answer

    clock = Clock()
    check = Check(url="https://x", method="POST", body={"a": 1}, headers={"X-A": "b"}, timeout=9, contains="ok")
    assert ask_all(Functions(), web, [check], clock.timing(), 30.0) == [Tried(check)]
    assert clock.seconds == 2.0
    assert sent[0] == ("POST", "https://x", {"Content-Type": "application/json", "X-A": "b"}, b'{"a": 1}', 9.0)
    answers[:] = [None]
    (failure,) = ask_all(Functions(), web, [check], clock.timing(), 0.0)
    assert failure.to_json() == {
        "check": "POST https://x", "when": "after", "passed": False, "problem": "no answer: connection refused",
    }  # fmt: skip
