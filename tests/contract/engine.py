"""The smallest engine that can carry a resource type: read, compare, create or update; no plan, graph or journal."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.config.authoring import identity
from pipeline.config.validation import Checker
from pipeline.errors import AmbiguousOutcome
from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties, Reference, Value, resolve
from pipeline.planning.diff import diff
from pipeline.resources.base import Aws, ResourceType, Target
from tests.contract import prerequisites
from tests.support.recorded_actions import acting

MOST_ROUNDS = 3


class NotOurs(AssertionError):
    """A resource without our mark, where a real run would stop and ask."""


@dataclass(frozen=True)
class Case:
    """A resource type with one of its examples, ready to be carried out."""

    kind: ResourceType
    resource: Resource

    @property
    def address(self) -> str:
        return self.resource.address

    def read(self, aws: Aws) -> Observed | None:
        with acting("plan"):
            return self.kind.read(aws, [Target(self.resource, {})]).get(self.address)

    def differences(self, observed: Observed) -> set[str]:
        """Paths in which AWS is not as wanted."""
        return {change.path for change in diff(self.kind.spec, self.resource.properties, observed.properties)}


def declared(kind: ResourceType, example: Mapping[str, Any], scope: Scope) -> Properties:
    """An example as the resource type gets it: defaults filled in, in its canonical form."""
    return kind.canonical(Checker(kind.spec.schema, kind.name).with_defaults(example), scope)


def case(kind: ResourceType, number: int, aws: Aws) -> Case:
    """Example `number`, with what other rooms add to it, and references resolved."""
    properties = resolve(declared(kind, kind.spec.examples[number], aws.scope), lambda found: _output(found, aws.scope))
    properties = prerequisites.of(kind.name).complete(aws, properties, number)
    return Case(kind, Resource(kind.name, name_of(kind, properties), properties))


def _output(reference: Reference, scope: Scope) -> Value:
    """What an example gets for a reference to a resource that is not made for it: the ARN that it would have."""
    kind, _, name = reference.address.partition("/")
    shapes = {"logs.log_group": "log-group:{}", "iam.role": "role/{}", "lambda.function": "function:{}"}
    regional, account = kind not in ("iam.role", "s3.bucket"), kind != "s3.bucket"
    service = kind.partition(".")[0]
    return scope.arn(service, shapes.get(kind, "{}").format(name), regional=regional, account=account)


def name_of(kind: ResourceType, properties: Properties) -> str:
    """The resource's name, as an address has it."""
    return ":".join(str(properties[key]) for key in identity(kind))


def carry_out(aws: Aws, wanted: Case) -> Outputs:
    """One run: looks, then creates or updates. A lost answer is answered by looking again, as the executor does."""
    with acting("deploy"):
        try:
            outputs = _carry_out(aws, wanted)
        except AmbiguousOutcome:
            outputs = _carry_out(aws, wanted)
    prerequisites.of(wanted.kind.name).release(aws, wanted.resource, outputs)
    return outputs


def _carry_out(aws: Aws, wanted: Case) -> Outputs:
    observed = wanted.read(aws)
    if observed is None:
        return wanted.kind.create(aws, wanted.resource)
    if observed.markable and not aws.scope.owns(observed.mark):
        raise NotOurs(f"{wanted.address} has the mark {observed.mark}")
    paths = wanted.differences(observed)
    forcing = {path for path in paths if path.split(".")[0] in wanted.kind.spec.create_only}
    assert not forcing, f"{wanted.address} would be replaced: {sorted(forcing)}"
    if not paths:
        return observed.outputs
    outputs = {**observed.outputs, **wanted.kind.update(aws, wanted.resource, observed, frozenset(paths))}
    wanted.kind.retire(aws, wanted.resource)
    return outputs


def converge(aws: Aws, wanted: Case) -> Observed:
    """Runs until nothing differs any more; what AWS has then."""
    for _ in range(MOST_ROUNDS):
        carry_out(aws, wanted)
        observed = wanted.read(aws)
        assert observed is not None
        differing = wanted.differences(observed)
        if not differing:
            return observed
    raise AssertionError(f"{wanted.address} still differs after {MOST_ROUNDS} runs: {sorted(differing)}")


def remove(aws: Aws, wanted: Case) -> None:
    """One run that removes the resource when it is there."""
    observed = wanted.read(aws)
    if observed is not None:
        with acting("deploy"):
            wanted.kind.delete(aws, observed)
