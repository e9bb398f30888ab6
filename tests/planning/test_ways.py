"""How each part of a release shifts, and what a plan says of it."""

from typing import Any

import pytest

from pipeline.model.plan import Action, Change, FieldChange, Origin, Plan
from pipeline.model.resource import DesiredState, Resource
from pipeline.model.shift import Way
from pipeline.model.strategy import Step, Strategy
from pipeline.planning.outlook import traffic_of
from pipeline.planning.ways import FUNCTIONS_ALONE, IS_PROVISIONED, OTHER_ROLE, Moving, choose

CANARY = Strategy("canary", (Step(10, 300),))
ORDERS, STOCK = Resource("lambda.function", "orders", {}), Resource("lambda.function", "stock", {})
API = Resource("apigateway.rest_api", "shop", {"endpoints": {"GET /orders": {"function": "orders"}}})
SOCKET = Resource("apigatewayv2.api", "chat", {})
QUEUE = Resource("lambda.event_source_mapping", "jobs", {"function": "stock"})


def grant(function: str, principal: str) -> Resource:
    return Resource("lambda.permission", f"{function}:{principal}", {"function": function, "principal": principal})


def ways(*resources: Resource, moving: list[Moving]) -> dict[str, tuple[Way, str]]:
    return {each.address: (each.way, each.reason) for each in choose(resources, moving)}


def test_functions_shift_by_weights_and_other_apis_with_the_promotion() -> None:
    found = ways(ORDERS, STOCK, API, SOCKET, moving=[Moving(ORDERS.address), Moving(SOCKET.address)])
    assert found[ORDERS.address] == (Way.WEIGHTS, "")
    assert found[SOCKET.address][0] is Way.PROMOTION
    assert set(found) == {ORDERS.address, SOCKET.address}


def test_the_canary_of_an_api_reaches_all_its_functions_and_no_other() -> None:
    """Weights beside it would multiply with its share."""
    chosen = choose([ORDERS, STOCK, API], [Moving(API.address), Moving(STOCK.address)])
    assert {each.address: (each.way, each.moves) for each in chosen} == {
        ORDERS.address: (Way.STAGE, False),
        STOCK.address: (Way.WEIGHTS, True),
        API.address: (Way.STAGE, True),
    }


@pytest.mark.parametrize("moving", [Moving(API.address, new=True), Moving(API.address, FUNCTIONS_ALONE)])
def test_an_api_without_a_canary_reaches_nothing(moving: Moving) -> None:
    assert ways(ORDERS, API, moving=[moving, Moving(ORDERS.address)])[ORDERS.address][0] is Way.WEIGHTS


def test_what_aws_cannot_share_waits_for_the_promotion_and_says_why() -> None:
    assert ways(ORDERS, moving=[Moving(ORDERS.address, OTHER_ROLE)])[ORDERS.address] == (Way.PROMOTION, OTHER_ROLE)


def test_what_is_new_has_nothing_to_share_with() -> None:
    assert ways(ORDERS, moving=[Moving(ORDERS.address, new=True)]) == {}


def test_functions_that_only_event_sources_feed_are_known() -> None:
    [fed] = choose([STOCK, QUEUE, grant("stock", "events.amazonaws.com")], [Moving(STOCK.address)])
    assert fed.sources == (QUEUE.address, "events.amazonaws.com")
    [called] = choose([STOCK, QUEUE, grant("stock", "apigateway.amazonaws.com")], [Moving(STOCK.address)])
    assert called.sources == ()


def plan(*changes: Change) -> Plan:
    return Plan("shop", "dev", "eu-west-1", "123456789012", None, changes)


def update(resource: Resource, *paths: str, **more: Any) -> Change:
    fields = tuple(FieldChange(path, "a", "b") for path in paths)
    return Change(resource.address, Action.UPDATE, Origin.GIT, fields, desired=resource, **more)


def shown(*changes: Change, desired: tuple[Resource, ...] = (ORDERS, STOCK, API)) -> dict[str, str] | None:
    found = traffic_of(plan(*changes), DesiredState(desired), CANARY, first=False)
    return dict(found.ways) if found else None


def test_a_plan_says_how_each_part_shifts() -> None:
    assert shown(update(ORDERS, "code"), update(STOCK, "role", "code")) == {
        ORDERS.address: "by weights of its alias",
        STOCK.address: f"with the promotion: {OTHER_ROLE}",
    }
    assert shown(update(API, "endpoints.GET /orders.function"), update(ORDERS, "code")) == {
        API.address: "by a canary on its stage",
        ORDERS.address: "reached by the canary of shop",
    }


def test_provisioned_concurrency_is_known_from_the_specs() -> None:
    kept = Resource("lambda.provisioned_concurrency", "orders:live", {"function": "orders"})
    found = shown(update(ORDERS, "code"), desired=(ORDERS, kept))
    assert found == {ORDERS.address: f"with the promotion: {IS_PROVISIONED}"}


def test_nothing_is_said_where_nothing_shifts_in_steps() -> None:
    assert shown(update(ORDERS, "tags.team")) is None
    assert shown(Change(ORDERS.address, Action.CREATE, Origin.GIT, desired=ORDERS)) is None
    changed = plan(update(ORDERS, "code"))
    assert traffic_of(changed, DesiredState((ORDERS,)), Strategy(), first=False) is None
    assert traffic_of(changed, DesiredState((ORDERS,)), CANARY, first=True) is None


def test_the_document_of_a_plan_has_it() -> None:
    changed = plan(update(ORDERS, "code"))
    traffic = traffic_of(changed, DesiredState((ORDERS,)), CANARY, first=False)
    assert traffic is not None
    assert traffic.to_json() == {
        "strategy": "canary: 10 % for 5 min, then all",
        "ways": [{"address": "lambda.function/orders", "how": "by weights of its alias"}],
    }
