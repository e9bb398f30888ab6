from typing import Any

import botocore.session
import pytest

from pipeline.applying.operations import operations


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("sts", "AssumeRole"),
        ("s3", "HeadBucket"),
        ("s3", "ListObjectsV2"),
        ("lambda", "GetFunction"),
        ("dynamodb", "DescribeTable"),
        ("dynamodb", "Query"),
        ("logs", "FilterLogEvents"),
        ("logs", "StartQuery"),
        ("iam", "SimulatePrincipalPolicy"),
        ("apigateway", "TestInvokeMethod"),
        ("cloudwatch", "GetMetricData"),
    ],
)
def test_reads_change_nothing_and_may_be_repeated(service: str, name: str) -> None:
    operation = operations().get(service, name)
    assert not operation.mutating
    assert operation.may_repeat({})


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("s3", "PutObject"),
        ("s3", "CreateBucket"),
        ("iam", "CreateRole"),
        ("iam", "PutRolePolicy"),
        ("dynamodb", "CreateTable"),
        ("dynamodb", "UpdateTable"),
        ("lambda", "CreateFunction"),
        ("lambda", "UpdateFunctionCode"),
        ("lambda", "PublishVersion"),
        ("logs", "CreateLogGroup"),
        ("apigateway", "PutRestApi"),
        ("apigateway", "UpdateStage"),
        ("apigateway", "DeleteRestApi"),
        ("route53", "ChangeResourceRecordSets"),
    ],
)
def test_changes_that_come_to_the_same_twice_may_be_repeated(service: str, name: str) -> None:
    operation = operations().get(service, name)
    assert operation.mutating
    assert operation.may_repeat({})


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("apigateway", "CreateRestApi"),
        ("apigateway", "ImportRestApi"),
        ("apigateway", "CreateDeployment"),
        ("apigatewayv2", "CreateApi"),
        ("apigatewayv2", "CreateIntegration"),
        ("apigatewayv2", "CreateDeployment"),
        ("cognito-idp", "CreateUserPool"),
        ("cognito-idp", "CreateUserPoolClient"),
        ("lambda", "PublishLayerVersion"),
        ("lambda", "Invoke"),
        ("codedeploy", "CreateDeployment"),
        ("acm", "RequestCertificate"),
        ("sns", "Publish"),
        ("sqs", "SendMessage"),
        ("events", "PutEvents"),
        ("a-new-service", "LaunchRocket"),
    ],
)
def test_what_would_happen_twice_may_not(service: str, name: str) -> None:
    assert not operations().get(service, name).may_repeat({})


@pytest.mark.parametrize(
    ("service", "name", "params"),
    [
        ("acm", "RequestCertificate", {"IdempotencyToken": "a1"}),
        ("bedrock", "CreateGuardrail", {"clientRequestToken": "a1"}),
        ("cloudfront", "CreateInvalidation", {"InvalidationBatch": {"CallerReference": "a1"}}),
        ("route53", "CreateHostedZone", {"CallerReference": "a1"}),
    ],
)
def test_a_token_of_the_caller_makes_it_repeatable(service: str, name: str, params: dict[str, Any]) -> None:
    assert operations().get(service, name).may_repeat(params)


def test_traffic_is_no_change_of_the_deployed() -> None:
    assert not operations().get("lambda", "Invoke").mutating
    assert not operations().get("cloudwatch", "PutMetricData").mutating


def test_identity_names_what_was_made() -> None:
    assert operations().identity("s3", "CreateBucket", {"Bucket": "site"}) == ("s3", "site")
    assert operations().identity("s3", "PutObject", {"Bucket": "site", "Key": "x"}) is None


@pytest.mark.parametrize("section", ["repeatable", "not_repeatable", "tokens", "identities", "not_mutating"])
def test_the_data_names_operations_that_exist(section: str) -> None:
    session = botocore.session.Session()
    for service, names in operations()._data[section].items():
        known = set(session.get_service_model(service).operation_names) if service != "*" else set()
        exact = {name for name in names if "*" not in name}
        assert service == "*" or exact <= known
