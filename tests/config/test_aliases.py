"""Whether what invokes a function names the alias that the function has."""

from pathlib import Path

import pytest

from tests.config.support import HANDLER, Files, agree, real

API = "api:\n  name: orders-api\n{more}  endpoints:\n    - {{path: /orders, methods: [GET], function: orders-list}}\n"


def service(function: str = "", **specs: str) -> Files:
    text = f"functions:\n  - name: orders-list\n    runtime: python3.13\n{function}"
    files = {f"aws/{name}.yaml": content for name, content in specs.items()}
    return {"aws/functions.yaml": text, "backend/handlers/list.py": HANDLER, **files}


def test_they_agree_by_default_and_by_name(tmp_path: Path) -> None:
    assert agree(real(tmp_path / "a", service(api=API.format(more=""))), [])
    named = service("    alias: stable\n", api=API.format(more="  alias: stable\n"))
    assert agree(real(tmp_path / "b", named), [])


@pytest.mark.parametrize(
    ("function", "more", "found"),
    [
        ("", "  alias: stable\n", "3:10: lambda.function/orders-list has no alias stable: its alias is live"),
        ("    alias: stable\n", "", "1:1: lambda.function/orders-list has no alias live: its alias is stable"),
    ],
)
def test_an_api_that_invokes_another_alias(tmp_path: Path, function: str, more: str, found: str) -> None:
    result = real(tmp_path, service(function, api=API.format(more=more)))
    assert agree(result, [f"aws/api.yaml:{found}"])


def test_a_schedule_that_calls_another_alias(tmp_path: Path) -> None:
    schedule = "schedules:\n  - {name: n, expression: rate(1 day), function: orders-list, alias: old}\n"
    found = "aws/schedule.yaml:2:70: lambda.function/orders-list has no alias old: its alias is live"
    assert agree(real(tmp_path, service(schedule=schedule)), [found])


@pytest.mark.parametrize("arn", ["arn:aws:lambda:us-east-1:1:function:x", "other"])
def test_a_route_needs_a_declared_function(tmp_path: Path, arn: str) -> None:
    result = real(tmp_path, service(api=API.format(more="").replace("orders-list", arn)))
    (found,) = result.diagnostics
    assert "ARN" not in str(found.hint)
