"""The definition of a REST API: canonical form, document, digest, and what follows from it."""

import json
from typing import Any

import pytest

from pipeline.model.resource import Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Expression
from pipeline.resources import _rest_declaration as declaration
from pipeline.resources import _rest_definition as definition
from pipeline.resources import _rest_rules as rules
from pipeline.resources.registry import registry
from tests.resources.apis import LIST, SHOW, declared, kind, resource
from tests.support.aws import SCOPE

CORS: dict[str, Any] = {
    "origins": ["*"],
    "methods": ["GET", "OPTIONS", "POST"],
    "headers": ["Authorization", "Content-Type", "X-Amz-Date", "X-Amz-Security-Token", "X-Api-Key"],
    "max_age": 600,
    "credentials": False,
}


def entry(function: str, **changed: Any) -> dict[str, Any]:
    return {"function": function, "authorization": "NONE", "api_key_required": False, "timeout_ms": 29000, **changed}


def test_endpoints_become_a_mapping_of_methods() -> None:
    assert declared()["endpoints"] == {
        "GET /orders": entry("orders-list"),
        "POST /orders": entry("orders-list"),
        "OPTIONS /orders": {"cors": CORS},
        "GET /orders/{order_id}": entry("orders-show"),
    }


def test_the_canonical_form_is_a_fixed_point() -> None:
    once = declared(cors={"origins": ["https://a.example"]}, access_logs={"retention_days": 7})
    assert declaration.canonical(once, SCOPE) == once


def test_the_stage_is_the_environment_unless_said_otherwise() -> None:
    assert declared()["stage"] == "dev"
    assert declared(stage="v1")["stage"] == "v1"


def test_cors_written_out_gives_every_path_a_preflight() -> None:
    found = declared(cors={"origins": ["https://a.example"], "max_age": 60})["endpoints"]
    assert found["OPTIONS /orders"]["cors"]["origins"] == ["https://a.example"]
    assert found["OPTIONS /orders/{order_id}"]["cors"]["methods"] == ["GET", "OPTIONS"]
    assert found["OPTIONS /orders/{order_id}"]["cors"]["max_age"] == 60


def test_without_cors_options_goes_to_the_function() -> None:
    found = declared(cors=False)["endpoints"]
    assert found["OPTIONS /orders"] == entry("orders-list")
    assert "OPTIONS /orders/{order_id}" not in found


def test_any_method_allows_all_of_them() -> None:
    found = declared({"path": "/x", "methods": ["ANY", "OPTIONS"], "function": "orders-x"})["endpoints"]
    assert found["OPTIONS /x"]["cors"]["methods"] == list(definition.METHODS)


def test_one_path_may_belong_to_several_functions() -> None:
    found = declared(LIST, {"path": "/orders", "methods": ["DELETE"], "function": "orders-purge"})["endpoints"]
    assert found["DELETE /orders"]["function"] == "orders-purge"
    assert found["OPTIONS /orders"]["cors"]["methods"] == ["DELETE", "GET", "OPTIONS", "POST"]


