"""The client over moto and over sockets: what crosses the wire, and what is made of botocore's errors."""

import os
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline import __version__
from pipeline.applying.aws_client import AwsClient
from pipeline.clients import BotoTransport, SystemClock, connect
from pipeline.errors import AmbiguousOutcome, AwsError, PipelineError
from pipeline.model.scope import Scope
from tests.support.aws import CREDENTIALS, REGION, SCOPE, FakeClock, local_client, names
from tests.support.fake_transport import FakeTransport
from tests.support.fault_proxy import FaultProxy


def test_calls_are_counted_and_answered_without_metadata(aws: AwsClient) -> None:
    assert aws.call("sts", "GetCallerIdentity").keys() == {"UserId", "Account", "Arn"}
    assert names(aws.calls) == {"sts:GetCallerIdentity": 1}


def test_absent_is_none_and_other_errors_are_errors(aws: AwsClient) -> None:
    assert aws.found("iam", "GetRole", RoleName="nobody") is None
    assert aws.found("dynamodb", "DescribeTable", TableName="nothing") is None
    assert aws.found("lambda", "GetFunction", FunctionName="nothing") is None
    assert aws.found("s3", "HeadBucket", Bucket="nothing-here") is None
    assert aws.found("logs", "DeleteLogGroup", logGroupName="/nothing") is None
    with pytest.raises(AwsError, match="MalformedPolicyDocument"):
        aws.found("iam", "CreatePolicy", PolicyName="p", PolicyDocument="{")


def test_errors_carry_what_support_asks_for(aws: AwsClient) -> None:
    with pytest.raises(AwsError) as caught:
        aws.call("iam", "GetRole", RoleName="nobody")
    call = caught.value.call
    assert (call.service, call.operation, call.code, call.status) == ("iam", "GetRole", "NoSuchEntity", 404)
    assert call.request_id
    assert caught.value.code == "NoSuchEntity"


def test_all_pages(aws: AwsClient) -> None:
    for number in range(3):
        aws.call("logs", "CreateLogGroup", logGroupName=f"/orders/{number}")
    found = aws.pages("logs", "DescribeLogGroups", key="logGroups", limit=1)
    assert [group["logGroupName"] for group in found] == ["/orders/0", "/orders/1", "/orders/2"]
    assert aws.calls["logs", "DescribeLogGroups"] >= 3
    assert aws.pages("cloudfront", "ListDistributions", key="DistributionList.Items") == []


def test_impossible_parameters_are_named_without_their_values(aws: AwsClient) -> None:
    with pytest.raises(PipelineError) as caught:
        aws.call(
            "lambda", "UpdateFunctionConfiguration", FunctionName="f", Environment={"Variables": {"K": ["hunter2"]}}
        )
    assert "Environment.Variables.K, value: (not shown), type: <class 'list'>" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert aws.total_calls == 0


def test_an_operation_that_botocore_does_not_know(aws: AwsClient) -> None:
    with pytest.raises(PipelineError, match="iam:FlyToTheMoon: the installed botocore does not know this operation"):
        aws.call("iam", "FlyToTheMoon")
    with pytest.raises(PipelineError, match="does not know this service"):
        aws.call("moon", "Fly")
    assert aws.transport.pagination("iam", "FlyToTheMoon") is None
    assert aws.transport.pagination("moon", "Fly") is None


@pytest.mark.usefixtures("aws_environment")
@pytest.mark.parametrize(
    ("variables", "text"),
    [
        ({}, "sts:GetCallerIdentity: no AWS credentials were found"),
        ({"AWS_ACCESS_KEY_ID": "x"}, "sts:GetCallerIdentity: the AWS credentials are incomplete"),
        ({"AWS_PROFILE": "nobody"}, "sts:GetCallerIdentity: the AWS profile does not exist"),
    ],
)
def test_credentials_that_cannot_work(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], text: str, clock: FakeClock
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(PipelineError, match=text) as caught:
        connect(REGION, clock=clock).call("sts", "GetCallerIdentity")
    assert caught.value.hint


