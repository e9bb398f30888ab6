"""FilterLogEvents with optional terms."""

import time
from collections.abc import Callable

import pytest

from tests.local.support import Account

pytestmark = pytest.mark.emulator


def test_any_of_the_optional_terms_will_do(account: Account, unique: Callable[[str], str]) -> None:
    logs, group = account.client("logs"), unique("/group")
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    now = int(time.time() * 1000)
    lines = ["all well", "KeyError: 'id'", "Task timed out after 3 s", "timed: out"]
    events = [{"timestamp": now + number, "message": line} for number, line in enumerate(lines)]
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)

    def found(pattern: str) -> list[str]:
        return [e["message"] for e in logs.filter_log_events(logGroupName=group, filterPattern=pattern)["events"]]

    assert found('?KeyError ?"Task timed out"') == lines[1:3]
    assert found("?nothing ?else") == []
    assert found("KeyError") == lines[1:2]
    assert found("") == lines


def test_a_value_of_lines_of_json_is_compared(account: Account, unique: Callable[[str], str]) -> None:
    logs, group = account.client("logs"), unique("/group")
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    now = int(time.time() * 1000)
    lines = ['{"status":"502","n":502}', '{"status":"200","n":200}', '{"status":503,"n":"503"}', "5 of them", "[5]"]
    events = [{"timestamp": now + number, "message": line} for number, line in enumerate(lines)]
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)

    def found(pattern: str) -> list[str]:
        return [e["message"] for e in logs.filter_log_events(logGroupName=group, filterPattern=pattern)["events"]]

    assert found('{ $.status = "5*" }') == lines[:1]
    assert found('{ $.status = "200" }') == lines[1:2]
    assert found("{ $.n >= 500 }") == lines[:1]
