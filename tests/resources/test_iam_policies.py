"""Policy documents: what is the same, what is malformed, what is too wide."""

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.model.values import Expression, Reference, Value, resolve
from pipeline.planning.diff import diff
from pipeline.resources import policies
from pipeline.resources.policies import Use
from pipeline.resources.registry import registry

ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/orders"
READ = {"Sid": "Read", "Effect": "Allow", "Action": ["dynamodb:GetItem"], "Resource": [ARN]}
TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}

scalars = st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["", "*", "s3:*", "Allow", "text"])
json_values = scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.sampled_from("AB"), scalars, max_size=2)
statement_like = st.dictionaries(st.sampled_from([*policies.STATEMENT_KEYS, "x"]), json_values, max_size=6)
statements_only = st.fixed_dictionaries({"Statement": st.lists(statement_like, max_size=3)})
document_like = st.fixed_dictionaries({"Statement": st.lists(statement_like, max_size=3) | json_values})

# How fast a machine makes examples is not what is tested.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def document(*statements: Any, **more: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements), **more}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (document(READ), document({**READ, "Action": "dynamodb:GetItem", "Resource": ARN})),
        (document(READ), {"Version": "2012-10-17", "Statement": READ}),
        (document(READ), {"Statement": [READ]}),
        (document(READ), {"Version": date(2012, 10, 17), "Statement": [READ]}),
        (document({**READ, "Action": ["s3:A", "s3:B"]}), document({**READ, "Action": ["s3:B", "s3:A", "s3:B"]})),
        (
            document({**READ, "Condition": {"Bool": {"aws:SecureTransport": True}}}),
            document({**READ, "Condition": {"Bool": {"aws:SecureTransport": ["true"]}}}),
        ),
        (
            document({**READ, "Condition": {"NumericLessThan": {"aws:MultiFactorAuthAge": 300}}}),
            document({**READ, "Condition": {"NumericLessThan": {"aws:MultiFactorAuthAge": "300"}}}),
        ),
        (
            document({**TRUST, "Principal": {"AWS": "123456789012"}}),
            document({**TRUST, "Principal": {"AWS": ["arn:aws:iam::123456789012:root"]}}),
        ),
    ],
)
def test_the_same(one: Any, other: Any) -> None:
    assert policies.canonical(one) == policies.canonical(other)


@pytest.mark.parametrize(
    "other",
    [
        document({**READ, "Effect": "Deny"}),
        document({**READ, "Sid": "Other"}),
        document({**READ, "Condition": {"Bool": {"aws:SecureTransport": "true"}}}),
        document(READ, {**READ, "Sid": "More"}),
        {"Version": "2008-10-17", "Statement": [READ]},
    ],
)
def test_not_the_same(other: Any) -> None:
    assert policies.canonical(document(READ)) != policies.canonical(other)


def test_everyone_stays_as_it_was_written() -> None:
    """Some services take `*` and `{"AWS": "*"}` for different things."""
    star = policies.canonical(document({**TRUST, "Principal": "*"}))
    assert star["Statement"]["0"]["Principal"] == "*"
    assert star != policies.canonical(document({**TRUST, "Principal": {"AWS": "*"}}))


def test_a_document_without_version_is_not_taken_for_a_new_one() -> None:
    stored = policies.canonical({"Statement": [READ]}, version=policies.UNSTATED_VERSION)
    assert stored["Version"] == "2008-10-17"


def test_other_partitions() -> None:
    found = policies.canonical(document({**TRUST, "Principal": {"AWS": "123456789012"}}), partition="aws-cn")
    assert found["Statement"]["0"]["Principal"] == {"AWS": ["arn:aws-cn:iam::123456789012:root"]}


def test_statements_are_keyed_by_sid_else_by_position() -> None:
    nameless = {key: value for key, value in READ.items() if key != "Sid"}
    found = policies.canonical(document(READ, nameless, {**READ, "Effect": "Deny"}))
    assert list(found["Statement"]) == ["Read", "1", "2"]


@patient
@given(statements_only)
def test_the_canonical_form_is_its_own(anything: Any) -> None:
    once = policies.canonical(anything)
    assert policies.canonical(once) == once


