"""Releases that are bad on purpose: what they do, and that only what was asked for is broken."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.demonstrating.faults import Break, Fault, Route, breaking, routes_of
from pipeline.errors import BadInput
from pipeline.model.resource import Resource, Source

SPEC = """apis:
  - {name: shop-api, endpoints: [{path: /orders, methods: [GET], function: shop-orders}]}
  - name: other
    endpoints:
      - path: "/orders/paid"
        methods: [GET]
"""
HANDLER = """from __future__ import annotations
def serve(event, context):
    return {"statusCode": 200, "body": "whole"}
"""
API = "apigateway.rest_api/shop-api"
ROUTE = Route(API, "/orders", "shop-orders")


def entry(function: str, **more: Any) -> dict[str, Any]:
    return {"function": function, "authorization": "NONE", **more}


def service(root: Path, module: str = "code/handlers/orders.py") -> list[Resource]:
    (root / "aws").mkdir()
    (root / "aws" / "api.yaml").write_text(SPEC, encoding="utf-8")
    (root / module).parent.mkdir(parents=True)
    (root / module).write_text(HANDLER, encoding="utf-8")
    endpoints = {
        "GET /orders": entry("shop-orders"),
        "POST /orders": entry("shop-orders"),
        "GET /orders/{id}": entry("shop-orders"),
        "GET /mine": {**entry("shop-orders"), "authorization": "COGNITO_USER_POOLS"},
        "GET /keyed": entry("shop-orders", api_key_required=True),
        "OPTIONS /orders": {"cors": {}},
    }
    return [
        Resource("lambda.function", "shop-orders", {"handler": "handlers/orders.serve"}),
        Resource("lambda.provisioned_concurrency", "ready", {"function": "shop-kept", "alias": "live"}),
        Resource("apigateway.rest_api", "shop-api", {"endpoints": endpoints}, source=Source("aws/api.yaml", 2)),
        Resource("apigatewayv2.http_api", "shop-http", {"endpoints": {"ANY /kept": entry("shop-kept"),
                                                                      "$default": entry("shop-kept"),
                                                                      "GET /stock": entry("shop-stock")}}),
    ]  # fmt: skip


def broken(root: Path, fault: Fault) -> tuple[Break, Callable[[Any, Any], Any]]:
    """The handler after the change."""
    change = breaking(root, "code", service(root), fault, ROUTE)
    change.carry_out()
    namespace: dict[str, Any] = {}
    exec(compile(change.path.read_text(encoding="utf-8"), str(change.path), "exec"), namespace)
    return change, namespace["serve"]


def test_only_what_anybody_may_ask_is_asked_and_what_shares_its_traffic_first(tmp_path: Path) -> None:
    routes = routes_of(service(tmp_path))
    assert [(route.api.partition("/")[2], str(route)) for route in routes] == [
        ("shop-api", "GET /orders"),
        ("shop-http", "GET /stock"),
        ("shop-http", "GET /kept"),
    ]


def test_errors_come_in_a_part_of_the_requests(tmp_path: Path) -> None:
    change, handler = broken(tmp_path, Fault.ERRORS)
    assert change.told == "shop-orders fails at half of its requests"
    failed = 0
    for _ in range(200):
        try:
            assert handler({}, None)["body"] == "whole"
        except RuntimeError:
            failed += 1
    assert 50 < failed < 150


def test_one_route_fails_and_no_other(tmp_path: Path) -> None:
    """In the events of REST APIs as in those of HTTP APIs."""
    _, handler = broken(tmp_path, Fault.ROUTE)
    for event in ({"httpMethod": "GET", "resource": "/orders"}, {"routeKey": "GET /orders"}):
        with pytest.raises(RuntimeError, match="on purpose"):
            handler(event, None)
    for event in ({"httpMethod": "POST", "resource": "/orders"}, {"routeKey": "$connect"}, {}):
        assert handler(event, None)["statusCode"] == 200


def test_answers_of_500_are_no_errors_of_the_function(tmp_path: Path) -> None:
    _, handler = broken(tmp_path, Fault.ANSWERS)
    assert handler({}, None)["statusCode"] == 500


def test_slow_answers_are_right(tmp_path: Path) -> None:
    change, handler = broken(tmp_path, Fault.SLOW)
    waited: list[float] = []
    handler.__globals__["_time"] = type("Time", (), {"sleep": staticmethod(waited.append)})
    assert handler({}, None)["body"] == "whole"
    assert waited == [1.5]
    assert "1.5 s longer" in change.told


def test_a_good_release_is_another_one_all_the_same(tmp_path: Path) -> None:
    change, handler = broken(tmp_path, Fault.NONE)
    assert handler({}, None)["body"] == "whole"
    assert change.path.read_text(encoding="utf-8") != HANDLER


def test_a_definition_loses_one_path(tmp_path: Path) -> None:
    change = breaking(tmp_path, "code", service(tmp_path), Fault.DEFINITION, ROUTE)
    assert "{path: /orders/moved, methods" in change.text
    assert 'path: "/orders/paid"' in change.text
    assert change.path == tmp_path / "aws" / "api.yaml"


def test_what_cannot_be_broken_is_said(tmp_path: Path) -> None:
    resources = service(tmp_path, "code/handlers/orders/__init__.py")
    assert breaking(tmp_path, "code", resources, Fault.NONE, ROUTE).path.name == "__init__.py"
    with pytest.raises(BadInput, match="canaries for the definitions of REST APIs alone"):
        breaking(tmp_path, "code", resources, Fault.DEFINITION, Route("apigatewayv2.http_api/shop-http", "/stock", ""))
    with pytest.raises(BadInput, match="does not name this path literally"):
        breaking(tmp_path, "code", resources, Fault.DEFINITION, Route(API, "/prices", ""))
    with pytest.raises(BadInput, match="its source is not in elsewhere"):
        breaking(tmp_path, "elsewhere", resources, Fault.ERRORS, ROUTE)


def test_what_shows_in_the_figures_of_an_api_alone_takes_minutes_to_compare_with() -> None:
    assert [fault for fault in Fault if fault.takes_history] == [Fault.ANSWERS, Fault.DEFINITION]
