"""Which IAM actions each resource type's verbs need: recorded while its examples are carried out on moto."""

from collections.abc import Iterator

from pipeline.model.resource import Observed, Resource
from pipeline.planning.diff import diff
from pipeline.resources.base import ResourceType, Target
from tests.contract import prerequisites
from tests.contract.conftest import Account
from tests.contract.engine import case
from tests.support.faults import Recorder
from tests.support.recorded_actions import acting
from tests.support.wire import call_of

PHASES = ("read", "change", "delete")


def record(account: Account, kind: ResourceType) -> dict[str, list[str]]:
    """phase -> actions: what reading needs, what making and changing need besides, what deleting needs besides."""
    found: dict[str, set[str]] = {phase: set() for phase in PHASES}
    account.empty()
    prerequisites.of(kind.name).prepare(account.process())
    try:
        _live(account, kind, found)
    finally:
        account.empty()
    change = found["change"] - found["read"]
    return {
        "read": sorted(found["read"]),
        "change": sorted(change),
        "delete": sorted(found["delete"] - found["read"] - change),
    }


def _live(account: Account, kind: ResourceType, found: dict[str, set[str]]) -> None:
    """The whole life of a resource: made, changed and changed back property by property and at once, deleted."""
    if kind.spec.lookup is not None:  # found by its name and never made
        _read(account, kind, case(kind, 0, account.process()).resource, found)
        return
    first, second = (case(kind, number, account.process()).resource for number in (0, 1))
    _read(account, kind, first, found)
    for wanted in (first, *_mixed(account, kind, first, second), second, first):
        _converge(account, kind, wanted, found)
    _delete(account, kind, first, found)
    _converge(account, kind, second, found)
    _delete(account, kind, second, found)


def _mixed(account: Account, kind: ResourceType, first: Resource, second: Resource) -> Iterator[Resource]:
    paths = {change.path.split(".")[0] for change in diff(kind.spec, second.properties, first.properties)}
    for name in sorted(paths):
        mixed = Resource(kind.name, first.name, {**first.properties, name: second.properties.get(name)})
        if not kind.check(mixed, account.process().scope):
            yield mixed


def _converge(account: Account, kind: ResourceType, wanted: Resource, found: dict[str, set[str]]) -> None:
    for _ in range(3):
        observed = _read(account, kind, wanted, found)
        aws = account.process()
        paths = (
            {change.path for change in diff(kind.spec, wanted.properties, observed.properties)} if observed else set()
        )
        if observed is not None and not paths:
            return
        with acting("deploy"):
            if observed is None:
                outputs = kind.create(aws, wanted)
            else:
                outputs = {**observed.outputs, **kind.update(aws, wanted, observed, frozenset(paths))}
                kind.retire(aws, wanted)
        _note(aws, found["change"])
        prerequisites.of(kind.name).release(account.process(), wanted, outputs)


def _delete(account: Account, kind: ResourceType, wanted: Resource, found: dict[str, set[str]]) -> None:
    observed = _read(account, kind, wanted, found)
    assert observed is not None
    aws = account.process()
    with acting("deploy"):
        kind.delete(aws, observed)
    _note(aws, found["delete"])


def _read(account: Account, kind: ResourceType, wanted: Resource, found: dict[str, set[str]]) -> Observed | None:
    """Reads as for something that was never released, and as for something that was."""
    aws = account.process()
    with acting("plan"):
        observed = kind.read(aws, [Target(wanted, {})]).get(wanted.address)
        if observed is not None:
            kind.read(aws, [Target(wanted, observed.outputs, wanted.properties, thorough=False)])
    _note(aws, found["read"])
    return observed


def _note(aws: Recorder, into: set[str]) -> None:
    into.update(call_of(*call.name.split(":")).iam_action for call in aws.calls)
