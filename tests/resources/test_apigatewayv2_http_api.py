"""HTTP APIs: what an author writes, what follows from it, and what goes live when."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from moto import mock_aws

from pipeline.config.validation import Checker
from pipeline.model.resource import Observed, Resource
from pipeline.model.values import Expression, Reference, resolve
from pipeline.planning.diff import diff
from pipeline.releasing.apis import entry_names
from pipeline.releasing.publisher import Publisher
from pipeline.releasing.traffic import Kind, Pointer, routers
from pipeline.resources.base import Target
from pipeline.resources.registry import registry
from tests.contract.prerequisites import of
from tests.support import moto_extension
from tests.support.aws import SCOPE, FakeClock, local_client
from tests.support.faults import Recorder

KIND = registry()["apigatewayv2.http_api"]
V2 = "apigatewayv2"
ENDPOINTS = [{"path": "/orders", "methods": ["GET"], "function": "orders-list"}]
USERS = {"users": {"issuer": "https://login.example.com", "audience": ["shop"]}}
GUARDED = [{**ENDPOINTS[0], "authorizer": "users"}]


def declared(endpoints: Any = None, **more: Any) -> Resource:
    """As an author wrote it, in canonical form; references are left."""
    raw = {"name": "orders-http", "endpoints": endpoints or ENDPOINTS, **more}
    properties = KIND.canonical(Checker(KIND.spec.schema, KIND.name).with_defaults(raw), SCOPE)
    return Resource(KIND.name, "orders-http", properties)


def api(endpoints: Any = None, **more: Any) -> Resource:
    """The same with references resolved, ready to be carried out."""
    found = declared(endpoints, **more)
    ends = {"arn": "arn:aws:logs:us-east-1:123456789012:log-group:/aws/apigateway/orders-http/dev", "id": "pool-1"}
    properties = resolve(found.properties, lambda reference: ends[reference.output])
    return Resource(KIND.name, "orders-http", properties)


@pytest.fixture
def aws(aws_environment: None) -> Iterator[Recorder]:
    moto_extension.register()
    with mock_aws():
        client = local_client(FakeClock())
        client.scope = SCOPE
        of("apigatewayv2.http_api").prepare(client)
        yield Recorder(client)


def read(aws: Recorder, wanted: Resource, recorded: Mapping[str, Any] | None = None) -> Observed | None:
    return KIND.read(aws, [Target(wanted, recorded or {})]).get(wanted.address)


def differing(wanted: Resource, observed: Observed) -> set[str]:
    return {change.path for change in diff(KIND.spec, wanted.properties, observed.properties)}


def bring(aws: Recorder, wanted: Resource) -> Mapping[str, Any]:
    """One run without the release phase."""
    observed = read(aws, wanted)
    if observed is None:
        return KIND.create(aws, wanted)
    paths = frozenset(differing(wanted, observed))
    return {**observed.outputs, **(KIND.update(aws, wanted, observed, paths) if paths else {})}


def messages(wanted: Resource) -> list[str]:
    return [problem.message for problem in KIND.check(wanted, SCOPE)]


def test_endpoints_are_routes_by_method_and_path() -> None:
    found = declared(
        [
            {
                "path": "/orders/{id}",
                "methods": ["GET", "PUT"],
                "function": "a",
                "authorizer": "users",
                "scopes": ["w", "r"],
            },
            {"path": "/files/{proxy+}", "function": "b", "authorization": "AWS_IAM"},
            {"path": "$default", "function": "c"},
        ],
        authorizers=USERS,
    ).properties["endpoints"]
    entry = {"function": "a", "authorization": "JWT", "authorizer": "users", "scopes": ["r", "w"]}
    assert found["GET /orders/{id}"] == found["PUT /orders/{id}"] == entry
    assert found["ANY /files/{proxy+}"]["authorization"] == "AWS_IAM"
    assert found["$default"]["authorization"] == "NONE"


def test_each_function_may_be_invoked_for_exactly_its_routes() -> None:
    wanted = declared(
        [
            {"path": "/orders/{id}", "methods": ["GET"], "function": "a"},
            {"path": "/files/{proxy+}", "function": "a"},
            {"path": "$default", "function": "b"},
        ]
    )
    group, first, second = KIND.derive(wanted, SCOPE)
    assert group.address == "logs.log_group//aws/apigateway/orders-http/dev"
    assert [str(arn) for arn in first.properties["source_arns"]] == [
        "${apigatewayv2.http_api/orders-http.execution_arn}/dev/*/files/*",
        "${apigatewayv2.http_api/orders-http.execution_arn}/dev/GET/orders/*",
    ]
    assert [str(arn) for arn in second.properties["source_arns"]] == [
        "${apigatewayv2.http_api/orders-http.execution_arn}/dev/$default"
    ]
    assert first.name == "a:http/orders-http"
    assert set(first.dependencies) == {wanted.address, "lambda.function/a"}


def test_a_policy_that_would_overflow_gets_coarser() -> None:
    many = [{"path": f"/p{n}", "methods": ["GET", "PUT"], "function": "a"} for n in range(30)]
    *_, permission = KIND.derive(declared(many), SCOPE)
    assert len(permission.properties["source_arns"]) == 30
    *_, permission = KIND.derive(declared([{**one, "path": f"{one['path']}/x"} for one in many] + many), SCOPE)
    assert [str(arn).rpartition("}")[2] for arn in permission.properties["source_arns"]] == ["/dev/*"]


@pytest.mark.parametrize(
    ("endpoints", "more", "message"),
    [
        (ENDPOINTS * 2, {}, "GET /orders is declared 2 times"),
        ([{**ENDPOINTS[0], "authorizer": "users"}], {}, "GET /orders: there is no authorizer users"),
        ([{**ENDPOINTS[0], "scopes": ["r"]}], {}, "GET /orders has scopes but no authorizer"),
        ([{**ENDPOINTS[0], "path": f"/p{n}"} for n in range(301)], {},
         "the API has 301 endpoints; API Gateway allows 300"),
        (ENDPOINTS, {"cors": {"credentials": True}}, "with credentials browsers take no *"),
        (ENDPOINTS, {"access_logs": {"format": "$context.status"}},
         "API Gateway wants the request's id in the log format"),
        (ENDPOINTS, {"authorizers": {"a": {"audience": ["shop"]}}}, "an authorizer has an issuer or a function"),
        (ENDPOINTS, {"authorizers": {"a": {"issuer": "https://x"}}}, "an issuer needs an audience"),
        (ENDPOINTS, {"authorizers": {"a": {**USERS["users"], "ttl": 5}}}, "ttl belongs to a function"),
        (ENDPOINTS, {"authorizers": {"a": {"issuer": "https://x", "function": "f"}}}, "issuer belongs to an issuer"),
        ([{**GUARDED[0], "scopes": ["r"]}], {"authorizers": {"users": {"function": "f"}}},
         "GET /orders has scopes, which only tokens have"),
        (ENDPOINTS, {"authorizers": {f"a{n}": USERS["users"] for n in range(11)}},
         "the API has 11 authorizers; API Gateway allows 10"),
    ],
)  # fmt: skip
def test_what_api_gateway_would_refuse(endpoints: Any, more: dict[str, Any], message: str) -> None:
    assert messages(declared(endpoints, **more)) == [message]


def test_open_routes_and_open_origins_are_warned_about() -> None:
    open_to_all = declared(cors={})
    found = [problem.message for problem in KIND.warn(open_to_all, SCOPE)]
    assert found == ["everybody may call every route of this API (1)", "pages of every origin may call this API"]
    guarded = declared([{**ENDPOINTS[0], "authorizer": "users"}], authorizers=USERS)
    assert KIND.warn(guarded, SCOPE) == []


def test_cors_is_compared_whatever_the_case_and_order() -> None:
    one = declared(cors={"origins": ["https://b.example", "https://a.example"], "headers": ["X-One", "authorization"]})
    other = declared(
        cors={"origins": ["https://a.example", "https://b.example"], "headers": ["Authorization", "x-one"]}
    )
    assert one.properties["cors"] == other.properties["cors"]


def test_changed_routes_are_deployed_by_the_release_phase_and_not_before(aws: Recorder) -> None:
    first = bring(aws, api())
    wanted = api([*ENDPOINTS, {"path": "/items", "methods": ["GET"], "function": "orders-items"}])
    observed = read(aws, wanted)
    assert observed is not None
    assert differing(wanted, observed) == {"endpoints.GET /items"}
    outputs = bring(aws, wanted)
    waiting = read(aws, wanted)
    assert waiting is not None
    assert differing(wanted, waiting) == {"live"}
    assert waiting.outputs["deployment"] == first["deployment"]
    published = Publisher(aws).release([wanted], {wanted.address: outputs}, {wanted.address}, None)
    assert published.apis["orders-http"]["previous"] == first["deployment"]
    done = read(aws, wanted)
    assert done is not None
    assert differing(wanted, done) == set()
    assert done.outputs["deployment"] == published.apis["orders-http"]["deployment"]


def test_routes_that_come_back_are_served_by_the_deployment_that_they_had(aws: Recorder) -> None:
    first = bring(aws, api())
    for wanted in (api([{**ENDPOINTS[0], "function": "orders-items"}]), api()):
        outputs = bring(aws, wanted)
        Publisher(aws).release([wanted], {wanted.address: outputs}, {wanted.address}, None)
    assert len(aws.pages(V2, "GetDeployments", "Items", ApiId=first["id"])) == 2
    found = aws.call(V2, "GetStage", ApiId=first["id"], StageName="dev")
    assert found["DeploymentId"] == first["deployment"]


def test_what_somebody_added_is_taken_away(aws: Recorder) -> None:
    wanted = api()
    made = bring(aws, wanted)
    alias = "arn:aws:lambda:us-east-1:123456789012:function:orders-items"
    extra = aws.call(
        V2, "CreateIntegration", ApiId=made["id"], IntegrationType="AWS_PROXY", IntegrationUri=alias,
        PayloadFormatVersion="2.0",
    )  # fmt: skip
    target = f"integrations/{extra['IntegrationId']}"
    aws.call(V2, "CreateRoute", ApiId=made["id"], RouteKey="GET /secret", Target=target)
    aws.call(V2, "UpdateStage", ApiId=made["id"], StageName="dev", AutoDeploy=True)
    observed = read(aws, wanted)
    assert observed is not None
    assert differing(wanted, observed) == {"endpoints.GET /secret", "unmanaged"}
    bring(aws, wanted)
    observed = read(aws, wanted)
    assert observed is not None
    assert differing(wanted, observed) == set()


def test_an_authorizer_whose_issuer_is_a_pool_is_one_edition_before_and_after_it_is_known() -> None:
    issuer = Expression(("https://cognito-idp.us-east-1.amazonaws.com/", Reference("cognito-idp.user_pool/p", "id")))
    more = {"authorizers": {"users": {"issuer": issuer, "audience": ["shop"]}}}
    endpoints = [{**ENDPOINTS[0], "authorizer": "users"}]
    assert declared(endpoints, **more).properties["edition"] == api(endpoints, **more).properties["edition"]
    assert declared(endpoints, **more).properties["edition"] != declared().properties["edition"]


def test_a_function_judges_callers_and_may_be_invoked_for_that() -> None:
    wanted = declared(GUARDED, authorizers={"users": {"function": "judge", "ttl": 60}})
    assert wanted.properties["endpoints"]["GET /orders"]["authorization"] == "CUSTOM"
    assert wanted.properties["authorizers"]["users"]["identity"] == ["header.Authorization"]
    *_, permission = KIND.derive(wanted, SCOPE)
    assert (permission.name, permission.properties["function"]) == ("judge:http/orders-http/authorizers", "judge")
    (arn,) = permission.properties["source_arns"]
    assert str(arn) == "${apigatewayv2.http_api/orders-http.execution_arn}/authorizers/*"


@pytest.mark.parametrize("answer", ["simple", "policy"])
def test_a_function_takes_the_place_of_an_issuer_and_back(aws: Recorder, answer: str) -> None:
    judge = {"function": "orders-items", "identity": ["querystring.key", "context.routeKey"], "answer": answer}
    by_token, by_function = api(GUARDED, authorizers=USERS), api(GUARDED, authorizers={"users": judge})
    for wanted, kind in ((by_token, "JWT"), (by_function, "CUSTOM"), (by_token, "JWT")):
        made = bring(aws, wanted)
        observed = read(aws, wanted)
        assert observed is not None
        assert differing(wanted, observed) <= {"live"}
        (route,) = aws.pages(V2, "GetRoutes", "Items", ApiId=made["id"])
        (authorizer,) = aws.pages(V2, "GetAuthorizers", "Items", ApiId=made["id"])
        assert (route["AuthorizationType"], authorizer["Name"]) == (kind, "users")
        assert route["AuthorizerId"] == authorizer["AuthorizerId"]


def test_what_somebody_changed_about_a_judge_is_a_difference(aws: Recorder) -> None:
    wanted = api(GUARDED, authorizers={"users": {"function": "orders-items"}})
    made = bring(aws, wanted)
    (one,) = aws.pages(V2, "GetAuthorizers", "Items", ApiId=made["id"])
    assert one["IdentitySource"] == ["$request.header.Authorization"]
    changes: dict[str, Any] = {"AuthorizerResultTtlInSeconds": 300, "EnableSimpleResponses": False}
    changes["AuthorizerCredentialsArn"] = "arn:aws:iam::123456789012:role/other"
    aws.call(V2, "UpdateAuthorizer", ApiId=made["id"], AuthorizerId=one["AuthorizerId"], **changes)
    observed = read(aws, wanted)
    assert observed is not None
    assert differing(wanted, observed) == {f"authorizers.users.{name}" for name in ("ttl", "answer", "unmanaged")}


def test_an_open_route_loses_its_authorizer_and_scopes(aws: Recorder) -> None:
    """API Gateway merges what an update says: what is to go takes another way."""
    guarded = api([{**ENDPOINTS[0], "authorizer": "users", "scopes": ["r"]}], authorizers=USERS)
    made = bring(aws, guarded)
    bring(aws, api())
    (route,) = aws.pages(V2, "GetRoutes", "Items", ApiId=made["id"])
    assert (route.get("AuthorizerId"), route["AuthorizationType"]) == (None, "NONE")
    assert aws.pages(V2, "GetAuthorizers", "Items", ApiId=made["id"]) == []


def test_another_form_of_events_is_a_difference_of_the_api_and_not_of_its_routes(aws: Recorder) -> None:
    bring(aws, api())
    wanted = api(payload="1.0")
    observed = read(aws, wanted)
    assert observed is not None
    assert differing(wanted, observed) == {"payload"}
    bring(aws, wanted)
    changed = read(aws, wanted)
    assert changed is not None
    assert differing(wanted, changed) == {"live"}


def test_the_default_stage_has_no_path(aws: Recorder) -> None:
    outputs = bring(aws, api(stage="$default"))
    assert outputs["url"].endswith(".amazonaws.com")
    assert outputs["stage"] == "$default"


def test_its_stage_is_a_pointer_of_a_release(aws: Recorder) -> None:
    made = bring(aws, api())
    pointer = Pointer(Kind.HTTP_STAGE, str(made["id"]), "dev")
    assert routers(aws)[pointer.kind].current(pointer).stable == made["deployment"]


def test_apis_of_one_name_are_told_apart_in_a_release() -> None:
    kinds = ("apigatewayv2.http_api", "apigatewayv2.api", "apigateway.rest_api")
    three = [Resource(kind, "shop", {}) for kind in kinds]
    assert entry_names(three) == {
        "apigateway.rest_api/shop": "shop",
        "apigatewayv2.api/shop": "apigatewayv2.api/shop",
        "apigatewayv2.http_api/shop": "apigatewayv2.http_api/shop",
    }
    assert entry_names(three[:1]) == {"apigatewayv2.http_api/shop": "shop"}
