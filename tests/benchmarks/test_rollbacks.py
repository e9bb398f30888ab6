"""When the traffic of a rollback has moved, as seen on the wire, and what AWS's rates make of many functions."""

import pytest

from benchmarks.rollbacks import before_moved, counted, least_seconds, several, until_moved, write
from benchmarks.service import ENVIRONMENT
from pipeline.config.loading import load
from pipeline.resources.registry import registry
from tests.config.support import TODAY

TRACE = [
    ("s3:GetObject", 0.0, 0.05),
    ("lambda:UpdateAlias", 0.3, 0.35),
    ("apigateway:UpdateStage", 0.36, 0.42),
    ("lambda:UpdateAlias", 0.3, 0.36),
    ("s3:PutObject", 0.43, 0.5),
    ("lambda:UpdateAlias", 0.9, 0.95),  # the alias `previous`
]


def test_the_last_pointer_decides_and_what_comes_after_it_does_not_count() -> None:
    assert until_moved(TRACE, 2, wall=1.2) == pytest.approx(1.2 - (0.95 - 0.42))
    assert counted(before_moved(TRACE, 2)) == {
        "calls": {"apigateway:UpdateStage": 1, "lambda:UpdateAlias": 2, "s3:GetObject": 1}, "total": 4,
    }  # fmt: skip


def test_sixty_functions_take_what_aws_admits() -> None:
    """30 at once, then 15 a second: the limit of Lambda's control plane."""
    assert least_seconds({"lambda:UpdateAlias": 60, "apigateway:UpdateStage": 1}) == pytest.approx(2.0)
    assert least_seconds({"lambda:UpdateAlias": 6, "apigateway:UpdateStage": 1}) == 0.0


def test_every_release_changes_every_function_and_the_api() -> None:
    with several(3) as service:
        one = load(service.root, [ENVIRONMENT], registry(), TODAY)
        code = (service.root / "code/handlers/answer.py").read_text(encoding="utf-8")
        write(service.root, 3, 2)
        two = load(service.root, [ENVIRONMENT], registry(), TODAY)
        assert code != (service.root / "code/handlers/answer.py").read_text(encoding="utf-8")
    assert not one.errors
    api = "apigateway.rest_api/shop"
    states = [found.desired[ENVIRONMENT].by_address for found in (one, two)]
    assert states[0][api].properties != states[1][api].properties
    assert len([address for address in states[0] if address.startswith("lambda.function/")]) == 3