def document(**properties: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(definition.document(declared(**properties), SCOPE))
    return found


def test_methods_invoke_the_alias_that_the_stage_names() -> None:
    method = document()["paths"]["/orders"]["get"]
    assert method["x-amazon-apigateway-integration"] == {
        "type": "aws_proxy",
        "httpMethod": "POST",
        "uri": "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"
        "arn:aws:lambda:us-east-1:123456789012:function:orders-list:${stageVariables.alias}/invocations",
        "passthroughBehavior": "when_no_match",
        "timeoutInMillis": 29000,
    }
    assert "security" not in method


def test_path_parameters_are_declared_with_each_method() -> None:
    """Some importers cannot read parameters of a whole path."""
    path = document()["paths"]["/orders/{order_id}"]
    assert list(path) == ["get"]
    assert [parameter["name"] for parameter in path["get"]["parameters"]] == ["order_id"]


def test_a_greedy_parameter_has_no_plus_in_its_name() -> None:
    found = declared({"path": "/{proxy+}", "methods": ["ANY"], "function": "orders-x"})
    operation = json.loads(definition.document(found, SCOPE))["paths"]["/{proxy+}"]["x-amazon-apigateway-any-method"]
    assert operation["parameters"][0]["name"] == "proxy"


def test_guarded_methods_name_their_schemes() -> None:
    guarded = {**LIST, "authorization": "AWS_IAM", "api_key_required": True}
    text = json.loads(definition.document(declared(guarded), SCOPE))
    assert text["paths"]["/orders"]["get"]["security"] == [{"sigv4": [], "api_key": []}]
    assert "security" not in text["paths"]["/orders"]["options"], "browsers sign no preflight request"
    assert text["components"]["securitySchemes"]["sigv4"]["x-amazon-apigateway-authtype"] == "awsSigv4"


def test_a_preflight_is_answered_by_the_api_itself() -> None:
    method = document(cors={"origins": ["https://a.example"], "credentials": True})["paths"]["/orders"]["options"]
    integration = method["x-amazon-apigateway-integration"]
    assert integration["type"] == "mock"
    assert integration["requestTemplates"] == {"application/json": '{"statusCode": 204}'}
    assert integration["responses"]["default"] == {
        "statusCode": "204",
        "responseParameters": {
            "method.response.header.Access-Control-Allow-Origin": "'https://a.example'",
            "method.response.header.Access-Control-Allow-Methods": "'GET,OPTIONS,POST'",
            "method.response.header.Access-Control-Allow-Headers": f"'{','.join(CORS['headers'])}'",
            "method.response.header.Access-Control-Max-Age": "'600'",
            "method.response.header.Access-Control-Allow-Credentials": "'true'",
        },
    }
    assert set(method["responses"]["204"]["headers"]) == {
        name.removeprefix("method.response.header.")
        for name in integration["responses"]["default"]["responseParameters"]
    }


def test_of_several_origins_the_one_that_asks_is_allowed() -> None:
    cors = {"origins": ["https://a.example", "https://b.example"]}
    answer = document(cors=cors)["paths"]["/orders"]["options"]["x-amazon-apigateway-integration"]["responses"][
        "default"
    ]
    template = answer["responseTemplates"]["application/json"]
    assert '#set($allowed = ["https://a.example", "https://b.example"])' in template
    assert "$context.responseOverride.header.Access-Control-Allow-Origin" in template
    assert answer["responseParameters"]["method.response.header.Vary"] == "'Origin'"


@pytest.mark.parametrize(
    "cors",
    [
        CORS,
        {**CORS, "origins": ["https://a.example"], "credentials": True, "max_age": 0},
        {**CORS, "origins": ["https://a.example", "https://b.example"], "headers": [], "methods": ["GET"]},
    ],
)
def test_a_preflight_is_read_as_it_was_put(cors: dict[str, Any]) -> None:
    answer = definition._preflight_answer(cors)["x-amazon-apigateway-integration"]["responses"]["default"]
    assert definition.preflight_of(answer) == cors


@pytest.mark.parametrize(
    "change",
    [
        {"statusCode": "200"},
        {"responseParameters": {}},
        {"responseParameters": {"method.response.header.Access-Control-Allow-Origin": "'*'"}},
        {"responseTemplates": {"application/json": "#set($x = 1)"}},
    ],
)
def test_a_preflight_that_is_not_ours_is_not_taken_for_one(change: dict[str, Any]) -> None:
    answer = definition._preflight_answer(CORS)["x-amazon-apigateway-integration"]["responses"]["default"]
    assert definition.preflight_of({**answer, **change}) is None


def test_settings_that_need_a_deployment_are_in_the_document() -> None:
    found = document(
        description="Orders",
        binary_media_types=["image/png"],
        minimum_compression_size=0,
        disable_execute_api_endpoint=True,
    )
    assert found["info"] == {"title": "orders-api", "version": "1", "description": "Orders"}
    assert found["x-amazon-apigateway-binary-media-types"] == ["image/png"]
    assert found["x-amazon-apigateway-minimum-compression-size"] == 0
    assert found["servers"][0]["x-amazon-apigateway-endpoint-configuration"] == {"disableExecuteApiEndpoint": True}


def test_an_empty_description_is_left_out() -> None:
    assert "description" not in document()["info"]


@pytest.mark.parametrize(
    "changed",
    [
        {"alias": "production"},
        {"binary_media_types": ["image/png"]},
        {"minimum_compression_size": 0},
        {"disable_execute_api_endpoint": True},
        {"cors": {"max_age": 1}},
        {"endpoints": [LIST]},
        {"endpoints": [{**LIST, "timeout_ms": 100}, SHOW]},
    ],
)
def test_what_is_served_otherwise_has_another_digest(changed: dict[str, Any]) -> None:
    assert definition.definition_digest(declared(**changed)) != definition.definition_digest(declared())


@pytest.mark.parametrize(
    "changed",
    [
        {"description": "Orders"},
        {"tags": {"team": "shop"}},
        {"throttling": {"rate": 1, "burst": 1}},
        {"access_logs": False},
        {"metrics": True},
        {"tracing": True},
        {"endpoints": [SHOW, LIST]},
        {"endpoints": [{**LIST, "methods": ["OPTIONS", "POST", "GET"]}, SHOW]},
    ],
)
def test_what_is_served_alike_has_the_same_digest(changed: dict[str, Any]) -> None:
    assert definition.definition_digest(declared(**changed)) == definition.definition_digest(declared())


def derived(*endpoints: Any, **properties: Any) -> dict[str, Resource]:
    return {found.address: found for found in kind().derive(resource(*endpoints, **properties), SCOPE)}


def test_each_function_may_be_invoked_for_its_methods_exactly() -> None:
    found = derived()
    shown = found["lambda.permission/orders-list:orders-api"]
    assert [str(arn) for arn in shown.properties["source_arns"]] == [
        "${apigateway.rest_api/orders-api.execution_arn}/dev/GET/orders",
        "${apigateway.rest_api/orders-api.execution_arn}/dev/POST/orders",
    ]
    assert shown.properties["alias"] == "live"
    assert set(shown.dependencies) == {"lambda.function/orders-list", "apigateway.rest_api/orders-api"}
    other = found["lambda.permission/orders-show:orders-api"]
    assert [str(arn) for arn in other.properties["source_arns"]] == [
        "${apigateway.rest_api/orders-api.execution_arn}/dev/GET/orders/*"
    ]


def sources(*endpoints: Any) -> list[str]:
    (found,) = [r for r in derived(*endpoints).values() if r.type == "lambda.permission"]
    return [arn.parts[1] for arn in found.properties["source_arns"] if isinstance(arn, Expression)]  # type: ignore[misc]  # the second part is text


@pytest.mark.parametrize(
    ("path", "method", "source"),
    [
        ("/", "GET", "/dev/GET/"),
        ("/{proxy+}", "ANY", "/dev/*/*"),
        ("/a/{b}/c/{d}", "PUT", "/dev/PUT/a/*/c/*"),
    ],
)
def test_sources_of_all_kinds_of_paths(path: str, method: str, source: str) -> None:
    assert sources({"path": path, "methods": [method], "function": "orders-x"}) == [source]


def test_many_methods_are_granted_by_path_and_very_many_by_stage() -> None:
    def paths(count: int) -> list[dict[str, Any]]:
        return [{"path": f"/p{n}", "methods": ["GET", "PUT"], "function": "orders-x"} for n in range(count)]

    assert len(sources(*paths(20))) == 40
    assert sources(*paths(21))[0] == "/dev/*/p0"
    assert sources(*paths(41)) == ["/dev/*/*"]


def test_access_logs_get_a_group_with_its_retention() -> None:
    group = derived(access_logs={"retention_days": 90})["logs.log_group//aws/apigateway/orders-api/dev"]
    assert group.properties["retention_days"] == 90
    assert group.adopt
    assert registry()["logs.log_group"].check(group, SCOPE) == []
    assert group.address in resource().dependencies


def test_without_access_logs_there_is_no_group() -> None:
    assert not any(address.startswith("logs.") for address in derived(access_logs=False))
    assert declared(access_logs=False)["access_logs"] is None


def test_a_format_of_one_s_own_is_kept() -> None:
    assert declared(access_logs={"format": "$context.status"})["access_logs"]["format"] == "$context.status"


def problems(*endpoints: Any, **properties: Any) -> list[str]:
    return [problem.message for problem in rules.check(resource(*endpoints, **properties), SCOPE)]


def test_a_sound_api_has_no_problems() -> None:
    assert problems() == []


def test_a_method_is_declared_once() -> None:
    assert problems(LIST, {**LIST, "function": "orders-show"}) == [
        "GET /orders is declared 2 times",
        "POST /orders is declared 2 times",
    ]


def test_siblings_share_the_name_of_their_parameter() -> None:
    other = {"path": "/orders/{id}/items", "methods": ["GET"], "function": "orders-items"}
    assert problems(SHOW, other) == ["below /orders stand {id} and {order_id}; API Gateway takes one"]


def test_a_greedy_parameter_beside_another_collides() -> None:
    greedy = {"path": "/orders/{proxy+}", "methods": ["ANY"], "function": "orders-x"}
    assert problems(SHOW, greedy) == ["below /orders stand {order_id} and {proxy+}; API Gateway takes one"]


def test_too_many_paths() -> None:
    many = [{"path": f"/a{n}/b", "methods": ["GET"], "function": "orders-x"} for n in range(150)]
    assert problems(*many) == ["the paths have 301 parts; API Gateway allows 300 resources"]
    assert problems(*many[1:]) == []


def test_credentials_need_named_origins() -> None:
    assert problems(cors={"credentials": True}) == ["browsers refuse credentials when every origin is allowed"]
    assert problems(cors={"credentials": True, "origins": ["https://a.example"]}) == []


def test_every_origin_stands_alone() -> None:
    assert problems(cors={"origins": ["*", "https://a.example"]}) == [
        "* is every origin: the others beside it mean nothing"
    ]


def test_a_log_format_names_the_request() -> None:
    assert problems(access_logs={"format": "$context.status $context.extendedRequestId"}) == []
    assert problems(access_logs={"format": "$context.status"}) == [
        "API Gateway wants the request's id in the log format"
    ]
    assert problems(access_logs=False) == []


def warnings(*endpoints: Any, **properties: Any) -> list[str]:
    return [problem.message for problem in rules.warn(resource(*endpoints, **properties), SCOPE)]


def test_open_methods_and_origins_are_told() -> None:
    assert warnings() == ["everybody may call every method of this API (3)", "pages of every origin may call this API"]


def test_one_guarded_method_makes_it_some() -> None:
    guarded = {**SHOW, "authorization": "AWS_IAM"}
    named = {"origins": ["https://a.example"]}
    assert warnings(LIST, guarded, cors=named) == ["everybody may call some methods of this API (2)"]


def test_a_closed_api_is_quiet() -> None:
    assert warnings({**SHOW, "api_key_required": True}) == []


def test_other_partitions() -> None:
    scope = Scope("orders", "dev", "123456789012", "cn-north-1", "aws-cn")
    assert definition.invocation_uri("f", "live", scope).startswith("arn:aws-cn:apigateway:cn-north-1:lambda:path/")
