"""App clients and domains: public unless asked otherwise, a secret that nobody sees, and whose pool it is."""

import json
from typing import Any

import pytest

from pipeline.applying.aws_client import AwsClient
from pipeline.errors import PipelineError
from pipeline.model.resource import Resource
from pipeline.model.values import Expression, Reference
from pipeline.resources.base import Target
from pipeline.resources.registry import registry
from tests.contract.engine import Case, carry_out, converge, declared
from tests.support import moto_extension
from tests.support.aws import SCOPE, FakeClock
from tests.support.fake_transport import FakeTransport, Reply
from tests.support.faults import Recorder

CLIENT = registry()["cognito-idp.user_pool_client"]
DOMAIN = registry()["cognito-idp.user_pool_domain"]
SERVICE = "cognito-idp"
URL = "https://orders.example.com/"
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/1111"


@pytest.fixture(autouse=True)
def as_aws_does() -> None:
    moto_extension.register()


@pytest.fixture
def pool(aws: AwsClient) -> str:
    tags = SCOPE.mark("cognito-idp.user_pool/users").tags()
    return str(aws.call(SERVICE, "CreateUserPool", PoolName="users", UserPoolTags=tags)["UserPool"]["Id"])


def arn(pool: str) -> str:
    return f"arn:aws:cognito-idp:us-east-1:123456789012:userpool/{pool}"


def client(pool: str = "users", **properties: Any) -> Case:
    item = {"name": "app", "user_pool": pool, **properties}
    made = declared(CLIENT, item, SCOPE)
    if str(pool).startswith("us-east-1_"):
        made = {**made, "user_pool": pool}
    return Case(CLIENT, Resource(CLIENT.name, "app", made))


def domain(name: str, pool: str = "users", **properties: Any) -> Case:
    made = declared(DOMAIN, {"name": name, "user_pool": pool, **properties}, SCOPE)
    if pool.startswith("us-east-1_"):
        made = {**made, "user_pool": pool}
    return Case(DOMAIN, Resource(DOMAIN.name, name, made))


def problems(case: Case) -> list[str]:
    return [problem.message for problem in case.kind.check(case.resource, SCOPE)]


def warnings(case: Case) -> list[str]:
    return [problem.message for problem in case.kind.warn(case.resource, SCOPE)]


def test_a_client_refers_to_its_pool_by_name() -> None:
    assert client().resource.properties["user_pool"] == Expression((Reference("cognito-idp.user_pool/users", "id"),))


@pytest.mark.parametrize(
    "named",
    [
        Expression((Reference("cognito-idp.user_pool/users", "arn"),)),
        Expression((Reference("cognito-idp.user_pool/users", "id"),)),
    ],
)
def test_a_pool_may_be_named_by_any_of_its_outputs(named: Expression) -> None:
    wanted = CLIENT.canonical({**client().resource.properties, "user_pool": named}, SCOPE)
    assert wanted["user_pool"] == client().resource.properties["user_pool"]


def test_a_pool_of_somebody_is_named_by_its_arn(aws: AwsClient, pool: str) -> None:
    wanted = client(arn(pool))
    assert wanted.resource.properties["user_pool"] == pool
    carry_out(aws, wanted)
    recorder = Recorder(aws)
    converge(recorder, wanted)
    assert recorder.changing == []


def test_a_client_is_public_and_uses_the_code_flow(aws: AwsClient, pool: str) -> None:
    outputs = carry_out(aws, client(pool, callback_urls=[URL]))
    found = aws.call(SERVICE, "DescribeUserPoolClient", UserPoolId=pool, ClientId=outputs["id"])["UserPoolClient"]
    assert "ClientSecret" not in found
    assert found["AllowedOAuthFlows"] == ["code"]
    assert found["AllowedOAuthScopes"] == ["email", "openid", "profile"]
    assert found["PreventUserExistenceErrors"] == "ENABLED"
    assert found["EnableTokenRevocation"] is True
    assert warnings(client(pool, callback_urls=[URL])) == []


