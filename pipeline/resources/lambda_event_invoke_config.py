"""How a function's asynchronous invocations are retried, and where their outcome goes: by alias.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html
"""

from collections.abc import Sequence
from typing import Any

from pipeline.model.resource import Observed, Resource
from pipeline.model.values import Outputs, Properties
from pipeline.resources.base import Aws, Target, read_each

_RETRIES, _AGE = 2, 21_600  # Lambda's own
_DESTINATIONS = {"on_success": "OnSuccess", "on_failure": "OnFailure"}


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each alias by itself."""
    return read_each(aws, targets, _read_one)


def _read_one(aws: Aws, target: Target) -> Observed | None:
    declared = target.resource.properties
    found = aws.found("lambda", "GetFunctionEventInvokeConfig", **_where(declared))
    if found is None:
        return None
    destinations = found.get("DestinationConfig") or {}
    properties = {
        **{key: declared[key] for key in ("name", "function", "alias")},
        "max_retries": found.get("MaximumRetryAttempts", _RETRIES),
        "max_age": found.get("MaximumEventAgeInSeconds", _AGE),
        **{key: (destinations.get(member) or {}).get("Destination") for key, member in _DESTINATIONS.items()},
    }
    # It has no tags: that the function is ours says whose it is.
    return Observed(target.address, properties, {}, aws.scope.mark(target.address), markable=False)


def create(aws: Aws, resource: Resource) -> Outputs:
    """The whole configuration; putting it replaces what was there."""
    wanted = resource.properties
    named = {member: wanted.get(key) for key, member in _DESTINATIONS.items()}
    destinations: dict[str, Any] = {member: {"Destination": arn} for member, arn in named.items() if arn}
    aws.call(
        "lambda",
        "PutFunctionEventInvokeConfig",
        MaximumRetryAttempts=wanted["max_retries"],
        MaximumEventAgeInSeconds=wanted["max_age"],
        DestinationConfig=destinations,
        **_where(wanted),
    )
    return {}


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """Replaces the configuration."""
    return create(aws, resource)


def delete(aws: Aws, observed: Observed) -> None:
    """Lambda's own defaults hold from then on."""
    aws.found("lambda", "DeleteFunctionEventInvokeConfig", **_where(observed.properties))


def _where(properties: Properties) -> dict[str, str]:
    return {"FunctionName": properties["function"], "Qualifier": properties["alias"]}
