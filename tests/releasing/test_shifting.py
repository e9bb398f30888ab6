"""What AWS says of two versions decides how a function shifts; and the shares of a whole release."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import pytest

from pipeline.model.resource import Resource
from pipeline.model.shift import Shift, Way
from pipeline.planning.ways import IS_PROVISIONED, OTHER_QUEUE, OTHER_ROLE
from pipeline.releasing.publisher import Move
from pipeline.releasing.shifting import Traffic, shifts_of
from pipeline.releasing.traffic import Kind, Pointer
from pipeline.resources.base import Aws

T = TypeVar("T")
ORDERS = Resource("lambda.function", "orders", {"alias": "live"})
MOVE = Move(ORDERS, Pointer(Kind.ALIAS, "orders", "live"), "1", "2")


@dataclass
class Lambda:
    """The configurations of versions, and the aliases that were moved, in order."""

    versions: dict[str, dict[str, Any]] = field(default_factory=lambda: {"1": {"Role": "r"}, "2": {"Role": "r"}})
    provisioned: bool = False
    moved: list[tuple[str, str, str, dict[str, float]]] = field(default_factory=list)

    def call(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        if operation == "GetFunctionConfiguration":
            return self.versions[params["Qualifier"]]
        assert operation == "UpdateAlias"
        weights = params["RoutingConfig"]["AdditionalVersionWeights"]
        self.moved.append((params["FunctionName"], params["Name"], params["FunctionVersion"], weights))
        return {"FunctionVersion": params["FunctionVersion"], "RoutingConfig": params["RoutingConfig"]}

    def found(self, service: str, operation: str, /, **params: Any) -> dict[str, Any] | None:
        if operation == "GetProvisionedConcurrencyConfig":
            return {"Status": "READY"} if self.provisioned else None
        return self.call(service, operation, **params)

    def gather(self, thunks: Iterable[Callable[[], T]]) -> list[T]:
        return [thunk() for thunk in thunks]


def shift_of(aws: Lambda, move: Move = MOVE) -> Shift:
    [found] = shifts_of(cast("Aws", aws), [move.resource], [move])
    return found


def test_two_versions_of_one_role_share_the_alias() -> None:
    found = shift_of(Lambda())
    assert (found.way, found.stable, found.canary, found.name) == (Way.WEIGHTS, "1", "2", "live")


@pytest.mark.parametrize(
    ("aws", "reason"),
    [
        (Lambda(provisioned=True), IS_PROVISIONED),
        (Lambda({"1": {"Role": "r"}, "2": {"Role": "s"}}), OTHER_ROLE),
        (Lambda({"1": {"Role": "r"}, "2": {"Role": "r", "DeadLetterConfig": {"TargetArn": "q"}}}), OTHER_QUEUE),
    ],
)
def test_what_lambda_would_refuse_waits_for_the_promotion(aws: Lambda, reason: str) -> None:
    found = shift_of(aws)
    assert (found.way, found.reason) == (Way.PROMOTION, reason)


def test_an_alias_on_latest_shares_with_nothing() -> None:
    found = shift_of(Lambda(), Move(ORDERS, MOVE.pointer, "$LATEST", "2"))
    assert found.way is Way.PROMOTION


def test_what_stays_where_it_is_does_not_shift() -> None:
    assert shifts_of(cast("Aws", Lambda()), [ORDERS], [Move(ORDERS, MOVE.pointer, "2", "2")]) == ()


def test_shares_promotion_and_the_way_back() -> None:
    aws = Lambda()
    held = Shift("lambda.function/held", "alias", "held", "live", "4", "5", Way.PROMOTION)
    traffic = Traffic(cast("Aws", aws), [shift_of(aws), held])
    traffic.share(12.5)
    assert aws.moved == [("orders", "live", "1", {"2": 0.125})]
    aws.moved.clear()
    traffic.promote()
    assert aws.moved == [("orders", "live", "2", {}), ("held", "live", "5", {})]
    aws.moved.clear()
    traffic.revert()
    assert aws.moved == [("orders", "live", "1", {}), ("held", "live", "4", {})]
