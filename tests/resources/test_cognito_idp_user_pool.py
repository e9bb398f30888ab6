"""User pools: MFA by its own call, what an update must not reset, what can never change, and consented deletion."""

from typing import Any

import pytest

from pipeline.applying.aws_client import AwsClient
from pipeline.errors import PipelineError
from pipeline.model.resource import Resource
from pipeline.model.values import Expression, Reference
from pipeline.planning.diff import diff
from pipeline.resources.base import Target
from pipeline.resources.registry import registry
from tests.contract.engine import Case, carry_out, converge, declared
from tests.support import moto_extension
from tests.support.aws import SCOPE
from tests.support.faults import Recorder

KIND = registry()["cognito-idp.user_pool"]
SERVICE = "cognito-idp"


@pytest.fixture(autouse=True)
def as_aws_does() -> None:
    moto_extension.register()


def pool(name: str = "users", **properties: Any) -> Case:
    return Case(KIND, Resource(KIND.name, name, declared(KIND, {"name": name, **properties}, SCOPE)))


def problems(**properties: Any) -> list[str]:
    return [problem.message for problem in KIND.check(pool(**properties).resource, SCOPE)]


def warnings(**properties: Any) -> list[str]:
    return [problem.message for problem in KIND.warn(pool(**properties).resource, SCOPE)]


def pool_id(aws: AwsClient, case: Case) -> str:
    observed = case.read(aws)
    assert observed is not None
    return str(observed.outputs["id"])


def test_the_manual_s_pool_is_accepted_with_totp_as_second_factor(aws: AwsClient) -> None:
    wanted = pool(auto_verified_attributes=["email"], username_attributes=["email"], mfa="OPTIONAL")
    recorder = Recorder(aws)
    outputs = carry_out(recorder, wanted)
    made = next(call.params for call in recorder.calls if call.name == "cognito-idp:CreateUserPool")
    assert "MfaConfiguration" not in made
    factors = aws.call(SERVICE, "GetUserPoolMfaConfig", UserPoolId=outputs["id"])
    assert factors["MfaConfiguration"] == "OPTIONAL"
    assert factors["SoftwareTokenMfaConfiguration"] == {"Enabled": True}


def test_defaults_are_the_secure_ones(aws: AwsClient) -> None:
    outputs = carry_out(aws, pool())
    found = aws.call(SERVICE, "DescribeUserPool", UserPoolId=outputs["id"])["UserPool"]
    assert found["DeletionProtection"] == "ACTIVE"
    assert found["UsernameConfiguration"] == {"CaseSensitive": False}
    assert found["Policies"]["PasswordPolicy"]["MinimumLength"] == 14
    assert found["AccountRecoverySetting"]["RecoveryMechanisms"] == [{"Priority": 1, "Name": "verified_email"}]
    assert warnings() == []


def test_an_update_resets_nothing_that_somebody_else_set(aws: AwsClient) -> None:
    """What the specs have no word for: AWS would reset it, unless it is told again."""
    carry_out(aws, pool())
    made = pool_id(aws, pool())
    found = aws.call(SERVICE, "DescribeUserPool", UserPoolId=made)["UserPool"]
    devices = {"ChallengeRequiredOnNewDevice": True, "DeviceOnlyRememberedOnUserPrompt": False}
    kept = {name: found[name] for name in ("Policies", "AutoVerifiedAttributes", "UserPoolTags") if name in found}
    settings = {"DeletionProtection": "ACTIVE", "AccountRecoverySetting": found["AccountRecoverySetting"]}
    aws.call(SERVICE, "UpdateUserPool", UserPoolId=made, DeviceConfiguration=devices, **kept, **settings)
    converge(aws, pool(auto_verified_attributes=["email"], self_sign_up=False))
    after = aws.call(SERVICE, "DescribeUserPool", UserPoolId=made)["UserPool"]
    assert after["DeviceConfiguration"] == devices
    assert after["AutoVerifiedAttributes"] == ["email"]
    assert after["UserPoolTags"]["pipeline:service"] == "orders"


def test_second_factors_come_and_go(aws: AwsClient) -> None:
    sms = {"role": "arn:aws:iam::123456789012:role/sms", "external_id": "orders"}
    carry_out(aws, pool())
    for properties in (
        {"mfa": "ON", "mfa_methods": ["TOTP", "SMS"], "sms": sms},
        {"mfa": "OPTIONAL", "mfa_methods": ["TOTP"]},
        {"mfa": "OFF"},
        {"mfa": "ON"},
    ):
        converge(aws, pool(**properties))


def test_no_factor_needs_text_messages_when_they_go(aws: AwsClient) -> None:
    sms = {"role": "arn:aws:iam::123456789012:role/sms", "external_id": "orders"}
    converge(aws, pool(mfa_methods=["SMS"], sms=sms))
    recorder = Recorder(aws)
    converge(recorder, pool(mfa_methods=["TOTP"]))
    names = [call.name.partition(":")[2] for call in recorder.changing]
    assert names == ["SetUserPoolMfaConfig", "UpdateUserPool", "SetUserPoolMfaConfig"]


