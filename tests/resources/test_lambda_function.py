"""What is read of a function, and what follows from it."""

from typing import Any

import pytest

from pipeline.model.resource import Mark, Resource
from pipeline.model.values import Secret
from pipeline.resources import policies
from pipeline.resources._lambda_reading import BY_HAND
from pipeline.resources.base import Target
from pipeline.resources.registry import registry
from tests.resources.fake_lambda import FakeLambda
from tests.resources.functions import (
    CODE_A,
    CODE_B,
    bring,
    declared,
    differing,
    expression,
    function,
    kind,
    read,
    target,
)
from tests.support.aws import SCOPE


@pytest.fixture
def world() -> FakeLambda:
    """Lambda without waiting: what takes time has a file of its own."""
    return FakeLambda(delay=0.0)


def derived(**properties: Any) -> dict[str, Resource]:
    resource = Resource("lambda.function", "orders-list", declared(**properties))
    return {found.address: found for found in kind().derive(resource, SCOPE)}


def test_the_log_group_follows_with_its_retention_and_tags() -> None:
    group = derived(log_retention_days=90, tags={"team": "shop"})["logs.log_group//aws/lambda/orders-list"]
    assert group.adopt
    assert group.properties == {
        "name": "/aws/lambda/orders-list",
        "retention_days": 90,
        "tags": {"team": "shop"},
    }


def test_the_function_waits_for_its_log_group_and_role() -> None:
    resource = Resource("lambda.function", "orders-list", declared())
    assert set(resource.dependencies) == {"iam.role/orders-list-us-east-1", "logs.log_group//aws/lambda/orders-list"}


