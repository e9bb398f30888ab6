from typing import Any

import pytest

from pipeline.applying.aws_client import AwsClient
from pipeline.errors import AwsError, FailedCall
from pipeline.resources.base import Aws
from tests.support.aws import FakeClock
from tests.support.fake_transport import FakeTransport
from tests.support.faults import Crash, CrashAfter, Failing, Recorder


@pytest.fixture
def transport() -> FakeTransport:
    return FakeTransport({"iam:ListRoles": [{"Roles": [1, 2]}]})


@pytest.fixture
def inner(transport: FakeTransport, clock: FakeClock) -> AwsClient:
    return AwsClient(transport, clock)


def three_calls(aws: Aws) -> None:
    aws.call("iam", "CreateRole", RoleName="r")
    aws.pages("iam", "ListRoles", key="Roles")
    aws.found("iam", "DeleteRole", RoleName="r")


def sent(transport: FakeTransport) -> list[str]:
    return [name.split(":")[1] for name, _, _ in transport.sent]


def test_a_recorder_notes_calls_and_hands_them_on(inner: AwsClient, transport: FakeTransport) -> None:
    aws = Recorder(inner)
    three_calls(aws)
    assert [call.name for call in aws.calls] == ["iam:CreateRole", "iam:ListRoles", "iam:DeleteRole"]
    assert [call.name for call in aws.changing] == ["iam:CreateRole", "iam:DeleteRole"]
    assert aws.counts["iam:ListRoles"] == 1
    assert sent(transport) == ["CreateRole", "ListRoles", "DeleteRole"]


@pytest.mark.parametrize(
    ("options", "reached"),
    [
        ({"n": 1}, ["CreateRole"]),
        ({"n": 2}, ["CreateRole", "ListRoles"]),
        ({"n": 2, "before": True}, ["CreateRole"]),
        ({"n": 2, "only_changing": True}, ["CreateRole", "ListRoles", "DeleteRole"]),
        ({"n": 2, "only_changing": True, "before": True}, ["CreateRole", "ListRoles"]),
    ],
)
def test_a_crash_falls_where_it_should(
    inner: AwsClient, transport: FakeTransport, options: dict[str, Any], reached: list[str]
) -> None:
    aws = CrashAfter(inner, **options)
    with pytest.raises(Crash):
        three_calls(aws)
    assert sent(transport) == reached
    with pytest.raises(Crash):
        aws.call("iam", "GetRole", RoleName="r")
    assert sent(transport) == reached


def test_without_so_many_calls_there_is_no_crash(inner: AwsClient) -> None:
    aws = CrashAfter(inner, 4)
    three_calls(aws)
    assert not aws.crashed


def test_errors_in_turn_before_or_after_the_call(inner: AwsClient, transport: FakeTransport) -> None:
    error = AwsError(FailedCall("iam", "CreateRole", "Boom", "no"))
    for carried_out in (False, True):
        transport.sent.clear()
        aws = Failing(inner, {"iam:CreateRole": [error]}, carried_out=carried_out)
        with pytest.raises(AwsError, match="Boom"):
            three_calls(aws)
        three_calls(aws)
        assert sent(transport).count("CreateRole") == (2 if carried_out else 1)