def test_an_environment_of_its_own_sees_nothing_of_the_host(
    moto_server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clock: FakeClock
) -> None:
    (tmp_path / "config").write_text("[profile real]\nregion = eu-west-1\nuse_fips_endpoint = true\n")
    host = {
        "AWS_PROFILE": "nobody",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_CA_BUNDLE": "/nowhere",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "http_proxy": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "of-the-host",
    }
    for name, value in host.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    aws = connect(REGION, environment={"AWS_ENDPOINT_URL": moto_server, **CREDENTIALS}, clock=clock)
    assert aws.call("sts", "GetCallerIdentity")["Account"]
    aws.call("s3", "CreateBucket", Bucket="of-the-host")
    assert dict(os.environ) == before


def test_nothing_listens(clock: FakeClock) -> None:
    aws = local_client(clock, endpoint="http://127.0.0.1:1")
    with pytest.raises(AwsError, match=r'EndpointConnection: .*"http://127.0.0.1:1/"') as caught:
        aws.call("sts", "GetCallerIdentity")
    assert caught.value.hint == "check the network, the region and AWS_ENDPOINT_URL"


@pytest.mark.usefixtures("aws")
def test_clients_are_made_once_per_service_and_region(clock: FakeClock) -> None:
    transport = BotoTransport(REGION, threads=8, environment=CREDENTIALS)
    aws = AwsClient(transport, clock, threads=8)
    aws.gather([lambda: aws.call("sts", "GetCallerIdentity") for _ in range(8)])
    aws.call("sts", "GetCallerIdentity", region="eu-west-1")
    assert sorted(transport._clients) == [("sts", "eu-west-1"), ("sts", "us-east-1")]
    config = transport._clients["sts", "us-east-1"].result().meta.config
    assert config.retries["total_max_attempts"] == 1
    assert config.max_pool_connections == 8
    assert config.user_agent.startswith(f"pipeline/{__version__} botocore/")


def test_importing_clients_imports_no_botocore() -> None:
    program = "import sys, pipeline.clients; print([m for m in sys.modules if m.startswith(('boto', 'urllib3'))])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_lost_answer_over_the_wire(moto_server: str, clock: FakeClock) -> None:
    with FaultProxy(moto_server) as proxy:
        aws = local_client(clock, endpoint=proxy.url)
        proxy.lose("iam:CreateRole")
        with pytest.raises(AmbiguousOutcome, match="EntityAlreadyExists"):
            aws.call("iam", "CreateRole", RoleName="lost-answer", AssumeRolePolicyDocument="{}")
        assert proxy.counts["iam:CreateRole"] == 2
        proxy.lose("apigateway:CreateRestApi")
        with pytest.raises(AmbiguousOutcome, match="ConnectionClosed"):
            aws.call("apigateway", "CreateRestApi", name="lost-answer")
        assert proxy.counts["apigateway:CreateRestApi"] == 1


def test_throttling_over_the_wire(moto_server: str, clock: FakeClock) -> None:
    with FaultProxy(moto_server) as proxy:
        aws = local_client(clock, endpoint=proxy.url)
        for name in ("lambda:ListFunctions", "iam:ListRoles", "s3:ListBuckets", "dynamodb:ListTables"):
            proxy.fail(name, "Throttling" if name.startswith("iam") else "TooManyRequestsException", times=2)
        aws.call("lambda", "ListFunctions")
        aws.call("iam", "ListRoles")
        aws.call("s3", "ListBuckets")
        aws.call("dynamodb", "ListTables")
        assert set(proxy.counts.values()) == {3}


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        ("logs", "GetDataProtectionPolicy", {"logGroupIdentifier": "x"}),
        ("sns", "GetSMSSandboxAccountStatus", {}),
    ],
)
def test_who_does_not_know_an_operation_and_breaks_is_told_soon(
    moto_server: str, clock: FakeClock, service: str, operation: str, params: dict[str, Any]
) -> None:
    with pytest.raises(AwsError, match="a web page in place of an answer: 500 Internal Server Error") as caught:
        local_client(clock, endpoint=moto_server).call(service, operation, **params)
    assert caught.value.call.attempts > 1
    assert caught.value.call.seconds <= 8
    assert f"does not know {service}:{operation}" in (caught.value.hint or "")
    assert "<" not in str(caught.value)


