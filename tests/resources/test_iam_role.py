"""Roles: quotas, drift, and the order in which grants change."""

import json
from dataclasses import replace
from typing import Any

import pytest

from pipeline.applying.aws_client import AwsClient
from pipeline.model.resource import Resource
from pipeline.model.values import Expression, Reference
from pipeline.resources.base import Target
from pipeline.resources.registry import registry
from tests.contract.engine import Case, carry_out, converge, declared
from tests.contract.prerequisites import of
from tests.support.aws import SCOPE
from tests.support.faults import Recorder

KIND = registry()["iam.role"]
ADDRESS = "iam.role/orders-role"


def role(**properties: Any) -> Case:
    example = {"name": "orders-role", **properties}
    return Case(KIND, Resource(KIND.name, "orders-role", declared(KIND, example, SCOPE)))


def policy(*actions: str, resource: Any = "arn:aws:s3:::orders/*") -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": resource}]}


def messages(case: Case, verb: str = "check") -> list[str]:
    return [problem.message for problem in getattr(KIND, verb)(case.resource, SCOPE)]


def test_a_role_is_for_lambda_unless_it_says_otherwise() -> None:
    trust = role().resource.properties["trust"]["Statement"]["0"]
    assert trust == {
        "Effect": "Allow",
        "Principal": {"Service": ["lambda.amazonaws.com"]},
        "Action": ["sts:AssumeRole"],
    }


def test_names_of_aws_s_own_policies_become_arns() -> None:
    names = ["service-role/AWSLambdaBasicExecutionRole", "arn:aws:iam::123456789012:policy/own"]
    assert role(managed_policies=names).resource.properties["managed_policies"] == [
        "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
        "arn:aws:iam::123456789012:policy/own",
    ]


def test_quotas() -> None:
    many = {f"p{n}": policy(*[f"s3:Action{m}" for m in range(100)]) for n in range(9)}
    (found,) = messages(role(policies=many))
    assert "characters together; IAM allows 10,240 per role" in found
    services = [f"service{n}.amazonaws.com" for n in range(200)]
    assert any("the trust policy has" in text for text in messages(role(trust=services)))
    assert messages(role(managed_policies=[f"P{n}" for n in range(21)])) == [
        "21 managed policies; IAM allows 20 per role"
    ]


def test_quotas_that_can_be_raised_are_warnings() -> None:
    services = [f"service{n}.amazonaws.com" for n in range(80)]
    case = role(trust=services, managed_policies=[f"P{n}" for n in range(11)])
    assert messages(case) == []
    assert len(messages(case, "warn")) == 2


def test_malformed_documents_are_found_where_they_are() -> None:
    case = role(trust={"Statement": []}, policies={"Access": policy("GetObject")})
    assert [problem.path for problem in KIND.check(case.resource, SCOPE)] == [
        ("trust",),
        ("policies", "Access", "Statement", 0, "Action"),
    ]


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"managed_policies": ["AmazonDynamoDBFullAccess"]}, "AmazonDynamoDBFullAccess allows far more"),
        ({"managed_policies": ["AdministratorAccess"]}, "AdministratorAccess allows far more"),
        ({"policies": {"All": policy("s3:*")}}, "every action: s3:*"),
        ({"trust": {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}}, "everyone"),
    ],
)
def test_wide_grants_are_warned_about(properties: dict[str, Any], message: str) -> None:
    (found,) = messages(role(**properties), "warn")
    assert message in found


def test_what_others_attached_is_taken_off(aws: AwsClient) -> None:
    of(KIND.name).prepare(aws)
    wanted = role(policies={"Access": policy("s3:GetObject")})
    carry_out(aws, wanted)
    document = json.dumps({"Version": "2012-10-17", **policy("iam:*")})
    aws.call("iam", "PutRolePolicy", RoleName="orders-role", PolicyName="Backdoor", PolicyDocument=document)
    arn = "arn:aws:iam::aws:policy/PowerUserAccess"
    aws.call("iam", "AttachRolePolicy", RoleName="orders-role", PolicyArn=arn)
    observed = wanted.read(aws)
    assert observed is not None
    assert wanted.differences(observed) == {"managed_policies", "policies.Backdoor"}
    converge(aws, wanted)


def test_a_changed_statement_is_named(aws: AwsClient) -> None:
    carry_out(aws, role(policies={"Access": policy("s3:GetObject")}))
    after = role(policies={"Access": policy("s3:GetObject", "s3:PutObject")})
    observed = after.read(aws)
    assert observed is not None
    assert after.differences(observed) == {"policies.Access.Statement.0.Action"}


def test_only_the_changed_policy_is_written(aws: AwsClient) -> None:
    carry_out(aws, role(policies={"Same": policy("s3:GetObject"), "Other": policy("s3:GetObject")}))
    recorder = Recorder(aws)
    carry_out(recorder, role(policies={"Same": policy("s3:GetObject"), "Other": policy("s3:PutObject")}))
    assert [(call.name, call.params["PolicyName"]) for call in recorder.changing] == [("iam:PutRolePolicy", "Other")]


