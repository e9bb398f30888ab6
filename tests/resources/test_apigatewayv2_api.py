"""WebSocket APIs: routes and integrations, what goes live when, logs, tags, and what somebody else did to them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto import mock_aws

from pipeline.errors import AmbiguousOutcome, AwsError, FailedCall, PipelineError
from pipeline.model.values import Expression
from pipeline.resources import _apis_v2 as apis
from pipeline.resources import _websocket_stage as stages
from pipeline.resources._rest_definition import invocation_uri
from pipeline.resources._websocket_declaration import check, derive, warn
from tests.contract.prerequisites import archive_place, of
from tests.resources.websockets import ROUTES, api, bring, differing, find, kind, read, resource
from tests.support.aws import SCOPE, FakeClock, local_client
from tests.support.faults import Failing, Recorder
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


def stage(aws: Recorder, api_id: str) -> dict[str, Any]:
    return aws.inner.call(V2, "GetStage", ApiId=api_id, StageName="dev")


def listed(aws: Recorder, operation: str, api_id: str) -> list[Any]:
    return aws.inner.pages(V2, operation, "Items", ApiId=api_id)


def test_routes_may_be_a_mapping_or_a_list() -> None:
    short = resource({"$connect": "a", "say": "b"})
    long = resource([{"route": "$connect", "function": "a"}, {"route": "say", "function": "b"}])
    assert short.properties == long.properties
    assert short.properties["routes"]["say"] == {"function": "b", "authorization": "NONE"}


def test_the_canonical_form_is_its_own() -> None:
    properties = resource().properties
    assert kind().canonical(properties, SCOPE) == properties


def test_each_function_may_be_invoked_by_exactly_its_routes() -> None:
    found = {one.address: one for one in derive(resource(), SCOPE)}
    assert set(found) == {
        "logs.log_group//aws/apigateway/orders-live/dev",
        "lambda.permission/orders-list:websocket/orders-live",
        "lambda.permission/orders-items:websocket/orders-live",
    }
    wanted = found["lambda.permission/orders-list:websocket/orders-live"].properties
    sources: list[Expression] = wanted["source_arns"]
    assert [str(one) for one in sources] == [
        "${apigatewayv2.api/orders-live.execution_arn}/dev/$connect",
        "${apigatewayv2.api/orders-live.execution_arn}/dev/$default",
    ]
    assert wanted["alias"] == "live"


def test_without_access_logs_there_is_no_group() -> None:
    assert {one.type for one in derive(resource(access_logs=False), SCOPE)} == {"lambda.permission"}


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (resource([{"route": "say", "function": "a"}, {"route": "say", "function": "b"}]), "say is declared 2 times"),
        (
            resource([{"route": "say", "function": "a", "authorization": "AWS_IAM"}]),
            "say has authorization; API Gateway takes it on $connect alone",
        ),
        (resource({f"r{number}": "a" for number in range(301)}), "the API has 301 routes; API Gateway allows 300"),
        (resource(access_logs={"format": "$context.status"}), "API Gateway wants the request's id in the log format"),
    ],
)
def test_what_aws_would_refuse(wanted: Any, said: str) -> None:
    assert [problem.message for problem in check(wanted, SCOPE)] == [said]


@pytest.mark.parametrize(
    ("routes", "said"),
    [
        ({"$connect": "a", "$default": "a"}, ["everybody may connect: $connect has no authorization"]),
        ({"$default": "a"}, ["everybody may connect: there is no $connect route"]),
        (
            [{"route": "$connect", "function": "a", "authorization": "AWS_IAM"}],
            ["messages that name no route are answered with an error"],
        ),
    ],
)
def test_what_a_reader_should_know(routes: Any, said: list[str]) -> None:
    assert [problem.message for problem in warn(resource(routes), SCOPE)] == said


def test_a_new_api_serves_its_routes(aws: Recorder) -> None:
    outputs = bring(aws, api())
    assert outputs["url"] == f"wss://{outputs['id']}.execute-api.us-east-1.amazonaws.com/dev"
    assert outputs["connections"] == f"https://{outputs['id']}.execute-api.us-east-1.amazonaws.com/dev"
    found = stage(aws, outputs["id"])
    assert found["DeploymentId"] == outputs["deployment"]
    assert not found.get("AutoDeploy")
    assert found["DefaultRouteSettings"]["ThrottlingRateLimit"] == 1000
    uris = {one["IntegrationUri"] for one in listed(aws, "GetIntegrations", outputs["id"])}
    assert uris == {invocation_uri(name, "live", SCOPE) for name in ("orders-list", "orders-items")}
    assert aws.counts["apigatewayv2:CreateIntegration"] == 2, "one for each function"


def test_changed_routes_wait_for_the_release(aws: Recorder) -> None:
    outputs = bring(aws, api())
    wanted = api({"$default": "orders-items"})
    after = bring(aws, wanted)
    assert after["deployment"] == outputs["deployment"]
    observed = read(aws, wanted)
    assert differing(wanted, observed) == {"live"}
    assert observed.properties["live"] == f"api deployment {outputs['deployment']}"
    assert [route["RouteKey"] for route in listed(aws, "GetRoutes", outputs["id"])] == ["$default"]
    assert len(listed(aws, "GetIntegrations", outputs["id"])) == 1
    assert aws.counts["apigatewayv2:UpdateStage"] == 1, "the access logs of the new stage"


def test_only_the_route_that_differs_is_touched(aws: Recorder) -> None:
    bring(aws, api())
    aws.calls.clear()
    bring(aws, api({**ROUTES, "cancel": "orders-list", "more": "orders-items"}))
    assert [call.name.partition(":")[2] for call in aws.changing] == ["UpdateRoute", "CreateRoute"]


def test_a_deployment_of_the_same_routes_is_made_once(aws: Recorder) -> None:
    outputs = bring(aws, api())
    digest, api_id = str(outputs["definition"]), str(outputs["id"])
    assert apis.deployment_of(aws, api_id, digest) == outputs["deployment"]
    assert apis.deployment_of(aws, api_id, "sha256:other") == apis.deployment_of(aws, api_id, "sha256:other")
    assert len(listed(aws, "GetDeployments", api_id)) == 2


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_deployment_whose_answer_was_lost_is_looked_up(aws: Recorder, carried_out: bool) -> None:
    api_id = str(bring(aws, api())["id"])
    lost = AmbiguousOutcome(FailedCall(V2, "CreateDeployment", "Lost", "no answer"))
    failing = Failing(aws, {"apigatewayv2:CreateDeployment": [lost]}, carried_out=carried_out)
    made = apis.deployment_of(failing, api_id, "sha256:other")
    found = [one for one in listed(aws, "GetDeployments", api_id) if one.get("Description") == "sha256:other"]
    assert [one["DeploymentId"] for one in found] == [made]


class Deploying(Recorder):
    """Api deployments that are PENDING first, and `end` in the end."""

    def __init__(self, inner: Recorder, end: str) -> None:
        super().__init__(inner)
        self.end = end

    def _carry_out(self, service: str, operation: str, params: dict[str, Any], act: Callable[[], Any]) -> Any:
        answer = super()._carry_out(service, operation, params, act)
        state = {"CreateDeployment": "PENDING", "GetDeployment": self.end}.get(operation)
        return {**answer, "DeploymentStatus": state, "DeploymentStatusMessage": "no such thing"} if state else answer


def test_a_deployment_is_awaited(aws: Recorder) -> None:
    deploying = Deploying(aws, "DEPLOYED")
    outputs = kind().create(deploying, api())
    assert stage(aws, outputs["id"])["DeploymentId"] == outputs["deployment"]
    names = [call.name for call in deploying.calls]
    assert names.index("apigatewayv2:GetDeployment") < names.index("apigatewayv2:CreateStage")


def test_a_deployment_that_fails_says_why(aws: Recorder) -> None:
    with pytest.raises(PipelineError, match=r"deploying the routes of API \w+: no such thing"):
        kind().create(Deploying(aws, "FAILED"), api())


def test_routes_and_integrations_of_somebody_are_taken_away(aws: Recorder) -> None:
    wanted = api()
    api_id = str(bring(aws, wanted)["id"])
    made = aws.call(V2, "CreateIntegration", ApiId=api_id, IntegrationType="MOCK")["IntegrationId"]
    aws.call(V2, "CreateRoute", ApiId=api_id, RouteKey="theirs", Target=f"integrations/{made}")
    spare = aws.call(V2, "CreateIntegration", ApiId=api_id, IntegrationType="MOCK")["IntegrationId"]
    observed = read(aws, wanted)
    assert differing(wanted, observed) == {"routes.theirs", "unmanaged"}
    assert observed.properties["unmanaged"] == [f"integration {spare}, which no route uses"]
    bring(aws, wanted)
    assert differing(wanted, read(aws, wanted)) == set()
    assert len(listed(aws, "GetIntegrations", api_id)) == 2


def test_a_route_that_was_turned_elsewhere_is_turned_back(aws: Recorder) -> None:
    wanted = api()
    api_id = str(bring(aws, wanted)["id"])
    route = next(one for one in listed(aws, "GetRoutes", api_id) if one["RouteKey"] == "cancel")
    aws.call(V2, "UpdateRoute", ApiId=api_id, RouteId=route["RouteId"], Target="integrations/gone")
    observed = read(aws, wanted)
    assert observed.properties["routes"]["cancel"] == {"unmanaged": "leads to integrations/gone"}
    bring(aws, wanted)
    assert differing(wanted, read(aws, wanted)) == set()


def test_an_integration_with_settings_of_its_own_is_replaced(aws: Recorder) -> None:
    wanted = api({"$default": "orders-list"})
    api_id = str(bring(aws, wanted)["id"])
    (one,) = listed(aws, "GetIntegrations", api_id)
    aws.call(V2, "UpdateIntegration", ApiId=api_id, IntegrationId=one["IntegrationId"], TimeoutInMillis=5000)
    assert read(aws, wanted).properties["routes"]["$default"].keys() == {"unmanaged"}
    bring(aws, wanted)
    assert differing(wanted, read(aws, wanted)) == set()
    assert len(listed(aws, "GetIntegrations", api_id)) == 1


def test_automatic_deployments_are_switched_off(aws: Recorder) -> None:
    """With them every change would be live at once, and a stage could not be pointed anywhere."""
    wanted = api()
    api_id = str(bring(aws, wanted)["id"])
    aws.call(V2, "UpdateStage", ApiId=api_id, StageName="dev", AutoDeploy=True)
    assert differing(wanted, read(aws, wanted)) == {"unmanaged"}
    bring(aws, wanted)
    assert not stage(aws, api_id).get("AutoDeploy")


def test_a_stage_that_is_gone_is_made_again_with_the_same_deployment(aws: Recorder) -> None:
    wanted = api()
    outputs = bring(aws, wanted)
    aws.call(V2, "DeleteStage", ApiId=outputs["id"], StageName="dev")
    observed = read(aws, wanted)
    assert observed.properties["live"] is None
    assert "deployment" not in observed.outputs
    assert bring(aws, wanted)["deployment"] == outputs["deployment"]
    assert differing(wanted, read(aws, wanted)) == set()


def test_another_name_of_the_stage_is_another_api(aws: Recorder) -> None:
    outputs = bring(aws, api())
    wanted = api(stage="v1")
    assert "stage" in differing(wanted, read(aws, wanted, recorded=outputs))
    assert "stage" in kind().spec.create_only


def test_a_description_can_be_taken_away(aws: Recorder) -> None:
    bring(aws, api(description="Orders"))
    wanted = api()
    bring(aws, wanted)
    assert differing(wanted, read(aws, wanted)) == set()


def test_access_logs_come_and_go(aws: Recorder) -> None:
    api_id = str(bring(aws, api())["id"])
    assert stage(aws, api_id)["AccessLogSettings"]["Format"] == stages.JSON_FORMAT
    wanted = api(access_logs=False)
    bring(aws, wanted)
    assert not stage(aws, api_id).get("AccessLogSettings")
    assert differing(wanted, read(aws, wanted)) == set()


def test_tags_are_set_on_the_api_and_its_stage(aws: Recorder) -> None:
    outputs = bring(aws, api(tags={"team": "orders", "old": "1"}))
    wanted = api(tags={"team": "shop"})
    bring(aws, wanted)
    assert differing(wanted, read(aws, wanted)) == set()
    arn = SCOPE.arn("apigateway", f"/apis/{outputs['id']}/stages/dev", account=False)
    tags = aws.call(V2, "GetTags", ResourceArn=arn)["Tags"]
    assert tags["team"] == "shop"
    assert "old" not in tags


NO_ROLE = AwsError(
    FailedCall(
        V2,
        "UpdateStage",
        "BadRequestException",
        "CloudWatch Logs role ARN must be set in account settings to enable logging",
        status=400,
    )
)


def test_without_the_account_s_role_the_api_serves_without_logs_and_says_so(aws: Recorder) -> None:
    wanted = api()
    outputs = bring(Failing(aws, {"apigatewayv2:UpdateStage": [NO_ROLE]}), wanted)
    assert outputs["access_logs_refused"] is True
    observed = read(aws, wanted, recorded=outputs)
    assert differing(wanted, observed) == set(), "a second deploy changes nothing"
    assert "writes no access logs" in str(observed.pending)
    role = [{"op": "replace", "path": "/cloudwatchRoleArn", "value": "arn:aws:iam::123456789012:role/logs"}]
    aws.call("apigateway", "UpdateAccount", patchOperations=role)
    assert {path.partition(".")[0] for path in differing(wanted, read(aws, wanted, recorded=outputs))} == {
        "access_logs"
    }
    assert "access_logs_refused" not in bring(aws, wanted, recorded=outputs)
    assert stage(aws, outputs["id"])["AccessLogSettings"]


def test_another_refusal_is_an_error(aws: Recorder) -> None:
    call = FailedCall(V2, "UpdateStage", "BadRequestException", "Invalid stage", status=400)
    with pytest.raises(AwsError, match="Invalid stage"):
        bring(Failing(aws, {"apigatewayv2:UpdateStage": [AwsError(call)]}), api())


def made_by_hand(aws: Recorder, protocol: str = "WEBSOCKET", **tags: str) -> str:
    expression = {"RouteSelectionExpression": "$request.body.action"} if protocol == "WEBSOCKET" else {}
    made = aws.call(V2, "CreateApi", Name="orders-live", ProtocolType=protocol, Tags=tags, **expression)
    return str(made["ApiId"])


def test_an_adopted_api_ends_as_declared(aws: Recorder) -> None:
    api_id = made_by_hand(aws)
    wanted = api()
    observed = read(aws, wanted)
    assert (observed.mark, observed.outputs["id"]) == (None, api_id)
    kind().update(aws, wanted, observed, frozenset({*differing(wanted, observed), "tags"}))
    after = read(aws, wanted)
    assert differing(wanted, after) == set()
    assert SCOPE.owns(after.mark)


def test_apis_of_others_and_http_apis_are_no_concern_of_ours(aws: Recorder) -> None:
    made_by_hand(aws, **{"pipeline:service": "orders", "pipeline:environment": "staging"})
    made_by_hand(aws, "HTTP")
    assert find(aws, api()) is None


def test_two_that_could_be_meant_are_an_error_with_both_ids(aws: Recorder) -> None:
    ids = sorted(made_by_hand(aws) for _ in range(2))
    with pytest.raises(PipelineError, match=f"several APIs of this name carry no mark: {ids[0]}, {ids[1]}"):
        find(aws, api())


def test_a_recorded_id_spares_the_search(aws: Recorder) -> None:
    wanted = api()
    outputs = bring(aws, wanted)
    aws.calls.clear()
    read(aws, wanted, recorded=outputs)
    assert aws.counts["apigatewayv2:GetApis"] == 0
    assert aws.counts["apigatewayv2:GetDeployment"] == 1


def test_an_id_of_an_api_that_is_gone_leads_to_a_search(aws: Recorder) -> None:
    outputs = bring(aws, api())
    aws.call(V2, "DeleteApi", ApiId=outputs["id"])
    again = kind().create(aws, api())
    assert read(aws, api(), recorded=outputs).outputs["id"] == again["id"]
