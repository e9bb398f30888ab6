"""Permissions: exact statements on the alias, one after the other, looked up in the end."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import pytest

from pipeline.errors import AwsError, PipelineError
from pipeline.local.plane.functions.names import Function
from pipeline.local.plane.functions.policies import build
from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.planning.diff import diff
from pipeline.resources.base import Aws, ResourceType, Target
from pipeline.resources.registry import registry
from tests.resources.fake_lambda import refused
from tests.resources.functions import expression, target
from tests.support.aws import SCOPE

T = TypeVar("T")
API = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3"
LIST, SHOW = f"{API}/dev/GET/orders", f"{API}/dev/GET/orders/*"


class Policies:
    """An `Aws` with the policies of one function, one for each qualifier, as AWS keeps them.

    `lose` counts statements that are accepted and then not there.
    """

    scope: Scope = SCOPE

    def __init__(self, *, lose: int = 0) -> None:
        self.lose = lose
        self.policies: dict[str, list[dict[str, Any]]] = {"": [], "live": []}
        self.names: list[str] = []

    def call(self, service: str, operation: str, /, *, region: str | None = None, **params: Any) -> dict[str, Any]:
        self.names.append(operation)
        qualifier = params.get("Qualifier", "")
        if params["FunctionName"] != "orders-list" or qualifier not in self.policies:
            raise refused(operation, "ResourceNotFoundException", "Function not found", 404)
        statements = self.policies[qualifier]
        if operation == "GetPolicy":
            if not statements:
                raise refused(operation, "ResourceNotFoundException", "The resource you requested does not exist.", 404)
            return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": statements})}
        named = [statement for statement in statements if statement["Sid"] == params["StatementId"]]
        if operation == "RemovePermission":
            if not named:
                raise refused(operation, "ResourceNotFoundException", "Statement is not found", 404)
            statements.remove(named[0])
            return {}
        if named:
            raise refused(operation, "ResourceConflictException", "The statement id provided already exists.", 409)
        if self.lose:
            self.lose -= 1
        else:
            statements.append(statement_of(params))
        return {}

    def pages(self, service: str, operation: str, /, key: str, **params: Any) -> list[Any]:
        raise AssertionError("policies have no pages")

    def found(self, service: str, operation: str, /, **params: Any) -> dict[str, Any] | None:
        try:
            return self.call(service, operation, **params)
        except AwsError as error:
            if error.call.status == 404:
                return None
            raise

    def gather(self, thunks: Iterable[Callable[[], T]]) -> list[T]:
        return [thunk() for thunk in thunks]

    def wait(self, what: str, poll: Callable[[], T | None], *, every: float, budget: float) -> T:
        raise AssertionError("nothing to wait for")

    def artifact(self, digest: str) -> Mapping[str, str]:
        raise AssertionError("no code in here")

    @property
    def sources(self) -> list[str]:
        return sorted(statement["Condition"]["ArnLike"]["AWS:SourceArn"] for statement in self.policies["live"])


def statement_of(params: Mapping[str, Any]) -> dict[str, Any]:
    """What AddPermission makes of it, as the embedded AWS has it from AWS."""
    return build(Function(SCOPE.account, SCOPE.region, "orders-list", params.get("Qualifier")), params)


def kind() -> ResourceType:
    return registry()["lambda.permission"]


def permission(*sources: str, name: str = "orders-list:orders-api", **properties: Any) -> Resource:
    full = {
        "name": name,
        "function": "orders-list",
        "alias": "live",
        "principal": "apigateway.amazonaws.com",
        "source_arns": list(sources),
        **properties,
    }
    return Resource("lambda.permission", name, full)


def read(aws: Aws, resource: Resource, **fields: Any) -> Observed | None:
    return kind().read(aws, [target(resource, **fields)]).get(resource.address)


def differing(resource: Resource, observed: Observed | None) -> set[str]:
    assert observed is not None
    return {change.path for change in diff(kind().spec, resource.properties, observed.properties)}


def update(aws: Aws, resource: Resource) -> None:
    observed = read(aws, resource)
    assert observed is not None
    kind().update(aws, resource, observed, frozenset({"source_arns"}))
    kind().retire(aws, resource)


def test_each_source_has_a_statement_on_the_alias() -> None:
    aws = Policies()
    outputs = kind().create(aws, permission(SHOW, LIST))
    assert aws.sources == [LIST, SHOW]
    assert aws.policies[""] == []
    assert outputs == {"source_arns": [LIST, SHOW]}
    assert aws.names == ["AddPermission", "AddPermission", "GetPolicy"]


def test_what_was_granted_is_read_back() -> None:
    aws = Policies()
    kind().create(aws, permission(SHOW, LIST))
    observed = read(aws, permission(LIST, SHOW))
    assert differing(permission(LIST, SHOW), observed) == set()
    assert observed is not None
    assert SCOPE.owns(observed.mark)


def test_a_function_without_policy_has_no_permission() -> None:
    assert read(Policies(), permission(LIST)) is None


def test_a_function_that_is_gone_has_no_permission() -> None:
    assert read(Policies(), permission(LIST, function="other")) is None


def test_statements_that_got_lost_are_added_again() -> None:
    aws = Policies(lose=2)
    kind().create(aws, permission(LIST, SHOW))
    assert aws.sources == [LIST, SHOW]
    assert aws.names.count("AddPermission") == 4


def test_statements_that_are_lost_for_ever_are_an_error() -> None:
    with pytest.raises(PipelineError, match=f"does not show it: {LIST}"):
        kind().create(Policies(lose=99), permission(LIST))


def test_a_statement_that_was_added_by_a_lost_call_is_no_error() -> None:
    aws = Policies()
    kind().create(aws, permission(LIST))
    kind().create(aws, permission(LIST, SHOW))
    assert aws.sources == [LIST, SHOW]


def test_new_statements_come_before_old_ones_go() -> None:
    aws = Policies()
    kind().create(aws, permission(LIST))
    aws.names.clear()
    update(aws, permission(SHOW))
    assert aws.sources == [SHOW]
    assert [name for name in aws.names if name != "GetPolicy"] == ["AddPermission", "RemovePermission"]


def test_what_serves_keeps_its_statements_until_they_are_retired() -> None:
    aws = Policies()
    kind().create(aws, permission(LIST))
    observed = read(aws, permission(SHOW))
    assert observed is not None
    kind().update(aws, permission(SHOW), observed, frozenset({"source_arns"}))
    assert aws.sources == [LIST, SHOW]
    kind().retire(aws, permission(SHOW))
    assert aws.sources == [SHOW]


def test_a_statement_that_vanished_is_a_difference() -> None:
    aws = Policies()
    kind().create(aws, permission(LIST, SHOW))
    aws.policies["live"].pop()
    assert differing(permission(LIST, SHOW), read(aws, permission(LIST, SHOW))) == {"source_arns"}
    update(aws, permission(LIST, SHOW))
    assert aws.sources == [LIST, SHOW]


def test_a_statement_changed_by_hand_is_put_right() -> None:
    aws = Policies()
    kind().create(aws, permission(LIST))
    aws.policies["live"][0]["Condition"]["ArnLike"]["AWS:SourceArn"] = f"{API}/*/*/*"
    observed = read(aws, permission(LIST))
    assert observed is not None
    assert observed.properties["source_arns"][0].startswith("changed by hand: pipeline-")
    update(aws, permission(LIST))
    assert aws.sources == [LIST]
    assert differing(permission(LIST), read(aws, permission(LIST))) == set()


def test_statements_of_others_are_left_alone() -> None:
    aws = Policies()
    foreign = {**statement_of({
        "StatementId": "apigateway-invoke", "Principal": "apigateway.amazonaws.com", "Action": "lambda:InvokeFunction",
        "Qualifier": "live", "SourceArn": f"{API}/*/*/*",
    })}  # fmt: skip
    aws.policies["live"].append(foreign)
    assert read(aws, permission(LIST)) is None
    kind().create(aws, permission(LIST))
    kind().create(aws, permission(SHOW, name="orders-list:other-api"))
    assert differing(permission(LIST), read(aws, permission(LIST))) == set()
    observed = read(aws, permission(LIST))
    assert observed is not None
    kind().delete(aws, observed)
    assert aws.sources == [f"{API}/*/*/*", SHOW]


def test_deleting_is_quiet_twice_and_without_the_function() -> None:
    aws = Policies()
    kind().create(aws, permission(LIST, SHOW))
    observed = read(aws, permission(LIST, SHOW))
    assert observed is not None
    for _ in range(2):
        kind().delete(aws, observed)
    assert aws.policies["live"] == []
    aws.policies.clear()
    kind().delete(aws, observed)


def test_ids_depend_on_what_is_said_and_who_says_it() -> None:
    def sids(aws: Policies, *resources: Resource) -> set[str]:
        for resource in resources:
            kind().create(aws, resource)
        return {statement["Sid"] for statement in aws.policies["live"]}

    one = sids(Policies(), permission(LIST))
    assert sids(Policies(), permission(LIST)) == one
    other = Policies()
    other.scope = Scope("orders", "staging", SCOPE.account, SCOPE.region)
    different = [
        sids(Policies(), permission(SHOW)),
        sids(Policies(), permission(LIST, source_account="123456789012")),
        sids(Policies(), permission(LIST, name="orders-list:other")),
        sids(other, permission(LIST)),
    ]
    assert len({frozenset(found) for found in (one, *different)}) == 5
    assert all(len(sid) <= 100 for sid in one)


def test_the_account_of_a_source_is_sent_and_read() -> None:
    aws = Policies()
    wanted = permission("arn:aws:s3:::orders-uploads", principal="s3.amazonaws.com", source_account="123456789012")
    kind().create(aws, wanted)
    assert differing(wanted, read(aws, wanted)) == set()


def recorded(*, policies: bool) -> Target:
    released = permission(source_arns=[expression("apigateway.rest_api/orders-api", "execution_arn")])
    return target(permission(LIST), recorded={"source_arns": [LIST]}, released=released.properties, policies=policies)


def test_a_policy_that_need_not_be_read_is_trusted() -> None:
    aws = Policies()
    observed = kind().read(aws, [recorded(policies=False)])["lambda.permission/orders-list:orders-api"]
    assert aws.names == []
    assert observed.properties["source_arns"] == [LIST]
    assert observed.trusted == ("source_arns",)
    assert differing(permission(LIST), observed) == set()


def test_a_policy_that_is_to_be_read_is_not_trusted() -> None:
    aws = Policies()
    assert kind().read(aws, [recorded(policies=True)]) == {}
    assert aws.names == ["GetPolicy"]


def declared(**properties: Any) -> Resource:
    """A permission as an author writes it; the ARN of its function is known."""
    written = {"name": "orders-list:partner", "function": "orders-list", "alias": "live", **properties}
    canonical = kind().canonical(written, SCOPE)
    target = "arn:aws:lambda:us-east-1:123456789012:function:orders-list:live"
    return Resource("lambda.permission", "orders-list:partner", {**canonical, "target": target})


@pytest.mark.parametrize(
    ("written", "members"),
    [
        pytest.param({"principal": "210987654321"}, {"Principal": "210987654321"}, id="an account"),
        pytest.param(
            {"principal": "arn:aws:iam::210987654321:root", "action": "lambda:InvokeFunction", "via_url": False},
            {"Principal": "210987654321"},
            id="the same in other words",
        ),
        pytest.param(
            {"principal": "*", "organization": "o-a1b2c3d4e5"},
            {"Principal": "*", "PrincipalOrgID": "o-a1b2c3d4e5"},
            id="an organization",
        ),
        pytest.param(
            {"principal": "s3.amazonaws.com", "source_account": "210987654321"},
            {"Principal": "s3.amazonaws.com", "SourceAccount": "210987654321"},
            id="a service for an account",
        ),
        pytest.param(
            {"principal": "210987654321", "action": "lambda:InvokeFunctionUrl", "url_auth": "AWS_IAM"},
            {"Principal": "210987654321", "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "AWS_IAM"},
            id="the address",
        ),
        pytest.param(
            {"principal": "210987654321", "via_url": True},
            {"Principal": "210987654321", "InvokedViaFunctionUrl": True},
            id="through the address",
        ),
        pytest.param(
            {"principal": "alexa-connectedhome.amazon.com", "event_source_token": "amzn1.ask.skill.1"},
            {"Principal": "alexa-connectedhome.amazon.com", "EventSourceToken": "amzn1.ask.skill.1"},
            id="a skill",
        ),
    ],
)
def test_what_an_author_declares_is_granted_and_read_back(written: dict[str, Any], members: dict[str, Any]) -> None:
    aws = Policies()
    wanted = declared(**written)
    assert list(kind().check(wanted, SCOPE)) == []
    kind().create(aws, wanted)
    (found,) = aws.policies["live"]
    named = {"StatementId": found["Sid"], "Action": "lambda:InvokeFunction", "Qualifier": "live"}
    assert found == statement_of({**named, **members})
    assert differing(wanted, read(aws, wanted)) == set()


def test_another_principal_is_a_difference_and_the_old_one_goes_last() -> None:
    aws = Policies()
    kind().create(aws, declared(principal="210987654321"))
    after = declared(principal="s3.amazonaws.com", source_arns=["arn:aws:s3:::orders-uploads"])
    assert differing(after, read(aws, after)) == {"principal", "source_arns"}
    update(aws, after)
    assert differing(after, read(aws, after)) == set()
    assert [name for name in aws.names if name != "GetPolicy"][1:] == ["AddPermission", "RemovePermission"]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({"principal": "*"}, "everybody in AWS may call this function"),
        ({"principal": "s3.amazonaws.com"}, "s3.amazonaws.com may call this function on behalf of every account"),
        ({"principal": "*", "organization": "o-a1b2c3d4e5"}, None),
        ({"principal": "s3.amazonaws.com", "source_arns": ["arn:aws:s3:::orders"]}, None),
        ({"principal": "210987654321"}, None),
    ],
)
def test_a_grant_to_many_is_warned_of(written: dict[str, Any], told: str | None) -> None:
    assert [each.message for each in kind().warn(declared(**written), SCOPE)] == ([told] if told else [])


@pytest.mark.parametrize(
    "written", [{"action": "lambda:InvokeFunctionUrl"}, {"action": "lambda:GetFunction", "url_auth": "AWS_IAM"}]
)
def test_what_aws_refuses_of_addresses_is_an_error(written: dict[str, Any]) -> None:
    (problem,) = kind().check(declared(principal="210987654321", **written), SCOPE)
    assert "url_auth" in problem.message
