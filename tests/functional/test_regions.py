"""An environment in two regions: each with its own ledger and releases, and what AWS has once made by the first."""

from collections.abc import Mapping
from typing import Any

import pytest

from pipeline.clients import AwsClient, connect
from tests.functional.support import KEYS, Service, actions, changing
from tests.support.fault_proxy import FaultProxy

HOME, AWAY = "eu-west-1", "us-east-1"
ROLE, BUCKET = "iam.role/shop-test-runner", "s3.bucket/shop-test-receipts-123456789012"
ADDED = f"iam.role_policy/shop-test-runner:Orders-{AWAY}"


@pytest.fixture
def shop(shop: Service) -> Service:
    """The same service in two regions."""
    shop.replace("environments/test.env", "AWS_REGION=eu-west-1", f"AWS_REGIONS={HOME}, {AWAY}")
    return shop


def by_region(document: Mapping[str, Any]) -> dict[str, Any]:
    assert document["environment"] == "test"
    return {each["region"]: each for each in document["regions"]}


def in_region(service: Service, region: str) -> AwsClient:
    return connect(region, environment={"AWS_ENDPOINT_URL": service.endpoint, **KEYS})


def policies(service: Service) -> dict[str, Any]:
    aws = service.aws()
    names = aws.pages("iam", "ListRolePolicies", "PolicyNames", RoleName="shop-test-runner")
    found = {n: aws.call("iam", "GetRolePolicy", RoleName="shop-test-runner", PolicyName=n) for n in names}
    return {name: each["PolicyDocument"]["Statement"][0]["Resource"] for name, each in found.items()}


def test_a_service_lives_in_two_regions(shop: Service, proxy: FaultProxy) -> None:
    plan = shop.run("plan")
    assert plan.code == 0, plan.err
    planned = by_region(plan.json)
    assert list(planned) == [HOME, AWAY]
    assert {ROLE, BUCKET} <= set(actions(planned[HOME])), "the home region makes what there is once"
    assert not {ROLE, BUCKET} & set(actions(planned[AWAY]))
    assert ADDED in actions(planned[AWAY])
    assert all("blockers" not in each or not each["blockers"] for each in planned.values())

    deployed = shop.run("deploy")
    assert deployed.code == 0, deployed.err
    assert {r: (each["release"], each["environment"]) for r, each in by_region(deployed.json).items()} == {
        HOME: (1, "test"),
        AWAY: (1, "test"),
    }
    calls = [call.name for call in proxy.calls]
    assert calls.count("iam:CreateRole") == 1
    for region in (HOME, AWAY):
        tables = in_region(shop, region).pages("dynamodb", "ListTables", "TableNames")
        assert tables == ["shop-orders"], region
    table = "arn:aws:dynamodb:{}:123456789012:table/shop-orders"
    assert policies(shop) == {"Orders": [table.format(HOME)], f"Orders-{AWAY}": [table.format(AWAY)]}
    buckets = [bucket["Name"] for bucket in shop.aws().call("s3", "ListBuckets")["Buckets"]]
    assert sorted(buckets) == [
        f"shop-test-pipeline-123456789012-{HOME}",
        f"shop-test-pipeline-123456789012-{AWAY}",
        "shop-test-receipts-123456789012",
    ]

    proxy.reset()
    again = shop.run("deploy")
    assert again.code == 0, again.err
    assert changing(proxy) == []
    assert shop.run("drift", "--detailed-exitcode").code == 0

    in_region(shop, AWAY).call("lambda", "UpdateFunctionConfiguration", FunctionName="shop-orders", MemorySize=1024)
    drifted = shop.run("drift", "--detailed-exitcode")
    assert drifted.code == 3
    assert {region: each["summary"]["drift"] for region, each in by_region(drifted.json).items()} == {HOME: 0, AWAY: 1}
    alone = shop.run("drift", "--detailed-exitcode", "--region", HOME)
    assert (alone.code, alone.json["region"]) == (0, HOME), "one region gives the document of one"

    refused = shop.run("destroy", "--region", HOME, "--include-data")
    assert refused.code == 4
    assert f"{AWAY} still has" in refused.json["error"]["message"]

    proxy.reset()
    gone = shop.run("destroy", "--include-data")
    assert gone.code == 0, gone.err
    assert list(by_region(gone.json)) == [AWAY, HOME]
    assert [call.name for call in proxy.calls].count("iam:DeleteRole") == 1
    assert shop.aws().pages("iam", "ListRoles", "Roles") == []
    for region in (HOME, AWAY):
        assert in_region(shop, region).pages("dynamodb", "ListTables", "TableNames") == [], region
