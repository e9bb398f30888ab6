"""What no release of the rollback window needs is removed after a deploy; nothing else is, and nothing hinders one."""

from typing import Any

import pytest

from tests.functional.killing import Killer
from tests.functional.support import LEDGER, Service, ledger_document, ledger_keys
from tests.support.fault_proxy import FaultProxy

pytestmark = pytest.mark.slow


@pytest.fixture
def brief(shop: Service) -> Service:
    """A service that keeps two releases, however young the others are."""
    shop.edit("pipeline.yaml", lambda text: text + "retention: {releases: 2, days: 0}\n")
    assert shop.run("deploy").code == 0
    return shop


def release(shop: Service, number: int) -> Any:
    """Release `number`: new code, which both functions have."""
    shop.edit("code/handlers/stock.py", f"def handle(event, context):\n    return {number}\n")
    result = shop.run("deploy")
    assert result.code == 0, result.err
    return result.json


NOTHING = {"versions": 0, "layers": 0, "guardrails": 0, "deployments": 0, "objects": 0, "problems": []}


def versions(shop: Service, name: str = "shop-stock") -> list[str]:
    found = shop.aws().pages("lambda", "ListVersionsByFunction", "Versions", FunctionName=name)
    return [version["Version"] for version in found if version["Version"] != "$LATEST"]


def archives(shop: Service) -> list[str]:
    return [key for key in ledger_keys(shop) if key.startswith("artifacts/")]


def test_what_left_the_window_goes_and_what_is_inside_can_serve_again(brief: Service) -> None:
    second = release(brief, 2)
    assert second["pruned"] == NOTHING
    third = release(brief, 3)
    assert (third["pruned"]["versions"], third["pruned"]["objects"], third["pruned"]["problems"]) == (2, 1, [])
    assert (versions(brief), versions(brief, "shop-orders")) == (["2", "3"], ["2", "3"])
    assert len([key for key in ledger_keys(brief) if key.startswith("artifacts/")]) == 3, "two codes and a layer"
    assert [entry["release"] for entry in ledger_document(brief, "window.json")["releases"]] == [2, 3]
    refused = brief.run("rollback", "--to", "1")
    assert refused.code == 4
    assert "version 1 is gone" in refused.err
    assert "a release that can serve again: 2 (" in refused.err
    back = brief.run("rollback", "--to", "2")
    assert back.code == 0, back.err
    live = brief.aws().call("lambda", "GetFunction", FunctionName="shop-stock", Qualifier="live")["Configuration"]
    assert live["Description"].startswith("release 2")


def test_what_any_alias_is_on_and_what_somebody_else_published_stays(brief: Service) -> None:
    aws = brief.aws()
    aws.call("lambda", "CreateAlias", FunctionName="shop-stock", Name="mine", FunctionVersion="1")
    aws.call("lambda", "UpdateFunctionConfiguration", FunctionName="shop-stock", MemorySize=512)
    aws.call("lambda", "PublishVersion", FunctionName="shop-stock", Description="by hand")
    release(brief, 2)
    mine = {"FunctionName": "shop-orders", "Name": "mine"}
    weights = {"AdditionalVersionWeights": {"1": 0.1}}
    aws.call("lambda", "CreateAlias", FunctionVersion="2", RoutingConfig=weights, **mine)
    assert release(brief, 3)["pruned"]["problems"] == []
    assert (versions(brief), versions(brief, "shop-orders")) == (["1", "2", "3", "4"], ["1", "2", "3"])


def test_what_any_stage_is_on_stays(brief: Service) -> None:
    first = ledger_document(brief, "current.json")
    api, deployment = first["outputs"]["apigateway.rest_api/shop-test"]["id"], first["apis"]["shop-test"]["deployment"]
    aws = brief.aws()
    aws.call("apigateway", "CreateStage", restApiId=api, stageName="mine", deploymentId=deployment)
    brief.replace("aws/api-gateway/api.yml", "methods: [GET, POST, OPTIONS]", "methods: [GET, OPTIONS]")
    assert brief.run("deploy").code == 0
    brief.replace("aws/api-gateway/api.yml", "methods: [GET, OPTIONS]", "methods: [OPTIONS]")
    third = brief.run("deploy").json
    assert third["pruned"] == NOTHING
    brief.replace("aws/api-gateway/api.yml", "methods: [OPTIONS]", "methods: [POST]")
    assert brief.run("deploy").json["pruned"]["deployments"] == 1, "the second one alone"
    there = {found["id"] for found in aws.pages("apigateway", "GetDeployments", "items", restApiId=api)}
    assert {deployment, third["apis"]["shop-test"]["deployment"]} < there


def test_a_refusal_is_told_and_tried_again(brief: Service, proxy: FaultProxy) -> None:
    release(brief, 2)
    proxy.fail("lambda:DeleteFunction", "AccessDeniedException", "not authorized to perform: lambda:DeleteFunction")
    third = release(brief, 3)
    assert third["pruned"]["versions"] == 1
    (problem,) = third["pruned"]["problems"]
    assert "removing version 1 of shop-" in problem
    assert "not authorized" in problem
    proxy.reset()
    assert brief.run("deploy").json["changed"] is False
    assert release(brief, 4)["pruned"]["versions"] == 3
    assert (versions(brief), versions(brief, "shop-orders")) == (["3", "4"], ["3", "4"])


def test_what_is_left_goes_by_schedule_too(brief: Service, proxy: FaultProxy) -> None:
    proxy.fail("lambda:DeleteFunction", "AccessDeniedException", "not now", times=2)
    release(brief, 2)
    assert len(release(brief, 3)["pruned"]["problems"]) == 2
    assert "pruned" not in brief.run("resume").json, "people who resume wait for nothing else"
    swept = brief.run("resume", "--due")
    assert (swept.code, swept.json["pruned"]["versions"]) == (0, 2)
    assert (versions(brief), ledger_document(brief, "lock.json")["outcome"]) == (["2", "3"], "succeeded")
    begun = len(ledger_keys(brief))
    assert "pruned" not in brief.run("resume", "--due").json
    assert len(ledger_keys(brief)) == begun, "with nothing to do, nothing is written"


def test_killed_while_clearing_away_it_is_continued_and_nothing_is_deployed(brief: Service, proxy: FaultProxy) -> None:
    release(brief, 2)
    proxy.fail("lambda:DeleteFunction", "AccessDeniedException", "not now", times=2)
    release(brief, 3)
    brief.edit("code/handlers/stock.py", "def handle(event, context):\n    return 4\n")
    proxy.reset()
    Killer(proxy, 3).run(brief, "resume", "--due")
    proxy.reset()
    assert ledger_document(brief, "lock.json")["held"]
    continued = brief.run("resume")
    assert (continued.code, continued.json["resumed"]["kind"], continued.json["changed"]) == (0, "sweep", False)
    assert (versions(brief), ledger_document(brief, "current.json")["release"]) == (["2", "3"], 3)


@pytest.mark.parametrize("lost", ["all of it", "one release"])
def test_a_window_that_lacks_something_is_made_of_the_releases(brief: Service, proxy: FaultProxy, lost: str) -> None:
    if lost == "all of it":
        release(brief, 2)
        brief.aws().call("s3", "DeleteObject", Bucket=LEDGER, Key="window.json")
    else:
        proxy.fail("s3:PutObject */window.json", "AccessDenied", status=403)
        assert "looking for what is no longer needed" in release(brief, 2)["pruned"]["problems"][0]
        assert ledger_document(brief, "lock.json")["outcome"] == "succeeded"
    assert release(brief, 3)["pruned"]["versions"] == 2
    assert versions(brief) == ["2", "3"]
