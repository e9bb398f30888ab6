"""Order, failure, interruption, and lost answers while a plan is carried out."""

import dataclasses
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.applying.executor import Executor, Outcome, Progress
from pipeline.errors import AmbiguousOutcome, AwsError, ChangesFailed, FailedCall, Interrupted, PipelineError
from pipeline.model.plan import Action, Change, FieldChange, Origin
from pipeline.model.resource import Mark, Observed, Resource, Source
from pipeline.model.scope import Scope
from pipeline.model.type_spec import TypeSpec
from pipeline.model.values import Expression, Outputs, Reference
from pipeline.resources.base import ResourceType, Target

SCOPE = Scope("shop", "dev", "123456789012", "eu-west-1")


class World:
    """A resource type whose resources live in a dict, and a log of what was called."""

    def __init__(self) -> None:
        self.there: dict[str, Mapping[str, Any]] = {}
        self.log: list[str] = []
        self.marks: dict[str, Mark | None] = {}
        self.on_create: Callable[[Resource], None] = lambda resource: None
        self.on_update: Callable[[Resource], None] = lambda resource: None
        self._lock = threading.Lock()

    def read(self, aws: Any, targets: Sequence[Target]) -> dict[str, Observed]:
        found = {}
        for target in targets:
            if target.name in self.there:
                mark = self.marks.get(target.name, SCOPE.mark(target.address))
                found[target.address] = Observed(target.address, self.there[target.name], {"id": target.name}, mark)
        return found

    def create(self, aws: Any, resource: Resource) -> Outputs:
        with self._lock:
            self.log.append(f"create {resource.name}")
        self.on_create(resource)
        self.there[resource.name] = resource.properties
        return {"id": resource.name}

    def update(self, aws: Any, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
        self.log.append(f"update {resource.name} {','.join(sorted(paths))}")
        self.on_update(resource)
        self.there[resource.name] = resource.properties
        return {"version": "2"}

    def delete(self, aws: Any, observed: Observed) -> None:
        name = observed.address.split("/")[1]
        self.log.append(f"delete {name}")
        self.there.pop(name, None)


class Notes:
    """A journal that remembers."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, str]] = []

    def begun(self, address: str, action: str) -> None:
        self.entries.append(("begun", address))

    def ended(self, address: str, action: str, outputs: Mapping[str, Any]) -> None:
        self.entries.append(("ended", address))

    def failed(self, address: str, action: str, error: str) -> None:
        self.entries.append(("failed", address))


class Bench:
    """An executor over a World."""

    def __init__(self, **spec: Any) -> None:
        self.world = World()
        self.notes = Notes()
        self.stop = threading.Event()
        self.told: list[Progress] = []
        described = TypeSpec(name="t.t", schema={}, collections=(), primary_identifier=("name",), **spec)
        kind = ResourceType(self.world, described)  # type: ignore[arg-type]  # an object with the verbs serves as module
        aws = SimpleNamespace(scope=SCOPE)
        self.executor = Executor(
            aws=aws,
            types={"t.t": kind},
            record=self.notes,
            stopping=self.stop.is_set,
            monotonic=time.monotonic,
            tell=self.told.append,
        )

    def run(self, *changes: Change, outputs: Mapping[str, Outputs] | None = None) -> Outcome:
        return self.executor.run(changes, outputs or {})


def thing(name: str, *needs: str, **properties: Any) -> Resource:
    return Resource("t.t", name, properties, tuple(f"t.t/{n}" for n in needs), Source("aws/t.yaml", 7))


def create(resource: Resource) -> Change:
    return Change(resource.address, Action.CREATE, Origin.GIT, desired=resource)


def delete(resource: Resource) -> Change:
    observed = Observed(resource.address, resource.properties, {"id": resource.name})
    return Change(resource.address, Action.DELETE, Origin.GIT, desired=resource, observed=observed)


def failing(name: str, error: Exception) -> Callable[[Resource], None]:
    def fail(resource: Resource) -> None:
        if resource.name == name:
            raise error

    return fail


def refused(code: str = "AccessDenied") -> AwsError:
    return AwsError(FailedCall("t", "CreateT", code, "for a test"))


def test_each_change_follows_what_it_needs() -> None:
    bench = Bench()
    outcome = bench.run(create(thing("c", "b")), create(thing("b", "a")), create(thing("a")))
    assert bench.world.log == ["create a", "create b", "create c"]
    assert outcome.outputs["t.t/c"] == {"id": "c"}
    assert bench.notes.entries == [(e, f"t.t/{n}") for n in "abc" for e in ("begun", "ended")]


def test_independent_changes_run_side_by_side() -> None:
    bench = Bench()
    together = threading.Barrier(3, timeout=5)

    def meet(resource: Resource) -> None:
        together.wait()

    bench.world.on_create = meet
    assert len(bench.run(*(create(thing(n)) for n in "abc")).done) == 3


def test_there_is_no_barrier_between_levels() -> None:
    """b needs only a, so it is done while slow, of a's level, is still under way."""
    bench = Bench()
    b_done = threading.Event()

    def work(resource: Resource) -> None:
        if resource.name == "slow":
            assert b_done.wait(5)
        if resource.name == "b":
            b_done.set()

    bench.world.on_create = work
    bench.run(create(thing("slow")), create(thing("a")), create(thing("b", "a"))).raise_for_failures()


def test_deletions_run_in_reverse() -> None:
    bench = Bench()
    outcome = bench.run(delete(thing("a")), delete(thing("b", "a")), outputs={"t.t/a": {"id": "a"}})
    assert bench.world.log == ["delete b", "delete a"]
    assert "t.t/a" not in outcome.outputs


def test_outputs_fill_references() -> None:
    bench = Bench()
    user = thing("user", uses=Expression(("id:", Reference("t.t/base", "id"))))
    bench.run(create(thing("base")), create(user)).raise_for_failures()
    assert bench.world.there["user"]["uses"] == "id:base"


def test_a_failure_stops_only_what_depends_on_it_and_says_where() -> None:
    bench = Bench()
    bench.world.on_create = failing("a", refused())
    outcome = bench.run(create(thing("a")), create(thing("b", "a")), create(thing("c", "b")), create(thing("other")))
    assert outcome.done == ["t.t/other"]
    assert outcome.skipped == ["t.t/b", "t.t/c"]
    ((address, error),) = outcome.failures
    assert address == "t.t/a"
    assert str(error).startswith("creating t.t/a: t:CreateT: AccessDenied")
    assert "aws/t.yaml:7" in str(error)
    with pytest.raises(ChangesFailed, match="2 that depend on them not tried"):
        outcome.raise_for_failures()


def test_a_bug_in_a_type_is_an_error_like_any_other() -> None:
    bench = Bench()
    bench.world.on_create = failing("a", KeyError("x"))
    ((_, error),) = bench.run(create(thing("a"))).failures
    assert "bug" in str(error)


def test_update_gets_only_the_changed_paths_and_keeps_other_outputs() -> None:
    bench = Bench()
    observed = Observed("t.t/a", {"x": 1}, {"id": "a", "version": "1"})
    fields = (FieldChange("x", 1, 2), FieldChange("mark", None, "shop/dev"))
    change = Change("t.t/a", Action.UPDATE, Origin.GIT, fields, desired=thing("a", x=2), observed=observed)
    outcome = bench.run(change)
    assert bench.world.log == ["update a tags,x"]
    assert outcome.outputs["t.t/a"] == {"id": "a", "version": "2"}


@pytest.mark.parametrize(
    ("replacement", "log"),
    [("deleteFirst", ["delete a", "create a"]), ("createFirst", ["create a", "delete a"])],
)
def test_replacement_in_the_order_of_the_type(replacement: str, log: list[str]) -> None:
    bench = Bench(replacement=replacement)
    observed = Observed("t.t/a", {"x": 1}, {"id": "a"})
    bench.run(Change("t.t/a", Action.REPLACE, Origin.GIT, desired=thing("a", x=2), observed=observed))
    assert bench.world.log == log


class Saving(World):
    """A type that can keep the data of what is replaced; `broken` when it cannot after all."""

    broken = False

    def save(self, aws: Any, observed: Observed) -> str:
        self.log.append("save a")
        if self.broken:
            raise PipelineError("no room for it")
        return "arn:kept"


def replacing(world: World) -> tuple[Bench, Outcome]:
    bench = Bench(data_bearing=True)
    bench.world = world
    kind = ResourceType(world, bench.executor.types["t.t"].spec)  # type: ignore[arg-type]  # as in Bench
    bench.executor = dataclasses.replace(bench.executor, types={"t.t": kind})
    observed = Observed("t.t/a", {"x": 1}, {"id": "a"})
    change = Change("t.t/a", Action.REPLACE, Origin.GIT, desired=thing("a", x=2), observed=observed)
    return bench, bench.run(change)


def test_data_is_kept_before_what_holds_it_is_replaced_and_where_is_told() -> None:
    bench, outcome = replacing(Saving())
    assert bench.world.log == ["save a", "delete a", "create a"]
    assert outcome.outputs["t.t/a"] == {"id": "a", "backup": "arn:kept"}


def test_what_could_not_be_kept_is_not_deleted() -> None:
    world = Saving()
    world.broken = True
    bench, outcome = replacing(world)
    assert bench.world.log == ["save a"]
    assert "no room for it" in str(outcome.failures)


def lost(there: bool) -> Callable[[World], Callable[[Resource], None]]:
    def prepare(world: World) -> Callable[[Resource], None]:
        def fail_once(resource: Resource) -> None:
            if world.log.count(f"create {resource.name}") == 1:
                if there:
                    world.there[resource.name] = {"x": 1}
                raise AmbiguousOutcome(FailedCall("t", "CreateT", "ConnectionClosed", "no answer"))

        return fail_once

    return prepare


def test_a_lost_answer_is_looked_up_and_what_was_made_is_finished() -> None:
    bench = Bench()
    bench.world.on_create = lost(there=True)(bench.world)
    bench.run(create(thing("a", x=2))).raise_for_failures()
    assert bench.world.log == ["create a", "update a x"]


def test_a_lost_answer_of_a_call_that_never_arrived_is_made_again() -> None:
    bench = Bench()
    bench.world.on_create = lost(there=False)(bench.world)
    bench.run(create(thing("a", x=2))).raise_for_failures()
    assert bench.world.log == ["create a", "create a"]


def no_answer(*counts: int) -> Callable[[Resource], None]:
    """Loses the answers of these calls, counted from 1."""
    calls = iter(range(1, 100))

    def lose(resource: Resource) -> None:
        if next(calls) in counts:
            raise AmbiguousOutcome(FailedCall("t", "UpdateT", "ConnectionClosed", "no answer"))

    return lose


def update(resource: Resource) -> Change:
    observed = Observed(resource.address, {"x": 1}, {"id": resource.name})
    return Change(
        resource.address, Action.UPDATE, Origin.GIT, (FieldChange("x", 1, 2),), desired=resource, observed=observed
    )


def test_a_lost_answer_of_an_update_is_looked_up_and_the_rest_of_it_is_done() -> None:
    bench = Bench()
    bench.world.there["a"] = {"x": 1}
    bench.world.on_update = no_answer(1, 2)
    bench.run(update(thing("a", x=2))).raise_for_failures()
    assert bench.world.log == ["update a x"] * 3


def test_lost_answers_have_an_end() -> None:
    bench = Bench()
    bench.world.there["a"] = {"x": 1}
    bench.world.on_update = no_answer(*range(1, 100))
    ((_, error),) = bench.run(update(thing("a", x=2))).failures
    assert isinstance(error, AmbiguousOutcome)
    assert 2 <= len(bench.world.log) <= 5


def test_a_second_lost_answer_is_looked_up_like_the_first() -> None:
    bench = Bench()
    bench.world.on_create = lost(there=True)(bench.world)
    bench.world.on_update = no_answer(1)
    bench.run(create(thing("a", x=2))).raise_for_failures()
    assert bench.world.log == ["create a", "update a x", "update a x"]


def test_what_a_killed_run_left_is_finished() -> None:
    bench = Bench()
    bench.world.there["a"] = {"x": 2}
    bench.world.on_create = failing("a", refused("ResourceAlreadyExistsException"))
    outcome = bench.run(create(thing("a", x=2)))
    outcome.raise_for_failures()
    assert bench.world.log == ["create a"]
    assert outcome.outputs["t.t/a"] == {"id": "a"}


def test_what_is_there_but_not_ours_stays_an_error() -> None:
    bench = Bench()
    bench.world.there["a"] = {"x": 2}
    bench.world.marks["a"] = Mark("other", "dev")
    bench.world.on_create = failing("a", refused("ResourceAlreadyExistsException"))
    assert len(bench.run(create(thing("a", x=2))).failures) == 1


def test_asked_to_stop_it_starts_nothing_more() -> None:
    bench = Bench()

    def stop(resource: Resource) -> None:
        bench.stop.set()

    bench.world.on_create = stop
    outcome = bench.run(create(thing("a")), create(thing("b", "a")))
    assert outcome.done == ["t.t/a"]
    assert outcome.skipped == ["t.t/b"]
    with pytest.raises(Interrupted):
        outcome.raise_for_failures()


def test_a_call_that_notices_the_stop_is_no_failure() -> None:
    bench = Bench()

    def stop(resource: Resource) -> None:
        bench.stop.set()
        raise Interrupted("stopped")

    bench.world.on_create = stop
    outcome = bench.run(create(thing("a")))
    assert not outcome.failures
    assert outcome.interrupted


def test_an_output_that_nobody_gives_is_an_error_and_not_a_wrong_value() -> None:
    bench = Bench()
    change = create(thing("a", uses=Expression((Reference("t.t/none", "id"),))))
    ((_, error),) = bench.run(change).failures
    assert isinstance(error, PipelineError)
    assert bench.world.log == []