def test_a_function_that_says_nothing_may_write_its_logs_and_nothing_else() -> None:
    _, (role,) = kind().compose(Resource("lambda.function", "orders-list", declared()), (), SCOPE)
    assert role.address == "iam.role/orders-list-us-east-1"
    (statement,) = policies.statements(role.properties["policies"]["Logs"])
    assert statement["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert statement["Resource"] == ["arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/orders-list:*"]
    assert policies.trusts(role.properties["trust"], "lambda.amazonaws.com")
    assert registry()["iam.role"].check(role, SCOPE) == []
    assert registry()["iam.role"].canonical(role.properties, SCOPE) == role.properties


def test_a_role_for_all_is_taken_where_it_is_declared() -> None:
    stack = (Resource("iam.role", "orders-lambda-role", {}),)
    resource, follows = kind().compose(Resource("lambda.function", "orders-list", declared()), stack, SCOPE)
    assert (resource.properties["role"], follows) == (expression("iam.role/orders-lambda-role", "arn"), [])


@pytest.mark.parametrize("role", ["worker", "arn:aws:iam::123456789012:role/worker"])
def test_another_role_is_not_made(role: str) -> None:
    wanted = Resource("lambda.function", "orders-list", declared(role=role))
    assert kind().compose(wanted, (), SCOPE) == (wanted, [])


def test_a_function_that_is_not_there_costs_one_call(world: FakeLambda) -> None:
    assert kind().read(world, [target(function())]) == {}
    assert world.names == ["GetFunction"]


def test_what_was_created_is_read_back(world: FakeLambda) -> None:
    wanted = function(environment={"TABLE": "orders"}, tags={"team": "shop"})
    outputs = kind().create(world, wanted)
    observed = read(world, wanted)
    assert differing(wanted, observed) == set()
    assert observed.outputs == outputs
    assert observed.mark == Mark("orders", "dev", "lambda.function/orders-list")
    assert outputs == {
        "name": "orders-list",
        "arn": "arn:aws:lambda:us-east-1:123456789012:function:orders-list",
        "alias_arn": "arn:aws:lambda:us-east-1:123456789012:function:orders-list:live",
        "version": "1",
        "latest": "1",
    }


def test_the_signed_address_of_the_code_is_never_kept(world: FakeLambda) -> None:
    kind().create(world, function())
    assert "signed.example" not in repr(read(world, function()))


def test_the_mark_is_written_by_the_creating_call(world: FakeLambda) -> None:
    kind().create(world, function(tags={"team": "shop"}))
    (params,) = [params for name, params in world.calls if name == "CreateFunction"]
    assert params["Tags"] == {
        "team": "shop",
        "pipeline:service": "orders",
        "pipeline:environment": "dev",
        "pipeline:address": "lambda.function/orders-list",
    }
    assert "TagResource" not in world.names


def test_an_applied_change_waits_to_be_served(world: FakeLambda) -> None:
    bring(world, function())
    wanted = function(code=CODE_B, memory=1024)
    outputs = bring(world, wanted)
    assert (outputs["version"], outputs["latest"]) == ("1", "2")
    assert world.functions["orders-list"].aliases["live"]["FunctionVersion"] == "1"
    observed = read(world, wanted)
    assert differing(wanted, observed) == {"live"}
    assert observed.properties["live"] == "version 1"
    assert "latest" not in observed.outputs


def test_a_run_that_died_before_serving_is_carried_on(world: FakeLambda) -> None:
    bring(world, function())
    wanted = function(code=CODE_B)
    bring(world, wanted)
    again = bring(world, wanted)
    assert again["latest"] == "2"
    assert len(world.functions["orders-list"].versions) == 2


def test_an_alias_that_was_moved_by_hand_differs(world: FakeLambda) -> None:
    bring(world, function())
    wanted = function(memory=1024)
    bring(world, wanted)
    alias = world.functions["orders-list"].aliases["live"]
    alias["FunctionVersion"] = "2"
    assert differing(wanted, read(world, wanted)) == set()
    alias["FunctionVersion"] = "1"
    assert differing(wanted, read(world, wanted)) == {"live"}


def test_an_alias_on_the_unpublished_function_differs(world: FakeLambda) -> None:
    bring(world, function())
    world.functions["orders-list"].aliases["live"]["FunctionVersion"] = "$LATEST"
    observed = read(world, function())
    assert observed.properties["live"] == "version $LATEST"


def test_a_function_changed_by_hand_is_drift_of_the_function_alone(world: FakeLambda) -> None:
    wanted = function(memory=512)
    bring(world, wanted)
    world.functions["orders-list"].latest["MemorySize"] = 2048
    assert differing(wanted, read(world, wanted)) == {"memory"}
    outputs = bring(world, wanted)
    assert outputs["latest"] == "1", "what is published already is not published again"
    assert differing(wanted, read(world, wanted)) == set()


def test_a_missing_alias_is_made_on_a_published_version(world: FakeLambda) -> None:
    wanted = function()
    bring(world, wanted)
    del world.functions["orders-list"].aliases["live"]
    assert differing(wanted, read(world, wanted)) == {"alias", "live"}
    outputs = bring(world, wanted)
    assert outputs["version"] == "1"
    assert world.functions["orders-list"].aliases["live"]["FunctionVersion"] == "1"


def test_another_name_of_the_alias_makes_another_alias(world: FakeLambda) -> None:
    bring(world, function())
    wanted = function(alias="production")
    bring(world, wanted)
    assert sorted(world.functions["orders-list"].aliases) == ["live", "production"]
    assert read(world, wanted).outputs["alias_arn"].endswith(":orders-list:production")


def test_weights_on_the_alias_differ_when_read_thoroughly(world: FakeLambda) -> None:
    wanted = function()
    bring(world, wanted)
    weights = {"AdditionalVersionWeights": {"2": 0.1}}
    world.functions["orders-list"].aliases["live"]["RoutingConfig"] = weights
    assert read(world, wanted).properties["live"] == "version 1 with 10% to version 2"
    assert read(world, wanted, thorough=False).properties["live"] == "latest"


def test_one_round_of_calls_reads_a_recorded_function(world: FakeLambda) -> None:
    wanted = function()
    outputs = bring(world, wanted)
    world.calls.clear()
    read(world, wanted, recorded=outputs, thorough=False, policies=False)
    assert world.names == ["GetFunction", "GetFunction"]


def test_the_environment_is_replaced_as_a_whole(world: FakeLambda) -> None:
    bring(world, function(environment={"OLD": "1", "BOTH": "2"}))
    bring(world, function(environment={"BOTH": "2", "NEW": "3"}))
    (params,) = [params for name, params in world.calls if name == "UpdateFunctionConfiguration"]
    assert params == {"FunctionName": "orders-list", "Environment": {"Variables": {"BOTH": "2", "NEW": "3"}}}


def test_a_secret_is_sent_and_then_differs_no_more(world: FakeLambda) -> None:
    wanted = function(environment={"KEY": Secret("ssm:/key", "1", "hunter2")})
    bring(world, wanted)
    assert world.functions["orders-list"].latest["Environment"] == {"Variables": {"KEY": "hunter2"}}
    assert differing(wanted, read(world, wanted)) == set()


def test_new_tags_touch_neither_code_nor_versions(world: FakeLambda) -> None:
    bring(world, function(tags={"team": "orders", "old": "1"}))
    world.calls.clear()
    wanted = function(tags={"team": "shop"})
    bring(world, wanted)
    assert [name for name in world.names if not name.startswith("Get")] == ["TagResource", "UntagResource"]
    assert read(world, wanted).properties["tags"] == {"team": "shop"}


def test_another_architecture_goes_with_the_code(world: FakeLambda) -> None:
    bring(world, function())
    wanted = function(architecture="arm64")
    bring(world, wanted)
    assert "UpdateFunctionConfiguration" not in world.names
    assert world.functions["orders-list"].latest["Architectures"] == ["arm64"]


def test_an_image_of_somebody_cannot_be_updated(world: FakeLambda) -> None:
    wanted = function()
    bring(world, wanted)
    world.functions["orders-list"].latest["PackageType"] = "Image"
    assert "package_type" in differing(wanted, read(world, wanted))
    assert "package_type" in kind().spec.create_only


def test_an_environment_that_may_not_be_decrypted_is_trusted(world: FakeLambda) -> None:
    wanted = function(environment={"TABLE": "orders"})
    bring(world, wanted)
    world.functions["orders-list"].latest["Environment"] = {"Error": {"ErrorCode": "AccessDeniedException"}}
    observed = read(world, wanted)
    assert observed.properties["environment"] == {"TABLE": "orders"}
    assert observed.trusted == ("environment",)


def test_what_only_we_use_is_no_difference(world: FakeLambda) -> None:
    bring(world, function())
    wanted = function(log_retention_days=365, include=["handlers"], exclude=["*.md"])
    assert differing(wanted, read(world, wanted)) == set()


def test_deleting_takes_everything_and_is_quiet_twice(world: FakeLambda) -> None:
    bring(world, function())
    observed = read(world, function())
    kind().delete(world, observed)
    kind().delete(world, observed)
    assert world.functions == {}


def test_without_code_there_is_a_plain_word(world: FakeLambda) -> None:
    wanted = function()
    bare = Resource(wanted.type, wanted.name, {k: v for k, v in wanted.properties.items() if k != "code"})
    with pytest.raises(Exception, match="nothing was packaged"):
        kind().create(world, bare)


def many(count: int, world: FakeLambda, **fields: Any) -> list[Target]:
    targets = []
    for number in range(count):
        wanted = function(f"orders-{number}")
        outputs = bring(world, wanted)
        released = wanted.properties
        spared = {"thorough": False, "policies": False}
        targets.append(target(wanted, recorded=outputs, **{"released": released, **spared, **fields}))
    world.calls.clear()
    return targets


def test_many_functions_are_read_from_the_list(world: FakeLambda) -> None:
    targets = many(60, world)
    found = kind().read(world, targets)
    assert world.names == ["ListFunctions"]
    assert len(found) == 60
    for one in targets:
        observed = found[one.address]
        assert observed.trusted == ("alias", "live", "reserved_concurrency", "tags", *BY_HAND)
        assert differing(one.resource, observed) == set()
        assert SCOPE.owns(observed.mark)


def test_of_many_functions_only_those_with_news_are_read_closer(world: FakeLambda) -> None:
    targets = many(60, world)
    bring(world, function("orders-7", code=CODE_B))
    world.functions["orders-9"].latest["MemorySize"] = 3008
    del world.functions["orders-11"]
    world.calls.clear()
    found = kind().read(world, targets)
    assert world.names == ["ListFunctions", *["GetFunction"] * 4]
    assert "lambda.function/orders-11" not in found
    assert found["lambda.function/orders-7"].properties["live"] == "latest", "the specs still want what is served"
    assert found["lambda.function/orders-7"].properties["code"] == CODE_B
    assert found["lambda.function/orders-9"].properties["memory"] == 3008


def test_of_many_functions_all_are_read_closer_when_asked_to(world: FakeLambda) -> None:
    targets = many(51, world, thorough=True)
    kind().read(world, targets)
    assert world.names.count("GetFunction") == 102
    assert world.names.count("GetAlias") == 51


def test_many_functions_before_the_first_deploy_cost_one_list(world: FakeLambda) -> None:
    targets = [target(function(f"orders-{number}", code=CODE_A)) for number in range(200)]
    assert kind().read(world, targets) == {}
    assert world.names == ["ListFunctions"]
