"""How each part of a release gets its share of the traffic, and why that way. Pure.

- a function: its alias shares invocations between two versions, by weight;
- a REST API whose definition changes: a canary on its stage;
- a function that such an API calls: an alias of its own for the canary, so that one request meets one release;
- other APIs, and what AWS cannot share: everything at once, with the promotion.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pipeline.model.resource import Resource
from pipeline.model.shift import Way

FUNCTION, REST_API = "lambda.function", "apigateway.rest_api"
PERMISSION, MAPPING, PROVISIONED = "lambda.permission", "lambda.event_source_mapping", "lambda.provisioned_concurrency"
FUNCTIONS_ALONE = "CodeDeploy shifts functions alone"
IS_PROVISIONED = "AWS shares no traffic of an alias with provisioned concurrency"
OTHER_ROLE = "its role changes, and AWS shares traffic between versions of one role alone"
OTHER_QUEUE = "its dead-letter queue changes, and AWS shares traffic between versions of one queue alone"
_API_GATEWAY = "apigateway.amazonaws.com"


@dataclass(frozen=True)
class Moving:
    """Something that a release moves. `obstacle`: why its traffic cannot be shared; `new`: nothing serves yet."""

    address: str
    obstacle: str | None = None
    new: bool = False


@dataclass(frozen=True)
class Chosen:
    """How `address` shifts. `moves` is False for a function that stays, and that the canary of an API has to reach."""

    address: str
    way: Way
    reason: str = ""
    sources: tuple[str, ...] = ()
    moves: bool = True


def choose(desired: Iterable[Resource], moving: Iterable[Moving]) -> tuple[Chosen, ...]:
    """The way of everything that moves, and of what the canaries of APIs have to reach besides."""
    resources = tuple(desired)
    found = {each.address: each for each in moving}
    changing = [r for r in resources if r.type == REST_API and _is_sharing(found.get(r.address))]
    reached = {name: api.name for api in reversed(changing) for name in functions_of(api)}
    return tuple(_chosen(resources, found, reached))


def functions_of(api: Resource) -> tuple[str, ...]:
    """Names of the functions that a REST API calls."""
    entries = api.properties["endpoints"].values()
    return tuple(dict.fromkeys(str(e["function"]) for e in entries if isinstance(e, Mapping) and "function" in e))


def _is_sharing(moving: Moving | None) -> bool:
    return moving is not None and not moving.new and moving.obstacle is None


def _chosen(
    resources: tuple[Resource, ...], moving: Mapping[str, Moving], reached: Mapping[str, str]
) -> Iterator[Chosen]:
    for resource in resources:
        found = moving.get(resource.address)
        if resource.type == FUNCTION and resource.name in reached:
            reason = f"reached by the canary of {reached[resource.name]}"
            yield Chosen(resource.address, Way.STAGE, reason, moves=found is not None and not found.new)
        elif found is None or found.new:
            continue
        elif found.obstacle:
            yield Chosen(resource.address, Way.PROMOTION, found.obstacle)
        elif resource.type == REST_API:
            yield Chosen(resource.address, Way.STAGE)
        elif resource.type == FUNCTION:
            yield Chosen(resource.address, Way.WEIGHTS, sources=sources_of(resource.name, resources))
        else:
            yield Chosen(resource.address, Way.PROMOTION, "AWS has canaries for the definitions of REST APIs alone")


def sources_of(function: str, resources: Iterable[Resource]) -> tuple[str, ...]:
    """What feeds a function that no API calls: addresses of mappings and principals; empty when an API calls it.

    Weights hold for those, too: Lambda gives each invocation, so each batch, to one of the two versions.
    https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
    """
    found = []
    for resource in resources:
        if resource.properties.get("function") != function:
            continue
        if resource.type == PERMISSION:
            principal = str(resource.properties["principal"])
            if principal == _API_GATEWAY:
                return ()
            found.append(principal)
        elif resource.type == MAPPING:
            found.append(resource.address)
    return tuple(dict.fromkeys(found))
