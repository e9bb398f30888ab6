"""The control plane of REST APIs, asked through boto3."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.support import REGION, Account, mock, openapi, proxy

pytestmark = pytest.mark.emulator

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:orders:live"
HELLO = openapi({"/hello": {"get": mock('{"hello": 1}')}})
Unique = Callable[[str], str]


@pytest.fixture
def gateway(account: Account) -> Any:
    return account.client("apigateway")


@pytest.fixture
def api(gateway: Any, unique: Unique) -> Iterator[str]:
    made = str(gateway.create_rest_api(name=unique("api"))["id"])
    yield made
    for known in gateway.get_rest_apis(limit=500)["items"]:
        if known["id"] == made:
            gateway.delete_rest_api(restApiId=made)


def put(gateway: Any, api: str, document: Any, mode: str = "overwrite", **more: Any) -> Any:
    return gateway.put_rest_api(restApiId=api, mode=mode, body=json.dumps(document).encode(), **more)


def refused(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def paths(gateway: Any, api: str) -> dict[str, Any]:
    return {item["path"]: item for item in gateway.get_resources(restApiId=api, embed=["methods"])["items"]}


def test_an_api_shows_what_it_was_made_with(gateway: Any, unique: Unique) -> None:
    made = gateway.create_rest_api(
        name=unique("api"),
        description="orders",
        tags={"owner": "me"},
        endpointConfiguration={"types": ["REGIONAL"]},
        minimumCompressionSize=1024,
        disableExecuteApiEndpoint=True,
        binaryMediaTypes=["image/png"],
    )
    shown = gateway.get_rest_api(restApiId=made["id"])
    for key in ("name", "description", "tags", "minimumCompressionSize", "binaryMediaTypes", "rootResourceId"):
        assert shown[key] == made[key]
    assert shown["endpointConfiguration"] == {"types": ["REGIONAL"], "ipAddressType": "ipv4"}
    assert shown["disableExecuteApiEndpoint"] is True
    assert [m["name"] for m in gateway.get_models(restApiId=made["id"])["items"]] == ["Empty", "Error"]
    gateway.delete_rest_api(restApiId=made["id"])
    code, message = refused(gateway.get_rest_api, restApiId=made["id"])
    assert (code, message) == ("NotFoundException", f"Invalid API identifier specified 123456789012:{made['id']}")


def test_apis_of_other_accounts_and_regions_are_not_seen(account: Account, api: str) -> None:
    for other in (Account(account.aws, "999999999999"), Account(account.aws, region="us-east-1")):
        assert api not in [item["id"] for item in other.client("apigateway").get_rest_apis(limit=500)["items"]]
        assert refused(other.client("apigateway").get_rest_api, restApiId=api)[0] == "NotFoundException"


def test_lists_come_in_pages(gateway: Any, api: str) -> None:
    put(gateway, api, openapi({f"/p{number:02}": {"get": mock("")} for number in range(60)}))
    pages = [page["items"] for page in gateway.get_paginator("get_resources").paginate(restApiId=api)]
    assert [len(page) for page in pages] == [25, 25, 11]
    found = [item["path"] for page in pages for item in page]
    assert found == sorted(found)
    assert len(gateway.get_resources(restApiId=api, limit=500)["items"]) == 61


def test_attributes_change_by_patch_operations(gateway: Any, api: str) -> None:
    def update(op: str, path: str, value: str | None = None) -> Any:
        given = {} if value is None else {"value": value}
        return gateway.update_rest_api(restApiId=api, patchOperations=[{"op": op, "path": path, **given}])

    assert update("replace", "/name", "other")["name"] == "other"
    assert update("replace", "/description", "new")["description"] == "new"
    assert "description" not in update("replace", "/description", "")
    assert update("add", "/binaryMediaTypes/image~1png")["binaryMediaTypes"] == ["image/png"]
    assert update("replace", "/binaryMediaTypes/image~1png", "image/gif")["binaryMediaTypes"] == ["image/gif"]
    assert "binaryMediaTypes" not in update("remove", "/binaryMediaTypes/image~1gif")
    assert update("replace", "/minimumCompressionSize", "10")["minimumCompressionSize"] == 10
    assert "minimumCompressionSize" not in update("replace", "/minimumCompressionSize")
    assert update("replace", "/endpointConfiguration/types/EDGE", "REGIONAL")["endpointConfiguration"]["types"] == [
        "REGIONAL"
    ]
    assert update("replace", "/disableExecuteApiEndpoint", "true")["disableExecuteApiEndpoint"] is True
    operation = {"op": "add", "path": "/name", "value": "x"}
    assert refused(gateway.update_rest_api, restApiId=api, patchOperations=[operation])[0] == "BadRequestException"


def test_a_document_makes_resources_methods_and_integrations(gateway: Any, api: str) -> None:
    answer = put(
        gateway, api, openapi({"/orders/{id}": {"get": proxy(ARN), "options": mock("", "204", {"Allow": "GET"})}})
    )
    assert (answer["name"], answer["version"]) == ("orders", "1")
    found = paths(gateway, api)
    assert list(found) == ["/", "/orders", "/orders/{id}"]
    resource = found["/orders/{id}"]
    assert resource["resourceMethods"]["GET"]["methodIntegration"]["type"] == "AWS_PROXY"
    one = {"restApiId": api, "resourceId": resource["id"], "httpMethod": "OPTIONS"}
    assert gateway.get_method(**one)["methodResponses"]["204"]["responseParameters"]
    assert gateway.get_integration(**one)["type"] == "MOCK"
    assert gateway.get_integration_response(**one, statusCode="204")["statusCode"] == "204"
    plain = {item["path"]: item for item in gateway.get_resources(restApiId=api)["items"]}
    assert plain["/orders/{id}"]["resourceMethods"] == {"GET": {}, "OPTIONS": {}}


def test_a_refused_document_changes_nothing(gateway: Any, api: str) -> None:
    put(gateway, api, HELLO)
    before = paths(gateway, api)
    wrong = proxy(ARN)
    wrong["x-amazon-apigateway-integration"]["uri"] = "arn:aws:lambda:wrong"
    arguments = {"restApiId": api, "mode": "overwrite", "body": json.dumps(openapi({"/x": {"get": wrong}})).encode()}
    assert refused(gateway.put_rest_api, **arguments)[0] == "BadRequestException"
    assert paths(gateway, api) == before


def test_warnings_are_told_and_fail_on_request(gateway: Any, api: str) -> None:
    operation = mock("") | {
        "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/No"}}}}
    }
    document = openapi({"/x": {"post": operation}})
    assert put(gateway, api, document)["warnings"] == ["Unable to find model 'No': the reference is left out"]
    body = json.dumps(document).encode()
    code, message = refused(gateway.put_rest_api, restApiId=api, mode="overwrite", failOnWarnings=True, body=body)
    assert code == "BadRequestException"
    assert "No" in message


def test_import_makes_an_api_and_an_export_gives_it_back(gateway: Any) -> None:
    made = gateway.import_rest_api(
        body=json.dumps(HELLO).encode(), parameters={"endpointConfigurationTypes": "REGIONAL"}
    )
    assert made["endpointConfiguration"]["types"] == ["REGIONAL"]
    gateway.create_deployment(restApiId=made["id"], stageName="dev")
    export = {"restApiId": made["id"], "stageName": "dev", "exportType": "oas30"}
    answer = gateway.get_export(**export, parameters={"extensions": "apigateway"}, accepts="application/json")
    document = json.loads(answer["body"].read())
    assert document["paths"]["/hello"]["get"]["x-amazon-apigateway-integration"]["type"] == "mock"
    assert answer["contentType"] == "application/json"
    assert b"openapi:" in gateway.get_export(**export, accepts="application/yaml")["body"].read()
    assert refused(gateway.get_export, **{**export, "exportType": "wsdl"})[0] == "NotFoundException"
    gateway.delete_rest_api(restApiId=made["id"])


def test_deployments_need_methods_with_integrations(gateway: Any, api: str) -> None:
    assert refused(gateway.create_deployment, restApiId=api) == (
        "BadRequestException",
        "The REST API doesn't contain any methods",
    )
    put(gateway, api, openapi({"/x": {"get": {"responses": {}}}}))
    assert refused(gateway.create_deployment, restApiId=api)[1] == "No integration defined for method"


def test_deployments_are_described_listed_and_summed_up(gateway: Any, api: str) -> None:
    put(gateway, api, HELLO)
    first = gateway.create_deployment(restApiId=api, description="one")["id"]
    second = gateway.create_deployment(restApiId=api, description="two")["id"]
    assert [item["id"] for item in gateway.get_deployments(restApiId=api)["items"]] == [second, first]
    summary = gateway.get_deployment(restApiId=api, deploymentId=first, embed=["apisummary"])["apiSummary"]
    assert summary == {"/hello": {"GET": {"authorizationType": "NONE", "apiKeyRequired": False}}}
    patch = {"op": "replace", "path": "/description", "value": "new"}
    changed = gateway.update_deployment(restApiId=api, deploymentId=first, patchOperations=[patch])
    assert changed["description"] == "new"


def test_a_deployment_in_use_stays(gateway: Any, api: str) -> None:
    put(gateway, api, HELLO)
    stable = gateway.create_deployment(restApiId=api, stageName="dev")["id"]
    canary = gateway.create_deployment(restApiId=api, stageName="dev", canarySettings={"percentTraffic": 10})["id"]
    free = gateway.create_deployment(restApiId=api)["id"]
    for used, words in ((stable, "stages pointing"), (canary, "stages with canary settings pointing")):
        code, message = refused(gateway.delete_deployment, restApiId=api, deploymentId=used)
        assert (code, message) == ("BadRequestException", f"Active {words} to this deployment must be moved or deleted")
    gateway.delete_deployment(restApiId=api, deploymentId=free)
    assert refused(gateway.get_deployment, restApiId=api, deploymentId=free)[0] == "NotFoundException"


def test_a_stage_is_made_shown_changed_and_removed(gateway: Any, api: str) -> None:
    put(gateway, api, HELLO)
    deployment = gateway.create_deployment(restApiId=api)["id"]
    stage = {"restApiId": api, "stageName": "dev"}
    made = gateway.create_stage(
        **stage, deploymentId=deployment, variables={"a": "1"}, tags={"t": "1"}, tracingEnabled=True
    )
    assert (made["methodSettings"], made["cacheClusterStatus"]) == ({}, "NOT_AVAILABLE")
    assert gateway.get_stage(**stage)["variables"] == {"a": "1"}
    assert [one["stageName"] for one in gateway.get_stages(restApiId=api)["item"]] == ["dev"]
    assert gateway.get_stages(restApiId=api, deploymentId="other")["item"] == []
    assert refused(gateway.create_stage, **stage, deploymentId=deployment) == (
        "ConflictException",
        "Stage already exists",
    )
    unknown = {"restApiId": api, "stageName": "other", "deploymentId": "nosuch"}
    assert refused(gateway.create_stage, **unknown) == ("BadRequestException", "Deployment id does not exist")
    gateway.delete_stage(**stage)
    assert refused(gateway.get_stage, **stage) == ("NotFoundException", "Invalid stage identifier specified")


def test_a_canary_keeps_later_deployments_from_the_stage(gateway: Any, api: str) -> None:
    put(gateway, api, HELLO)
    stage = {"restApiId": api, "stageName": "dev"}
    stable = gateway.create_deployment(**stage)["id"]
    canary = gateway.create_deployment(**stage, canarySettings={"percentTraffic": 10})["id"]
    assert gateway.get_stage(**stage)["canarySettings"] == {
        "deploymentId": canary, "percentTraffic": 10.0, "useStageCache": False,
    }  # fmt: skip
    later = gateway.create_deployment(**stage)["id"]
    shown = gateway.get_stage(**stage)
    assert (shown["deploymentId"], shown["canarySettings"]["deploymentId"]) == (stable, later)
    gateway.update_stage(**stage, patchOperations=[{"op": "remove", "path": "/canarySettings"}])
    last = gateway.create_deployment(**stage)["id"]
    assert gateway.get_stage(**stage)["deploymentId"] == last


def test_a_canary_needs_a_stage(gateway: Any, api: str) -> None:
    put(gateway, api, HELLO)
    canary = {"restApiId": api, "canarySettings": {"percentTraffic": 10}}
    assert "Provided value is null" in refused(gateway.create_deployment, **canary)[1]
    message = refused(gateway.create_deployment, **canary, stageName="none")[1]
    assert message.endswith("Stage none must already be created before making a canary release deployment")


def test_logs_of_a_stage_need_the_accounts_role(account: Account, unique: Unique) -> None:
    fresh = Account(account.aws, "333333333333")
    gateway = fresh.client("apigateway")
    api = fresh.api(unique("api"), HELLO)
    asked = {"restApiId": api, "stageName": "dev"}
    patch = [{"op": "replace", "path": "/*/*/logging/loglevel", "value": "INFO"}]
    assert gateway.get_account()["cloudwatchRoleArn"] == "arn:aws:iam::333333333333:role/apigateway-logs"
    nobody = {"op": "replace", "path": "/cloudwatchRoleArn", "value": ""}
    assert "cloudwatchRoleArn" not in gateway.update_account(patchOperations=[nobody])
    assert "role ARN must be set" in refused(gateway.update_stage, **asked, patchOperations=patch)[1]
    role = {"op": "replace", "path": "/cloudwatchRoleArn", "value": "arn:aws:iam::333333333333:role/logs"}
    assert gateway.update_account(patchOperations=[role])["cloudwatchRoleArn"] == role["value"]
    assert gateway.get_account()["cloudwatchRoleArn"] == role["value"]
    settings = gateway.update_stage(**asked, patchOperations=patch)["methodSettings"]["*/*"]
    assert settings["loggingLevel"] == "INFO"


def test_apis_and_stages_carry_tags(gateway: Any, api: str) -> None:
    put(gateway, api, HELLO)
    gateway.create_deployment(restApiId=api, stageName="dev")
    root = f"arn:aws:apigateway:{REGION}::/restapis/{api}"
    for arn in (root, f"{root}/stages/dev"):
        gateway.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
        gateway.untag_resource(resourceArn=arn, tagKeys=["a"])
        assert gateway.get_tags(resourceArn=arn)["tags"] == {"b": "2"}
    assert gateway.get_rest_api(restApiId=api)["tags"] == {"b": "2"}
    assert gateway.get_stage(restApiId=api, stageName="dev")["tags"] == {"b": "2"}


def test_an_api_can_be_made_by_hand(gateway: Any, api: str) -> None:
    root = gateway.get_rest_api(restApiId=api)["rootResourceId"]
    resource = gateway.create_resource(restApiId=api, parentId=root, pathPart="orders")["id"]
    one = {"restApiId": api, "resourceId": resource, "httpMethod": "GET"}
    gateway.put_method(**one, authorizationType="NONE")
    gateway.put_method_response(**one, statusCode="200", responseParameters={"method.response.header.A": False})
    gateway.put_integration(**one, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    gateway.put_integration_response(**one, statusCode="200", responseParameters={"method.response.header.A": "'1'"})
    undeclared = {"method.response.header.B": "'1'"}
    message = refused(gateway.put_integration_response, **one, statusCode="200", responseParameters=undeclared)[1]
    assert message.startswith("Invalid mapping expression specified")
    changed = gateway.update_integration(
        **one, patchOperations=[{"op": "replace", "path": "/timeoutInMillis", "value": "100"}]
    )
    assert changed["timeoutInMillis"] == 100
    assert changed["integrationResponses"]["200"]
    changed = gateway.update_method(
        **one, patchOperations=[{"op": "replace", "path": "/authorizationType", "value": "AWS_IAM"}]
    )
    assert (changed["authorizationType"], changed["methodIntegration"]["type"]) == ("AWS_IAM", "MOCK")
    gateway.delete_integration(**one)
    assert refused(gateway.get_integration, **one) == ("NotFoundException", "Invalid Integration identifier specified")
    gateway.delete_method(**one)
    assert refused(gateway.get_method, **one) == ("NotFoundException", "Invalid Method identifier specified")
    gateway.delete_resource(restApiId=api, resourceId=resource)
    assert list(paths(gateway, api)) == ["/"]


def test_the_tree_of_paths_has_rules(gateway: Any, api: str) -> None:
    root = gateway.get_rest_api(restApiId=api)["rootResourceId"]

    def create(part: str, parent: str = root) -> str:
        return str(gateway.create_resource(restApiId=api, parentId=parent, pathPart=part)["id"])

    orders, variable = create("orders"), create("{id}")
    greedy = create("{rest+}", orders)
    assert refused(create, part="orders")[0] == "ConflictException"
    assert "only one is allowed" in refused(create, part="{other}")[1]
    assert "greedy path variable" in refused(create, part="x", parent=greedy)[1]
    assert refused(create, part="a b")[0] == "BadRequestException"
    assert refused(create, part="x", parent="nosuch") == ("NotFoundException", "Invalid Resource identifier specified")
    moved = gateway.update_resource(
        restApiId=api, resourceId=orders, patchOperations=[{"op": "replace", "path": "/parentId", "value": variable}]
    )
    assert moved["path"] == "/{id}/orders"
    assert gateway.get_resource(restApiId=api, resourceId=greedy)["path"] == "/{id}/orders/{rest+}"
    patch = [{"op": "replace", "path": "/parentId", "value": greedy}]
    assert refused(gateway.update_resource, restApiId=api, resourceId=variable, patchOperations=patch)[1] == (
        "Resources cannot be cyclical."
    )


def test_validators_models_authorizers_and_gateway_responses_are_kept(gateway: Any, api: str) -> None:
    validator = gateway.create_request_validator(restApiId=api, name="all", validateRequestBody=True)
    assert gateway.get_request_validators(restApiId=api)["items"][0]["id"] == validator["id"]
    model = gateway.create_model(restApiId=api, name="Order", contentType="application/json", schema="{}")
    assert gateway.get_model(restApiId=api, modelName="Order")["id"] == model["id"]
    pool = "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/x"
    authorizer = gateway.create_authorizer(restApiId=api, name="pool", type="COGNITO_USER_POOLS", providerARNs=[pool])
    root = gateway.get_rest_api(restApiId=api)["rootResourceId"]
    one = {"restApiId": api, "resourceId": root, "httpMethod": "GET", "authorizationType": "COGNITO_USER_POOLS"}
    assert "requires a valid authorizer" in refused(gateway.put_method, **one, authorizerId="nosuch")[1]
    gateway.put_method(**one, authorizerId=authorizer["id"], requestModels={"application/json": "Order"})
    assert refused(gateway.delete_model, restApiId=api, modelName="Order") == (
        "ConflictException",
        "Cannot delete model 'Order', is referenced in method request: //GET",
    )
    gateway.put_gateway_response(
        restApiId=api, responseType="DEFAULT_4XX", responseParameters={"gatewayresponse.header.A": "'1'"}
    )
    inherited = gateway.get_gateway_response(restApiId=api, responseType="UNAUTHORIZED")
    assert (inherited["defaultResponse"], inherited["responseParameters"]) == (
        True,
        {"gatewayresponse.header.A": "'1'"},
    )
    gateway.delete_gateway_response(restApiId=api, responseType="DEFAULT_4XX")
    assert gateway.get_gateway_response(restApiId=api, responseType="UNAUTHORIZED")["responseParameters"] == {}


def test_other_operations_of_api_gateway_are_the_emulators(gateway: Any, account: Account) -> None:
    key = gateway.create_api_key(name="key", enabled=True)
    assert gateway.get_api_key(apiKey=key["id"])["name"] == "key"
    assert account.client("apigatewayv2").get_apis()["Items"] == []
