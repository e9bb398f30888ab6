"""Statements and documents: packed, scoped, conditioned."""

import json
import re
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.granting.account import Account, own_name
from pipeline.granting.documents import boundary, packed
from pipeline.granting.needs import Needs
from pipeline.granting.trust import Repository, trust
from pipeline.model.resource import Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Expression, Reference, Secret
from pipeline.resources.policies import size
from tests.support.aws import SCOPE


def needs(*resources: Resource) -> Needs:
    return Needs(SCOPE, resources, "ledger-bucket")


def statement(found: list[dict[str, Any]], action: str) -> dict[str, Any]:
    (one,) = [s for s in found if action in s["Action"] and s["Effect"] == "Allow"]
    return one


def test_names_of_the_service_are_granted_by_their_prefix_and_others_by_name() -> None:
    tables = [Resource("dynamodb.table", name, {"name": name}) for name in ("orders-list", "orders-dev-x", "legacy")]
    found = statement(needs(*tables).reading, "dynamodb:DescribeTable")["Resource"]
    base = "arn:aws:dynamodb:us-east-1:123456789012:table/"
    assert found == sorted(
        f"{base}{name}{end}" for name in ("orders-*", "orders-dev-*", "legacy") for end in ("", "/*")
    )


def test_a_role_is_passed_by_reference_name_or_arn_alike() -> None:
    reference = Expression((Reference("iam.role/legacy-runner", "arn"),))
    functions = [
        Resource("lambda.function", "orders-a", {"role": reference}),
        Resource("lambda.function", "orders-b", {"role": "arn:aws:iam::123456789012:role/service/other-runner"}),
    ]
    passing = statement(needs(*functions).changing, "iam:PassRole")
    names = {arn.rpartition("/")[2] for arn in passing["Resource"]}
    assert names == {"legacy-runner", "other-runner"}
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}


def test_where_codedeploy_shifts_the_deploying_role_may_use_it_for_this_environment_alone() -> None:
    function = Resource("lambda.function", "orders-a", {"role": "orders-runner"})
    role = Resource("iam.role", "orders-dev-codedeploy", {"name": "orders-dev-codedeploy"})
    found = needs(function, role).changing
    base = "arn:aws:codedeploy:us-east-1:123456789012:"
    assert statement(found, "codedeploy:CreateApplication")["Resource"] == [f"{base}application:orders-dev"]
    assert statement(found, "codedeploy:CreateDeployment")["Resource"] == [f"{base}deploymentgroup:orders-dev/*"]
    config = statement(found, "codedeploy:CreateDeploymentConfig")
    assert config["Resource"] == [f"{base}deploymentconfig:orders-dev-*"]
    assert statement(found, "codedeploy:StopDeployment")["Sid"] == "Anywhere"
    (passing,) = [s for s in found if s["Sid"] == "PassCodedeploy"]
    assert passing["Resource"] == ["arn:aws:iam::123456789012:role/orders-dev-codedeploy"]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "codedeploy.amazonaws.com"}}
    assert "codedeploy" not in json.dumps(needs(function).changing)


def test_every_call_to_codedeploy_is_granted() -> None:
    source = files("pipeline.releasing").joinpath("codedeploy.py").read_text(encoding="utf-8")
    calls = set(re.findall(r'"((?:Create|Get|Update|List|Stop)[A-Za-z]*(?:Deployment|Application)[A-Za-z]*)"', source))
    role = Resource("iam.role", "orders-dev-codedeploy", {"name": "orders-dev-codedeploy"})
    granted = {action for one in needs(role).changing for action in one["Action"]}
    assert len(calls) == 9
    assert {f"codedeploy:{call}" for call in calls} <= granted


