"""What a call is authorized for: the table against botocore's models, and calls as clients send them."""

import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from tests.granting.authorizing import Asking, Unknown, asked, table
from tests.repository.files import ROOT
from tests.support.members import members
from tests.support.recorded_actions import DEPLOY, PLAN, held
from tests.support.wire import Request, call_of, identify, model_of

ACCOUNT = "123456789012"
ROLE = "arn:aws:iam::123456789012:role/service/orders"


class Known:
    """An account that has a role and a secret."""

    def role(self, name: str) -> Mapping[str, Any] | None:
        boundary = {"PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/limit"}
        return {"Arn": ROLE, "PermissionsBoundary": boundary} if name == "orders" else None

    def secret(self, name: str) -> str | None:
        return "arn:aws:secretsmanager:eu-west-1:123456789012:secret:key-AbCdEf" if name == "key" else None


def sent(service: str, operation: str, **given: Any) -> Request:
    """The request that a client sends."""
    found: list[Request] = []

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else value
            for name, value in request.headers.items()
        }
        body = request.body.read() if hasattr(request.body, "read") else request.body or b""
        target = request.url.removeprefix("http://127.0.0.1:1")
        found.append(Request(request.method, target, headers, body.encode() if isinstance(body, str) else body))
        raise InterruptedError

    client = boto3.client(
        service, "eu-west-1", endpoint_url="http://127.0.0.1:1", aws_access_key_id="k", aws_secret_access_key="s"
    )
    client.meta.events.register("before-send", answer)
    with pytest.raises(InterruptedError):
        client._make_api_call(operation, given)
    return found[0]


def of(service: str, operation: str, **given: Any) -> set[tuple[str, str]]:
    """(action, resource without its beginning) of what a call asks for."""
    request = sent(service, operation, **given)
    return {
        (a.action, a.resource.removeprefix("arn:aws:")) for a in asked(identify(request), request, ACCOUNT, Known())
    }