@patient
@given(json_values | document_like, st.sampled_from(list(Use)))
def test_nothing_breaks_the_checks(anything: Any, use: Use) -> None:
    for form in (anything, policies.canonical(anything)):
        list(policies.problems(form, use))
        list(policies.warnings(form))
        policies.trusts(form, "lambda.amazonaws.com")
        policies.size(form)


def test_the_text_is_what_aws_takes() -> None:
    text = policies.to_json(policies.canonical(document(READ)))
    assert text == (
        '{"Version":"2012-10-17","Statement":[{"Sid":"Read","Effect":"Allow","Action":["dynamodb:GetItem"],'
        f'"Resource":["{ARN}"]}}]}}'
    )
    assert policies.size(policies.canonical(document(READ))) == len(text)


@pytest.mark.parametrize("value", ["lambda.amazonaws.com", ["lambda.amazonaws.com"], document(TRUST)])
def test_trust(value: Any) -> None:
    assert policies.trust(value) == policies.canonical(document(TRUST))
    assert policies.trusts(policies.trust(value), "lambda.amazonaws.com")
    assert not policies.trusts(policies.trust(value), "states.amazonaws.com")


@pytest.mark.parametrize(
    "statement",
    [
        {**TRUST, "Effect": "Deny"},
        {**TRUST, "Action": "sts:TagSession"},
        {**TRUST, "Principal": {"AWS": "123456789012"}},
        {**TRUST, "Principal": "*"},
    ],
)
def test_no_trust(statement: Any) -> None:
    assert not policies.trusts(policies.trust(document(statement)), "lambda.amazonaws.com")


@pytest.mark.parametrize(
    ("use", "broken", "message", "path"),
    [
        (Use.IDENTITY, "text", "a policy document is a mapping", ()),
        (Use.IDENTITY, document(), "at least one Statement", ()),
        (Use.IDENTITY, {**document(READ), "Version": "2020-01-01"}, "Version of a policy document", ("Version",)),
        (Use.IDENTITY, {**document(READ), "statement": []}, "has no statement", ("statement",)),
        (Use.IDENTITY, document("text"), "a Statement is a mapping", ("Statement", 0)),
        (Use.IDENTITY, document({**READ, "Effect": "allow"}), "Allow or Deny", ("Statement", 0, "Effect")),
        (Use.IDENTITY, document({**READ, "action": "s3:Get"}), "has no action", ("Statement", 0, "action")),
        (Use.IDENTITY, document({**READ, "NotAction": "s3:*"}), "either Action or NotAction", ("Statement", 0)),
        (Use.IDENTITY, document({**READ, "Action": "GetItem"}), "service:Operation", ("Statement", 0, "Action")),
        (Use.IDENTITY, document({**READ, "Resource": "orders"}), "neither an ARN", ("Statement", 0, "Resource")),
        (Use.IDENTITY, document({"Effect": "Allow", "Action": "s3:Get"}), "either Resource", ("Statement", 0)),
        (Use.IDENTITY, document({**READ, "Principal": "*"}), "has no place here", ("Statement", 0, "Principal")),
        (Use.IDENTITY, document({**READ, "Sid": "a-b"}), "letters and digits", ("Statement", 0, "Sid")),
        (Use.IDENTITY, document(READ, READ), "two statements have the Sid Read", ("Statement", 1, "Sid")),
        (Use.IDENTITY, document({**READ, "Condition": []}), "Condition is a mapping", ("Statement", 0, "Condition")),
        (Use.TRUST, document({**TRUST, "Resource": "*"}), "has no Resource", ("Statement", 0)),
        (Use.TRUST, document({"Effect": "Allow", "Action": "sts:AssumeRole"}), "has a Principal", ("Statement", 0)),
        (Use.TRUST, document({**TRUST, "Principal": "lambda"}), "Principal is *", ("Statement", 0, "Principal")),
        (Use.RESOURCE, document(READ), "has a Principal", ("Statement", 0)),
        (
            Use.TRUST,
            document({**TRUST, "Principal": {"Service": ["lambda.amazonaws.com", "lambda"]}}),
            "lambda is no service of AWS",
            ("Statement", 0, "Principal", "Service"),
        ),
    ],
)
def test_malformed(use: Use, broken: Any, message: str, path: tuple[str | int, ...]) -> None:
    (found,) = policies.problems(broken, use, ("here",))
    assert message in found.message
    assert found.path == ("here", *path)