def test_without_an_address_to_lead_back_to_there_is_no_flow() -> None:
    assert client().resource.properties["oauth_flows"] == []
    assert problems(client()) == []


def test_a_secret_is_in_nothing_that_is_kept_or_shown(aws: AwsClient, pool: str) -> None:
    wanted = client(pool, secret=True)
    outputs = carry_out(aws, wanted)
    found = aws.call(SERVICE, "DescribeUserPoolClient", UserPoolId=pool, ClientId=outputs["id"])["UserPoolClient"]
    observed = wanted.read(aws)
    assert observed is not None
    kept = json.dumps([dict(outputs), dict(observed.outputs), dict(observed.properties)])
    assert found["ClientSecret"] not in kept
    assert observed.properties["secret"] is True
    converge(aws, client(pool, secret=True, session_minutes=9))


def test_a_secret_that_is_asked_for_is_warned_about() -> None:
    assert warnings(client(secret=True)) == ["a secret is one only on a server; what users can open does not keep it"]


def test_the_manual_s_client_can_be_declared_and_is_warned_about() -> None:
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    case = client(secret=True, auth_flows=flows)
    assert problems(case) == []
    assert "the application sees and sends passwords (ALLOW_USER_PASSWORD_AUTH)" in warnings(case)


def test_an_update_keeps_what_the_specs_have_no_word_for(aws: AwsClient, pool: str) -> None:
    wanted = client(pool)
    outputs = carry_out(aws, wanted)
    where = {"UserPoolId": pool, "ClientId": outputs["id"]}
    found = aws.call(SERVICE, "DescribeUserPoolClient", **where)["UserPoolClient"]
    aws.call(SERVICE, "UpdateUserPoolClient", **{**found, "EnablePropagateAdditionalUserContextData": True})
    converge(aws, client(pool, refresh_token_days=1))
    after = aws.call(SERVICE, "DescribeUserPoolClient", **where)["UserPoolClient"]
    assert after["EnablePropagateAdditionalUserContextData"] is True
    assert after["RefreshTokenValidity"] == 1


@pytest.mark.parametrize(
    ("shown", "minutes"),
    [
        ({"AccessTokenValidity": 2}, 120),
        ({"AccessTokenValidity": 2, "TokenValidityUnits": {"AccessToken": "minutes"}}, 2),
        ({"AccessTokenValidity": 90, "TokenValidityUnits": {"AccessToken": "seconds"}}, 1.5),
        ({"AccessTokenValidity": 1, "TokenValidityUnits": {"AccessToken": "days"}}, 1440),
        ({}, 60),
    ],
)
def test_times_are_told_in_minutes_whatever_their_unit(clock: FakeClock, shown: dict[str, Any], minutes: float) -> None:
    described = {"UserPoolClient": {"ClientId": "c", "ClientName": "app", "UserPoolId": "us-east-1_x", **shown}}
    replies: dict[str, list[Reply]] = {"cognito-idp:DescribeUserPoolClient": [described]}
    aws = AwsClient(FakeTransport(replies), clock)
    aws.scope = SCOPE
    target = Target(client().resource, {"id": "c", "user_pool_id": "us-east-1_x"})
    assert CLIENT.read(aws, [target])[client().address].properties["access_token_minutes"] == minutes


def test_a_client_without_a_record_is_found_by_its_name_in_our_pool(aws: AwsClient, pool: str) -> None:
    outputs = carry_out(aws, client(pool))
    found = CLIENT.read(aws, [Target(client().resource, {})])  # the pool is known by its name alone
    assert found[client().address].outputs == outputs
    aws.call(SERVICE, "CreateUserPoolClient", UserPoolId=pool, ClientName="app")
    with pytest.raises(PipelineError, match="several clients of this name"):
        CLIENT.read(aws, [Target(client().resource, {})])