TARGET = {"Id": "2", "Arn": "b", "RoleArn": ROLE}
LAYER = "arn:aws:lambda:eu-west-1:580247275435:layer:LambdaInsightsExtension:14"
CODE = {"S3Bucket": "files", "S3Key": "k"}
TAG, TAGS = [{"Key": "a", "Value": "b"}], {"a": "b"}
CALLS: list[tuple[tuple[str, str], dict[str, Any], set[tuple[str, str]]]] = [
    (
        ("lambda", "CreateFunction"),
        {"FunctionName": "f", "Role": ROLE, "Code": CODE, "Tags": TAGS, "Layers": [LAYER]},
        {
            ("lambda:CreateFunction", "lambda:eu-west-1:123456789012:function:f"),
            ("lambda:TagResource", "lambda:eu-west-1:123456789012:function:f"),
            ("iam:PassRole", "iam::123456789012:role/service/orders"),
            ("s3:GetObject", "s3:::files/k"),
            ("lambda:GetLayerVersion", LAYER.removeprefix("arn:aws:")),
        },
    ),
    (
        ("lambda", "Invoke"),
        {"FunctionName": "arn:aws:lambda:eu-west-1:123456789012:function:f", "Qualifier": "live"},
        {("lambda:InvokeFunction", "lambda:eu-west-1:123456789012:function:f:live")},
    ),
    (
        ("lambda", "UntagResource"),
        {"Resource": "arn:aws:lambda:eu-west-1:123456789012:function:f", "TagKeys": ["a"]},
        {("lambda:UntagResource", "lambda:eu-west-1:123456789012:function:f")},
    ),
    (
        ("apigateway", "TagResource"),
        {"resourceArn": "arn:aws:apigateway:eu-west-1::/restapis/x", "tags": TAGS},
        {("apigateway:PUT", "apigateway:eu-west-1::/tags/arn%3Aaws%3Aapigateway%3Aeu-west-1%3A%3A%2Frestapis%2Fx")},
    ),
    (
        ("apigatewayv2", "UpdateIntegration"),
        {"ApiId": "x", "IntegrationId": "y", "CredentialsArn": ROLE},
        {
            ("apigateway:PATCH", "apigateway:eu-west-1::/apis/x/integrations/y"),
            ("iam:PassRole", "iam::123456789012:role/service/orders"),
        },
    ),
    (
        ("iam", "CreateRole"),
        {"RoleName": "new", "Path": "/x/", "AssumeRolePolicyDocument": "{}", "Tags": TAG},
        {("iam:CreateRole", "iam::123456789012:role/x/new"), ("iam:TagRole", "iam::123456789012:role/x/new")},
    ),
    (
        ("iam", "GetRole"),
        {"RoleName": "orders"},
        {("iam:GetRole", "iam::123456789012:role/service/orders")},
    ),
    (
        ("sns", "SetTopicAttributes"),
        {"TopicArn": "arn:aws:sns:t", "AttributeName": "SQSFailureFeedbackRoleArn", "AttributeValue": ROLE},
        {("sns:SetTopicAttributes", "sns:t"), ("iam:PassRole", "iam::123456789012:role/service/orders")},
    ),
    (
        ("sns", "CreateTopic"),
        {"Name": "t", "Attributes": {"LambdaSuccessFeedbackRoleArn": ROLE, "DisplayName": "x"}},
        {
            ("sns:CreateTopic", "sns:eu-west-1:123456789012:t"),
            ("iam:PassRole", "iam::123456789012:role/service/orders"),
        },
    ),
    (
        ("events", "PutTargets"),
        {"Rule": "r", "EventBusName": "bus", "Targets": [{"Id": "1", "Arn": "a"}, TARGET]},
        {
            ("events:PutTargets", "events:eu-west-1:123456789012:rule/bus/r"),
            ("iam:PassRole", "iam::123456789012:role/service/orders"),
        },
    ),
    (
        ("cloudwatch", "DeleteAlarms"),
        {"AlarmNames": ["a", "b"]},
        {("cloudwatch:DeleteAlarms", f"cloudwatch:eu-west-1:123456789012:alarm:{name}") for name in "ab"},
    ),
    (
        ("s3", "DeleteObjects"),
        {"Bucket": "b", "Delete": {"Objects": [{"Key": "k", "VersionId": "1"}, {"Key": "l", "VersionId": "2"}]}},
        {(action, f"s3:::b/{key}") for key in "kl" for action in ("s3:DeleteObject", "s3:DeleteObjectVersion")},
    ),
    (
        ("s3", "CreateBucket"),
        {"Bucket": "b", "ObjectOwnership": "BucketOwnerEnforced", "CreateBucketConfiguration": {"Tags": TAG}},
        {(f"s3:{action}", "s3:::b") for action in ("CreateBucket", "TagResource", "PutBucketOwnershipControls")},
    ),
    (("s3", "HeadObject"), {"Bucket": "b", "Key": "a/b c"}, {("s3:GetObject", "s3:::b/a/b c")}),
    (
        ("route53", "ListResourceRecordSets"),
        {"HostedZoneId": "/hostedzone/Z1"},
        {("route53:ListResourceRecordSets", "route53:::hostedzone/Z1")},
    ),
    (
        ("logs", "DeleteLogGroup"),
        {"logGroupName": "/g"},
        {("logs:DeleteLogGroup", f"logs:eu-west-1:123456789012:log-group:/g{end}") for end in ("", ":log-stream:")},
    ),
    (
        ("dynamodb", "Query"),
        {"TableName": "t", "IndexName": "by-name"},
        {("dynamodb:Query", "dynamodb:eu-west-1:123456789012:table/t/index/by-name")},
    ),
    (
        ("secretsmanager", "GetSecretValue"),
        {"SecretId": "key"},
        {("secretsmanager:GetSecretValue", "secretsmanager:eu-west-1:123456789012:secret:key-AbCdEf")},
    ),
    (
        ("sqs", "TagQueue"),
        {"QueueUrl": "http://sqs/123456789012/q", "Tags": TAGS},
        {("sqs:TagQueue", "sqs:eu-west-1:123456789012:q")},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "given", "expected"), CALLS, ids=[":".join(name) for name, *_ in CALLS])
def test_a_call_asks_for(name: tuple[str, str], given: Mapping[str, Any], expected: set[tuple[str, str]]) -> None:
    assert of(*name, **given) == expected


def test_conditions_see_what_the_call_says_and_what_the_role_has() -> None:
    request = sent("lambda", "AddPermission", FunctionName="f", StatementId="s", Action="a", Principal="p")
    (only,) = asked(identify(request), request, ACCOUNT, Known())
    assert only.keys == {"lambda:Principal": "p"}
    request = sent("iam", "DeleteRole", RoleName="orders")
    (only,) = asked(identify(request), request, ACCOUNT, Known())
    assert only.keys == {"iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/limit"}


