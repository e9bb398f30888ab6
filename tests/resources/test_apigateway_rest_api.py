"""REST APIs in an account: finding them, reading them back, and changing them without touching what is served."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from pipeline.errors import AmbiguousOutcome, AwsError, FailedCall, PipelineError
from pipeline.model.resource import Mark
from pipeline.resources import _rest_definition as definition
from pipeline.resources import _rest_stage as stages
from pipeline.resources._rest_reading import JSON_FORMAT, endpoints, patches
from pipeline.resources.apigateway_rest_api import _live
from pipeline.resources.base import Target
from tests.resources.apis import LIST, SHOW, api, bring, differing, find, kind, read
from tests.resources.functions import target
from tests.support.aws import SCOPE, FakeClock, local_client
from tests.support.faults import Failing, Recorder
from tests.support.moto_extension import register

register()


@pytest.fixture
def aws(aws_environment: None) -> Iterator[Recorder]:
    with mock_aws():
        client = local_client(FakeClock())
        client.scope = SCOPE
        yield Recorder(client)


def methods(aws: Recorder, api_id: str) -> dict[str, dict[str, Any]]:
    items = aws.call("apigateway", "GetResources", restApiId=api_id, embed=["methods"])["items"]
    return {
        f"{verb} {item['path']}": {**method, "resourceId": item["id"]}
        for item in items
        for verb, method in item.get("resourceMethods", {}).items()
    }


def stage(aws: Recorder, api_id: str, name: str = "dev") -> dict[str, Any]:
    return aws.call("apigateway", "GetStage", restApiId=api_id, stageName=name)


def deployments(aws: Recorder, api_id: str) -> list[Any]:
    return aws.pages("apigateway", "GetDeployments", "items", restApiId=api_id)


def test_a_new_api_is_made_in_five_calls(aws: Recorder) -> None:
    bring(aws, api())
    assert [call.name.removeprefix("apigateway:") for call in aws.calls] == [
        "GetRestApis",
        "CreateRestApi",
        "PutRestApi",
        "CreateDeployment",
        "CreateStage",
        "UpdateStage",
    ]


def test_the_mark_is_written_by_the_creating_call(aws: Recorder) -> None:
    bring(aws, api(tags={"team": "shop"}))
    created = next(call for call in aws.calls if call.name == "apigateway:CreateRestApi")
    assert created.params["tags"]["pipeline:address"] == "apigateway.rest_api/orders-api"
    assert created.params["tags"]["team"] == "shop"
    assert created.params["endpointConfiguration"] == {"types": ["REGIONAL"]}


def test_what_was_created_is_read_back(aws: Recorder) -> None:
    wanted = api()
    outputs = bring(aws, wanted)
    observed = read(aws, wanted)
    assert differing(wanted, observed) == set()
    assert observed.outputs == outputs
    assert observed.mark == Mark("orders", "dev", "apigateway.rest_api/orders-api")
    api_id = outputs["id"]
    assert outputs["url"] == f"https://{api_id}.execute-api.us-east-1.amazonaws.com/dev"
    assert outputs["execution_arn"] == f"arn:aws:execute-api:us-east-1:123456789012:{api_id}"
    assert outputs["deployment"] == stage(aws, api_id)["deploymentId"]
    assert outputs["definition"] == definition.definition_digest(wanted.properties)


def test_a_recorded_api_is_read_in_one_round(aws: Recorder) -> None:
    wanted = api()
    outputs = bring(aws, wanted)
    aws.calls.clear()
    observed = read(aws, wanted, recorded=outputs)
    assert sorted(aws.counts) == [
        f"apigateway:{name}"
        for name in ("GetDeployment", "GetGatewayResponses", "GetResources", "GetRestApi", "GetStages")
    ]
    assert aws.counts.total() == 5
    assert observed.outputs == outputs


def test_a_recorded_api_that_is_gone_is_looked_for_by_name(aws: Recorder) -> None:
    wanted = api()
    outputs = bring(aws, wanted)
    assert read(aws, wanted, recorded={**outputs, "id": "zzzzzzzzzz"}).outputs == outputs
    kind().delete(aws, read(aws, wanted))
    assert find(aws, wanted, recorded=outputs) is None


def test_the_stage_logs_and_throttles(aws: Recorder) -> None:
    outputs = bring(aws, api(throttling={"rate": 50, "burst": 100}, tracing=True, metrics=True))
    found = stage(aws, outputs["id"])
    group = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/apigateway/orders-api/dev"
    assert found["accessLogSettings"] == {"destinationArn": group, "format": JSON_FORMAT}
    assert found["methodSettings"]["*/*"]["throttlingRateLimit"] == 50
    assert found["methodSettings"]["*/*"]["throttlingBurstLimit"] == 100
    assert found["methodSettings"]["*/*"]["metricsEnabled"] is True
    assert found["tracingEnabled"] is True


def test_the_log_format_is_json_with_what_one_looks_for() -> None:
    entry = json.loads(JSON_FORMAT)
    assert entry["requestId"] == "$context.requestId"
    assert {"time", "method", "path", "status", "latency"} <= set(entry)


def test_a_change_of_the_definition_is_put_but_not_served(aws: Recorder) -> None:
    outputs = bring(aws, api())
    wanted = api(LIST)
    after = bring(aws, wanted)
    assert after == outputs
    assert len(deployments(aws, outputs["id"])) == 1
    observed = read(aws, wanted)
    assert differing(wanted, observed) == {"live"}
    assert observed.properties["live"] == f"api deployment {outputs['deployment']}"


def test_a_method_changed_by_hand_is_drift_of_the_definition_alone(aws: Recorder) -> None:
    wanted = api()
    outputs = bring(aws, wanted)
    found = methods(aws, outputs["id"])["GET /orders"]
    aws.call(
        "apigateway",
        "PutIntegration",
        restApiId=outputs["id"],
        resourceId=found["resourceId"],
        httpMethod="GET",
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri="arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"
        "arn:aws:lambda:us-east-1:123456789012:function:other/invocations",
    )
    observed = read(aws, wanted)
    assert differing(wanted, observed) == {"endpoints.GET /orders.function"}
    assert observed.properties["endpoints"]["GET /orders"]["function"] == "other:$LATEST"
    bring(aws, wanted)
    assert differing(wanted, read(aws, wanted)) == set()
    assert len(deployments(aws, outputs["id"])) == 1, "what is served was right all the time"


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("function:orders-list:live/invocations", "orders-list"),
        ("function:orders-list:v2/invocations", "orders-list:v2"),
        ("function:orders-list/invocations", "orders-list:$LATEST"),
    ],
)
def test_functions_are_shown_as_their_author_names_them(uri: str, shown: str) -> None:
    full = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:{uri}"
    method = {"methodIntegration": {"type": "AWS_PROXY", "uri": full}}
    found = endpoints([{"path": "/", "resourceMethods": {"GET": method}}], [], "live", SCOPE)
    assert found["GET /"]["function"] == shown


@pytest.mark.parametrize(
    ("method", "shown"),
    [
        ({"methodIntegration": {"type": "HTTP_PROXY", "uri": "https://x.example"}}, "HTTP_PROXY integration with https://x.example"),
        ({}, "no integration"),
        ({"methodIntegration": {"type": "MOCK"}}, "a MOCK integration that is no preflight answer of ours"),
        (
            {"authorizationType": "AWS_IAM", "methodIntegration": {"type": "MOCK"}},
            "MOCK integration",
        ),
    ],
)  # fmt: skip
def test_what_specs_cannot_say_is_shown_as_it_is(method: dict[str, Any], shown: str) -> None:
    found = endpoints([{"path": "/", "resourceMethods": {"GET": method}}], [], "live", SCOPE)
    assert found["GET /"] == {"unmanaged": shown}


def test_an_authorizer_of_somebody_is_a_difference(aws: Recorder) -> None:
    uri = definition.invocation_uri("orders-list", "live", SCOPE)
    method = {
        "authorizationType": "CUSTOM",
        "authorizerId": "abc",
        "methodIntegration": {"type": "AWS_PROXY", "uri": uri},
    }
    found = endpoints([{"path": "/", "resourceMethods": {"GET": method}}], [], "live", SCOPE)
    assert (found["GET /"]["authorization"], found["GET /"]["authorizer"]) == ("CUSTOM", "abc")


def test_a_method_of_somebody_is_taken_away(aws: Recorder) -> None:
    wanted = api()
    outputs = bring(aws, wanted)
    root = next(
        i for i in aws.pages("apigateway", "GetResources", "items", restApiId=outputs["id"]) if i["path"] == "/"
    )
    where = {"restApiId": outputs["id"], "resourceId": root["id"], "httpMethod": "GET"}
    aws.call("apigateway", "PutMethod", authorizationType="NONE", **where)
    assert differing(wanted, read(aws, wanted)) == {"endpoints.GET /"}
    bring(aws, wanted)
    assert "GET /" not in methods(aws, outputs["id"])


def test_a_resource_policy_of_somebody_is_taken_away(aws: Recorder) -> None:
    wanted = api()
    outputs = bring(aws, wanted)
    operations = [{"op": "replace", "path": "/policy", "value": "{}"}]
    aws.call("apigateway", "UpdateRestApi", restApiId=outputs["id"], patchOperations=operations)
    assert differing(wanted, read(aws, wanted)) == {"unmanaged"}
    bring(aws, wanted)
    assert differing(wanted, read(aws, wanted)) == set()


def test_a_run_that_died_before_the_stage_is_carried_on(aws: Recorder) -> None:
    wanted = api()
    outputs = bring(aws, wanted)
    aws.call("apigateway", "DeleteStage", restApiId=outputs["id"], stageName="dev")
    observed = read(aws, wanted)
    assert observed.properties["stage"] == "dev", "a stage that is missing is no other stage"
    assert observed.properties["live"] is None
    assert "deployment" not in observed.outputs
    again = bring(aws, wanted)
    assert again["deployment"] == outputs["deployment"], "the api deployment is found by its digest"
    assert differing(wanted, read(aws, wanted)) == set()


def test_another_name_of_the_stage_is_another_api(aws: Recorder) -> None:
    outputs = bring(aws, api())
    wanted = api(stage="v1")
    assert "stage" in differing(wanted, read(aws, wanted, recorded=outputs))
    assert "stage" in kind().spec.create_only


def test_settings_of_the_stage_change_in_place(aws: Recorder) -> None:
    outputs = bring(aws, api())
    wanted = api(throttling={"rate": 0.5, "burst": 1}, access_logs=False, metrics=True, tracing=True)
    aws.calls.clear()
    bring(aws, wanted)
    assert [call.name for call in aws.changing] == ["apigateway:UpdateStage"]
    assert differing(wanted, read(aws, wanted)) == set()
    assert not stage(aws, outputs["id"]).get("accessLogSettings")


def test_another_retention_of_the_logs_is_the_group_s_affair(aws: Recorder) -> None:
    bring(aws, api())
    wanted = api(access_logs={"retention_days": 365})
    assert differing(wanted, read(aws, wanted)) == set()


def test_a_new_description_needs_no_new_definition(aws: Recorder) -> None:
    bring(aws, api())
    aws.calls.clear()
    wanted = api(description="Orders")
    bring(aws, wanted)
    assert [call.name for call in aws.changing] == ["apigateway:UpdateRestApi"]
    assert differing(wanted, read(aws, wanted)) == set()


@pytest.mark.parametrize(
    "changed",
    [
        {"binary_media_types": ["image/png", "image/gif"]},
        {"minimum_compression_size": 0},
        {"disable_execute_api_endpoint": True},
        {"endpoint_type": "EDGE"},
    ],
)
def test_settings_of_the_api_come_and_go(aws: Recorder, changed: dict[str, Any]) -> None:
    for wanted in (api(**changed), api(), api(**changed)):
        bring(aws, wanted)
        assert differing(wanted, read(aws, wanted)) - {"live"} == set()


def test_a_setting_that_the_document_did_not_bring_about_is_set_at_once(aws: Recorder) -> None:
    """What PutRestApi answers with is compared, so an importer that ignores an extension is noticed."""
    have = {"name": "x", "description": "", "endpoint_type": "EDGE", "disable_execute_api_endpoint": False,
            "minimum_compression_size": 5, "binary_media_types": ["a/b"], "unmanaged": []}  # fmt: skip
    wanted = {**have, "endpoint_type": "REGIONAL", "minimum_compression_size": None, "binary_media_types": ["c/d"]}
    assert patches(have, wanted) == [
        {"op": "replace", "path": "/endpointConfiguration/types/EDGE", "value": "REGIONAL"},
        {"op": "replace", "path": "/minimumCompressionSize"},
        {"op": "add", "path": "/binaryMediaTypes/c~1d"},
        {"op": "remove", "path": "/binaryMediaTypes/a~1b"},
    ]
    assert patches(have, have) == []


def test_tags_are_set_on_the_api_and_its_stage(aws: Recorder) -> None:
    outputs = bring(aws, api(tags={"team": "orders", "old": "1"}))
    wanted = api(tags={"team": "shop"})
    bring(aws, wanted)
    assert differing(wanted, read(aws, wanted)) == set()
    tags = stage(aws, outputs["id"])["tags"]
    assert tags["team"] == "shop"
    assert "old" not in tags
    assert tags["pipeline:service"] == "orders"


def made_by_hand(aws: Recorder, **tags: str) -> str:
    made = aws.call("apigateway", "CreateRestApi", name="orders-api", tags=tags) if tags else None
    return str((made or aws.call("apigateway", "CreateRestApi", name="orders-api"))["id"])


OURS = {"pipeline:service": "orders", "pipeline:environment": "dev"}


def test_an_api_without_a_mark_is_offered_for_adoption(aws: Recorder) -> None:
    api_id = made_by_hand(aws)
    observed = read(aws, api())
    assert observed.mark is None
    assert observed.outputs["id"] == api_id


def test_an_adopted_api_ends_as_declared(aws: Recorder) -> None:
    made_by_hand(aws)
    wanted = api()
    observed = read(aws, wanted)
    kind().update(aws, wanted, observed, frozenset({*differing(wanted, observed), "tags"}))
    after = read(aws, wanted)
    assert differing(wanted, after) == set()
    assert SCOPE.owns(after.mark)


def test_an_api_of_somebody_else_is_no_concern_of_ours(aws: Recorder) -> None:
    made_by_hand(aws, **{**OURS, "pipeline:environment": "staging"})
    assert find(aws, api()) is None


def test_our_api_is_found_among_others_of_its_name(aws: Recorder) -> None:
    made_by_hand(aws)
    outputs = kind().create(aws, api())
    made_by_hand(aws, **{**OURS, "pipeline:service": "other"})
    assert read(aws, api()).outputs["id"] == outputs["id"]


@pytest.mark.parametrize(("tags", "whose"), [(OURS, "carry the mark of this service"), ({}, "carry no mark")])
def test_two_that_could_be_meant_are_an_error_with_both_ids(aws: Recorder, tags: dict[str, str], whose: str) -> None:
    ids = sorted(made_by_hand(aws, **tags) for _ in range(2))
    with pytest.raises(PipelineError, match=f"several APIs of this name {whose}: {ids[0]}, {ids[1]}") as caught:
        find(aws, api())
    assert caught.value.hint == "delete or rename the ones that serve nobody"


NO_ROLE = AwsError(
    FailedCall(
        "apigateway",
        "UpdateStage",
        "BadRequestException",
        "CloudWatch Logs role ARN must be set in account settings to enable logging",
        status=400,
    )
)


def test_without_the_account_s_role_the_api_serves_without_logs_and_says_so(aws: Recorder) -> None:
    wanted = api()
    outputs = bring(Failing(aws, {"apigateway:UpdateStage": [NO_ROLE]}), wanted)
    assert outputs["access_logs_refused"] is True
    found = stage(aws, outputs["id"])
    assert not found.get("accessLogSettings")
    assert found["methodSettings"]["*/*"]["throttlingRateLimit"] == 1000
    observed = read(aws, wanted, recorded=outputs)
    assert differing(wanted, observed) == set(), "a second deploy changes nothing"
    assert observed.pending is not None
    assert "writes no access logs" in observed.pending
    assert "cloudwatchRoleArn" in observed.pending


def test_once_the_account_has_its_role_the_logs_are_switched_on(aws: Recorder) -> None:
    wanted = api()
    outputs = bring(Failing(aws, {"apigateway:UpdateStage": [NO_ROLE]}), wanted)
    role = [{"op": "replace", "path": "/cloudwatchRoleArn", "value": "arn:aws:iam::123456789012:role/logs"}]
    aws.call("apigateway", "UpdateAccount", patchOperations=role)
    observed = read(aws, wanted, recorded=outputs)
    assert observed.pending is None
    assert {path.partition(".")[0] for path in differing(wanted, observed)} == {"access_logs"}
    after = bring(aws, wanted, recorded=outputs)
    assert "access_logs_refused" not in after
    assert stage(aws, outputs["id"])["accessLogSettings"]["format"] == JSON_FORMAT


def test_another_refusal_is_an_error(aws: Recorder) -> None:
    call = FailedCall("apigateway", "UpdateStage", "BadRequestException", "Invalid stage", status=400)
    with pytest.raises(AwsError, match="Invalid stage"):
        bring(Failing(aws, {"apigateway:UpdateStage": [AwsError(call)]}), api())


def test_logs_switched_off_by_hand_are_a_difference(aws: Recorder) -> None:
    wanted = api()
    outputs = bring(aws, wanted)
    operations = [{"op": "remove", "path": "/accessLogSettings"}]
    aws.call("apigateway", "UpdateStage", restApiId=outputs["id"], stageName="dev", patchOperations=operations)
    assert differing(wanted, read(aws, wanted, recorded=outputs)) == {"access_logs"}


def test_a_deployment_of_the_same_definition_is_made_once(aws: Recorder) -> None:
    outputs = bring(aws, api())
    digest = str(outputs["definition"])
    assert stages.deployment_of(aws, outputs["id"], digest) == outputs["deployment"]
    other = stages.deployment_of(aws, outputs["id"], "sha256:other")
    assert stages.deployment_of(aws, outputs["id"], "sha256:other") == other != outputs["deployment"]
    assert len(deployments(aws, outputs["id"])) == 2


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_deployment_whose_answer_was_lost_is_looked_up(aws: Recorder, carried_out: bool) -> None:
    outputs = bring(aws, api())
    lost = AmbiguousOutcome(FailedCall("apigateway", "CreateDeployment", "Lost", "no answer"))
    failing = Failing(aws, {"apigateway:CreateDeployment": [lost]}, carried_out=carried_out)
    made = stages.deployment_of(failing, outputs["id"], "sha256:other")
    assert [d["id"] for d in deployments(aws, outputs["id"]) if d.get("description") == "sha256:other"] == [made]


def test_a_canary_on_the_stage_differs() -> None:
    wanted, shown = api().properties, Target(api(), {})
    digest = definition.definition_digest(wanted)
    stage = {"deploymentId": "a", "variables": {"alias": "live"}}
    found = {**stage, "canarySettings": {"percentTraffic": 10.0, "deploymentId": "b"}}
    assert _live(found, digest, wanted, shown) == "10% of a canary on api deployment b"
    assert _live(stage, digest, wanted, shown) == "latest"
    assert _live(stage, None, wanted, shown) == "api deployment a"


def test_a_stage_that_does_not_name_the_alias_of_the_functions_is_put_right(aws: Recorder) -> None:
    """Integrations reach functions by the alias that the stage names, so that a canary can name another one."""
    wanted = api()
    made = kind().create(aws, wanted)
    gone = [{"op": "remove", "path": "/variables/alias"}]
    aws.call("apigateway", "UpdateStage", restApiId=made["id"], stageName="dev", patchOperations=gone)
    found = kind().read(aws, [target(wanted)])[wanted.address]
    assert found.properties["live"] == "functions by alias none"
    kind().update(aws, wanted, found, frozenset({"live"}))
    stage = aws.call("apigateway", "GetStage", restApiId=made["id"], stageName="dev")
    assert stage["variables"] == {"alias": "live"}
    assert kind().read(aws, [target(wanted)])[wanted.address].properties["live"] == "latest"


def test_two_apis_are_looked_for_with_one_list(aws: Recorder) -> None:
    one, other = api(), api(SHOW)
    other = type(other)(other.type, "orders-admin", {**other.properties, "name": "orders-admin"})
    for wanted in (one, other):
        kind().create(aws, wanted)
    aws.calls.clear()
    found = kind().read(aws, [target(one), target(other)])
    assert set(found) == {one.address, other.address}
    assert aws.counts["apigateway:GetRestApis"] == 1


@pytest.mark.parametrize(
    ("cors", "headers"),
    [
        ({}, {"Access-Control-Allow-Origin": "'*'"}),
        (
            {"origins": ["https://a.example"], "credentials": True},
            {"Access-Control-Allow-Origin": "'https://a.example'", "Access-Control-Allow-Credentials": "'true'"},
        ),
        (
            {"origins": ["https://a.example", "https://b.example"], "credentials": True},
            {"Access-Control-Allow-Origin": "method.request.header.Origin", "Vary": "'Origin'"},
        ),
    ],
)
def test_errors_of_the_api_itself_carry_what_cors_says(cors: dict[str, Any], headers: dict[str, str]) -> None:
    wanted = api(cors=cors).properties
    assert wanted["gateway_responses"] == {"DEFAULT_4XX": headers, "DEFAULT_5XX": headers}
    said = json.loads(definition.document(wanted, SCOPE))["x-amazon-apigateway-gateway-responses"]
    assert said["DEFAULT_4XX"]["responseParameters"].keys() == {f"gatewayresponse.header.{name}" for name in headers}


def test_without_cors_nothing_is_said_of_errors_and_the_definition_is_what_it_was() -> None:
    wanted = api(cors=False).properties
    assert wanted["gateway_responses"] == {}
    assert b"gateway-responses" not in definition.document(wanted, SCOPE)
    without = {name: value for name, value in wanted.items() if name != "gateway_responses"}
    assert definition.definition_digest(wanted) == definition.definition_digest(without)


def test_errors_that_somebody_changed_are_put_right(aws: Recorder) -> None:
    wanted = api(cors={})
    bring(aws, wanted)
    made = read(aws, wanted).outputs["id"]
    aws.call("apigateway", "PutGatewayResponse", restApiId=made, responseType="UNAUTHORIZED", statusCode="418")
    aws.call("apigateway", "DeleteGatewayResponse", restApiId=made, responseType="DEFAULT_5XX")
    assert differing(wanted, read(aws, wanted)) == {"gateway_responses.DEFAULT_5XX", "gateway_responses.UNAUTHORIZED"}
    bring(aws, wanted)
    assert differing(wanted, read(aws, wanted)) == set()
