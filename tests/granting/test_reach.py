"""Where the policies allow something: no further than what it is for, as AWS's own reference has it."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from pipeline.granting.account import Account
from pipeline.granting.knowledge import knowledge
from pipeline.granting.needs import Needs
from pipeline.granting.trust import Repository
from pipeline.model.resource import Resource
from tests.granting.authorizing import table
from tests.granting.everything import everything
from tests.support.aws import SCOPE

KNOWN = knowledge()
# ARNs of these have no account in them, and those of the second row no region.
NO_ACCOUNT = {"apigateway", "route53", "s3"}
NO_REGION = {"cloudfront", "iam", "route53", "s3"}
# Their ids are AWS's choice; so nothing in an ARN tells one service's from another's.
IDS_OF_AWS = {
    "acm.certificate", "apigateway.domain_name", "apigateway.rest_api", "apigatewayv2.api", "apigatewayv2.domain_name",
    "apigatewayv2.http_api", "application-autoscaling.scalable_target", "bedrock.guardrail",
    "bedrock.model_invocation_logging", "cloudfront.cache_policy", "cloudfront.distribution",
    "cloudfront.origin_access_control", "cloudfront.response_headers_policy", "cognito-idp.user_pool",
    "cognito-idp.user_pool_client", "cognito-idp.user_pool_domain", "route53.hosted_zone", "route53.record",
}  # fmt: skip
# A certificate of CloudFront is in us-east-1, and dashboards are of no region.
ANY_REGION = {"acm.certificate": "*", "cloudwatch.dashboard": ""}


@pytest.mark.parametrize(("kind", "pattern"), [(k, p) for k, found in KNOWN.rules["resources"].items() for p in found])
def test_a_type_s_resources_are_those_of_this_account_region_and_name(kind: str, pattern: str) -> None:
    service, region, account, rest = pattern.split(":", 3)
    assert account == ("" if service in NO_ACCOUNT else "{account}")
    if service not in NO_REGION:
        assert region == ANY_REGION.get(kind, "{region}")
    if kind == "lambda.event_source_mapping" and rest.startswith("event-source-mapping:"):
        return  # an id of AWS's, beside the function
    assert kind in IDS_OF_AWS or re.search(r"\{\w+\}", rest), "its resources can be told by their names"


def operations(of_service: Mapping[str, Any], place: str) -> set[str]:
    names = of_service.get("actions", {})
    return {names.get(one, one) for one in of_service["on"].get(place, ())}


def granted() -> tuple[set[str], set[str]]:
    """What the role that deploys may do: (on everything, on named resources)."""
    found = [one for one in (*everything().reading, *everything().changing) if one["Effect"] == "Allow"]
    anywhere = {action for one in found if one["Resource"] == ["*"] for action in one["Action"]}
    return anywhere, {action for one in found if one["Resource"] != ["*"] for action in one["Action"]}


def test_what_aws_authorizes_for_everything_is_allowed_there_and_nothing_else_is() -> None:
    anywhere, named = granted()
    free = {f"{prefix}:{name}" for prefix, one in table().items() for name in operations(one, "*")}
    scoped = {
        f"{prefix}:{name}" for prefix, one in table().items() for place in one["on"] if place != "*"
        for name in operations(one, place)
    }  # fmt: skip
    assert (named - anywhere) & (free - scoped) == set(), "AWS refuses these on a resource"
    # Alarms are described together, which AWS asks for on alarm:*.
    assert anywhere & (scoped - free) == {"cloudwatch:DescribeAlarms"}


def test_who_deploys_cannot_widen_what_functions_may() -> None:
    boundary = SCOPE.arn("iam", "policy/orders-functions-boundary", regional=False)
    role = Resource("iam.role", "orders-runner", {"permissions_boundary": boundary})
    policy = Resource("iam.policy", "orders-shared", {})
    account = Account(Needs(SCOPE, (role, policy), "ledger"), Repository("acme", "orders"), "dev")
    allowed = [one for one in account.needs.changing if "iam:CreatePolicyVersion" in one["Action"]]
    assert any("policy/orders-*" in arn for one in allowed for arn in one["Resource"]), "the prefix covers it"
    limits = {one["Sid"]: one for one in account.documents()["orders-dev-boundary"]["Statement"]}
    assert boundary in limits["NotItself"]["Resource"]
    assert limits["NotItself"]["Effect"] == "Deny"
