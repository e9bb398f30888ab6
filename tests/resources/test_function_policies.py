"""Statements of a function's policies that nobody declares: found, told in words, and taken away."""

from typing import Any

import pytest

from pipeline.local.plane.functions.names import Function as Named
from pipeline.local.plane.functions.policies import build
from pipeline.model.resource import Resource
from pipeline.resources._function_policies import Said, is_intact
from pipeline.resources.lambda_permission import _sid
from tests.resources.fake_lambda import FakeLambda
from tests.resources.functions import differing, function, kind, read
from tests.support.aws import SCOPE

FOREIGN, FOREIGN_URLS = "foreign_permissions", "foreign_urls"
OPEN = {"StatementId": "AllowEverybody", "Principal": "*", "Action": "lambda:InvokeFunction"}
BY_API = {
    "Principal": "apigateway.amazonaws.com",
    "Action": "lambda:InvokeFunction",
    "SourceArn": "arn:aws:execute-api:us-east-1:123456789012:a1b2c3/dev/GET/orders",
}
URL = {
    "StatementId": "pipeline-url", "Principal": "*", "Action": "lambda:InvokeFunctionUrl",
    "FunctionUrlAuthType": "NONE",
}  # fmt: skip


@pytest.fixture
def world() -> FakeLambda:
    found = FakeLambda(delay=0.0)
    kind().create(found, function())
    return found


def add(world: FakeLambda, qualifier: str | None, **members: Any) -> None:
    statement = build(Named(SCOPE.account, SCOPE.region, "orders-list", qualifier), members)
    world.functions["orders-list"].policies.setdefault(qualifier, []).append(statement)


def declared(world: FakeLambda, qualifier: str | None, **members: Any) -> None:
    """A statement as a permission of a pipeline makes it."""
    statement = build(Named(SCOPE.account, SCOPE.region, "orders-list", qualifier), {"StatementId": "x", **members})
    sid = _sid(SCOPE, "lambda.permission/orders-list:orders-api", Said.of(statement))
    add(world, qualifier, **{**members, "StatementId": sid})


def foreign(world: FakeLambda, wanted: Resource | None = None, **fields: Any) -> Any:
    return read(world, wanted or function(), **fields).properties.get(FOREIGN, [])


@pytest.mark.parametrize(
    ("qualifier", "where"),
    [(None, "the unqualified function"), ("live", "live"), ("previous", "previous")],
)
def test_a_statement_of_nobody_is_a_difference_of_the_function(
    world: FakeLambda, qualifier: str | None, where: str
) -> None:
    assert foreign(world) == []
    add(world, qualifier, **OPEN)
    assert foreign(world) == [f"* may lambda:InvokeFunction on {where} (AllowEverybody)"]
    assert differing(function(), read(world, function())) == {FOREIGN}


def test_what_narrows_a_statement_is_told_with_it(world: FakeLambda) -> None:
    add(
        world, "live", StatementId="partner", Principal="210987654321", Action="lambda:*", PrincipalOrgID="o-a1b2c3d4e5"
    )
    add(world, "live", StatementId="uploads", **{**BY_API, "Principal": "s3.amazonaws.com"})
    assert foreign(world) == [
        "210987654321 may lambda:* on live where PrincipalOrgID is o-a1b2c3d4e5 (partner)",
        f"s3.amazonaws.com may lambda:InvokeFunction on live where SourceArn is {BY_API['SourceArn']} (uploads)",
    ]


def test_what_pipelines_declare_is_not_foreign_unless_it_was_changed(world: FakeLambda) -> None:
    declared(world, "live", **BY_API)
    assert foreign(world) == []
    world.functions["orders-list"].policies["live"][0]["Action"] = "lambda:*"
    assert len(foreign(world)) == 1


@pytest.mark.parametrize("qualifier", [None, "previous"])
def test_no_pipeline_admits_anybody_past_the_alias(world: FakeLambda, qualifier: str | None) -> None:
    declared(world, qualifier, **BY_API)
    assert len(foreign(world)) == 1


