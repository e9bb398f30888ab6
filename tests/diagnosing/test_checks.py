"""Each check finds what it is for, says what shows it and what to do, and is quiet otherwise."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest

from pipeline.diagnosing.finding import FREE
from pipeline.errors import AwsError
from pipeline.granting.trust import Repository, trust
from pipeline.model.release import LockState
from pipeline.model.resource import Resource
from tests.diagnosing.support import ROLE, create, declared, found, patient
from tests.support.aws import ACCOUNT, FakeClock
from tests.support.fake_transport import refused

NOW = FakeClock().now()
FUNCTION = declared("lambda.function", "orders-list", runtime="python3.13", timeout=60)
TABLE = declared("dynamodb.table", "orders-list", partition_key="id")


def identity(arn: str, account: str = ACCOUNT) -> dict[str, Any]:
    return {"sts:GetCallerIdentity": {"Account": account, "Arn": arn, "UserId": "x"}}


def test_the_root_user_and_keys_in_a_job_are_told() -> None:
    (root,) = found("credentials", patient(replies=identity(f"arn:aws:iam::{ACCOUNT}:root")))
    assert "root" in root.message
    user = identity(f"arn:aws:iam::{ACCOUNT}:user/ci")
    (keys,) = found("credentials", patient(replies=user, environ={"GITHUB_ACTIONS": "true"}))
    assert "bootstrap" in str(keys.fix)
    assert found("credentials", patient(replies=user)) == []
    assert found("credentials", patient()) == []


def test_credentials_that_nobody_takes_are_an_error() -> None:
    refused_token = {"sts:GetCallerIdentity": refused("sts:GetCallerIdentity", "ExpiredToken", "it has expired")}
    (one,) = found("credentials", patient(replies=refused_token))
    assert (one.severity, "ExpiredToken" in one.evidence[0]) == ("error", True)
    assert one.message == "the credentials have expired"


def test_another_account_is_an_error_and_none_a_warning() -> None:
    (other,) = found("account", patient(replies=identity(ROLE, "210987654321")))
    assert other.severity == "error"
    assert [line.split()[:2] for line in other.evidence] == [["expected", ACCOUNT], ["actual", "210987654321"]]
    (unnamed,) = found("account", patient(account=None))
    assert (unnamed.severity, unnamed.fix) == ("warning", f"AWS_ACCOUNT_ID={ACCOUNT} in environments/dev.env")
    assert found("account", patient()) == []


def test_a_variable_with_another_region_is_told() -> None:
    (one,) = found("region", patient(environ={"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1"}))
    assert one.fix == "export AWS_REGION=us-east-1"


def token(**claims: str) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{body}.x"


def test_the_first_letter_that_differs_is_marked() -> None:
    document = trust(Repository("acme", "orders", "7", "8"), "arn:provider", "dev")
    replies = {"iam:GetRole": {"Role": {"AssumeRolePolicyDocument": document}}}
    wrong = token(aud="sts.amazonaws.com", sub="repo:acme/orders:environment:prod")
    (one,) = found("oidc-claims", patient(replies=replies, token=wrong))
    expected, actual, mark = one.evidence
    assert expected == "expected repo:acme/orders:environment:dev"
    assert actual == "actual   repo:acme/orders:environment:prod"
    assert actual[: mark.index("^")] == "actual   repo:acme/orders:environment:"
    right = token(aud="sts.amazonaws.com", sub="repo:acme@7/orders@8:environment:dev")
    assert found("oidc-claims", patient(replies=replies, token=right)) == []
    assert found("oidc-claims", patient()) == [], "no token: this is no job"
    (unreadable,) = found("oidc-claims", patient(token="x"))
    assert unreadable.severity == "unknown"


def test_a_job_whose_token_is_refused_is_told_what_is_usual() -> None:
    replies = {"iam:GetRole": refused("iam:GetRole", "AccessDenied", "no")}
    repository = {"repository": "acme/orders", "repository_owner_id": "7", "repository_id": "8"}
    wrong = token(aud="sts.amazonaws.com", sub="repo:acme@7/orders@8:ref:refs/heads/main", **repository)
    (one,) = found("oidc-claims", patient(replies=replies, token=wrong))
    assert one.evidence[0] == "expected repo:acme@7/orders@8:environment:dev"
    assert one.severity == "warning"
    assert str(one.fix).startswith("environment: dev in the job")
    usual = token(aud="sts.amazonaws.com", sub="repo:acme/orders:environment:dev-plan", **repository)
    for claims in (usual, token(aud="x", sub="y")):
        with pytest.raises(AwsError):  # nothing to compare it with, or no difference: it was not looked at
            found("oidc-claims", patient(replies=replies, token=claims))


def test_a_lock_is_stale_when_its_lease_ran_out() -> None:
    def lock(held: bool, left: float) -> LockState:
        return LockState(3, held, "run-1", "ada", "machine", 1, "then", NOW.timestamp() + left, 30.0)

    (one,) = found("stale-lock", patient(lock=lock(True, -60)))
    assert one.mends == FREE
    assert "run-1 of ada on machine" in one.evidence[0]
    assert found("stale-lock", patient(lock=lock(True, 20))) == []
    assert found("stale-lock", patient(lock=lock(False, -60))) == []


def test_what_carries_the_mark_and_is_nowhere_declared_is_an_orphan() -> None:
    def tagged(address: str) -> dict[str, Any]:
        tags = {"pipeline:service": "orders", "pipeline:environment": "dev", "pipeline:address": address}
        return {"ResourceARN": f"arn:of:{address}", "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}

    addresses = [TABLE.address, "sqs.queue/orders-old", "s3.bucket/orders-ledger", "iam.role/orders-dev-deploy"]
    reply = {"ResourceTagMappingList": [tagged(address) for address in addresses]}
    (one,) = found("orphans", patient(TABLE, replies={"resourcegroupstaggingapi:GetResources": reply}))
    assert one.address == "sqs.queue/orders-old"


def test_runtimes_are_told_before_they_end() -> None:
    old = declared("lambda.function", "orders-old", runtime="python3.9")
    (one,) = found("runtimes", patient(FUNCTION, old))
    assert one.address == old.address
    assert "deprecated since" in one.message


def metric(value: float) -> dict[str, Any]:
    return {"cloudwatch:GetMetricData": {"MetricDataResults": [{"Id": "total", "Values": [value, 1] if value else []}]}}


def test_throttled_tables_and_functions_say_how_often() -> None:
    (one,) = found("throttled-tables", patient(TABLE, replies=metric(4)))
    assert one.evidence == ("read: 5 throttled in the last 1 h", "write: 5 throttled in the last 1 h")
    assert found("throttled-tables", patient(TABLE, replies=metric(0))) == []
    assert str(one.fix).startswith("keys that spread"), "it has all the capacity that there is"
    fixed = declared("dynamodb.table", "orders-fixed", partition_key="id", billing_mode="PROVISIONED")
    assert "PAY_PER_REQUEST" in str(found("throttled-tables", patient(fixed, replies=metric(4)))[0].fix)
    indexed = declared(
        "dynamodb.table", "orders-indexed", partition_key="id", indexes=[{"name": "by-day", "partition_key": "day"}]
    )
    (one,) = found("throttled-tables", patient(indexed, replies=metric(4)))
    assert one.evidence[2] == "read of by-day: 5 throttled in the last 1 h"
    (other,) = found("function-throttles", patient(FUNCTION, replies=metric(4)))
    assert "5 times" in other.message


@pytest.mark.parametrize(("name", "severity"), [("dev", "info"), ("production", "warning")])
def test_unprotected_data_matters_more_in_production(name: str, severity: str) -> None:
    bare = declared(
        "dynamodb.table", "orders-bare", partition_key="id", deletion_protection=False, point_in_time_recovery=False
    )
    bucket = declared("s3.bucket", "orders-bucket", versioning=False)
    pool = declared("cognito-idp.user_pool", "orders-users", deletion_protection=False)
    findings = found("unprotected-data", patient(TABLE, bare, bucket, pool, name=name))
    assert [one.address for one in findings] == [bare.address, bare.address, bucket.address, pool.address]
    assert {one.severity for one in findings} == {severity}


def test_alarms_without_data_and_alarms_that_went_off() -> None:
    names = ("quiet", "young", "red", "green")
    alarms = [
        declared(
            "cloudwatch.alarm",
            n,
            namespace="A",
            metric="M",
            statistic="Sum",
            comparison="GreaterThanThreshold",
            threshold=1,
        )
        for n in names
    ]
    states = [
        {"AlarmName": "quiet", "StateValue": "INSUFFICIENT_DATA", "StateUpdatedTimestamp": NOW - timedelta(days=3)},
        {"AlarmName": "young", "StateValue": "INSUFFICIENT_DATA", "StateUpdatedTimestamp": NOW - timedelta(hours=3)},
        {"AlarmName": "red", "StateValue": "ALARM", "StateReason": "5 > 1", "StateUpdatedTimestamp": NOW},
        {"AlarmName": "green", "StateValue": "OK", "StateUpdatedTimestamp": NOW},
    ]
    findings = found("alarms", patient(*alarms, replies={"cloudwatch:DescribeAlarms": {"MetricAlarms": states}}))
    assert [(one.address, one.severity) for one in findings] == [
        ("cloudwatch.alarm/quiet", "warning"),
        ("cloudwatch.alarm/red", "error"),
    ]


def test_functions_that_outlive_their_api() -> None:
    endpoints = [{"path": "/orders", "methods": ["GET"], "function": "orders-list", "timeout_ms": 5000}]
    api = declared("apigateway.rest_api", "orders", endpoints=endpoints)
    (one,) = found("integration-timeout", patient(FUNCTION, api))
    assert one.evidence == ("orders-list may run 60 s", "5 s are waited by GET /orders")
    others = (
        declared("apigatewayv2.http_api", "orders-http", endpoints=[{"path": "/orders", "function": "orders-list"}]),
        declared("apigatewayv2.api", "orders-talk", routes={"$default": "orders-list"}),
    )
    waits = {one.address: one.evidence[1] for one in found("integration-timeout", patient(FUNCTION, *others))}
    assert waits == {
        "apigatewayv2.http_api/orders-http": "30 s are waited by ANY /orders",
        "apigatewayv2.api/orders-talk": "29 s are waited by $default",
    }
    quick = declared("lambda.function", "orders-list", runtime="python3.13", timeout=5)
    assert found("integration-timeout", patient(quick, api)) == []


NETWORK: dict[str, Any] = {
    "ec2:DescribeSubnets": {"Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1"}]},
    "ec2:DescribeSecurityGroups": {"SecurityGroups": [{"GroupId": "sg-1", "IpPermissionsEgress": [{}]}]},
    "ec2:DescribeVpcEndpoints": {"VpcEndpoints": []},
}


def routes(**route: str) -> dict[str, Any]:
    table = {"Associations": [{"Main": True}], "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", **route}]}
    return {"ec2:DescribeRouteTables": {"RouteTables": [table]}}


@pytest.mark.parametrize(
    ("replies", "told"),
    [
        (routes(NatGatewayId="nat-1"), None),
        (routes(GatewayId="igw-1"), "no way to AWS's services"),
        (routes(GatewayId="igw-1") | {"ec2:DescribeVpcEndpoints": {"VpcEndpoints": [{}]}}, None),
        (routes(NatGatewayId="nat-1") | {"ec2:DescribeSubnets": {"Subnets": []}}, "subnet subnet-1 does not exist"),
        (
            routes(NatGatewayId="nat-1")
            | {"ec2:DescribeSecurityGroups": {"SecurityGroups": [{"GroupId": "sg-1", "IpPermissionsEgress": []}]}},
            "lets anything out",
        ),
    ],
)
def test_the_network_of_functions(replies: dict[str, Any], told: str | None) -> None:
    inside = {**FUNCTION.properties, "vpc": {"subnets": ["subnet-1"], "security_groups": ["sg-1"]}}
    function = type(FUNCTION)(FUNCTION.type, FUNCTION.name, inside)
    findings = found("vpc", patient(function, replies=NETWORK | replies))
    assert [told in one.message for one in findings if told] == ([True] if told else [])
    assert bool(findings) is bool(told)


def test_quotas_count_what_is_there_and_what_is_added() -> None:
    def account(tables: int, quota: float) -> dict[str, Any]:
        return {
            "dynamodb:ListTables": {"TableNames": ["x"] * tables},
            "service-quotas:GetServiceQuota": {"Quota": {"Value": quota}},
        }

    (over,) = found("quotas", patient(TABLE, replies=account(10, 10), changes=(create(TABLE),)))
    assert (over.severity, over.evidence) == ("error", ("there are 10", "the plan adds 1", "the quota is 10"))
    (near,) = found("quotas", patient(TABLE, replies=account(9, 10), changes=(create(TABLE),)))
    assert near.severity == "warning"
    assert found("quotas", patient(TABLE, replies=account(1, 10), changes=(create(TABLE),))) == []
    assert found("quotas", patient(TABLE, replies=account(10, 10))) == [], "nothing is added"


@pytest.mark.parametrize(
    ("resource", "listing"),
    [
        (
            declared("events.rule", "orders-night", schedule="rate(1 day)", function="orders-list"),
            {"events:ListRules": {"Rules": [1]}},
        ),
        (Resource("s3.bucket", "orders-files", {}), {"s3:ListBuckets": {"Buckets": [1]}}),
        (
            Resource("iam.role", "orders-role", {}),
            {"iam:GetAccountSummary": {"SummaryMap": {"Roles": 1, "RolesQuota": 1}}},
        ),
        (
            Resource("apigatewayv2.domain_name", "api.example.com", {}),
            {"apigateway:GetDomainNames": {"items": [1]}},
        ),
    ],
)
def test_quotas_of_other_types(resource: Resource, listing: dict[str, Any]) -> None:
    replies = {**listing, "service-quotas:GetServiceQuota": {"Quota": {"Value": 1}}}
    (one,) = found("quotas", patient(resource, replies=replies, changes=(create(resource),)))
    assert one.evidence == ("there are 1", "the plan adds 1", "the quota is 1")


@pytest.mark.parametrize(("endpoint", "evidence"), [("REGIONAL", "there are 2"), ("EDGE", "there are 1")])
def test_apis_of_each_kind_of_endpoint_have_a_quota_of_their_own(endpoint: str, evidence: str) -> None:
    items = [{"endpointConfiguration": {"types": [kind]}} for kind in ("REGIONAL", "EDGE", "REGIONAL", "PRIVATE")]
    replies: dict[str, Any] = {
        "apigateway:GetRestApis": {"items": items},
        "service-quotas:GetServiceQuota": {"Quota": {"Value": 1}},
    }
    api = Resource("apigateway.rest_api", "orders", {"endpoint_type": endpoint})
    (one,) = found("quotas", patient(api, replies=replies, changes=(create(api),)))
    assert one.evidence[0] == evidence


@pytest.mark.parametrize(("code", "told"), [("NoSuchResourceException", "error"), ("AccessDeniedException", None)])
def test_a_quota_that_nobody_changed_has_its_default(code: str, told: str | None) -> None:
    replies: dict[str, Any] = {
        "dynamodb:ListTables": {"TableNames": ["a"]},
        "service-quotas:GetServiceQuota": refused("service-quotas:GetServiceQuota", code, "no"),
        "service-quotas:GetAWSDefaultServiceQuota": {"Quota": {"Value": 1}},
    }
    who = patient(TABLE, replies=replies, changes=(create(TABLE),))
    if told is None:
        with pytest.raises(AwsError):
            found("quotas", who)
    else:
        assert [one.severity for one in found("quotas", who)] == [told]


def test_the_room_for_code() -> None:
    settings = {"AccountUsage": {"TotalCodeSize": 74e9}, "AccountLimit": {"TotalCodeSize": 75e9}}
    replies = {"lambda:GetAccountSettings": settings}
    (one,) = found("quotas", patient(FUNCTION, replies=replies, changes=(create(FUNCTION),)))
    assert one.evidence == ("74.0 GB are used", "the quota is 75.0 GB")


def test_certificates_of_others_end_too() -> None:
    arn = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/x"
    domain = Resource("apigateway.domain_name", "api.example.com", {"certificate": arn})
    certificate = {"Status": "ISSUED", "NotAfter": NOW + timedelta(days=5), "InUseBy": []}
    (one,) = found("certificates", patient(domain, replies={"acm:DescribeCertificate": {"Certificate": certificate}}))
    assert (one.severity, one.address) == ("error", domain.address)
    assert one.message == "certificate of api.example.com ends in 5 days"


def test_reserved_concurrency_leaves_some() -> None:
    greedy = type(FUNCTION)(FUNCTION.type, FUNCTION.name, {**FUNCTION.properties, "reserved_concurrency": 950})
    limits = {"lambda:GetAccountSettings": {"AccountLimit": {"ConcurrentExecutions": 1000}}}
    (one,) = found("quotas", patient(greedy, replies=limits))
    assert "950" in one.evidence[0]


@pytest.mark.parametrize(
    ("alias", "severity"),
    [
        ({"FunctionVersion": "7"}, "error"),
        ({"FunctionVersion": "6", "RoutingConfig": {"AdditionalVersionWeights": {"7": 0.1}}}, "error"),
        ({"FunctionVersion": "8"}, "info"),
    ],
)
def test_errors_of_a_version_that_serves_no_more_are_no_reason_to_roll_back(
    alias: dict[str, Any], severity: str
) -> None:
    event = {"logStreamName": "2026/11/29/[7]0123", "timestamp": 0, "message": "[ERROR] KeyError: 'id'"}
    who = patient(
        declared("lambda.function", "orders-list", handler="handlers.a.b", runtime="python3.13", role="orders-runner"),
        replies={"logs:FilterLogEvents": {"events": [event]}, "lambda:GetAlias": alias},
    )
    (finding,) = found("recent-errors", who)
    assert finding.severity == severity
    assert ("rollback" in str(finding.fix)) == (severity == "error")
    assert any("version 7" in line for line in finding.evidence) == (severity == "info")


def test_a_time_out_is_mended_in_the_code_or_in_the_specs() -> None:
    text = "2026-11-29T22:50:45Z 0f0e0d0c-0b0a-4908-8706-050403020100 Task timed out after 3.00 seconds"
    event = {"logStreamName": "2026/11/29/[7]0123", "timestamp": 0, "message": text}
    function = declared("lambda.function", "orders-list", handler="handlers.a.b", role="orders-runner")
    replies: dict[str, Any] = {
        "logs:FilterLogEvents": {"events": [event]},
        "lambda:GetAlias": {"FunctionVersion": "7"},
    }
    (finding,) = found("recent-errors", patient(function, replies=replies))
    assert "Task timed out after 3.00 seconds" in finding.message
    assert str(finding.fix).startswith("find what it waits for, or raise timeout in the specs, and deploy")
