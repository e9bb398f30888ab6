"""Provisioned concurrency: instances of the version behind an alias that are ready before they are asked for.

It follows the alias when that moves; Lambda then shares traffic by weights of its own for a while. While an alias has
weights, its provisioned concurrency cannot be changed.
https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.errors import PipelineError
from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties
from pipeline.resources.base import Aws, Target, read_each

READY = "ready"
# Seconds; usually one to three minutes.
EVERY, ALLOCATED_WITHIN = 5.0, 900.0


def canonical(properties: Properties, scope: Scope) -> Properties:
    """Wanted is always that they are ready."""
    return {**properties, "state": READY}


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each alias by itself."""
    return read_each(aws, targets, _read_one)


def _read_one(aws: Aws, target: Target) -> Observed | None:
    declared = target.resource.properties
    found = aws.found("lambda", "GetProvisionedConcurrencyConfig", **_where(declared))
    if found is None:
        return None
    state = f"failed: {found.get('StatusReason', 'for an unknown reason')}" if found["Status"] == "FAILED" else READY
    executions = found["RequestedProvisionedConcurrentExecutions"]
    properties = {**declared, "executions": executions, "state": state}
    under_way = f"{executions} instances are still being made ready" if found["Status"] == "IN_PROGRESS" else None
    # It has no tags: that the function is ours says whose it is.
    mark = aws.scope.mark(target.address)
    return Observed(target.address, properties, {}, mark, markable=False, pending=under_way)


def create(aws: Aws, resource: Resource) -> Outputs:
    """Asks for the instances, and waits until they are there. Asking again replaces the number."""
    wanted = resource.properties
    where = _where(wanted)
    aws.call("lambda", "PutProvisionedConcurrencyConfig", ProvisionedConcurrentExecutions=wanted["executions"], **where)

    def allocated() -> Mapping[str, Any] | None:
        found = aws.call("lambda", "GetProvisionedConcurrencyConfig", **where)
        return None if found["Status"] == "IN_PROGRESS" else found

    found = aws.wait(f"{wanted['name']} to have its instances", allocated, every=EVERY, budget=ALLOCATED_WITHIN)
    if found["Status"] == "FAILED":
        reason = found.get("StatusReason", "Lambda gives no reason")
        raise PipelineError(
            f"Lambda could not make {wanted['executions']} instances of {wanted['name']} ready: {reason}",
            hint="look at the function's logs and at the account's quota of concurrent executions",
        )
    return {}


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """Another number, or the same again where it failed."""
    return create(aws, resource)


def delete(aws: Aws, observed: Observed) -> None:
    """Instances are made on demand from then on."""
    aws.found("lambda", "DeleteProvisionedConcurrencyConfig", **_where(observed.properties))


def _where(properties: Properties) -> dict[str, str]:
    return {"FunctionName": properties["function"], "Qualifier": properties["alias"]}