def test_service_linked_roles_are_made_for_their_services_alone() -> None:
    domain = Resource("apigateway.domain_name", "api.example.com", {})
    target = Resource("application-autoscaling.scalable_target", "table/orders", {})
    linking = [s for s in needs(domain, target).changing if "iam:CreateServiceLinkedRole" in s["Action"]]
    assert [s["Condition"] for s in linking] == [
        {"StringLike": {"iam:AWSServiceName": "*.application-autoscaling.amazonaws.com"}},
        {"StringEquals": {"iam:AWSServiceName": "ops.apigateway.amazonaws.com"}},
    ]
    assert {arn for s in linking for arn in s["Resource"]} == {"arn:aws:iam::123456789012:role/aws-service-role/*"}


def test_functions_are_opened_to_those_only_that_the_specs_name() -> None:
    permission = Resource(
        "lambda.permission", "orders-a:api", {"function": "orders-a", "principal": "apigateway.amazonaws.com"}
    )
    found = statement(needs(permission).changing, "lambda:AddPermission")
    assert found["Condition"] == {"StringEqualsIfExists": {"lambda:Principal": ["apigateway.amazonaws.com"]}}
    assert "Condition" not in statement(needs(permission).changing, "lambda:RemovePermission")


def test_secrets_may_be_read_one_by_one() -> None:
    environment = {"A": Secret("ssm:/orders/key"), "B": Secret("secretsmanager:orders/db#password")}
    found = needs(Resource("lambda.function", "orders-a", {"environment": environment})).reading
    assert statement(found, "ssm:GetParameters")["Resource"] == [
        "arn:aws:ssm:us-east-1:123456789012:parameter/orders/key"
    ]
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:orders/db-??????"
    assert statement(found, "secretsmanager:GetSecretValue")["Resource"] == [arn]


def test_a_secret_may_be_encrypted_with_any_key_which_is_then_for_that_secret_alone() -> None:
    environment = {"A": Secret("ssm:/orders/key"), "B": Secret("secretsmanager:orders/db#password")}
    found = needs(Resource("lambda.function", "orders-a", {"environment": environment})).reading
    keys = {one["Sid"]: one for one in found if "kms:Decrypt" in one["Action"]}
    assert {arn for one in keys.values() for arn in one["Resource"]} == {"arn:aws:kms:us-east-1:123456789012:key/*"}
    assert keys["KeysOfParameters"]["Condition"] == {
        "StringEquals": {"kms:ViaService": ["ssm.us-east-1.amazonaws.com"]},
        "StringLike": {
            "kms:EncryptionContext:PARAMETER_ARN": ["arn:aws:ssm:us-east-1:123456789012:parameter/orders/key"]
        },
    }
    assert list(keys["KeysOfSecrets"]["Condition"]["StringLike"].values()) == [
        ["arn:aws:secretsmanager:us-east-1:123456789012:secret:orders/db-??????"]
    ]
    assert not [one for one in needs().reading if any(action.startswith("kms:") for action in one["Action"])]


def test_keys_that_specs_name_are_used_through_their_services_alone() -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/0f0e0d0c-0b0a-4908-8706-050403020100"
    table = Resource("dynamodb.table", "orders-list", {"kms_key": key})
    function = Resource("lambda.function", "orders-a", {"kms_key": key})
    found = {one["Sid"]: one for one in needs(table, function).changing if one["Sid"].startswith("Keys")}
    assert {one["Sid"]: one["Condition"]["StringEquals"]["kms:ViaService"] for one in found.values()} == {
        "KeysOfDynamodbTable": ["dynamodb.us-east-1.amazonaws.com"],
        "KeysOfLambdaFunction": ["lambda.us-east-1.amazonaws.com"],
    }
    assert all(one["Resource"] == [key] and "kms:CreateGrant" in one["Action"] for one in found.values())
    reads = [one for one in needs(table, function).reading if "kms:Decrypt" in one["Action"]]
    assert [one["Sid"] for one in reads] == ["KeysOfLambdaFunction"]
    assert not [one for one in needs(Resource("dynamodb.table", "orders-list", {})).changing if "Keys" in one["Sid"]]