def test_without_its_pool_there_is_no_client(aws: AwsClient) -> None:
    recorded = {"id": "gone", "user_pool_id": "us-east-1_gone"}
    assert CLIENT.read(aws, [Target(client().resource, {}), Target(client().resource, recorded)]) == {}


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"oauth_flows": ["code"]}, "these flows lead back to an address of yours"),
        ({"oauth_flows": ["client_credentials"], "oauth_scopes": ["a/b"]}, "client_credentials needs a secret"),
        (
            {"oauth_flows": ["client_credentials", "code"], "callback_urls": [URL], "secret": True},
            "client_credentials goes with no other flow",
        ),
        ({"oauth_flows": ["client_credentials"], "secret": True}, "these flows need oauth_scopes"),
        ({"callback_urls": [URL], "default_redirect_url": "https://x/"}, "https://x/ is none of callback_urls"),
        ({"callback_urls": ["http://example.com/"]}, "Cognito takes http for localhost only"),
    ],
)
def test_what_cognito_would_refuse_of_a_client(properties: dict[str, Any], message: str) -> None:
    assert problems(client(**properties)) == [message]


@pytest.mark.parametrize("url", ["http://localhost:8080/", "http://127.0.0.1/x", "myapp://callback", URL])
def test_addresses_that_cognito_takes(url: str) -> None:
    assert problems(client(callback_urls=[url])) == []


def test_a_prefix_is_there_at_once(aws: AwsClient, pool: str) -> None:
    outputs = carry_out(aws, domain("orders-auth", pool))
    assert outputs["url"] == "https://orders-auth.auth.us-east-1.amazoncognito.com"
    recorder = Recorder(aws)
    converge(recorder, domain("orders-auth", pool))
    assert recorder.changing == []


def test_a_domain_of_one_s_own_has_a_target_for_its_alias(aws: AwsClient, pool: str) -> None:
    outputs = carry_out(aws, domain("auth.example.com", pool, certificate=CERTIFICATE))
    assert outputs["url"] == "https://auth.example.com"
    assert str(outputs["target"]).endswith(".cloudfront.net")


def test_distributing_a_domain_holds_nothing_up(clock: FakeClock) -> None:
    described = {"UserPoolId": "us-east-1_x", "Status": "CREATING", "CloudFrontDistribution": "d1.cloudfront.net"}
    replies: dict[str, list[Reply]] = {"cognito-idp:DescribeUserPoolDomain": [{"DomainDescription": described}]}
    aws = AwsClient(FakeTransport(replies), clock)
    aws.scope = SCOPE
    case = domain("auth.example.com", certificate=CERTIFICATE)
    observed = case.read(aws)
    assert observed is not None
    assert observed.pending == f"{case.address} is being distributed, which takes up to an hour"
    assert clock.slept == []


def test_a_domain_of_another_pool_is_another_domain(aws: AwsClient, pool: str) -> None:
    other = str(aws.call(SERVICE, "CreateUserPool", PoolName="other")["UserPool"]["Id"])
    carry_out(aws, domain("orders-auth", other))
    observed = domain("orders-auth", pool).read(aws)
    assert observed is not None
    assert observed.properties["user_pool"] == other
    assert not observed.markable  # so that a plan asks before it touches it


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (domain("my-aws-users"), "Cognito takes no prefix with aws in it"),
        (domain("mycognito"), "Cognito takes no prefix with cognito in it"),
        (domain("users", certificate=CERTIFICATE), "a prefix has AWS's certificate"),
        (domain("auth.example.com"), "a domain of your own needs a certificate"),
        (
            domain("auth.example.com", certificate="arn:aws:acm:eu-west-1:123456789012:certificate/1"),
            "the certificate must be of us-east-1",
        ),
    ],
)
def test_what_cognito_would_refuse_of_a_domain(case: Case, message: str) -> None:
    assert problems(case) == [message]