def test_attributes_of_one_s_own_are_added_and_stay(aws: AwsClient) -> None:
    carry_out(aws, pool(attributes=[{"name": "plan"}]))
    recorder = Recorder(aws)
    converge(recorder, pool(attributes=[{"name": "plan"}, {"name": "visits", "type": "Number", "max": 9}]))
    assert [call.name for call in recorder.changing] == ["cognito-idp:AddCustomAttributes"]
    recorder = Recorder(aws)
    converge(recorder, pool(attributes=[]))
    assert recorder.changing == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"attributes": [{"name": "plan"}]}, {"attributes": [{"name": "plan", "type": "Number"}]}),
        ({"attributes": [{"name": "plan"}]}, {"attributes": [{"name": "plan", "max": 9}]}),
        ({}, {"attributes": [{"name": "email", "required": True}]}),
        ({}, {"username_attributes": ["email"]}),
        ({}, {"case_sensitive": True}),
    ],
)
def test_what_can_never_change_means_another_pool(
    aws: AwsClient, before: dict[str, Any], after: dict[str, Any]
) -> None:
    carry_out(aws, pool(**before))
    wanted = pool(**after)
    observed = wanted.read(aws)
    assert observed is not None
    changes = diff(KIND.spec, wanted.resource.properties, observed.properties)
    assert [change.forces_replacement for change in changes] == [True]
    assert KIND.spec.data_bearing


def test_a_pool_is_found_by_its_mark_among_others_of_its_name(aws: AwsClient) -> None:
    theirs = {"pipeline:service": "billing", "pipeline:environment": "dev"}
    aws.call(SERVICE, "CreateUserPool", PoolName="users", UserPoolTags=theirs)
    outputs = carry_out(aws, pool())
    assert pool_id(aws, pool()) == outputs["id"]
    mark = SCOPE.mark("cognito-idp.user_pool/users").tags()
    other = aws.call(SERVICE, "CreateUserPool", PoolName="users", UserPoolTags=mark)["UserPool"]["Id"]
    with pytest.raises(PipelineError, match=other):
        pool().read(aws)
    recorded = Target(pool().resource, {"id": outputs["id"]})
    assert KIND.read(aws, [recorded])[pool().address].outputs["id"] == outputs["id"]


def test_a_recorded_pool_that_is_gone_is_absent(aws: AwsClient) -> None:
    assert KIND.read(aws, [Target(pool().resource, {"id": "us-east-1_gone"})]) == {}


def test_a_deletion_that_was_agreed_to_lifts_the_protection(aws: AwsClient) -> None:
    wanted = pool(deletion_protection=True, auto_verified_attributes=["email"])
    carry_out(aws, wanted)
    observed = wanted.read(aws)
    assert observed is not None
    recorder = Recorder(aws)
    KIND.delete(recorder, observed)
    (lifted, _) = recorder.changing
    assert lifted.params["DeletionProtection"] == "INACTIVE"
    assert lifted.params["AutoVerifiedAttributes"] == ["email"]
    assert wanted.read(aws) is None


def test_a_domain_goes_with_its_pool(aws: AwsClient) -> None:
    """When a pool is replaced, its domain is still there: it is made again for the new one."""
    wanted = pool()
    outputs = carry_out(aws, wanted)
    aws.call(SERVICE, "CreateUserPoolDomain", UserPoolId=outputs["id"], Domain="orders-auth")
    observed = wanted.read(aws)
    assert observed is not None
    KIND.delete(aws, observed)
    assert wanted.read(aws) is None
    assert not aws.call(SERVICE, "DescribeUserPoolDomain", Domain="orders-auth").get("DomainDescription")


def test_a_trigger_is_invoked_through_its_alias_and_permitted_for_this_pool() -> None:
    case = pool(triggers={"pre_sign_up": "check", "custom_message": "check", "user_migration": "arn:aws:lambda:x"})
    triggers = case.resource.properties["triggers"]
    assert triggers["pre_sign_up"] == Expression((Reference("lambda.function/check", "arn"), ":live"))
    assert triggers["user_migration"] == "arn:aws:lambda:x"
    (permission,) = KIND.derive(case.resource, SCOPE)
    assert permission.address == "lambda.permission/check:cognito/users"
    assert permission.properties["principal"] == "cognito-idp.amazonaws.com"
    assert permission.properties["source_arns"] == [Expression((Reference(case.address, "arn"),))]


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        (
            {"username_attributes": ["email"], "alias_attributes": ["email"]},
            "a pool has username_attributes or alias_attributes, not both",
        ),
        ({"mfa_methods": ["SMS"]}, "text messages as second factor need sms"),
        ({"mfa_methods": ["EMAIL"]}, "mails as second factor need email"),
        ({"account_recovery": ["admin_only", "verified_email"]}, "admin_only leaves no other way"),
        ({"attributes": [{"name": "plan", "required": True}]}, "only standard attributes can be required"),
        ({"attributes": [{"name": "plan"}, {"name": "plan"}]}, "attribute plan is declared twice"),
        ({"attributes": [{"name": "plan", "min": 9, "max": 2}]}, "min 9 is more than max 2"),
        ({"attributes": [{"name": "plan", "type": "Boolean", "max": 2}]}, "a Boolean has no max"),
        ({"attributes": [{"name": "since", "type": "DateTime", "min": 2}]}, "a DateTime has no min"),
        ({"attributes": [{"name": "email", "type": "Number"}]}, "the standard attribute email is a String"),
        ({"attributes": [{"name": "email_verified"}]}, "the standard attribute email_verified is a Boolean"),
        (
            {"attributes": [{"name": f"a{number}"} for number in range(51)]},
            "51 attributes of your own; Cognito allows 50",
        ),
        ({"threat_protection": "AUDIT"}, "threat protection needs the tier PLUS"),
        ({"tier": "LITE", "password_policy": {"history": 3}}, "the LITE tier remembers no passwords"),
    ],
)
def test_what_cognito_would_refuse(properties: dict[str, Any], message: str) -> None:
    assert problems(**properties) == [message]


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"mfa": "OFF"}, "a stolen password is enough to sign in"),
        ({"password_policy": {"minimum_length": 8}}, "passwords of 8 characters are enough"),
        ({"case_sensitive": True}, "Ada@example.com and ada@example.com are two users"),
    ],
)
def test_weaker_pools_are_warned_about(properties: dict[str, Any], message: str) -> None:
    assert warnings(**properties) == [message]
