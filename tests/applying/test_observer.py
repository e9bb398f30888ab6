"""What is read in full, what may be taken from the last release, and what may not after all."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipeline.applying.observer import RATIONED_READS, observe, observe_ahead, targets_of
from pipeline.model.release import Release
from pipeline.model.resource import DesiredState, Observed, Resource
from pipeline.model.type_spec import TypeSpec
from pipeline.resources.base import Aws, ResourceType, Target
from tests.support.aws import SCOPE

FUNCTIONS = [Resource("lambda.function", f"f{number}", {"memory": 128}) for number in range(RATIONED_READS)]
PERMISSIONS = [
    Resource("lambda.permission", f"{function.name}:api", {"alias": "live"}, (function.address,))
    for function in FUNCTIONS
]


class World:
    """Types that know which addresses exist, and note what they were asked for; permissions go with their function."""

    scope = SCOPE

    def __init__(self, *gone: str) -> None:
        self.gone = gone
        self.asked: list[tuple[str, bool]] = []
        self.types = {name: self.kind(name) for name in ("lambda.function", "lambda.permission")}

    def gather(self, thunks: Any) -> list[Any]:
        return [thunk() for thunk in thunks]

    def kind(self, name: str) -> ResourceType:
        schema = {"typeName": name, "properties": {}}
        return ResourceType(cast("Any", SimpleNamespace(read=self.read)), TypeSpec.from_schema(schema))

    def read(self, aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
        found = {}
        for target in targets:
            self.asked.append((target.address, target.thorough))
            owner = f"lambda.function/{target.name.partition(':')[0]}"
            trusted = () if target.thorough or target.resource.type == "lambda.function" else ("alias",)
            if trusted or owner not in self.gone:
                found[target.address] = Observed(target.address, {}, {}, trusted=trusted)
        return found

    def observe(self, desired: Sequence[Resource], release: Release | None, **options: Any) -> dict[str, Observed]:
        aws = cast("Aws", self)
        return dict(observe(aws, self.types, DesiredState(tuple(desired)), release, **options).resources)


def release(*resources: Resource) -> Release:
    return Release(1, "orders", "dev", "us-east-1", "123456789012", None, "", "", "", desired=resources)


def test_before_the_first_release_everything_is_read_in_full() -> None:
    targets = targets_of(DesiredState(tuple(FUNCTIONS + PERMISSIONS)), None, thorough=False)
    assert all(target.thorough for target in targets)


def test_few_rationed_reads_are_all_made() -> None:
    targets = targets_of(DesiredState(tuple(FUNCTIONS)), release(*FUNCTIONS), thorough=False)
    assert all(target.thorough for target in targets)


def test_many_are_spared_where_nothing_changed() -> None:
    everything = FUNCTIONS + PERMISSIONS
    changed = Resource("lambda.function", "f0", {"memory": 256})
    targets = targets_of(DesiredState((changed, *everything[1:])), release(*everything), thorough=False)
    assert [target.address for target in targets if target.thorough] == ["lambda.function/f0"]


def test_policies_are_read_where_those_of_all_functions_cost_no_waiting() -> None:
    def read(functions: int, *, thorough: bool = False) -> set[str]:
        everything = [Resource("lambda.function", f"g{n}", {"name": f"g{n}"}) for n in range(functions)]
        changed = Resource("lambda.function", "g0", {"name": "g0", "memory": 512})
        grants = [Resource("lambda.permission", f"g{n}:api", {"function": f"g{n}"}) for n in range(functions)]
        wanted = DesiredState((changed, *everything[1:], *grants, Resource("lambda.function", "new", {})))
        found = targets_of(wanted, release(*everything, *grants), thorough=thorough)
        return {target.address for target in found if target.policies}

    assert len(read(9)) == 19
    assert read(10) == {"lambda.function/new"}, "a change of the function itself is no news of its policies"
    assert len(read(10, thorough=True)) == 21


def test_many_functions_spare_no_reads_of_a_few_tables() -> None:
    table = Resource("dynamodb.table", "orders", {})
    everything = (table, *FUNCTIONS, *PERMISSIONS)
    targets = targets_of(DesiredState(everything), release(*everything), thorough=False)
    assert [target.address for target in targets if target.thorough] == ["dynamodb.table/orders"]


def test_what_is_declared_no_longer_is_read_too() -> None:
    targets = targets_of(DesiredState(()), release(FUNCTIONS[0]), thorough=False)
    assert [target.address for target in targets] == ["lambda.function/f0"]


@pytest.mark.parametrize("thorough", [False, True])
def test_each_is_read_once_when_all_is_there(thorough: bool) -> None:
    world, everything = World(), FUNCTIONS + PERMISSIONS
    found = world.observe(everything, release(*everything), thorough=thorough)
    assert len(found) == len(world.asked) == len(everything)


def test_what_is_gone_takes_the_trust_in_its_dependents_along() -> None:
    """A function deleted by hand lost its policy; made again it would have none."""
    world, everything = World("lambda.function/f3"), FUNCTIONS + PERMISSIONS
    found = world.observe(everything, release(*everything))
    assert "lambda.permission/f3:api" not in found
    assert world.asked.count(("lambda.permission/f3:api", True)) == 1
    assert sum(thorough for _, thorough in world.asked) == 1
    assert len(found) == len(everything) - 2


def test_what_was_read_ahead_is_read_again_only_where_it_turned_out_otherwise() -> None:
    world, before = World(), release(*FUNCTIONS)
    changed = Resource("lambda.function", "f0", {"memory": 128, "code": "sha256:b"})
    aws, likely = cast("Aws", world), DesiredState((*FUNCTIONS, *PERMISSIONS))
    seen = observe_ahead(aws, world.types, likely, before, thorough=False)
    assert len(world.asked) == len(likely.resources)
    world.asked.clear()
    wanted = DesiredState((changed, *FUNCTIONS[1:], *PERMISSIONS))
    found = observe(aws, world.types, wanted, before, seen=seen)
    assert world.asked == [(changed.address, True)]
    assert set(found.resources) == {resource.address for resource in likely}


def test_a_thorough_look_does_not_rely_on_a_hasty_one() -> None:
    world, before = World(), release(*FUNCTIONS, *PERMISSIONS)
    aws, wanted = cast("Aws", world), DesiredState((*FUNCTIONS, *PERMISSIONS))
    seen = observe_ahead(aws, world.types, wanted, before, thorough=False)
    world.asked.clear()
    observe(aws, world.types, wanted, before, thorough=True, seen=seen)
    assert world.asked
    assert all(thorough for _, thorough in world.asked)
