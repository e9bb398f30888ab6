import json
from typing import Any

import pytest

from pipeline.local.plane.caller import Caller, caller_of
from pipeline.local.plane.functions.guards import check_alias_name, check_routing
from pipeline.local.plane.functions.names import Function, function_of
from pipeline.local.plane.functions.policies import Policies, arn_like
from pipeline.local.plane.refusal import Refusal

API = "arn:aws:execute-api:eu-west-1:123456789012:abc"
GATEWAY = "apigateway.amazonaws.com"
PLAIN = Function("123456789012", "eu-west-1", "orders")
LIVE = PLAIN.qualified("live")


@pytest.mark.parametrize(
    ("text", "qualifier", "function"),
    [
        ("orders", None, PLAIN),
        ("orders", "live", LIVE),
        ("orders:live", None, LIVE),
        ("123456789012:function:orders:live", None, LIVE),
        ("arn:aws:lambda:eu-west-1:123456789012:function:orders", None, PLAIN),
        ("arn:aws:lambda:eu-west-1:123456789012:function:orders:7", None, PLAIN.qualified("7")),
        (
            "arn:aws:lambda:us-east-1:999999999999:function:orders:$LATEST",
            None,
            Function("999999999999", "us-east-1", "orders", "$LATEST"),
        ),
        ("no/function", None, None),
    ],
)
def test_functions_have_many_names(text: str, qualifier: str | None, function: Function | None) -> None:
    assert function_of(text, "123456789012", "eu-west-1", qualifier) == function


def test_only_an_alias_is_an_alias() -> None:
    assert [PLAIN.qualified(q).is_alias for q in (None, "$LATEST", "7", "live", "v7")] == [
        False,
        False,
        False,
        True,
        True,
    ]


def test_a_caller_is_read_from_header_or_query() -> None:
    header = (
        "AWS4-HMAC-SHA256 Credential=210987654321/20261124/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=0"
    )
    assert caller_of(header, "", "123456789012") == Caller("210987654321", "eu-west-1", "s3")
    query = "X-Amz-Algorithm=x&X-Amz-Credential=AKIA%2F20261124%2Feu-west-1%2Fs3%2Faws4_request"
    assert caller_of("", query, "123456789012") == Caller("123456789012", "eu-west-1", "s3")
    assert caller_of("", "", "123456789012") is None
    assert caller_of(Caller("1" * 12, "r", "lambda").authorization(), "", "") == Caller("1" * 12, "r", "lambda")


def grant(**more: Any) -> dict[str, Any]:
    return {
        "StatementId": "s1",
        "Action": "lambda:InvokeFunction",
        "Principal": GATEWAY,
        "SourceArn": f"{API}/*/GET/orders",
        **more,
    }


def refusal(policies: Policies, function: Function, **more: Any) -> str:
    with pytest.raises(Refusal) as refused:
        policies.add(function, grant(**more))
    return refused.value.code


def test_a_grant_is_for_one_qualifier_alone() -> None:
    policies = Policies()
    policies.add(PLAIN, grant())
    source = [f"{API}/dev/GET/orders"]
    assert policies.allows(PLAIN, GATEWAY, source, "123456789012")
    assert not policies.allows(LIVE, GATEWAY, source, "123456789012")
    policies.add(LIVE, grant())
    assert policies.allows(LIVE, GATEWAY, source, "123456789012")
    with pytest.raises(Refusal, match="does not exist"):
        policies.document(PLAIN.qualified("other"))
    assert [s["Sid"] for s in json.loads(policies.document(LIVE)[0])["Statement"]] == ["s1"]