def test_what_is_not_implemented_is_not_tried_again(moto_server: str, clock: FakeClock) -> None:
    with FaultProxy(moto_server) as proxy:
        proxy.fail("cloudwatch:PutCompositeAlarm", "InternalFailure", "not yet", status=501, times=None)
        with pytest.raises(AwsError, match="not yet") as caught:
            local_client(clock, endpoint=proxy.url).call(
                "cloudwatch", "PutCompositeAlarm", AlarmName="a", AlarmRule="TRUE"
            )
        assert proxy.counts["cloudwatch:PutCompositeAlarm"] == 1
    assert "does not offer cloudwatch:PutCompositeAlarm" in (caught.value.hint or "")


def test_the_scope_is_set_once() -> None:
    aws = AwsClient(FakeTransport(), FakeClock())
    with pytest.raises(PipelineError, match="not known yet"):
        _ = aws.scope
    records = aws.for_records()
    aws.scope = SCOPE
    aws.scope = Scope("orders", "dev", SCOPE.account, SCOPE.region)
    assert records.scope == SCOPE
    with pytest.raises(PipelineError, match="already"):
        aws.scope = Scope("orders", "production", SCOPE.account, SCOPE.region)


def test_artifacts_come_from_the_store_that_was_set() -> None:
    aws = AwsClient(FakeTransport(), FakeClock())
    with pytest.raises(PipelineError, match="no store of archives"):
        aws.artifact("sha256:00")
    aws.artifacts = lambda digest: {"bucket": "b", "key": f"artifacts/{digest.removeprefix('sha256:')}.zip"}
    assert aws.artifact("sha256:00") == {"bucket": "b", "key": "artifacts/00.zip"}


def test_waiting_uses_the_clients_clock_and_stop(clock: FakeClock) -> None:
    aws = AwsClient(FakeTransport(), clock, stop=Event())
    assert aws.wait("x", lambda: clock.seconds > 1 or None, every=1, budget=10) is True
    assert clock.slept


def test_the_systems_clock() -> None:
    clock, stop = SystemClock(), Event()
    assert clock.now().tzinfo is not None
    assert clock.monotonic() <= clock.monotonic()
    clock.sleep(0)
    stop.set()
    clock.sleep(3600, stop)


class Making(BotoTransport):
    """Makes stand-ins for clients; `lambda` takes until it is `finished`, and `iam` breaks the first time."""

    def __init__(self) -> None:
        super().__init__("us-east-1", threads=2)
        self.made: list[str] = []
        self.begun, self.finished = Event(), Event()

    def _make(self, service: str, region: str) -> Any:
        self.made.append(service)
        if service == "lambda":
            self.begun.set()
            self.finished.wait(5)
        if service == "iam" and self.made.count("iam") == 1:
            raise PipelineError("no such file")
        return SimpleNamespace(meta=SimpleNamespace(endpoint_url=f"https://{service}.{region}"))


def test_who_needs_a_client_that_is_made_waits_for_no_other() -> None:
    transport = Making()
    assert transport.endpoint("s3") == "https://s3.us-east-1"
    slow = Thread(target=transport.endpoint, args=("lambda",), daemon=True)
    slow.start()
    assert transport.begun.wait(5)
    assert transport.endpoint("s3") == "https://s3.us-east-1"
    transport.finished.set()
    slow.join(5)
    assert transport.endpoint("lambda") == "https://lambda.us-east-1"
    assert transport.made == ["s3", "lambda"]


def test_a_client_that_could_not_be_made_is_tried_again() -> None:
    transport = Making()
    with pytest.raises(PipelineError, match="no such file"):
        transport.endpoint("iam")
    assert transport.endpoint("iam") == "https://iam.us-east-1"
