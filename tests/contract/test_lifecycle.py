"""Every resource type, fed by its examples: made, changed, left alone, removed, and killed after every single call."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pipeline.errors import AmbiguousOutcome, FailedCall
from pipeline.planning.diff import diff
from pipeline.resources.base import Aws, ResourceType, Target
from pipeline.resources.registry import registry
from tests.contract import prerequisites
from tests.contract.conftest import Account
from tests.contract.engine import Case, carry_out, case, converge, remove
from tests.support.faults import Crash, CrashAfter, Failing, Recorder

# What is only looked up is never made.
made = [(name, kind) for name, kind in registry().items() if kind.spec.lookup is None]
every_type = pytest.mark.parametrize("kind", [pytest.param(kind, id=name) for name, kind in made])

MOST_CALLS = 60


def begin(account: Account, kind: ResourceType) -> Aws:
    """A process in an account with nothing but what the examples need."""
    account.empty()
    prerequisites.of(kind.name).prepare(account.process())
    return account.process()


def census(aws: Aws, kind: ResourceType) -> list[int]:
    """How many things there are of each kind that the type makes."""
    needs = prerequisites.of(kind.name)
    return [len(aws.pages(service, name, key=key, **needs.listed)) for service, name, key in needs.census]


@every_type
def test_created_is_as_declared(account: Account, kind: ResourceType) -> None:
    aws = begin(account, kind)
    wanted = case(kind, 0, aws)
    outputs = carry_out(aws, wanted)
    observed = wanted.read(aws)
    assert observed is not None
    assert wanted.differences(observed) == set()
    assert not observed.markable or observed.mark == aws.scope.mark(wanted.address)
    assert {key: observed.outputs.get(key) for key in outputs} == dict(outputs)
    assert observed.pending is None


@every_type
def test_outputs_are_what_the_schema_promises(account: Account, kind: ResourceType) -> None:
    aws = begin(account, kind)
    outputs = carry_out(aws, case(kind, 0, aws))
    assert set(kind.spec.read_only) <= set(outputs)
    assert set(kind.spec.volatile_outputs) <= set(outputs)


@every_type
def test_nothing_to_do_changes_nothing(account: Account, kind: ResourceType) -> None:
    aws = begin(account, kind)
    wanted = case(kind, 0, aws)
    carry_out(aws, wanted)
    again = Recorder(account.process())
    carry_out(again, wanted)
    assert again.changing == []


@every_type
def test_updated_is_as_declared(account: Account, kind: ResourceType) -> None:
    aws = begin(account, kind)
    before, after = case(kind, 0, aws), case(kind, 1, aws)
    carry_out(aws, before)
    observed = after.read(aws)
    assert observed is not None
    expected = {change.path for change in diff(kind.spec, after.resource.properties, before.resource.properties)}
    assert after.differences(observed) == expected - prerequisites.of(kind.name).echoed != set()
    carry_out(account.process(), after)
    found = after.read(account.process())
    assert found is not None
    assert after.differences(found) == set()
    assert not found.markable or found.mark == aws.scope.mark(after.address)


@pytest.mark.slow
@every_type
def test_updated_back_is_as_before(account: Account, kind: ResourceType) -> None:
    aws = begin(account, kind)
    before, after = case(kind, 0, aws), case(kind, 1, aws)
    for wanted in (before, after, before):
        converge(account.process(), wanted)


@pytest.mark.slow
@every_type
def test_each_change_alone(account: Account, kind: ResourceType) -> None:
    """An update touches what its paths name and leaves the rest."""
    aws = begin(account, kind)
    before, after = case(kind, 0, aws), case(kind, 1, aws)
    if kind.check(after.resource, aws.scope):
        pytest.fail("the second example is refused by the type's own check")
    for name in sorted({path.split(".")[0] for path in _differing(before, after)}):
        mixed = {**before.resource.properties, name: after.resource.properties.get(name)}
        wanted = Case(kind, type(before.resource)(kind.name, before.resource.name, mixed))
        if kind.check(wanted.resource, aws.scope):
            continue  # this property means something only together with another one
        aws = begin(account, kind)
        converge(aws, before)
        found = converge(account.process(), wanted)
        assert wanted.differences(found) == set(), name


def _differing(before: Case, after: Case) -> list[str]:
    spec = before.kind.spec
    return [change.path for change in diff(spec, after.resource.properties, before.resource.properties)]


@pytest.mark.parametrize("kind", [pytest.param(kind, id=name) for name, kind in made if kind.spec.renamable])
def test_renamed_is_the_same(account: Account, kind: ResourceType) -> None:
    """What AWS knows by an id is found by that, and gets its new name, and the mark of its new address, in place."""
    aws = begin(account, kind)
    wanted = case(kind, 0, aws)
    outputs, counted = carry_out(aws, wanted), census(aws, kind)
    name = f"{wanted.resource.name}-2"
    properties = {**wanted.resource.properties, "name": name}
    moved = Case(kind, replace(wanted.resource, name=name, properties=properties))
    targets = [Target(moved.resource, outputs)]
    observed = kind.read(account.process(), targets)[moved.address]
    assert moved.differences(observed) <= {"name"}
    paths = frozenset({"name", *(["tags"] if observed.markable else [])})
    kind.update(account.process(), moved.resource, observed, paths)
    found = kind.read(account.process(), targets)[moved.address]
    assert moved.differences(found) == set()
    assert found.outputs == observed.outputs
    assert not found.markable or found.mark == aws.scope.mark(moved.address)
    assert census(aws, kind) == counted


@every_type
def test_deleted_is_gone(account: Account, kind: ResourceType) -> None:
    aws = begin(account, kind)
    before = census(aws, kind)
    wanted = case(kind, 0, aws)
    carry_out(aws, wanted)
    observed = wanted.read(aws)
    assert observed is not None
    kind.delete(account.process(), observed)
    assert wanted.read(account.process()) is None
    assert census(aws, kind) == before


@pytest.mark.slow
@every_type
def test_deleting_twice_is_quiet(account: Account, kind: ResourceType) -> None:
    aws = begin(account, kind)
    wanted = case(kind, 0, aws)
    carry_out(aws, wanted)
    observed = wanted.read(aws)
    assert observed is not None
    for _ in range(2):
        kind.delete(account.process(), observed)


@pytest.mark.slow
@every_type
def test_made_again_after_deletion(account: Account, kind: ResourceType) -> None:
    aws = begin(account, kind)
    wanted = case(kind, 0, aws)
    carry_out(aws, wanted)
    remove(aws, wanted)
    converge(aws, wanted)


@pytest.mark.slow
@every_type
def test_killed_while_creating(account: Account, kind: ResourceType) -> None:
    aws = begin(account, kind)
    wanted = case(kind, 0, aws)
    clean, counted = converge(aws, wanted), census(aws, kind)
    for n in range(1, MOST_CALLS):
        begin(account, kind)
        if not killed(account, n, lambda dying: carry_out(dying, wanted)):
            break
        found = converge(account.process(), wanted)
        assert found.properties == clean.properties, f"after call {n}"
        assert census(account.process(), kind) == counted, f"after call {n}"
    assert n > 1


@pytest.mark.slow
@every_type
def test_killed_while_updating(account: Account, kind: ResourceType) -> None:
    aws = begin(account, kind)
    before, after = case(kind, 0, aws), case(kind, 1, aws)
    carry_out(aws, before)
    clean, counted = converge(account.process(), after), census(aws, kind)
    for n in range(1, MOST_CALLS):
        carry_out(begin(account, kind), before)
        if not killed(account, n, lambda dying: carry_out(dying, after)):
            break
        found = converge(account.process(), after)
        assert found.properties == clean.properties, f"after call {n}"
        assert census(account.process(), kind) == counted, f"after call {n}"
    assert n > 1


@pytest.mark.slow
@every_type
def test_killed_while_deleting(account: Account, kind: ResourceType) -> None:
    aws = begin(account, kind)
    empty = census(aws, kind)
    wanted = case(kind, 0, aws)
    for n in range(1, MOST_CALLS):
        carry_out(begin(account, kind), wanted)
        if not killed(account, n, lambda dying: remove(dying, wanted)):
            break
        remove(account.process(), wanted)
        assert wanted.read(account.process()) is None, f"after call {n}"
        assert census(account.process(), kind) == empty, f"after call {n}"
    assert n > 1


def killed(account: Account, n: int, act: Callable[[Aws], Any]) -> bool:
    """Runs `act` in a process that dies right after its changing call number n; False when it makes fewer."""
    dying = CrashAfter(account.process(), n, only_changing=True)
    try:
        act(dying)
    except Crash:
        return True
    return False


@pytest.mark.slow
@every_type
def test_a_lost_answer_makes_no_second_one(account: Account, kind: ResourceType) -> None:
    """The creating call was carried out, and its answer lost."""
    aws = begin(account, kind)
    wanted = case(kind, 0, aws)
    recorder = Recorder(aws)
    converge(recorder, wanted)
    counted = census(aws, kind)
    creating = recorder.changing[0].name
    begin(account, kind)
    service, operation = creating.split(":")
    lost = AmbiguousOutcome(FailedCall(service, operation, "Lost", "no answer"))
    converge(Failing(account.process(), {creating: [lost]}, carried_out=True), wanted)
    assert census(account.process(), kind) == counted