def test_functions_may_be_given_layers_of_the_service_and_those_of_others_that_they_name() -> None:
    foreign = "arn:aws:lambda:us-east-1:017000801446:layer:AWSLambdaPowertoolsPythonV3-python313-x86_64"
    own = Expression((Reference("lambda.layer/orders-deps", "version_arn"),))
    function = Resource("lambda.function", "orders-a", {"layers": [own, f"{foreign}:7"]})
    found = needs(function, Resource("lambda.layer", "orders-deps", {})).changing
    places = {arn for one in found if "lambda:GetLayerVersion" in one["Action"] for arn in one["Resource"]}
    assert f"{foreign}:*" in places
    assert "arn:aws:lambda:us-east-1:123456789012:layer:orders-*:*" in places
    assert len([arn for arn in places if ":017000801446:" in arn]) == 1


def test_what_is_of_a_region_is_granted_in_every_region_of_the_environment() -> None:
    table = Resource("dynamodb.table", "orders-list", {"environment": Secret("ssm:/orders/key")})
    both = Needs(SCOPE, (table,), "ledger-home", elsewhere={"eu-west-1": "ledger-away"})
    for action in ("dynamodb:DescribeTable", "ssm:GetParameters"):
        regions = {arn.split(":")[3] for arn in statement(both.reading, action)["Resource"]}
        assert regions == {"us-east-1", "eu-west-1"}
    ledgers = statement(both.changing, "s3:PutObject")["Resource"]
    assert ledgers == [f"arn:aws:s3:::ledger-{one}{end}" for one in ("away", "home") for end in ("", "/*")]
    found = {one["Sid"]: one for one in boundary(both, ["arn"])["Statement"]}
    assert found["OnlyHere"]["Condition"]["StringNotEquals"]["aws:RequestedRegion"] == ["eu-west-1", "us-east-1"]
    assert found["NotTheLedger"]["Resource"] == ["arn:aws:s3:::ledger-home", "arn:aws:s3:::ledger-away"]


def test_a_pool_passes_the_role_that_sends_its_messages_and_one_without_passes_none() -> None:
    pool = Resource("cognito-idp.user_pool", "orders-users", {"sms": {"role": "orders-sms", "external_id": "x"}})
    (passing,) = [one for one in needs(pool).changing if "iam:PassRole" in one["Action"]]
    assert "arn:aws:iam::123456789012:role/orders-*" in passing["Resource"]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "cognito-idp.amazonaws.com"}}
    bare = Resource("cognito-idp.user_pool", "orders-users", {"sms": None})
    assert not [one for one in needs(bare).changing if "iam:PassRole" in one["Action"]]


def test_a_pool_that_sends_mails_with_ses_may_have_the_role_for_that_made() -> None:
    def linked(email: object) -> list[dict[str, Any]]:
        pool = Resource("cognito-idp.user_pool", "orders-users", {"email": email})
        return [one for one in needs(pool).changing if "iam:CreateServiceLinkedRole" in one["Action"]]

    (made,) = linked({"source_arn": "arn:aws:ses:us-east-1:123456789012:identity/example.com"})
    assert made["Condition"] == {"StringEquals": {"iam:AWSServiceName": "email.cognito-idp.amazonaws.com"}}
    assert made["Resource"] == ["arn:aws:iam::123456789012:role/aws-service-role/*"]
    assert linked(None) == []


def test_a_web_acl_may_be_read_where_a_distribution_names_it() -> None:
    acl = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/orders/1"
    guarded = needs(Resource("cloudfront.distribution", "orders-site", {"web_acl": acl})).changing
    assert statement(guarded, "wafv2:GetWebACL")["Resource"] == [acl]
    bare = needs(Resource("cloudfront.distribution", "orders-site", {"web_acl": None})).changing
    assert not [one for one in bare if "wafv2:GetWebACL" in one["Action"]]