@pytest.mark.parametrize(
    ("more", "allowed"),
    [
        ({}, True),
        ({"SourceArn": f"{API}/*/*/*"}, True),
        ({"SourceArn": f"{API}/dev/GET/orders"}, True),
        ({"SourceArn": f"{API}/dev/POST/orders"}, False),
        ({"SourceArn": f"{API}x/*/*/*"}, False),
        ({"SourceArn": None}, True),
        ({"SourceArn": None, "SourceAccount": "999999999999"}, False),
        ({"SourceAccount": "123456789012"}, True),
        ({"Principal": "events.amazonaws.com"}, False),
        ({"Principal": "*"}, True),
        ({"Action": "lambda:*"}, True),
        ({"Action": "lambda:GetFunction"}, False),
    ],
)
def test_a_grant_says_who_and_from_where(more: dict[str, Any], allowed: bool) -> None:
    policies = Policies()
    policies.add(LIVE, grant(**more))
    assert policies.allows(LIVE, GATEWAY, [f"{API}/dev/GET/orders"], "123456789012") is allowed


def test_what_aws_refuses_is_refused() -> None:
    policies = Policies()
    policies.add(LIVE, grant())
    assert refusal(policies, LIVE) == "ResourceConflictException"
    assert refusal(policies, LIVE, StatementId="no spaces") == "ValidationException"
    assert refusal(policies, LIVE, StatementId="s2", SourceArn="arn:aws:execute-api:*:*:*/*/*") == "ValidationException"
    assert refusal(policies, PLAIN.qualified("$LATEST")) == "InvalidParameterValueException"
    assert refusal(policies, LIVE, StatementId="s2", RevisionId="stale") == "PreconditionFailedException"


def test_a_policy_has_a_size() -> None:
    policies = Policies()
    for number in range(60):
        policies.add(LIVE, grant(StatementId=f"s{number}", SourceArn=f"{API}/{'x' * 40}"))
    assert (
        refusal(policies, LIVE, StatementId="more", SourceArn=f"{API}/{'x' * 9000}") == "PolicyLengthExceededException"
    )


def test_statements_go_one_by_one_and_with_what_they_are_of() -> None:
    policies = Policies()
    for function in (PLAIN, LIVE, PLAIN.qualified("other")):
        policies.add(function, grant())
    policies.remove(LIVE, "s1", None)
    with pytest.raises(Refusal):
        policies.remove(PLAIN, "s2", None)
    policies.forget(PLAIN.qualified("other"))
    assert list(policies.kept) == [PLAIN]
    policies.add(LIVE, grant())
    policies.forget(PLAIN)
    assert policies.kept == {}


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        (f"{API}/*/GET/*", True),
        (f"{API}/???/GET/a/b", True),
        ("arn:aws:execute-api:*:123456789012:abc/dev/GET/a/b", True),
        (f"{API}", False),
        ("*", False),
    ],
)
def test_arns_match_part_by_part(pattern: str, matches: bool) -> None:
    assert arn_like(pattern, f"{API}/dev/GET/a/b") is matches


@pytest.mark.parametrize(
    ("version", "weights", "code"),
    [
        ("1", {"2": 0.1, "3": 0.1}, "InvalidParameterValueException"),
        ("1", {"1": 0.1}, "InvalidParameterValueException"),
        ("1", {"$LATEST": 0.1}, "InvalidParameterValueException"),
        ("$LATEST", {"1": 0.1}, "InvalidParameterValueException"),
        ("1", {"2": 1.5}, "ValidationException"),
        ("1", {"2": -0.1}, "ValidationException"),
    ],
)
def test_weights_that_aws_refuses(version: str, weights: dict[str, float], code: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_routing(version, weights)
    assert refused.value.code == code


@pytest.mark.parametrize("weights", [{}, {"2": 0.0}, {"2": 1}, {"2": 0.5}])
def test_weights_that_aws_takes(weights: dict[str, float]) -> None:
    check_routing("1", weights)


def test_an_alias_is_no_number() -> None:
    check_alias_name("v2-live_x")
    for name in ("2", "a b", "x" * 129, ""):
        with pytest.raises(Refusal):
            check_alias_name(name)
