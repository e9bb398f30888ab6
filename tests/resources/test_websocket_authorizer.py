"""The function that judges who may connect to a WebSocket API."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from pipeline.resources import _websocket_declaration as declaration
from tests.contract.prerequisites import archive_place, of
from tests.resources.websockets import api, bring, declared, differing, kind, read, resource
from tests.support.aws import SCOPE, FakeClock, local_client
from tests.support.faults import Recorder
from tests.support.moto_extension import register

register()

JUDGE = {"function": "orders-items", "identity": ["querystring.token"]}


@pytest.fixture
def aws(aws_environment: None) -> Iterator[Recorder]:
    with mock_aws():
        client = local_client(FakeClock())
        client.scope = SCOPE
        client.artifacts = archive_place
        of("apigatewayv2.api").prepare(client)
        yield Recorder(client)


def authorizers(aws: Recorder, api_id: Any) -> list[Any]:
    return aws.inner.pages("apigatewayv2", "GetAuthorizers", "Items", ApiId=api_id)


def test_connecting_asks_the_function_and_nothing_else_does() -> None:
    found = declared(authorizer={"function": "orders-items"})
    assert found["authorizer"] == JUDGE
    assert {key: entry["authorization"] for key, entry in found["routes"].items()} == {
        "$connect": "CUSTOM",
        "$default": "NONE",
        "cancel": "NONE",
    }
    assert [p.message for p in kind().warn(resource(authorizer=JUDGE), SCOPE) if "connect" in p.message] == []


def test_the_function_may_be_invoked_by_the_api_s_authorizers() -> None:
    found = {one.address: one for one in kind().derive(resource(authorizer=JUDGE), SCOPE)}
    permission = found["lambda.permission/orders-items:websocket/orders-live/authorizer"]
    (arn,) = permission.properties["source_arns"]
    assert str(arn) == "${apigatewayv2.api/orders-live.execution_arn}/authorizers/*"


def test_apis_without_one_are_deployed_as_before() -> None:
    before = {name: value for name, value in api().properties.items() if name != "authorizer"}
    assert declaration.definition_digest(api().properties) == declaration.definition_digest(before)
    assert declaration.definition_digest(api(authorizer=JUDGE).properties) != declaration.definition_digest(before)


def test_it_comes_changes_and_goes(aws: Recorder) -> None:
    more = {"function": "orders-list", "identity": ["header.Origin", "querystring.token"]}
    for authorizer in (None, JUDGE, more, None, JUDGE):
        wanted = api(authorizer=authorizer) if authorizer else api()
        outputs = bring(aws, wanted)
        assert differing(wanted, read(aws, wanted)) <= {"live"}
        assert len(authorizers(aws, outputs["id"])) == (1 if authorizer else 0)


def test_one_of_somebody_is_put_right(aws: Recorder) -> None:
    wanted = api(authorizer=JUDGE)
    outputs = bring(aws, wanted)
    (found,) = authorizers(aws, outputs["id"])
    changed = {"AuthorizerId": found["AuthorizerId"], "IdentitySource": ["route.request.header.Other"]}
    aws.inner.call("apigatewayv2", "UpdateAuthorizer", ApiId=outputs["id"], **changed)
    assert "authorizer.identity" in differing(wanted, read(aws, wanted))
    bring(aws, wanted)
    assert differing(wanted, read(aws, wanted)) <= {"live"}


@pytest.mark.parametrize(
    ("routes", "message"),
    [
        ({"$default": "orders-list"}, "the authorizer judges $connect, which there is not"),
        (
            [{"route": "$connect", "function": "orders-list", "authorization": "AWS_IAM"}],
            "$connect has authorization, and the API an authorizer",
        ),
    ],
)
def test_what_cannot_be(routes: Any, message: str) -> None:
    found = [problem.message for problem in kind().check(resource(routes, authorizer=JUDGE), SCOPE)]
    assert found == [message]