def test_ledgers_of_what_may_be_promoted_are_read_wherever_they_are_and_no_more() -> None:
    promoting = Needs(SCOPE, (), "ledger-bucket", sources={"orders-test": "eu-west-1"})
    (found,) = [one for one in promoting.reading if "arn:aws:s3:::orders-test" in one["Resource"]]
    assert found["Action"] == ["s3:GetObject", "s3:ListBucket"]
    assert not [one for one in promoting.changing if "arn:aws:s3:::orders-test" in one["Resource"]]
    for some, admitted in ((promoting, True), (needs(), False)):
        here = next(one for one in boundary(some, ["arn"])["Statement"] if one["Sid"] == "OnlyHere")
        assert ("s3:GetObject" in here["NotAction"]) is admitted


def test_deleting_data_is_nobodys() -> None:
    found = needs(Resource("sqs.queue", "orders-jobs", {}), Resource("cloudwatch.alarm", "orders-errors", {})).changing
    allowed = {action for one in found for action in one["Action"]}
    assert "cloudwatch:DeleteAlarms" in allowed
    assert "sqs:DeleteQueue" not in allowed


def test_a_service_that_needs_nothing_of_a_type_may_nothing_of_it() -> None:
    allowed = {action.partition(":")[0] for one in needs().changing for action in one["Action"]}
    assert allowed == {"s3"}


ACTIONS = st.integers(1, 400).map(lambda n: [f"service:Action{i:04}" for i in range(n)])
RESOURCES = st.integers(1, 60).map(
    lambda n: [f"arn:aws:service:us-east-1:123456789012:thing/{'x' * 40}{i:03}" for i in range(n)]
)


# Each example compares every pair of an action and a resource.
@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(ACTIONS, RESOURCES), max_size=3))
def test_documents_fit_and_lose_nothing(wanted: list[tuple[list[str], list[str]]]) -> None:
    statements = [
        {"Sid": f"S{n}", "Effect": "Allow", "Action": actions, "Resource": resources}
        for n, (actions, resources) in enumerate(wanted)
    ]
    documents = packed(statements)
    assert all(size(document) <= 6144 for document in documents)
    pairs = {(a, r) for one in statements for a in one["Action"] for r in one["Resource"]}
    found = [(a, r) for d in documents for one in d["Statement"] for a in one["Action"] for r in one["Resource"]]
    assert set(found) == pairs
    for document in documents:
        ids = [one["Sid"] for one in document["Statement"]]
        assert len(ids) == len(set(ids))


def test_trust_is_exact_in_both_forms() -> None:
    document = trust(Repository.parse("acme@7/orders@8"), "arn:provider", "a:b")
    assert json.dumps(document).count("*") == 0
    (only,) = document["Statement"]
    assert only["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"] == [
        "repo:acme/orders:environment:a%3Ab",
        "repo:acme@7/orders@8:environment:a%3Ab",
    ]


@pytest.mark.parametrize("service", ["orders", "o" * 50])
def test_names_fit_and_differ(service: str) -> None:
    environments = ("dev", "d" * 20, "d" * 19 + "e")
    names = [
        own_name(Scope(service, env, "1" * 12, "eu-west-1"), what)
        for env in environments
        for what in ("plan", "deploy")
    ]
    assert len(set(names)) == len(names)
    assert all(len(name) <= 61 for name in names)


def test_large_services_take_more_policies_and_roles_name_them_all() -> None:
    tables = tuple(Resource("dynamodb.table", f"other{n:03}", {}) for n in range(80))
    account = Account(needs(*tables), Repository("acme", "orders"), "dev")
    plan, deploy = (account.policies_of(f"orders-dev-{role}") for role in ("plan", "deploy"))
    assert len(plan) > 1
    assert set(plan) < set(deploy) <= set(account.documents())
    assert all(size(document) <= 6144 for document in account.documents().values())