def test_grants_come_before_what_is_taken_away(aws: AwsClient) -> None:
    carry_out(aws, role(policies={"Old": policy("s3:GetObject")}))
    recorder = Recorder(aws)
    carry_out(recorder, role(policies={"New": policy("s3:GetObject")}))
    assert [call.name for call in recorder.changing] == ["iam:PutRolePolicy", "iam:DeleteRolePolicy"]


def test_unless_both_together_exceed_the_quota(aws: AwsClient) -> None:
    large = policy(*[f"s3:Action{n}" for n in range(500)])
    carry_out(aws, role(policies={"Old": large}))
    recorder = Recorder(aws)
    carry_out(recorder, role(policies={"New": large}))
    assert [call.name for call in recorder.changing] == ["iam:DeleteRolePolicy", "iam:PutRolePolicy"]


def test_the_boundary_can_be_taken_off(aws: AwsClient) -> None:
    of(KIND.name).prepare(aws)
    carry_out(aws, role(permissions_boundary="arn:aws:iam::aws:policy/PowerUserAccess"))
    converge(aws, role())


def test_one_of_many_roles_is_trusted_to_be_as_released_unless_its_words_depend_on_others(aws: AwsClient) -> None:
    case = role(policies={"Access": policy("s3:GetObject")})
    recorded = dict(carry_out(aws, case))
    aws.call("iam", "DeleteRolePolicy", RoleName="orders-role", PolicyName="Access")
    released = case.resource.properties
    spared = Target(case.resource, recorded, released=released, thorough=False)
    seen = Recorder(aws)
    found = KIND.read(seen, [spared])[ADDRESS]
    assert (found.properties, found.outputs, seen.calls) == (released, recorded, [])
    assert SCOPE.owns(found.mark)
    assert found.trusted

    arn = Expression((Reference("s3.bucket/orders", "arn"),))
    depends = {**released, "policies": {"Access": policy("s3:GetObject", resource=arn)}}
    for target in (replace(spared, thorough=True), replace(spared, released=depends), replace(spared, recorded={})):
        assert KIND.read(aws, [target])[ADDRESS].properties["policies"] == {}


def test_a_known_role_is_read_in_one_round(aws: AwsClient) -> None:
    case = role(policies={"Access": policy("s3:GetObject")})
    carry_out(aws, case)
    rounds: list[int] = []

    class Rounds(Recorder):
        def gather(self, thunks: Any) -> Any:
            tasks = list(thunks)
            rounds.append(len(tasks))
            return super().gather(tasks)

    KIND.read(Rounds(aws), [Target(case.resource, {})])
    unknown = [count for count in rounds if count]
    rounds.clear()
    found = KIND.read(Rounds(aws), [Target(case.resource, {}, released=case.resource.properties)])
    assert case.differences(found[ADDRESS]) == set()
    # The first number is the list of targets.
    assert (unknown, [count for count in rounds if count]) == ([1, 3, 1], [1, 4])


def test_what_the_last_release_had_and_aws_has_not_is_no_policy(aws: AwsClient) -> None:
    carry_out(aws, role())
    before = role(policies={"Access": policy("s3:GetObject")})
    found = KIND.read(aws, [Target(role().resource, {}, released=before.resource.properties)])
    assert found[ADDRESS].properties["policies"] == {}


def test_lists_of_several_pages(aws: AwsClient) -> None:
    many = {f"P{n:03}": policy("s3:GetObject") for n in range(120)}
    carry_out(aws, role(policies=many))
    observed = role().read(aws)
    assert observed is not None
    assert observed.properties["policies"].keys() == many.keys()


def test_deleting_takes_off_what_others_attached(aws: AwsClient) -> None:
    of(KIND.name).prepare(aws)
    carry_out(aws, role())
    observed = role().read(aws)
    assert observed is not None
    aws.call(
        "iam", "AttachRolePolicy", RoleName="orders-role", PolicyArn="arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess"
    )
    KIND.delete(aws, observed)
    assert role().read(aws) is None


def test_the_path_is_part_of_the_arn(aws: AwsClient) -> None:
    outputs = carry_out(aws, role(path="/service/"))
    assert outputs["arn"] == "arn:aws:iam::123456789012:role/service/orders-role"


def test_a_role_that_was_never_made_takes_one_call_to_know(aws: AwsClient) -> None:
    recorder, case = Recorder(aws), role(policies={"New": policy("s3:GetObject")})
    assert KIND.read(recorder, [Target(case.resource, {})]) == {}
    assert [call.name for call in recorder.calls] == ["iam:GetRole"]
    converge(aws, case)
    found = KIND.read(recorder, [Target(case.resource, {})])[ADDRESS]
    assert found.properties["policies"].keys() == {"New"}
