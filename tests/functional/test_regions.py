"""An environment in two regions: each with its own ledger and releases, and what AWS has once made by the first."""

import json
import re
import subprocess
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from pipeline.clients import AwsClient, connect
from tests.functional.support import KEYS, Service, actions, changing, roles_of
from tests.support.fault_proxy import FaultProxy

pytestmark = pytest.mark.slow

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
    assert roles_of(shop.aws()) == []
    for region in (HOME, AWAY):
        assert in_region(shop, region).pages("dynamodb", "ListTables", "TableNames") == [], region


def committed(service: Service) -> None:
    identity = ["-c", "user.name=dev", "-c", "user.email=dev@example.com", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "--quiet"], ["add", "."], [*identity, "commit", "--quiet", "--message", "change"]):
        subprocess.run(["git", "-C", str(service.root), *arguments], check=True)


def test_a_rollback_is_to_what_served_beside_it_in_each_region(shop: Service, proxy: FaultProxy) -> None:
    committed(shop)
    # A release of one region alone: from here on the numbers differ.
    assert shop.run("deploy", "--region", HOME).code == 0
    shop.replace("environments/test.env", "hello", "hello again")
    committed(shop)
    assert shop.run("deploy").code == 0
    shop.replace("environments/test.env", "hello again", "hello at last")
    committed(shop)
    assert shop.run("deploy").code == 0
    greeting = {region: in_region(shop, region) for region in (HOME, AWAY)}

    def greetings() -> dict[str, str]:
        found = {
            r: aws.call("lambda", "GetFunction", FunctionName="shop-orders", Qualifier="live")
            for r, aws in greeting.items()
        }
        return {r: each["Configuration"]["Environment"]["Variables"]["GREETING"] for r, each in found.items()}

    assert set(greetings().values()) == {"hello at last # not a comment"}
    assert {r: each["releases"][0]["release"] for r, each in by_region(shop.run("releases").json).items()} == {
        HOME: 3,
        AWAY: 2,
    }
    back = shop.run("rollback", "--to", "2")
    assert back.code == 0, back.err
    assert set(greetings().values()) == {"hello again # not a comment"}
    again = shop.run("rollback", "--to", "2")
    assert (again.code, {each["changed"] for each in again.json["regions"]}) == (0, {False}), "it is there already"
    too_early = shop.run("rollback", "--to", "1")
    assert too_early.code == 2
    assert f"back in {AWAY}: it has no release from when release 1 served in {HOME}" in too_early.err
    assert set(greetings().values()) == {"hello again # not a comment"}, "and the home region has not moved either"


def test_what_fails_in_one_region_leaves_the_later_ones_as_they_are(shop: Service, proxy: FaultProxy) -> None:
    proxy.fail("lambda:CreateFunction", "ValidationException", times=9, status=400)
    failed = shop.run("deploy")
    assert failed.code == 1
    assert failed.json["error"]["message"].startswith(f"{HOME}: ")
    assert failed.json["regions"] == []
    assert f"not begun after that: {AWAY}" in failed.err
    assert in_region(shop, AWAY).pages("dynamodb", "ListTables", "TableNames") == []


def test_another_region_waits_for_the_home_region(shop: Service, proxy: FaultProxy) -> None:
    refused = shop.run("deploy", "--region", AWAY)
    assert refused.code == 4
    assert "the home region makes it for all regions, and has not" in refused.err
    nowhere = shop.run("deploy", "--region", "us-east-2")
    assert nowhere.code == 2
    assert f"one of {HOME}, {AWAY}" in nowhere.err


def test_a_bootstrap_is_for_all_regions(shop: Service, proxy: FaultProxy) -> None:
    done = shop.run("bootstrap", "--repo", "acme/shop", "--yes")
    assert done.code == 0, done.err
    aws = shop.aws()
    buckets = sorted(bucket["Name"] for bucket in aws.call("s3", "ListBuckets")["Buckets"])
    assert buckets == [f"shop-test-pipeline-123456789012-{region}" for region in (HOME, AWAY)]
    documents = []
    for policy in aws.pages("iam", "ListPolicies", "Policies", Scope="Local"):
        version = aws.call("iam", "GetPolicyVersion", PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])
        documents.append(str(version["PolicyVersion"]["Document"]))
    for region in (HOME, AWAY):
        assert any(f"arn:aws:dynamodb:{region}:123456789012:table/shop-*" in document for document in documents), region
    assert any(f"'aws:RequestedRegion': ['{HOME}', '{AWAY}']" in document for document in documents)
    assert shop.run("bootstrap", "--repo", "acme/shop").json["changed"] is False


def test_previous_is_the_same_once_more_until_every_region_is_back_there(shop: Service, proxy: FaultProxy) -> None:
    """Whether a region had not begun or not ended; once all are there, it is the one before that."""
    for timeout in (10, 11):
        shop.edit("aws/lambda/functions.yaml", partial(re.sub, "timeout: 1.", f"timeout: {timeout}"))
        committed(shop)
        assert shop.run("deploy").code == 0

    def restored() -> list[int]:
        return [each["releases"][0]["restores"] for each in shop.run("releases").json["regions"]]

    assert shop.run("rollback", "--to", "previous", "--region", HOME).code == 0
    assert restored() == [1, None], "as when the other region broke at once"
    proxy.fail("lambda:UpdateFunctionConfiguration", "InvalidParameterValueException", "no", times=None, status=400)
    broken = shop.run("rollback", "--to", "previous")
    assert (broken.code, restored()) == (1, [1, 1]), broken.err
    proxy.reset()
    ended = shop.run("rollback", "--to", "previous")
    assert (ended.code, restored()) == (0, [1, 1]), ended.err
    assert [each["changed"] for each in ended.json["regions"]] == [False, True]
    assert shop.run("rollback", "--to", "previous").code == 2, "all of them are there, and before that there is none"


def test_a_saved_plan_of_all_regions_is_applied_in_each(shop: Service, proxy: FaultProxy) -> None:
    assert shop.run("deploy").code == 0
    shop.replace("environments/test.env", "hello", "hello again")
    plan = shop.root.parent / "plan.json"
    assert shop.run("plan", "--out", str(plan)).code == 0
    assert [each["region"] for each in json.loads(plan.read_text())["regions"]] == [HOME, AWAY]
    done = shop.run("deploy", "--plan", str(plan))
    assert (done.code, [each["release"] for each in done.json["regions"]]) == (0, [2, 2]), done.err
    assert shop.run("plan", "--out", str(plan), "--region", HOME).code == 0
    refused = shop.run("deploy", "--plan", str(plan))
    assert refused.code == 2
    assert f"{plan} holds no plan of {AWAY}" in refused.err


def test_nothing_is_steered_where_nothing_is_under_way(shop: Service, proxy: FaultProxy) -> None:
    assert shop.run("deploy").code == 0
    refused = shop.run("abort")
    assert refused.code == 4
    assert "no release is being rolled out" in refused.json["error"]["message"]
