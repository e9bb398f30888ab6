"""What a plan needs is asked of the simulator, with what AWS checks behind calls and what requests say of them."""

from collections.abc import Mapping
from typing import Any

import pytest

from pipeline.diagnosing.checks.permissions import needed, principal_of
from pipeline.model.plan import Action, Change, Origin
from pipeline.model.resource import Resource
from tests.diagnosing.support import ROLE, create, declared, found, patient
from tests.support.aws import ACCOUNT
from tests.support.fake_transport import refused

TABLE = declared("dynamodb.table", "orders-list", partition_key="id")
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0f0e0d0c-0b0a-4908-8706-050403020100"
LAYER = "arn:aws:lambda:us-east-1:017000801446:layer:AWSLambdaPowertoolsPythonV3-python313-x86_64:7"
ACL = f"arn:aws:wafv2:us-east-1:{ACCOUNT}:global/webacl/site/473e64fd-f30b-4765-81a0-62ad96dd167a"


def identity(arn: str) -> dict[str, Any]:
    return {"sts:GetCallerIdentity": {"Account": ACCOUNT, "Arn": arn, "UserId": "x"}}


class Simulator:
    """Denies some actions; remembers what it was asked."""

    def __init__(self, *denied: str, details: Mapping[str, str] | None = None) -> None:
        self.denied, self.details = denied, details
        self.asked: list[Mapping[str, Any]] = []

    def __call__(self, params: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append(params)
        results = [
            {"EvalActionName": action, "EvalDecision": "implicitDeny" if action in self.denied else "allowed"}
            for action in params["ActionNames"]
        ]
        return {"EvaluationResults": [{**one, "EvalDecisionDetails": self.details or {}} for one in results]}

    def context(self, action: str) -> dict[str, str]:
        (asked,) = (one for one in self.asked if action in one["ActionNames"])
        return {one["ContextKeyName"]: one["ContextKeyValues"][0] for one in asked["ContextEntries"]}


def test_actions_that_the_plan_needs_and_the_role_lacks_are_named() -> None:
    asked: list[Any] = []

    def simulate(params: Any) -> dict[str, Any]:
        asked.append(params)
        denied = ("dynamodb:CreateTable",)
        results = [
            {"EvalActionName": action, "EvalDecision": "implicitDeny" if action in denied else "allowed"}
            for action in params["ActionNames"]
        ]
        return {"EvaluationResults": results}

    (one,) = found(
        "permissions", patient(TABLE, replies={"iam:SimulatePrincipalPolicy": simulate}, changes=(create(TABLE),))
    )
    assert one.severity == "error"
    assert one.evidence[-1] == "dynamodb:CreateTable"
    assert asked[0]["PolicySourceArn"] == f"arn:aws:iam::{ACCOUNT}:role/orders-dev-deploy"
    table = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/orders-list"
    assert asked[0]["ResourceArns"] == [table, f"{table}/*"]
    assert found("permissions", patient(TABLE)) == [], "nothing is planned"
    planning = identity(ROLE.replace("-deploy/", "-plan/")) | {"iam:SimulatePrincipalPolicy": simulate}
    found("permissions", patient(TABLE, replies=planning, changes=(create(TABLE),)))
    assert asked[-1]["PolicySourceArn"].endswith(":role/orders-dev-deploy"), "it is the one that will do it"


@pytest.mark.parametrize(
    ("arn", "principal"),
    [
        ("arn:aws:sts::1:assumed-role/ci/session", "arn:aws:iam::1:role/ci"),
        ("arn:aws-cn:sts::1:assumed-role/a/b/session", "arn:aws-cn:iam::1:role/a/b"),
        ("arn:aws:iam::1:user/ada", "arn:aws:iam::1:user/ada"),
        ("arn:aws:iam::1:root", None),
    ],
)
def test_sessions_are_asked_about_as_their_role(arn: str, principal: str | None) -> None:
    assert principal_of(arn) == principal


def test_what_is_deleted_needs_leave_too() -> None:
    gone = Change("sns.topic/orders-old", Action.DELETE, Origin.GIT)
    asked = needed(patient(changes=(gone,)))
    assert {question.arns: actions for question, actions in asked.items()} == {
        (f"arn:aws:sns:us-east-1:{ACCOUNT}:orders-old",): {"sns:DeleteTopic"}
    }


def test_what_a_request_says_of_itself_is_told_or_refusals_that_depend_on_it_would_hold() -> None:
    role = declared(
        "iam.role", "orders-a", trust={"services": ["lambda"]}, permissions_boundary="arn:aws:iam::1:policy/b"
    )
    simulator = Simulator()
    found(
        "permissions",
        patient(replies={"iam:SimulatePrincipalPolicy": simulator}, changes=(create(TABLE), create(role))),
    )
    assert simulator.context("dynamodb:CreateTable") == {"aws:RequestedRegion": "us-east-1"}
    assert simulator.context("iam:CreateRole")["iam:PermissionsBoundary"] == "arn:aws:iam::1:policy/b"


def test_what_aws_checks_behind_a_call_is_asked_too() -> None:
    function = declared(
        "lambda.function", "orders-a", runtime="python3.13", role="orders-role", kms_key=KEY, layers=[LAYER]
    )
    distribution = Resource("cloudfront.distribution", "site", {"web_acl": ACL})
    asked = needed(patient(function, changes=(create(function), create(distribution))))
    by_action = {action: (one.arns, dict(one.context)) for one, actions in asked.items() for action in actions}
    assert by_action["kms:CreateGrant"] == (
        (KEY,), {"kms:ViaService": "lambda.us-east-1.amazonaws.com", "aws:RequestedRegion": "us-east-1"}
    )  # fmt: skip
    passed, context = by_action["iam:PassRole"]
    assert f"arn:aws:iam::{ACCOUNT}:role/orders-role" in passed, "by its very name"
    assert context["iam:PassedToService"] == "lambda.amazonaws.com"
    assert ((LAYER,), {"lambda:GetLayerVersion"}) in [(one.arns, actions) for one, actions in asked.items()]
    assert by_action["wafv2:GetWebACL"] == ((ACL,), {"aws:RequestedRegion": "us-east-1"})
    assert not [action for action in by_action if "*" in action], "the simulator takes no patterns"


def test_a_site_uses_the_key_of_its_bucket() -> None:
    bucket = declared("s3.bucket", "orders-site", encryption="aws:kms", kms_key=KEY)
    site = Resource("s3.site", "site", {"bucket": "orders-site"})
    asked = needed(patient(bucket, site, changes=(create(site),)))
    (key,) = (one for one, actions in asked.items() if "kms:GenerateDataKey" in actions)
    assert (key.arns, dict(key.context)["kms:ViaService"]) == ((KEY,), "s3.us-east-1.amazonaws.com")


def test_a_role_that_aws_may_have_already_is_a_warning() -> None:
    pool = Resource("cognito-idp.user_pool", "orders", {"email": {"source_arn": "arn:aws:ses:us-east-1:1:identity/a"}})
    simulator = Simulator("iam:CreateServiceLinkedRole")
    (one,) = found("permissions", patient(replies={"iam:SimulatePrincipalPolicy": simulator}, changes=(create(pool),)))
    assert (one.severity, one.evidence[-1]) == ("warning", "iam:CreateServiceLinkedRole")
    assert "iam:AWSServiceName email.cognito-idp.amazonaws.com" in one.evidence


@pytest.mark.parametrize(("own", "denied"), [("allowed", False), ("implicitDeny", True), ("explicitDeny", True)])
def test_of_what_another_account_has_only_the_own_part_is_known(own: str, denied: bool) -> None:
    function = declared("lambda.function", "orders-a", runtime="python3.13", layers=[LAYER])
    simulator = Simulator("lambda:GetLayerVersion", details={"IAM policy": own, "Resource policy": "implicitDeny"})
    replies = {"iam:SimulatePrincipalPolicy": simulator}
    findings = found("permissions", patient(function, replies=replies, changes=(create(function),)))
    assert any("lambda:GetLayerVersion" in one.evidence for one in findings) is denied


@pytest.mark.parametrize(
    ("reply", "asked"),
    [
        (
            {"Role": {"Arn": "arn:aws:iam::1:role/aws-reserved/sso.amazonaws.com/Admin"}},
            "aws-reserved/sso.amazonaws.com/Admin",
        ),
        (refused("iam:GetRole", "AccessDenied", "no"), "Admin"),
    ],
)
def test_the_path_of_a_role_is_looked_up_where_that_is_allowed(reply: Any, asked: str) -> None:
    simulator = Simulator()
    replies = identity("arn:aws:sts::1:assumed-role/Admin/ada") | {
        "iam:GetRole": reply, "iam:SimulatePrincipalPolicy": simulator,
    }  # fmt: skip
    found("permissions", patient(replies=replies, changes=(create(TABLE),)))
    assert {one["PolicySourceArn"] for one in simulator.asked} == {f"arn:aws:iam::1:role/{asked}"}