def test_what_the_table_does_not_know_is_refused() -> None:
    request = sent("lambda", "DeleteCodeSigningConfig", CodeSigningConfigArn="arn:aws:lambda:x")
    with pytest.raises(Unknown, match="lambda:DeleteCodeSigningConfig"):
        asked(identify(request), request, ACCOUNT, Known())


def test_a_call_without_its_resource_is_not_let_through() -> None:
    request = sent("cloudwatch", "DeleteAlarms", AlarmNames=[])
    with pytest.raises(Unknown, match="names no resource for cloudwatch:DeleteAlarms"):
        asked(identify(request), request, ACCOUNT, Known())


def named(of_service: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(operation, template) of everything in a service's part of the table."""
    for place, operations in of_service["on"].items():
        yield from ((operation, place) for operation in operations if operation != "*")
    for more in of_service.get("also", ()):
        templates = [more["on"], *more.get("keys", {}).values(), *("{" + path + "}" for path in more.get("when", {}))]
        yield from ((operation, template) for operation in more["of"] for template in templates)
    for operation, keys in of_service.get("keys", {}).items():
        yield from ((operation, template) for template in keys.values())


@pytest.mark.parametrize("service", table())
def test_every_operation_and_member_in_the_table_is_aws_s(service: str) -> None:
    model = model_of(service)
    for operation, template in named(table()[service]):
        shape = model.operation_model(operation).input_shape
        if template.startswith("@"):
            assert callable(getattr(Asking, template[1:]))
            continue
        for field in re.findall(r"\{\??([^{}|]+)[^{}]*\}", template):
            assert field in ("region", "account") or has(shape, field.split(".")), f"{operation}: {field}"


def has(shape: Any, path: list[str]) -> bool:
    if not path:
        return True
    name, listed = path[0].removesuffix("[]"), path[0].endswith("[]")
    if shape.type_name == "map":
        return has(shape.value, path[1:])
    inner = shape.members.get(name) if shape.type_name == "structure" else None
    return inner is not None and has(inner.member if listed else inner, path[1:])


def test_all_that_the_suite_asks_for_is_in_the_table() -> None:
    known = set()
    for service, one in table().items():
        names = {operation for operations in one["on"].values() for operation in operations} - {"*"}
        renamed = one.get("actions", {})
        prefix = call_of(service, model_of(service).operation_names[0]).iam_action.partition(":")[0]
        known |= {f"{prefix}:{renamed.get(name, name)}" for name in names}
        known |= {action for more in one.get("also", ()) for action in more.get("actions") or [more["action"]]}
    known |= {f"apigateway:{method}" for method in ("DELETE", "GET", "PATCH", "POST", "PUT")}
    assert (held()[PLAN] | held()[DEPLOY]) - known == set()


def test_every_part_of_the_table_names_its_page() -> None:
    for one in table().values():
        assert one["page"].startswith("https://docs.aws.amazon.com/")
        assert all(
            fnmatchcase(more.get("page", one["page"]), "https://docs.aws.amazon.com/*") for more in one.get("also", ())
        )


def test_members_are_those_of_the_call() -> None:
    given = {
        "DistributionConfig": {
            "CallerReference": "c", "Comment": "", "Enabled": True, "WebACLId": "w",
            "Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "d"}]},
            "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "https-only"},
        }
    }  # fmt: skip
    request = sent("cloudfront", "UpdateDistribution", Id="E1", IfMatch="t", **given)
    call = identify(request)
    assert call is not None
    found = members(call, request)
    assert (found["Id"], found["IfMatch"]) == ("E1", "t")
    assert found["DistributionConfig"]["WebACLId"] == "w"
    assert found["DistributionConfig"]["Origins"]["Items"] == [{"Id": "o", "DomainName": "d"}]
    request = sent("apigateway", "PutRestApi", restApiId="x", mode="overwrite", body=b"{}")
    call = identify(request)
    assert call is not None
    assert members(call, request) == {"restApiId": "x", "mode": "overwrite", "body": b"{}"}
    request = sent("iam", "TagRole", RoleName="r", Tags=TAG)
    call = identify(request)
    assert call is not None
    assert json.dumps(members(call, request)) == json.dumps({"RoleName": "r", "Tags": TAG})


def test_what_cannot_be_where_iam_is_enforced_is_there_and_little() -> None:
    listed = [
        name
        for names in json.loads((ROOT / "tests/functional/not_enforced.json").read_text()).values()
        for name in names
    ]
    assert len(listed) == len(set(listed)) <= 9
    for name in listed:
        file, _, test = name.partition("[")[0].partition("::")
        assert f"def {test}(" in (ROOT / file).read_text()
