"""The roles that `bootstrap` makes, on an embedded AWS that enforces IAM: enough for the whole life of a service."""

import base64
import io
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from pipeline.cli import main
from pipeline.clients import connect
from pipeline.local.installation import installed

pytestmark = [pytest.mark.emulator, pytest.mark.slow]
ACCOUNT = "123456789012"
PROGRAM = Path(__file__).with_name("enforcing.py")
SPECS = {
    "pipeline.yaml": "environments: {dev: {branch: main}}\ncode: {root: code, include: [handlers]}\n",
    "environments/dev.env": f"""
SERVICE_NAME=jobs
ENVIRONMENT=dev
AWS_REGION=us-east-1
AWS_ACCOUNT_ID={ACCOUNT}
MEMORY=128
""",
    "code/handlers/work.py": "def handler(event, context):\n    return event\n",
    "aws/all.yaml": """
tables: {name: "${SERVICE_NAME}-work", partition_key: id, deletion_protection: false, ttl_attribute: gone}
""",
    "aws/functions.yaml": """
functions: {name: "${SERVICE_NAME}-work", runtime: python3.12, memory: "${MEMORY}"}
""",
    "aws/apis.yaml": """
api:
  name: ${SERVICE_NAME}-rest
  endpoints: [{path: /work, methods: [GET], function: "${SERVICE_NAME}-work"}]
http_api:
  name: ${SERVICE_NAME}-http
  endpoints: [{path: /work, methods: [GET], function: "${SERVICE_NAME}-work"}]
websocket_api:
  name: ${SERVICE_NAME}-talk
  routes: {$default: "${SERVICE_NAME}-work"}
""",
    "aws/queues.yaml": """
queues: {name: "${SERVICE_NAME}-queue"}
alarms:
  name: ${SERVICE_NAME}-errors
  namespace: AWS/Lambda
  metric: Errors
  dimensions: {FunctionName: "${SERVICE_NAME}-work"}
  statistic: Sum
  comparison: GreaterThanOrEqualToThreshold
  threshold: 1
""",
}


@dataclass
class Enforced:
    """An emulator, a service, and whose credentials commands use."""

    root: Path
    endpoint: str
    monkeypatch: pytest.MonkeyPatch

    def become(self, role: str | None, subject: str = "") -> None:
        """Root, or a role by a token as GitHub Actions gives it to a job."""
        found = {"AccessKeyId": "test", "SecretAccessKey": "test", "SessionToken": ""}
        if role is not None:
            self.become(None)
            sts = boto3.client("sts", region_name="us-east-1", endpoint_url=self.endpoint)
            found = sts.assume_role_with_web_identity(
                RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{role}", RoleSessionName="test", WebIdentityToken=token(subject)
            )["Credentials"]
        self.monkeypatch.setenv("AWS_ACCESS_KEY_ID", found["AccessKeyId"])
        self.monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", found["SecretAccessKey"])
        if found["SessionToken"]:
            self.monkeypatch.setenv("AWS_SESSION_TOKEN", found["SessionToken"])
        else:
            self.monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)

    def done(self, command: str, *options: str) -> Any:
        """The document of a command that does what it is asked for."""
        code, document, err = self.run(command, *options)
        assert code in (0, 3), err
        return document

    def rewrite(self, path: str, old: str, new: str) -> None:
        """Changes a text of the service."""
        text = (self.root / path).read_text()
        assert old in text
        (self.root / path).write_text(text.replace(old, new))

    def run(self, command: str, *options: str) -> tuple[int, Any, str]:
        """(exit code, document, what was said) of a command."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main([command, "--env", "dev", "--root", str(self.root), "--format", "json", *options])
        return code, json.loads(out.getvalue()), err.getvalue()


def token(subject: str) -> str:
    """A token of GitHub's issuer; nobody here checks its signature."""
    claims = {"iss": "https://token.actions.githubusercontent.com", "aud": "sts.amazonaws.com", "sub": subject}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in ({}, claims)]
    return ".".join([*parts, "signature"])


@pytest.fixture
def enforced(tmp_path: Path, aws_environment: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Enforced]:
    for path, text in SPECS.items():
        (tmp_path / "jobs" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "jobs" / path).write_text(text)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    python = installed(lambda _text: None).executable
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    with subprocess.Popen([python, "-I", str(PROGRAM), str(port)], env=environment, cwd=tmp_path) as process:
        try:
            await_answer(endpoint)
            monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
            monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
            yield Enforced(tmp_path / "jobs", endpoint, monkeypatch)
        finally:
            process.kill()


