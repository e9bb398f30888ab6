"""Errors are found in every shape that functions log them in, and those alike are one."""

import json
from typing import Any

from pipeline.diagnosing.errors_in_logs import troubles

RAISED = """[ERROR] KeyError: 'id'
Traceback (most recent call last):
  File "/var/task/handlers/orders.py", line 12, in handler
    return answer(event["id"])
  File "/var/runtime/other.py", line 3, in f"""


def event(message: str, at: int = 1000, stream: str = "s") -> dict[str, Any]:
    return {"message": message, "timestamp": at, "logStreamName": stream}


def test_what_lambda_logs_of_an_exception_is_one_event() -> None:
    (one,) = troubles([event(RAISED)])
    assert (one.text, one.where, one.count) == ("KeyError: 'id'", "handlers/orders.py:12", 1)


def test_a_traceback_may_come_line_by_line() -> None:
    lines = RAISED.splitlines()
    (one,) = troubles([event(line) for line in (*lines[1:], "src.models.NotFoundError: no order")])
    assert (one.text, one.where) == ("src.models.NotFoundError: no order", "handlers/orders.py:12")


def test_structured_lines_count_from_error_on() -> None:
    lines = [
        {"level": "INFO", "message": "answered"},
        {
            "level": "error",
            "message": "unforeseen",
            "kind": "ValueError",
            "text": "x",
            "where": ["/var/task/lib/rest.py:3"],
        },
        {
            "level": "ERROR",
            "errorType": "KeyError",
            "errorMessage": "'id'",
            "stackTrace": [' File "/var/task/a.py", line 7, in h'],
        },
    ]
    found = {(one.text, one.where) for one in troubles(event(json.dumps(line)) for line in lines)}
    assert found == {("unforeseen: ValueError: x", "lib/rest.py:3"), ("KeyError: 'id'", "a.py:7")}


def test_those_alike_are_counted_whatever_their_ids() -> None:
    texts = [
        f"2026-11-24T09:00:0{n}Z 5f5b067a-9ff6-4f3b-8c2f-ec50f018cd0{n} Task timed out after 3.00 seconds"
        for n in range(3)
    ]
    first, second = troubles([*(event(text, n) for n, text in enumerate(texts)), event("[ERROR] ValueError: y")])
    assert first.count == 3
    assert first.text.endswith("Task timed out after 3.00 seconds")
    assert second.text == "ValueError: y"


def test_the_most_frequent_comes_first_and_the_last_is_shown() -> None:
    found = troubles([event("ValueError: a", 1), event("TypeError: b", 2), event("TypeError: b", 9000, "t")])
    assert [(one.text, one.count) for one in found] == [("TypeError: b", 2), ("ValueError: a", 1)]
    assert (found[0].last.second, found[0].stream) == (9, "t")


def test_what_is_no_error_is_none() -> None:
    assert (
        troubles([event(text) for text in ("START RequestId: x", "", "{", "[]", "all went well", '{"level": 3}')]) == []
    )
