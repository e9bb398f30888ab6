"""The roles that `bootstrap` makes, on an embedded AWS that enforces IAM: enough for the whole life of a service."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from pipeline.clients import connect
from tests.granting.enforced import ACCOUNT, Enforced, emulator

pytestmark = [pytest.mark.emulator, pytest.mark.slow]
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


@pytest.fixture
def enforced(tmp_path: Path, aws_environment: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Enforced]:
    for path, text in SPECS.items():
        (tmp_path / "jobs" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "jobs" / path).write_text(text)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with emulator(tmp_path) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        yield Enforced(tmp_path / "jobs", endpoint, monkeypatch)


PLAN, DEPLOY = "repo:acme/jobs:environment:dev-plan", "repo:acme@7/jobs@8:environment:dev"


def simulated(role: str, **context: str) -> list[str]:
    """What doctor is told: whether a role may pass that of the function, and delete the table."""
    found = connect("us-east-1").call(
        "iam",
        "SimulatePrincipalPolicy",
        PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:role/{role}",
        ActionNames=["iam:PassRole", "dynamodb:DeleteTable"],
        ResourceArns=[f"arn:aws:iam::{ACCOUNT}:role/jobs-work-us-east-1"],
        ContextEntries=[
            {"ContextKeyName": f"iam:{name}", "ContextKeyValues": [value], "ContextKeyType": "string"}
            for name, value in context.items()
        ],
    )
    return [one["EvalDecision"] for one in found["EvaluationResults"]]


def test_the_roles_can_do_their_work_and_no_more(enforced: Enforced) -> None:
    enforced.become(None)
    enforced.done("bootstrap", "--repo", "acme@7/jobs@8", "--yes")
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
    assert simulated("jobs-dev-deploy", PassedToService="lambda.amazonaws.com") == ["allowed", "explicitDeny"]
    assert simulated("jobs-dev-deploy", PassedToService="ec2.amazonaws.com") == ["implicitDeny", "explicitDeny"]

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