def test_an_open_address_admits_everybody_where_it_is_declared(world: FakeLambda) -> None:
    add(world, "live", **URL)
    add(world, "live", StatementId="pipeline-url-invoke", Principal="*", Action="lambda:InvokeFunction",
        InvokedViaFunctionUrl=True)  # fmt: skip
    assert len(foreign(world)) == 2
    wanted = function(url={"auth": "NONE"})
    assert foreign(world, wanted) == []
    assert foreign(world, released=wanted.properties) == [], "the address goes when the new release serves"
    add(world, "previous", **URL)
    assert foreign(world, wanted) == [
        "* may lambda:InvokeFunctionUrl on previous where FunctionUrlAuthType is NONE (pipeline-url)"
    ]


def test_a_statement_with_the_id_of_an_address_has_to_say_the_same(world: FakeLambda) -> None:
    add(world, "live", **{**OPEN, "StatementId": "pipeline-url"})
    assert len(foreign(world, function(url={"auth": "NONE"}))) == 1


def test_what_is_foreign_goes_once_the_release_serves_and_nothing_else(world: FakeLambda) -> None:
    declared(world, "live", **BY_API)
    for qualifier in (None, "live", "previous"):
        add(world, qualifier, **OPEN)
    assert kind().retires({FOREIGN}) is True
    assert kind().retires({"memory", "live"}) is False
    wanted = function()
    kind().update(world, wanted, read(world, wanted), frozenset({FOREIGN}))
    assert len(foreign(world)) == 3, "until the new release serves"
    for _ in range(2):
        kind().retire(world, wanted)
    assert foreign(world) == []
    (left,) = world.functions["orders-list"].policies["live"]
    assert is_intact(left)


def test_an_address_of_nobody_is_a_difference_until_the_release_serves(world: FakeLambda) -> None:
    wanted, urls = function(), world.functions["orders-list"].urls
    urls[None] = {"AuthType": "AWS_IAM", "FunctionUrl": "https://a.example/"}
    urls["live"] = {"AuthType": "NONE", "FunctionUrl": "https://b.example/"}
    observed = read(world, wanted)
    assert differing(wanted, observed) == {FOREIGN_URLS}
    assert observed.properties[FOREIGN_URLS] == [
        "everybody may call live at https://b.example/",
        "whoever IAM lets may call the unqualified function at https://a.example/",
    ]
    assert kind().retires({FOREIGN_URLS}) is True
    kind().update(world, wanted, observed, frozenset({FOREIGN_URLS}))
    assert len(urls) == 2
    for _ in range(2):
        kind().retire(world, wanted)
    assert urls == {}


def test_the_address_of_the_alias_is_declared_or_goes_by_itself(world: FakeLambda) -> None:
    world.functions["orders-list"].urls["live"] = {"AuthType": "NONE", "FunctionUrl": "https://b.example/"}
    wanted = function(url={"auth": "NONE"})
    assert FOREIGN_URLS not in read(world, wanted).properties
    assert FOREIGN_URLS not in read(world, function(), released=wanted.properties).properties
    kind().retire(world, wanted)
    assert world.functions["orders-list"].urls


def test_policies_that_are_not_read_are_trusted(world: FakeLambda) -> None:
    add(world, "live", **OPEN)
    world.calls.clear()
    observed = read(world, function(), policies=False)
    assert not {"GetPolicy", "GetFunctionUrlConfig"} & {*world.names}
    assert {FOREIGN, FOREIGN_URLS} <= {*observed.trusted}
    assert differing(function(), observed) == set()


def test_a_function_that_is_not_there_costs_no_policy() -> None:
    empty = FakeLambda()
    assert kind().read(empty, []) == {}
    with pytest.raises(KeyError):
        read(empty, function())
    assert empty.names == ["GetFunction"]
