"""What each type says about who may do what because of it."""

from typing import Any

import pytest

from pipeline.model.access import Grant
from pipeline.model.scope import Scope
from pipeline.model.values import Unknown
from pipeline.resources import policies
from pipeline.resources.grants import of_document
from pipeline.resources.registry import registry

SCOPE = Scope("shop", "dev", "123456789012", "eu-west-1")
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:orders"
ROLE = "arn:aws:iam::123456789012:role/team/shop"


def of(kind: str, **properties: Any) -> list[Grant]:
    return registry().grants(SCOPE)(kind, registry()[kind].canonical(properties, SCOPE))


def statement(**more: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": QUEUE, **more}]}


def test_a_role_says_who_may_be_it_what_it_may_do_and_what_it_never_may() -> None:
    found = of(
        "iam.role",
        name="shop",
        path="/team/",
        trust="lambda.amazonaws.com",
        managed_policies=["AmazonDynamoDBFullAccess"],
        policies={"Queue": statement()},
        permissions_boundary="arn:aws:iam::123456789012:policy/edge",
    )
    assert found == [
        Grant("lambda.amazonaws.com", "sts:AssumeRole", ROLE),
        Grant(ROLE, "sqs:SendMessage", QUEUE),
        Grant(ROLE, "what arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess allows", "*"),
        Grant(ROLE, "what arn:aws:iam::123456789012:policy/edge does not allow", "*", allows=False),
    ]


def test_a_permission_says_from_where_a_function_may_be_invoked() -> None:
    found = of(
        "lambda.permission",
        name="f:b",
        function="f",
        alias="live",
        principal="s3.amazonaws.com",
        source_arns=["arn:aws:s3:::b"],
        source_account="123456789012",
    )
    assert found == [
        Grant(
            "s3.amazonaws.com",
            "lambda:InvokeFunction",
            "arn:aws:lambda:eu-west-1:123456789012:function:f:live",
            condition="StringEquals aws:SourceAccount = 123456789012 and ArnLike aws:SourceArn = arn:aws:s3:::b",
        )
    ]


@pytest.mark.parametrize("kind", ["sqs.queue", "sns.topic"])
def test_policies_of_queues_and_topics_count(kind: str) -> None:
    condition = {"ArnEquals": {"aws:SourceArn": "arn:t"}}
    found = of(kind, name="orders", policy=statement(Principal={"Service": "sns.amazonaws.com"}, Condition=condition))
    assert found == [Grant("sns.amazonaws.com", "sqs:SendMessage", QUEUE, condition="ArnEquals aws:SourceArn = arn:t")]
    assert of(kind, name="orders") == []


@pytest.mark.parametrize(("public", "readers"), [(True, ["*"]), (False, []), ("not blocked: BlockPublicAcls", [])])
def test_a_public_bucket_is_everybodys(public: bool | str, readers: list[str]) -> None:
    found = registry().grants(SCOPE)("s3.bucket", {"name": "b", "public": public, "tls_only": True})
    assert [one.principal for one in found if one.allows] == readers
    denied = [one for one in found if not one.allows]
    assert {one.resource for one in denied} == {"arn:aws:s3:::b", "arn:aws:s3:::b/*"}
    assert {one.condition for one in denied} == {"Bool aws:SecureTransport = false"}


def test_everything_that_a_statement_names_is_combined() -> None:
    document = policies.canonical(
        {
            "Statement": [
                {"Effect": "Deny", "NotPrincipal": {"AWS": ["arn:a", "arn:b"]}, "NotAction": ["s3:Get*", "s3:List*"],
                 "NotResource": "arn:r"},
                {"Effect": "Allow", "Principal": "*", "Action": ["x:A", "x:B"], "Resource": ["arn:1", "arn:2"]},
            ]
        }
    )  # fmt: skip
    assert list(of_document(document)) == [
        Grant("all but arn:a", "all but s3:Get*, s3:List*", "all but arn:r", allows=False),
        Grant("all but arn:b", "all but s3:Get*, s3:List*", "all but arn:r", allows=False),
        *(Grant("*", action, resource) for action in ("x:A", "x:B") for resource in ("arn:1", "arn:2")),
    ]


def test_what_is_not_known_yet_is_shown_as_where_it_comes_from() -> None:
    document = statement(Resource=[Unknown("${sqs.queue/q.arn}")])
    assert list(of_document(document, principal="r")) == [Grant("r", "sqs:SendMessage", "${sqs.queue/q.arn}")]


def test_a_type_that_there_is_no_more_grants_nothing() -> None:
    assert registry().grants(SCOPE)("gone.type", {"name": "x"}) == []
    assert registry().grants(SCOPE)("dynamodb.table", {"name": "x"}) == []


OPEN = {"function": "f", "authorization": "NONE"}


@pytest.mark.parametrize("kind", ["apigateway.rest_api", "apigatewayv2.http_api"])
def test_routes_that_ask_for_nothing_are_everybodys(kind: str) -> None:
    endpoints = {
        "GET /open": OPEN,
        "GET /signed": {**OPEN, "authorization": "AWS_IAM"},
        "GET /keyed": {**OPEN, "api_key_required": True},
        "OPTIONS /open": {"cors": {}},
        "GET /theirs": {"unmanaged": "leads to nothing"},
    }
    found = registry().grants(SCOPE)(kind, {"name": "shop", "endpoints": endpoints})
    assert found == [Grant("*", "GET /open", f"{kind}/shop")]


def test_of_a_websocket_api_it_is_the_first_route_that_lets_everybody_in() -> None:
    routes = {"$connect": OPEN, "$default": OPEN}
    grants = registry().grants(SCOPE)
    assert grants("apigatewayv2.api", {"name": "live", "routes": routes}) == [
        Grant("*", "$connect", "apigatewayv2.api/live")
    ]
    signed = {**routes, "$connect": {**OPEN, "authorization": "AWS_IAM"}}
    assert grants("apigatewayv2.api", {"name": "live", "routes": signed}) == []


def test_a_managed_policy_is_a_grant_to_whoever_has_it() -> None:
    (found,) = of("iam.policy", name="edge", document=statement())
    assert found == Grant("whoever has arn:aws:iam::123456789012:policy/edge", "sqs:SendMessage", QUEUE)
