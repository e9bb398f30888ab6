import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from pipeline.applying.attempts import NoAnswer, Refusal
from pipeline.clients import BotoTransport
from tests.support.aws import CREDENTIALS, REGION
from tests.support.fault_proxy import FaultProxy
from tests.support.faulty import Fault, Kind, Limit

ROOT = Path(__file__).parents[2]


@pytest.fixture
def proxy(moto_server: str) -> Any:
    with FaultProxy(moto_server) as running:
        yield running


@pytest.fixture
def transport(proxy: FaultProxy) -> BotoTransport:
    return BotoTransport(REGION, threads=8, environment=CREDENTIALS | {"AWS_ENDPOINT_URL": proxy.url})


def send(transport: BotoTransport, call: str, /, **params: Any) -> dict[str, Any]:
    service, operation = call.split(":")
    return transport.send(service, operation, REGION, params)


def test_calls_pass_and_are_noted(proxy: FaultProxy, transport: BotoTransport) -> None:
    send(transport, "s3:CreateBucket", Bucket="through-the-proxy")
    send(transport, "s3:PutObject", Bucket="through-the-proxy", Key="a/b", Body=b"x" * 300_000)
    assert send(transport, "s3:GetObject", Bucket="through-the-proxy", Key="a/b")["Body"].read() == b"x" * 300_000
    send(transport, "s3:HeadObject", Bucket="through-the-proxy", Key="a/b")
    send(transport, "s3:DeleteObject", Bucket="through-the-proxy", Key="a/b")
    assert [call.operation for call in proxy.calls] == [
        *("CreateBucket", "PutObject", "GetObject", "HeadObject", "DeleteObject")
    ]
    assert proxy.iam_actions == {"s3:CreateBucket", "s3:PutObject", "s3:GetObject", "s3:DeleteObject"}


def test_an_error_so_many_times(proxy: FaultProxy, transport: BotoTransport) -> None:
    proxy.fail("sts:*", "AccessDenied", "no", times=2, status=403)
    for _ in range(2):
        with pytest.raises(Refusal) as caught:
            send(transport, "sts:GetCallerIdentity")
        assert (caught.value.call.code, caught.value.call.status) == ("AccessDenied", 403)
    assert send(transport, "sts:GetCallerIdentity")["Account"]
    assert (len(proxy.calls), len(proxy.carried_out)) == (3, 1)


@pytest.mark.parametrize(("fault", "carried_out"), [("lose", True), ("drop", False)])
def test_a_dropped_connection(proxy: FaultProxy, transport: BotoTransport, fault: str, carried_out: bool) -> None:
    getattr(proxy, fault)("logs:CreateLogGroup")
    with pytest.raises(NoAnswer) as caught:
        send(transport, "logs:CreateLogGroup", logGroupName=f"/dropped/{fault}")
    assert caught.value.sent
    groups = send(transport, "logs:DescribeLogGroups", logGroupNamePrefix=f"/dropped/{fault}")["logGroups"]
    assert bool(groups) is carried_out


def test_an_error_though_carried_out(proxy: FaultProxy, transport: BotoTransport) -> None:
    proxy.break_after("logs:CreateLogGroup")
    with pytest.raises(Refusal, match="InternalFailure"):
        send(transport, "logs:CreateLogGroup", logGroupName="/broken")
    assert send(transport, "logs:DescribeLogGroups", logGroupNamePrefix="/broken")["logGroups"]


def test_a_rewritten_answer(proxy: FaultProxy, transport: BotoTransport) -> None:
    proxy.rewrite("sts:GetCallerIdentity", lambda body: body.replace(b"123456789012", b"210987654321"))
    assert send(transport, "sts:GetCallerIdentity")["Account"] == "210987654321"
    assert send(transport, "sts:GetCallerIdentity")["Account"] == "123456789012"


def test_a_hang(proxy: FaultProxy) -> None:
    proxy.hang("sts:GetCallerIdentity")
    impatient = BotoTransport(
        REGION, threads=1, environment=CREDENTIALS | {"AWS_ENDPOINT_URL": proxy.url}, read_timeout=1
    )
    with pytest.raises(NoAnswer, match="Read timeout"):
        send(impatient, "sts:GetCallerIdentity")
    assert len(proxy.carried_out) == 1


def test_a_rate(proxy: FaultProxy, transport: BotoTransport) -> None:
    proxy.throttle("apigateway:CreateRestApi", rate=0.001, burst=2)
    send(transport, "apigateway:CreateRestApi", name="one")
    send(transport, "apigateway:CreateRestApi", name="two")
    with pytest.raises(Refusal) as caught:
        send(transport, "apigateway:CreateRestApi", name="three")
    assert (caught.value.call.code, caught.value.call.status) == ("TooManyRequestsException", 429)
    send(transport, "apigateway:GetRestApis")


def test_when_faults_are_due() -> None:
    fault = Fault("lambda:CreateFunction", Kind.FAIL, times=None, after="iam:CreateRole", seconds=8)
    assert not fault.due("lambda:CreateFunction", 1)
    fault.seen("iam:CreateRole", 2)
    assert fault.due("lambda:CreateFunction", 3)
    assert not fault.due("lambda:UpdateFunctionCode", 3)
    assert fault.due("lambda:CreateFunction", 10)
    assert not fault.due("lambda:CreateFunction", 11)


def test_when_limits_admit() -> None:
    limit = Limit("a:*", rate=0.5, burst=2)
    assert [limit.admits("a:X", at) for at in (0, 0, 0, 1, 2, 2)] == [True, True, False, False, True, False]
    assert limit.admits("b:X", 2)


def test_as_a_program(moto_server: str) -> None:
    command = [sys.executable, "-m", "tests.support.fault_proxy", "--upstream", moto_server, "--latency-ms", "1"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout is not None
            url = f"http://127.0.0.1:{int(program.stdout.readline())}"
            faults = [{"do": "fail", "name": "sts:*", "code": "Throttling", "times": 1}]
            urllib.request.urlopen(f"{url}/_proxy/faults", json.dumps(faults).encode())
            transport = BotoTransport(REGION, threads=1, environment=CREDENTIALS | {"AWS_ENDPOINT_URL": url})
            with pytest.raises(Refusal, match="Throttling"):
                send(transport, "sts:GetCallerIdentity")
            send(transport, "sts:GetCallerIdentity")
            found = json.load(urllib.request.urlopen(f"{url}/_proxy/calls"))
            assert found["counts"] == {"sts:GetCallerIdentity": 2}
        finally:
            program.terminate()


def test_a_fault_may_name_a_path() -> None:
    fault = Fault("s3:PutObject */current.json", Kind.FAIL)
    assert not fault.due("s3:PutObject", 1, "/bucket/lock.json")
    assert not fault.due("s3:GetObject", 1, "/bucket/current.json")
    assert fault.due("s3:PutObject", 1, "/bucket/current.json")
