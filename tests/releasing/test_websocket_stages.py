"""Stages of WebSocket APIs in a release: published and moved like those of REST APIs, under a name of their own."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from pipeline.errors import PipelineError
from pipeline.model.resource import Resource
from pipeline.releasing.apis import entry_names
from pipeline.releasing.publisher import Publisher
from pipeline.releasing.traffic import Kind, Pointer, Serving, StageV2Router, routers
from tests.contract.prerequisites import archive_place, of
from tests.resources import websockets
from tests.support.aws import SCOPE, FakeClock, local_client
from tests.support.faults import Recorder
from tests.support.moto_extension import register

register()

V2 = "apigatewayv2"


@pytest.fixture
def aws(aws_environment: None) -> Iterator[Recorder]:
    with mock_aws():
        client = local_client(FakeClock())
        client.scope = SCOPE
        client.artifacts = archive_place
        of("apigatewayv2.api").prepare(client)
        yield Recorder(client)


def test_changed_routes_are_deployed_and_served(aws: Recorder) -> None:
    first = websockets.bring(aws, websockets.api())
    wanted = websockets.api({"$default": "orders-items"})
    outputs = websockets.bring(aws, wanted)
    published = Publisher(aws).release([wanted], {wanted.address: outputs}, {wanted.address}, None)
    entry = published.apis["orders-live"]
    assert entry["previous"] == first["deployment"] != entry["deployment"]
    found = aws.call(V2, "GetStage", ApiId=first["id"], StageName="dev")
    assert found["DeploymentId"] == entry["deployment"]
    assert websockets.differing(wanted, websockets.read(aws, wanted)) == set()
    assert published.outputs[wanted.address]["deployment"] == entry["deployment"]


def test_what_serves_already_is_left_alone(aws: Recorder) -> None:
    wanted = websockets.api()
    outputs = websockets.bring(aws, wanted)
    aws.calls.clear()
    published = Publisher(aws).release([wanted], {wanted.address: outputs}, {wanted.address}, None)
    assert aws.calls == []
    assert published.apis == {"orders-live": {"deployment": outputs["deployment"], "previous": None}}


def test_a_stage_is_pointed_there_and_back(aws: Recorder) -> None:
    wanted = websockets.api()
    first = websockets.bring(aws, wanted)
    other = aws.call(V2, "CreateDeployment", ApiId=first["id"])["DeploymentId"]
    pointer, router = Pointer(Kind.WEBSOCKET_STAGE, str(first["id"]), "dev"), routers(aws)[Kind.WEBSOCKET_STAGE]
    for target in (other, first["deployment"]):
        router.serve(pointer, target)
        assert router.current(pointer) == Serving(pointer, target)


class Deaf(Recorder):
    """A stage that answers without doing anything."""

    def call(self, service: str, operation: str, /, *, region: str | None = None, **params: Any) -> dict[str, Any]:
        return {"StageName": "dev", "DeploymentId": "old"}


def test_an_answer_that_says_otherwise_is_an_error(aws: Recorder) -> None:
    pointer = Pointer(Kind.WEBSOCKET_STAGE, "a1b2c3", "dev")
    with pytest.raises(PipelineError, match="pointing websocket stage dev of a1b2c3 at new: AWS answered"):
        StageV2Router(Deaf(aws)).serve(pointer, "new")


def test_two_apis_of_one_name_have_records_of_their_own() -> None:
    def named(kind: str, name: str) -> Resource:
        return Resource(kind, name, {"name": name})

    resources = [named(V2 + ".api", "orders"), named("apigateway.rest_api", "orders"), named(V2 + ".api", "live")]
    assert entry_names([*resources, named("lambda.function", "orders")]) == {
        "apigatewayv2.api/orders": "apigatewayv2.api/orders",
        "apigateway.rest_api/orders": "orders",
        "apigatewayv2.api/live": "live",
    }
