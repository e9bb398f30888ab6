"""The roles that `bootstrap` makes, on an emulator that enforces IAM: enough to plan, deploy and roll back."""

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

pytestmark = pytest.mark.emulator
ACCOUNT = "123456789012"
# The emulator by itself: our plane before it speaks in the name of callers and cannot sign for them.
SERVE = """
import asyncio, os, sys
os.environ.update(AUTH="true", BIND_HOST="127.0.0.1", GATEWAY_PORT=sys.argv[1], MINISTACK_ACCOUNT_ID="123456789012",
                  IOT_MTLS_ENABLED="0", SFTP_ENABLED="0", LAMBDA_EXECUTOR="local", LOG_LEVEL="ERROR",
                  DOCKER_HOST="unix:///nonexistent")
from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app
config = Config()
config.bind = [f"127.0.0.1:{sys.argv[1]}"]
asyncio.run(serve(app, config, mode="asgi"))
"""
SPECS = {
    "pipeline.yaml": "environments: {dev: main}\ncode: {root: code, include: [handlers]}\n",
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
    with subprocess.Popen([python, "-I", "-c", SERVE, str(port)], env=environment, cwd=tmp_path) as process:
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


# What the emulator authorizes on "*", because the resource is not in the path of the request; and GetAlias, which it
# takes for another action. AWS does neither:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
GAPS = ["cloudwatch:ListTagsForResource", "dynamodb:ListTagsOfResource", "lambda:CreateFunction", "lambda:ListAliases"]


def mend_gaps() -> None:
    statement = {"Effect": "Allow", "Action": GAPS, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    for role in ("jobs-dev-plan", "jobs-dev-deploy"):
        names = {"RoleName": role, "PolicyName": "EmulatorGaps"}
        connect("us-east-1").call("iam", "PutRolePolicy", PolicyDocument=document, **names)


def test_the_roles_can_do_their_work_and_no_more(enforced: Enforced) -> None:
    enforced.become(None)
    code, _, err = enforced.run("bootstrap", "--repo", "acme@7/jobs@8", "--yes")
    assert code == 0, err
    mend_gaps()
    for subject in (
        "repo:acme/jobs:environment:dev-plan",
        "repo:acme@7/jobs@9:environment:dev",
        "repo:acme/jobs:pull_request",
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            enforced.become("jobs-dev-deploy", subject)

    enforced.become("jobs-dev-plan", "repo:acme/jobs:environment:dev-plan")
    code, plan, err = enforced.run("plan")
    assert code == 0, err
    assert plan["summary"]["create"] == 6
    code, _, err = enforced.run("deploy")
    assert code == 1, "the role that plans may not deploy"
    assert "AccessDenied" in err

    enforced.become("jobs-dev-deploy", "repo:acme@7/jobs@8:environment:dev")
    code, _, err = enforced.run("deploy")
    assert code == 0, err
    env = enforced.root / "environments" / "dev.env"
    env.write_text(env.read_text().replace("MEMORY=128", "MEMORY=256"))
    code, second, err = enforced.run("deploy")
    assert code == 0, err
    assert second["release"] >= 2
    code, _, err = enforced.run("rollback", "--to", "previous")
    assert code == 0, err
    code, _, err = enforced.run("destroy", "--include-data", "--yes")
    assert code == 1, "no role of the pipeline deletes data"
    assert "DeleteTable" in err

    enforced.become("jobs-dev-plan", "repo:acme/jobs:environment:dev-plan")
    code, _, err = enforced.run("drift")
    assert code in (0, 3), err
    assert (
        connect("us-east-1").call("dynamodb", "DescribeTable", TableName="jobs-work")["Table"]["TableStatus"]
        == "ACTIVE"
    )