def await_answer(endpoint: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(endpoint, timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the emulator does not answer")


# What the emulator authorizes on "*", because the resource is not in the path of the request, which AWS does not:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
GAPS = [
    "cloudwatch:DeleteAlarms", "cloudwatch:ListTagsForResource", "dynamodb:ListTagsOfResource",
    "iam:SimulatePrincipalPolicy",
]  # fmt: skip
PLAN, DEPLOY = "repo:acme/jobs:environment:dev-plan", "repo:acme@7/jobs@8:environment:dev"


def mend_gaps() -> None:
    statement = {"Effect": "Allow", "Action": GAPS, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    for role in ("jobs-dev-plan", "jobs-dev-deploy"):
        names = {"RoleName": role, "PolicyName": "EmulatorGaps"}
        connect("us-east-1").call("iam", "PutRolePolicy", PolicyDocument=document, **names)


def test_the_roles_can_do_their_work_and_no_more(enforced: Enforced) -> None:
    enforced.become(None)
    enforced.done("bootstrap", "--repo", "acme@7/jobs@8", "--yes")
    mend_gaps()
    for subject in (PLAN, "repo:acme@7/jobs@9:environment:dev", "repo:acme/jobs:pull_request"):
        with pytest.raises(ClientError, match="AccessDenied"):
            enforced.become("jobs-dev-deploy", subject)

    enforced.become("jobs-dev-plan", PLAN)
    assert enforced.done("plan")["summary"]["create"] == 15
    code, _, err = enforced.run("deploy")
    assert code == 1, "the role that plans may not deploy"
    assert "AccessDenied" in err

    enforced.become("jobs-dev-deploy", DEPLOY)
    enforced.done("deploy")
    assert enforced.done("deploy")["plan"]["summary"]["unchanged"] == 15
    enforced.rewrite("environments/dev.env", "MEMORY=128", "MEMORY=256")
    assert enforced.done("deploy")["release"] >= 2

    enforced.become(None)
    connect("us-east-1").call("lambda", "UpdateFunctionConfiguration", FunctionName="jobs-work", Timeout=7)
    enforced.become("jobs-dev-plan", PLAN)
    assert enforced.done("drift")["summary"]["drift"] == 1
    _, found, err = enforced.run("doctor")
    assert [one["id"] for one in found["findings"] if one["severity"] in ("unknown", "error")] == [], err
    enforced.done("cost", "--plan")
    enforced.become("jobs-dev-deploy", DEPLOY)
    enforced.done("rollback", "--to", "previous")

    code, _, err = enforced.run("destroy", "--include-data", "--yes")
    assert code == 1, "no role of the pipeline deletes data"
    assert "DeleteTable" in err
    enforced.done("destroy", "--yes")
    enforced.become(None)
    assert connect("us-east-1").call("apigateway", "GetRestApis")["items"] == []
    assert connect("us-east-1").call("dynamodb", "ListTables")["TableNames"] == ["jobs-work"]


def test_with_consent_the_role_that_deploys_destroys_data_too(enforced: Enforced) -> None:
    enforced.rewrite("pipeline.yaml", "branch: main", "branch: main, deletes_data: true")
    for name in ("apis", "functions"):
        (enforced.root / "aws" / f"{name}.yaml").unlink()
    enforced.rewrite("aws/queues.yaml", "alarms:", "buckets: {name: '${SERVICE_NAME}-files'}\nalarms:")
    enforced.become(None)
    enforced.done("bootstrap", "--repo", "acme@7/jobs@8", "--yes")
    mend_gaps()
    enforced.become("jobs-dev-deploy", DEPLOY)
    enforced.done("deploy")
    enforced.become(None)
    for body in (b"old", b"new"):
        connect("us-east-1").call("s3", "PutObject", Bucket="jobs-files", Key="a", Body=body)
    enforced.become("jobs-dev-deploy", DEPLOY)
    enforced.done("destroy", "--include-data", "--yes")
    enforced.become(None)
    aws = connect("us-east-1")
    assert aws.call("dynamodb", "ListTables")["TableNames"] == []
    assert [bucket["Name"] for bucket in aws.call("s3", "ListBuckets")["Buckets"]] == [
        "jobs-dev-pipeline-123456789012-us-east-1"
    ]
