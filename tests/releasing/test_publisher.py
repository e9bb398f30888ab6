"""Publishing and serving: nothing without need, functions before APIs, and carried on after any death."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from moto import mock_aws

from pipeline.model.release import Release
from pipeline.model.resource import Resource
from pipeline.model.values import Outputs
from pipeline.releasing.publisher import Published, Publisher
from pipeline.resources import _rest_stage as stages
from pipeline.resources._lambda_properties import code_sha256
from pipeline.resources._rest_definition import definition_digest
from pipeline.resources.base import Aws
from tests.contract.conftest import Account
from tests.contract.prerequisites import archive_digest, archive_place, of
from tests.resources import apis, functions
from tests.support.aws import SCOPE, FakeClock, local_client
from tests.support.faults import Crash, CrashAfter, Recorder
from tests.support.moto_extension import register

register()

Change = tuple[Callable[[], Sequence[Resource]], str]


@pytest.fixture
def aws(aws_environment: None) -> Iterator[Recorder]:
    with mock_aws():
        client = local_client(FakeClock())
        client.scope = SCOPE
        client.artifacts = archive_place
        of("lambda.function").prepare(client)
        yield Recorder(client)


def function(name: str, code: int = 0, **properties: Any) -> Resource:
    return functions.function(name, archive_digest(code), **{"role": functions.ROLE, **properties})


def service(code: int = 0, *endpoints: Mapping[str, Any], **properties: Any) -> list[Resource]:
    """Two functions and an API before them."""
    return [
        function("orders-list", code, **properties),
        function("orders-show", **properties),
        apis.api(*(endpoints or (apis.LIST, apis.SHOW))),
    ]


def bring(aws: Aws, resource: Resource) -> tuple[Outputs, bool]:
    """Applies one resource; its outputs, and whether anything was done."""
    module = functions if resource.type == "lambda.function" else apis
    observed = module.kind().read(aws, [functions.target(resource)]).get(resource.address)
    changed = observed is None or bool(module.differing(resource, observed))
    return module.bring(aws, resource), changed


def deploy(aws: Aws, desired: Sequence[Resource], previous: Release | None = None) -> Published:
    """One run: applies everything, then publishes and serves it."""
    outputs, changed = {}, set()
    for resource in desired:
        outputs[resource.address], done = bring(aws, resource)
        changed |= {resource.address} if done else set()
    return Publisher(aws).release(desired, outputs, changed, previous)


def released(published: Published, number: int = 1) -> Release:
    return Release(
        number, "orders", "dev", SCOPE.region, SCOPE.account, None, "2026-11-24T09:00:00Z", "me", "run",
        functions=published.functions, apis=published.apis,
    )  # fmt: skip


def serving(aws: Recorder, published: Published) -> dict[str, str]:
    """What callers get, from AWS itself."""
    aliases = {
        name: aws.inner.call("lambda", "GetAlias", FunctionName=name, Name="live")["FunctionVersion"]
        for name in published.functions
    }
    api = published.outputs["apigateway.rest_api/orders-api"]
    stage = aws.inner.call("apigateway", "GetStage", restApiId=api["id"], stageName=api["stage"])
    return {**aliases, "orders-api": stage["deploymentId"]}


def moves(aws: Recorder) -> list[str]:
    """What was made and what callers notice; the alias that remembers what served before is neither."""
    changing = ("UpdateAlias", "UpdateStage", "CreateDeployment", "PublishVersion")
    noticed = [call for call in aws.calls if call.params.get("Name") != "previous"]
    return [call.name.partition(":")[2] for call in noticed if call.name.endswith(changing)]


def before(aws: Recorder, name: str) -> str | None:
    """What the alias `previous` remembers."""
    found = aws.inner.found("lambda", "GetAlias", FunctionName=name, Name="previous")
    return str(found["FunctionVersion"]) if found else None


def test_the_first_release_serves_what_was_made(aws: Recorder) -> None:
    published = deploy(aws, service())
    deployment = published.outputs["apigateway.rest_api/orders-api"]["deployment"]
    assert published.functions == {
        "orders-list": {"version": "1", "previous": None, "code_sha256": code_sha256(archive_digest(0))},
        "orders-show": {"version": "1", "previous": None, "code_sha256": code_sha256(archive_digest(0))},
    }
    assert published.apis == {"orders-api": {"deployment": deployment, "previous": None}}
    assert serving(aws, published) == {"orders-list": "1", "orders-show": "1", "orders-api": deployment}


def test_what_was_just_made_is_not_moved(aws: Recorder) -> None:
    deploy(aws, service())
    made = ["PublishVersion", "PublishVersion", "CreateDeployment", "UpdateStage"]
    assert moves(aws) == made, "the first versions, the deployment and the settings of the new stage"


def test_without_a_change_no_call_is_made(aws: Recorder) -> None:
    desired = service()
    first = deploy(aws, desired)
    aws.calls.clear()
    again = Publisher(aws).release(desired, first.outputs, set(), released(first))
    assert aws.calls == []
    assert again.functions["orders-list"] == {
        "version": "1",
        "previous": "1",
        "code_sha256": code_sha256(archive_digest(0)),
    }
    assert again.apis["orders-api"]["previous"] == again.apis["orders-api"]["deployment"]


def test_new_code_moves_one_alias(aws: Recorder) -> None:
    first = deploy(aws, service())
    aws.calls.clear()
    second = deploy(aws, service(1), released(first))
    assert moves(aws) == ["PublishVersion", "UpdateAlias"]
    assert second.functions["orders-list"] == {
        "version": "2",
        "previous": "1",
        "code_sha256": code_sha256(archive_digest(1)),
    }
    assert second.outputs["lambda.function/orders-list"]["version"] == "2"
    assert serving(aws, second)["orders-list"] == "2"
    assert serving(aws, second)["orders-show"] == "1"


def test_the_alias_previous_is_on_what_served_before(aws: Recorder) -> None:
    first = deploy(aws, service())
    assert before(aws, "orders-list") is None
    second = deploy(aws, service(1), released(first))
    assert (before(aws, "orders-list"), before(aws, "orders-show")) == ("1", None)
    deploy(aws, service(0, memory=1024), released(second, 2))
    assert (before(aws, "orders-list"), before(aws, "orders-show")) == ("2", "1")


def test_a_run_that_is_carried_on_remembers_what_served_before_both(aws: Recorder) -> None:
    """The run that died had moved the pointers, so that nothing moves any more."""
    first = released(deploy(aws, service()))
    deploy(aws, service(1))
    outputs = {resource.address: bring(aws, resource)[0] for resource in service(1)}
    Publisher(aws).release(service(1), outputs, set(), first, carried_on=True)
    assert before(aws, "orders-list") == "1"


def test_weights_are_cleared_with_the_move(aws: Recorder) -> None:
    deploy(aws, service())
    deploy(aws, service(1))
    update = next(call for call in aws.calls if call.name == "lambda:UpdateAlias")
    assert update.params["RoutingConfig"] == {"AdditionalVersionWeights": {}}


def test_a_new_definition_is_deployed_and_served_after_the_functions(aws: Recorder) -> None:
    first = deploy(aws, service())
    aws.calls.clear()
    desired = service(1, apis.LIST)
    second = deploy(aws, desired, released(first))
    assert moves(aws) == ["PublishVersion", "CreateDeployment", "UpdateAlias", "UpdateStage"]
    assert second.apis["orders-api"]["previous"] == first.apis["orders-api"]["deployment"]
    outputs = second.outputs["apigateway.rest_api/orders-api"]
    assert outputs["definition"] == definition_digest(desired[2].properties)
    assert serving(aws, second)["orders-api"] == outputs["deployment"] != first.apis["orders-api"]["deployment"]


def test_a_definition_that_comes_back_needs_no_new_deployment(aws: Recorder) -> None:
    first = deploy(aws, service())
    deploy(aws, service(0, apis.LIST))
    aws.calls.clear()
    third = deploy(aws, service())
    assert third.apis["orders-api"]["deployment"] == first.apis["orders-api"]["deployment"]
    assert moves(aws) == ["UpdateStage"]


def test_other_changes_of_an_api_deploy_nothing(aws: Recorder) -> None:
    deploy(aws, service())
    aws.calls.clear()
    changed = apis.api(tags={"team": "shop"}, throttling={"rate": 1, "burst": 1})
    deploy(aws, [*service()[:2], changed])
    assert "CreateDeployment" not in moves(aws)


def test_an_alias_that_was_moved_by_hand_is_put_back(aws: Recorder) -> None:
    deploy(aws, service())
    second = deploy(aws, service(1))
    aws.call("lambda", "UpdateAlias", FunctionName="orders-list", Name="live", FunctionVersion="1")
    third = deploy(aws, service(1), released(second))
    assert third.functions["orders-list"]["version"] == "2"
    assert serving(aws, third)["orders-list"] == "2"


def test_a_stage_that_was_moved_by_hand_is_put_back(aws: Recorder) -> None:
    first = deploy(aws, service())
    second = deploy(aws, service(0, apis.LIST))
    api_id = second.outputs["apigateway.rest_api/orders-api"]["id"]
    operations = [{"op": "replace", "path": "/deploymentId", "value": first.apis["orders-api"]["deployment"]}]
    aws.call("apigateway", "UpdateStage", restApiId=api_id, stageName="dev", patchOperations=operations)
    aws.calls.clear()
    third = deploy(aws, service(0, apis.LIST), released(second))
    assert serving(aws, third)["orders-api"] == second.apis["orders-api"]["deployment"]
    assert "CreateDeployment" not in moves(aws)


def test_a_version_that_nobody_told_is_published(aws: Recorder) -> None:
    resource = function("orders-list")
    outputs = {k: v for k, v in bring(aws, resource)[0].items() if k != "latest"}
    aws.calls.clear()
    published = Publisher(aws).release([resource], {resource.address: outputs}, {resource.address}, None)
    assert moves(aws) == ["PublishVersion"]
    assert published.functions["orders-list"]["version"] == "1"


def test_the_record_knows_what_served_before_a_run_that_died(aws: Recorder) -> None:
    """The pointer may have been moved by a run that did not live to record it."""
    first = released(deploy(aws, service()))
    deploy(aws, service(1))
    again = deploy(aws, service(1), first)
    assert again.functions["orders-list"]["version"] == "2"
    assert again.functions["orders-list"]["previous"] == "1"


def test_preparing_moves_nothing(aws: Recorder) -> None:
    first = deploy(aws, service())
    desired = service(1, apis.LIST)
    outputs = {resource.address: bring(aws, resource)[0] for resource in desired}
    prepared = Publisher(aws).prepare(desired, outputs, set(outputs))
    assert [(str(move.pointer), move.before, move.needed) for move in prepared] == [
        ("alias live of orders-list", "1", True),
        ("alias live of orders-show", "1", False),
        (
            f"stage dev of {outputs['apigateway.rest_api/orders-api']['id']}",
            first.apis["orders-api"]["deployment"],
            True,
        ),
    ]
    assert serving(aws, first) == {
        "orders-list": "1",
        "orders-show": "1",
        "orders-api": first.apis["orders-api"]["deployment"],
    }


@pytest.mark.slow
def test_killed_after_every_call_it_serves_the_same_in_the_end(aws_environment: None) -> None:
    desired = service(1, apis.LIST, memory=1024)
    with mock_aws() as mock:
        account = Account(mock)
        for n in range(1, 60):
            account.empty()
            of("lambda.function").prepare(account.process())
            deploy(account.process(), service())
            died = dies(account.process(), n, desired)
            process = account.process()
            check_end(process, desired, deploy(process, desired), f"after call {n}")
            if not died:
                break
    assert 6 < n < 59, "every call of this deploy was one to die after"


def check_end(aws: Aws, desired: Sequence[Resource], published: Published, when: str) -> None:
    """The new version and the new definition are served, and none of them was made twice."""
    found = serving(Recorder(aws), published)
    assert found["orders-list"] == found["orders-show"] == "2", when
    api_id = published.outputs["apigateway.rest_api/orders-api"]["id"]
    made = aws.pages("apigateway", "GetDeployments", "items", restApiId=api_id)
    (right,) = [d["id"] for d in made if d["description"] == definition_digest(desired[2].properties)]
    assert found["orders-api"] == right, when
    assert len(made) == 2, when
    assert not any(bring(aws, resource)[1] for resource in desired), when


def dies(aws: Aws, n: int, desired: Sequence[Resource]) -> bool:
    """True when the deploy was killed after its changing call number n."""
    try:
        deploy(CrashAfter(aws, n, only_changing=True), desired)
    except Crash:
        return True
    return False


def test_digests_of_deployments_are_their_descriptions(aws: Recorder) -> None:
    published = deploy(aws, service())
    outputs = published.outputs["apigateway.rest_api/orders-api"]
    made = aws.call("apigateway", "GetDeployment", restApiId=outputs["id"], deploymentId=outputs["deployment"])
    assert made["description"] == outputs["definition"]
    assert stages.deployment_of(aws, outputs["id"], outputs["definition"]) == outputs["deployment"]
