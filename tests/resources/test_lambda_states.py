"""Changes that go on behind Lambda's answers, and processes that die in between."""

from collections.abc import Callable

import pytest

from pipeline.errors import PipelineError
from pipeline.model.resource import Resource
from pipeline.releasing.publisher import Publisher
from tests.resources.fake_lambda import FakeLambda
from tests.resources.functions import CODE_A, CODE_B, bring, differing, function, kind, read, target
from tests.support.faults import Crash, CrashAfter


@pytest.fixture
def world() -> FakeLambda:
    return FakeLambda(delay=3.0)


def changed() -> Resource:
    """Both kinds of update, which Lambda refuses to do at once."""
    return function(code=CODE_B, memory=1024, environment={"TABLE": "orders"}, tags={"team": "shop"})


def test_a_new_function_is_ready_before_it_gets_its_alias(world: FakeLambda) -> None:
    kind().create(world, function())
    assert world.names[0] == "CreateFunction"
    assert world.names[-1] == "CreateAlias"
    assert world.conflicts == 0


def test_configuration_and_code_do_not_meet(world: FakeLambda) -> None:
    bring(world, function())
    world.calls.clear()
    bring(world, changed())
    order = [name for name in world.names if name.startswith(("Update", "Publish"))]
    assert order == ["UpdateFunctionConfiguration", "UpdateFunctionCode", "PublishVersion"]
    assert world.conflicts == 0


def test_the_revision_is_the_one_after_the_transition(world: FakeLambda) -> None:
    """The id that an update answers with is stale once the update is through: a guard with it would always fail."""
    bring(world, function())
    bring(world, changed())
    (code,) = [params for name, params in world.calls if name == "UpdateFunctionCode"]
    assert code["RevisionId"].startswith("revision-")


def test_a_version_is_ready_before_it_is_told(world: FakeLambda) -> None:
    bring(world, function())
    outputs = bring(world, changed())
    version = world.functions["orders-list"].versions[outputs["latest"]]
    assert version["State"] == "Active"


def test_only_configuration_publishes_with_the_code_as_condition(world: FakeLambda) -> None:
    bring(world, function())
    bring(world, function(memory=1024))
    _, publish = [params for name, params in world.calls if name == "PublishVersion"]
    assert publish["CodeSha256"] == world.functions["orders-list"].latest["CodeSha256"]


def test_code_of_somebody_else_is_not_published(world: FakeLambda) -> None:
    bring(world, function())
    observed = read(world, function())
    foreign = function(code=CODE_B)
    bring(world, foreign)
    world.seconds += 10
    wanted = function(memory=1024)
    with pytest.raises(PipelineError, match="CodeSHA256 is different"):
        kind().update(world, wanted, observed, frozenset({"memory"}))


def test_an_update_under_way_is_waited_for(world: FakeLambda) -> None:
    bring(world, function())
    world.call("lambda", "UpdateFunctionConfiguration", FunctionName="orders-list", MemorySize=2048)
    observed = read(world, function())
    assert observed.pending == "an update of this function is still under way"
    bring(world, changed())
    assert world.conflicts == 0


def test_a_failed_update_is_told_with_its_reason(world: FakeLambda) -> None:
    bring(world, function())
    world.fail = ("InvalidSubnet", "The subnet is full")
    with pytest.raises(PipelineError, match=r"The subnet is full \(InvalidSubnet\)"):
        bring(world, function(memory=1024))


def test_a_failed_update_is_made_again(world: FakeLambda) -> None:
    bring(world, function())
    wanted = function(memory=1024)
    world.fail = ("InternalError", "Try again")
    with pytest.raises(PipelineError):
        bring(world, wanted)
    observed = read(world, wanted)
    assert observed.properties["live"] == "failed: InternalError"
    assert differing(wanted, observed) == {"live"}
    outputs = bring(world, wanted)
    assert outputs["latest"] == "2"
    assert read(world, wanted).properties["live"] == "version 1"


def test_a_function_that_failed_to_be_made_is_brought_up_again(world: FakeLambda) -> None:
    world.fail = ("KMSKeyNotFound", "No such key")
    with pytest.raises(PipelineError, match="No such key"):
        kind().create(world, function())
    observed = read(world, function())
    assert observed.properties["live"] == "failed: KMSKeyNotFound"
    assert differing(function(), observed) == {"alias", "live"}


def test_an_idle_function_is_as_good_as_any(world: FakeLambda) -> None:
    bring(world, function())
    world.functions["orders-list"].latest["State"] = "Inactive"
    outputs = bring(world, changed())
    assert outputs["latest"] == "2"


def test_an_answer_without_a_state_counts_as_ready() -> None:
    world = FakeLambda(delay=0.0)
    bring(world, function())
    latest = world.functions["orders-list"].latest
    del latest["State"], latest["LastUpdateStatus"]
    assert read(world, function()).pending is None


def deploy(aws: FakeLambda | CrashAfter, wanted: Resource) -> None:
    """Apply and release, as a run does."""
    observed = kind().read(aws, [target(wanted)]).get(wanted.address)
    outputs = bring(aws, wanted)
    paths = differing(wanted, observed) if observed else {"all"}
    changed_now = {wanted.address} if paths else set()
    Publisher(aws).release([wanted], {wanted.address: outputs}, changed_now, None)


@pytest.mark.parametrize("wanted", [changed, lambda: function(memory=1024), lambda: function(code=CODE_B)])
def test_killed_after_every_call_it_serves_the_same_in_the_end(wanted: Callable[[], Resource]) -> None:
    for n in range(1, 40):
        world = FakeLambda(delay=3.0)
        deploy(world, function(code=CODE_A))
        try:
            deploy(CrashAfter(world, n), wanted())
        except Crash:
            died = True
        else:
            died = False
        deploy(world, wanted())
        held = world.functions["orders-list"]
        assert held.aliases["live"]["FunctionVersion"] == "2", f"after call {n}"
        assert sorted(held.versions) == ["1", "2"], f"after call {n}"
        assert differing(wanted(), read(world, wanted())) == set(), f"after call {n}"
        assert world.conflicts == 0, f"after call {n}"
        if not died:
            return
    pytest.fail("a deploy of one function makes fewer calls")


def test_killed_after_every_call_of_its_creation() -> None:
    for n in range(1, 40):
        world = FakeLambda(delay=3.0)
        try:
            deploy(CrashAfter(world, n), function())
        except Crash:
            died = True
        else:
            died = False
        deploy(world, function())
        assert world.functions["orders-list"].aliases["live"]["FunctionVersion"] == "1", f"after call {n}"
        assert sorted(world.functions["orders-list"].versions) == ["1"], f"after call {n}"
        if not died:
            return
    pytest.fail("a deploy of one function makes fewer calls")