@pytest.mark.parametrize(
    ("use", "statement"),
    [
        (Use.IDENTITY, READ),
        (Use.IDENTITY, {"Effect": "Deny", "NotAction": ["iam:*"], "NotResource": "*"}),
        (Use.TRUST, TRUST),
        (Use.RESOURCE, {**READ, "Principal": "*", "Sid": "with space"}),
    ],
)
def test_well_formed(use: Use, statement: Any) -> None:
    assert list(policies.problems(document(statement), use)) == []
    assert list(policies.problems(policies.canonical(document(statement)), use)) == []


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ({**READ, "Action": "*"}, "every action: *"),
        ({**READ, "Action": ["dynamodb:*"]}, "every action: dynamodb:*"),
        ({**READ, "Action": "s3:PutObject", "Resource": "*"}, "s3:PutObject on every resource"),
        (
            {**READ, "Action": "dynamodb:PutItem", "Resource": "arn:aws:dynamodb:*:*:table/*"},
            "dynamodb:PutItem on everything that arn:aws:dynamodb:*:*:table/* stands for",
        ),
        (
            {**READ, "Action": "execute-api:Invoke", "Resource": "arn:aws:execute-api:*:*:*/*/*"},
            "execute-api:Invoke on everything that arn:aws:execute-api:*:*:*/*/* stands for",
        ),
        (
            {**READ, "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:us-east-1:123456789012:*"},
            "sqs:SendMessage on everything that arn:aws:sqs:us-east-1:123456789012:* stands for",
        ),
        ({**READ, "Action": ["s3:PutObject", "s3:GetObject"], "Resource": "*"}, "s3:PutObject on every resource"),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, "everything except"),
        ({**TRUST, "Principal": "*"}, "allows everyone"),
        ({**TRUST, "Principal": {"AWS": "*"}}, "allows everyone"),
    ],
)
def test_too_wide(statement: Any, message: str) -> None:
    (found,) = policies.warnings(document(statement))
    assert message in found.message


@pytest.mark.parametrize(
    "statement",
    [
        READ,
        {**READ, "Effect": "Deny", "Action": "*", "Resource": "*"},
        {**READ, "Action": ["s3:ListAllMyBuckets", "s3:Get*", "ec2:DescribeVpcs"], "Resource": "*"},
        {**READ, "Action": ["xray:PutTraceSegments", "cloudwatch:PutMetricData"], "Resource": "*"},
        {**READ, "Action": "s3:PutObject", "Resource": ["arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket"]},
        {**READ, "Action": "dynamodb:PutItem", "Resource": "arn:aws:dynamodb:*:*:table/orders-*"},
        {**READ, "Action": "kms:Decrypt", "Resource": "*", "Condition": {"StringEquals": {"a": "b"}}},
        {**TRUST, "Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}},
    ],
)
def test_not_too_wide(statement: Any) -> None:
    assert list(policies.warnings(document(statement))) == []


def test_references_do_not_upset_the_order() -> None:
    """What is sorted by the text of a reference comes back sorted by the value: no difference."""
    zebra = Expression((Reference("dynamodb.table/zebra", "arn"), "/index/*"))
    declared = policies.canonical(document({**READ, "Resource": [zebra, "arn:aws:s3:::b"]}))

    def lookup(reference: Reference) -> Value:
        return "arn:aws:dynamodb:us-east-1:123456789012:table/zebra"

    resolved = resolve(declared, lookup)
    stored = policies.canonical(
        document(
            {**READ, "Resource": ["arn:aws:s3:::b", "arn:aws:dynamodb:us-east-1:123456789012:table/zebra/index/*"]}
        )
    )
    spec = registry()["iam.role"].spec
    assert diff(spec, {"policies": {"a": resolved}}, {"policies": {"a": stored}}) == ()
    (change,) = diff(spec, {"policies": {"a": declared}}, {"policies": {"a": policies.canonical(document(READ))}})
    assert change.path == "policies.a.Statement.Read.Resource"
