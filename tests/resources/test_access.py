"""From the `access` of a function to the statements of its role: exactly what is named, and nothing else."""

from typing import Any

import pytest

from pipeline.config.validation import Checker
from pipeline.model.resource import Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Expression, Reference
from pipeline.resources import _access as access
from pipeline.resources._access_kinds import KINDS
from pipeline.resources._function_role import own_role
from pipeline.resources.registry import registry

SCOPE = Scope("shop", "dev", "123456789012", "eu-west-1")
DYNAMODB = "arn:aws:dynamodb:eu-west-1:123456789012:table"
FUNCTION = registry()["lambda.function"]


def allowed(*entries: dict[str, Any]) -> list[tuple[list[str], list[str], Any]]:
    """Actions, resources and condition of each statement."""
    found = access.statements(entries, SCOPE)
    assert len({one["Sid"] for one in found}) == len(found)
    assert all(one["Sid"].isalnum() and one["Effect"] == "Allow" for one in found)
    return [(one["Action"], [str(arn) for arn in one["Resource"]], one.get("Condition")) for one in found]


READ = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"]
MODEL = "anthropic.claude-3-haiku-20240307-v1:0"


@pytest.mark.parametrize(
    ("entry", "actions", "resource"),
    [
        ({"table": "orders", "allow": "read"}, READ, f"{DYNAMODB}/orders"),
        ({"table": "orders", "allow": "Query"}, ["dynamodb:Query"], f"{DYNAMODB}/orders"),
        ({"table": "orders", "allow": ["Query", "read"]}, READ, f"{DYNAMODB}/orders"),
        ({"table": "orders", "index": "by-day", "allow": "read"}, ["dynamodb:Query", "dynamodb:Scan"],
         f"{DYNAMODB}/orders/index/by-day"),
        ({"table": "arn:aws:dynamodb:eu-west-1:210987654321:table/theirs", "allow": "GetItem"}, ["dynamodb:GetItem"],
         "arn:aws:dynamodb:eu-west-1:210987654321:table/theirs"),
        ({"stream": "orders", "allow": "read"},
         ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"],
         "${dynamodb.table/orders.stream_arn}"),
        ({"queue": "jobs", "allow": "send"}, ["sqs:SendMessage"], "arn:aws:sqs:eu-west-1:123456789012:jobs"),
        ({"topic": "news", "allow": "publish"}, ["sns:Publish"], "arn:aws:sns:eu-west-1:123456789012:news"),
        ({"bucket": "b", "allow": "read"}, ["s3:GetObject"], "arn:aws:s3:::b/*"),
        ({"bucket": "b", "prefix": "in/", "allow": ["write", "delete"]},
         ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"], "arn:aws:s3:::b/in/*"),
        ({"bucket": "b", "allow": "GetBucketLocation"}, ["s3:GetBucketLocation"], "arn:aws:s3:::b"),
        ({"bucket": "b", "allow": "PutObjectTagging"}, ["s3:PutObjectTagging"], "arn:aws:s3:::b/*"),
        ({"secret": "db/main", "allow": "read"}, ["secretsmanager:GetSecretValue"],
         "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db/main-??????"),
        ({"parameter": "/shop/key", "allow": "read"}, ["ssm:GetParameter", "ssm:GetParameters"],
         "arn:aws:ssm:eu-west-1:123456789012:parameter/shop/key"),
        ({"function": "other", "allow": "invoke"}, ["lambda:InvokeFunction"],
         "arn:aws:lambda:eu-west-1:123456789012:function:other:live"),
        ({"function": "other", "alias": "blue", "allow": "invoke"}, ["lambda:InvokeFunction"],
         "arn:aws:lambda:eu-west-1:123456789012:function:other:blue"),
        ({"model": MODEL, "allow": "stream"}, ["bedrock:InvokeModelWithResponseStream"],
         f"arn:aws:bedrock:eu-west-1::foundation-model/{MODEL}"),
        ({"guardrail": "g", "allow": "apply"}, ["bedrock:ApplyGuardrail"], "${bedrock.guardrail/g.arn}"),
        ({"event_bus": "default", "allow": "put"}, ["events:PutEvents"],
         "arn:aws:events:eu-west-1:123456789012:event-bus/default"),
        ({"key": "abc", "allow": "encrypt"}, ["kms:Encrypt", "kms:GenerateDataKey"],
         "arn:aws:kms:eu-west-1:123456789012:key/abc"),
        ({"websocket_api": "live", "allow": ["send"]}, ["execute-api:ManageConnections"],
         "${apigatewayv2.api/live.execution_arn}/dev/POST/@connections/*"),
        ({"actions": ["ses:SendEmail"], "resources": ["arn:aws:ses:eu-west-1:123456789012:identity/x"]},
         ["ses:SendEmail"], "arn:aws:ses:eu-west-1:123456789012:identity/x"),
    ],
)  # fmt: skip
def test_an_entry_allows_exactly_what_it_says(entry: dict[str, Any], actions: list[str], resource: str) -> None:
    assert allowed(entry) == [(actions, [resource], None)]


def test_an_inference_profile_needs_itself_and_its_model_wherever_it_sends_requests() -> None:
    assert allowed({"model": f"eu.{MODEL}", "allow": "invoke"}) == [
        (
            ["bedrock:InvokeModel"],
            [
                f"arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.{MODEL}",
                f"arn:aws:bedrock:*::foundation-model/{MODEL}",
            ],
            None,
        )
    ]


def test_what_has_no_resources_is_limited_by_a_condition() -> None:
    condition = {"StringEquals": {"cloudwatch:namespace": "Shop"}}
    assert allowed({"metrics": "Shop", "allow": "put"}) == [(["cloudwatch:PutMetricData"], ["*"], condition)]


def test_the_objects_of_a_bucket_and_the_bucket_are_two_things() -> None:
    found = allowed({"bucket": "b", "prefix": "in/", "allow": ["read", "list"]})
    below = {"StringLike": {"s3:prefix": "in/*"}}
    assert found == [(["s3:GetObject"], ["arn:aws:s3:::b/in/*"], None), (["s3:ListBucket"], ["arn:aws:s3:::b"], below)]


def test_entries_about_one_thing_are_one_statement_and_similar_names_are_not_one_thing() -> None:
    found = allowed(
        {"queue": "my-jobs", "allow": "send"},
        {"queue": "my-jobs", "allow": "GetQueueUrl"},
        {"queue": "myJobs", "allow": "send"},
        {"queue": "my.jobs", "allow": "send"},
    )
    assert [actions for actions, _, _ in found] == [
        ["sqs:GetQueueUrl", "sqs:SendMessage"],
        ["sqs:SendMessage"],
        ["sqs:SendMessage"],
    ]


def test_references_are_taken_as_they_are() -> None:
    reference = Expression((Reference("sqs.queue/q", "arn"),))
    bucket = Expression((Reference("s3.bucket/b", "arn"),))
    assert allowed({"queue": reference, "allow": "send"})[0][1] == ["${sqs.queue/q.arn}"]
    assert allowed({"bucket": bucket, "prefix": "x", "allow": "read"})[0][1] == ["${s3.bucket/b.arn}/x*"]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_is_in_the_schema_and_every_level_in_its_description(kind: str) -> None:
    entry = FUNCTION.spec.schema["properties"]["access"]["items"]["properties"]
    for level in KINDS[kind].levels:
        assert level in entry[kind]["description"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"allow": "read"}, "an entry names one thing, this one none"),
        ({"table": "a", "queue": "b", "allow": "read"}, "an entry names one thing, this one table and queue"),
        ({"table": "a"}, "allow is missing"),
        ({"table": "a", "allow": "raed"}, "table has no level raed"),
        ({"table": "a", "index": "i", "allow": "write"}, "index has no level write"),
        ({"table": "a", "allow": ["read", "dynamodb:*"]}, "table has no level dynamodb:*"),
        ({"queue": "a", "index": "i", "allow": "send"}, "index goes with table, not with queue"),
        ({"queue": "a", "prefix": "i", "allow": "send"}, "prefix goes with bucket, not with queue"),
        ({"queue": "a", "allow": "send", "condition": {"Bool": {}}}, "condition goes with actions and resources"),
        ({"actions": ["a:B"]}, "actions and resources go together: resources is missing"),
        ({"actions": ["a:B"], "resources": ["*"], "table": "t"}, "table does not go with actions and resources"),
        ({"actions": ["a:B"], "resources": ["*"], "allow": "read"}, "allow does not go with actions and resources"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(entry: dict[str, Any], message: str) -> None:
    assert [problem.message for problem in access.problems([entry])] == [message]


def function(**more: Any) -> Resource:
    checker = Checker(FUNCTION.spec.schema, FUNCTION.name)
    properties = checker.with_defaults({"name": "shop-orders", "runtime": "python3.13", **more})
    return Resource("lambda.function", "shop-orders", FUNCTION.canonical(properties, SCOPE))


TABLE = {"table": "orders", "allow": "GetItem"}
SOCKET = {"websocket_api": "live", "allow": "send"}


def test_a_function_with_access_gets_a_role_of_its_own() -> None:
    orders = function(access=[TABLE], tracing="Active", kms_key="arn:aws:kms:eu-west-1:123456789012:key/k")
    assert orders.properties["role"] == Expression((Reference("iam.role/shop-orders-eu-west-1", "arn"),))
    _, (role,) = FUNCTION.compose(orders, (), SCOPE)
    assert role.address == "iam.role/shop-orders-eu-west-1"
    documents = role.properties["policies"]
    assert documents["Logs"]["Statement"]["WriteLogs"]["Resource"] == [
        "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/shop-orders:*"
    ]
    assert set(documents["Access"]["Statement"]) == {"TableOrders", "Traces", "EnvironmentKey"}
    assert registry()["iam.role"].check(role, SCOPE) == []
    assert registry()["iam.role"].warn(role, SCOPE) == []


def test_access_to_an_api_is_a_policy_that_comes_after_it() -> None:
    _, (role, late) = FUNCTION.compose(function(access=[TABLE, SOCKET]), (), SCOPE)
    assert role.dependencies == ()
    assert role.properties["elsewhere"] == ["ApiAccess"]
    assert late.address == "iam.role_policy/shop-orders-eu-west-1:ApiAccess"
    assert set(late.dependencies) == {role.address, "apigatewayv2.api/live"}


def test_a_function_with_access_has_a_role_of_its_own_also_beside_one_for_all() -> None:
    stack = (Resource("iam.role", "shop-lambda-role", {}),)
    _, (role,) = FUNCTION.compose(function(access=[TABLE]), stack, SCOPE)
    assert role.address == "iam.role/shop-orders-eu-west-1"
    assert FUNCTION.compose(function(), stack, SCOPE)[1] == []


def test_access_says_nothing_about_a_role_that_is_named() -> None:
    (problem,) = FUNCTION.check(function(access=[TABLE], role="mine"), SCOPE)
    assert problem.path == ("access",)


def test_names_of_roles_stay_within_iams_limit_and_apart() -> None:
    longest = [own_role("f" * 63 + end, SCOPE) for end in "ab"]
    assert {len(name) for name in longest} == {64}
    assert longest[0] != longest[1]
    assert own_role("f", SCOPE) == "f-eu-west-1"
