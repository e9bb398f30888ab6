"""What resources cost by their use, and what a plan changes about it."""

from typing import Any

import pytest

from pipeline.costing import functions, tables
from pipeline.costing.delta import deltas, involved, not_counted
from pipeline.costing.estimating import ESTIMATORS, consumed, duration, estimate, estimate_all, invocations, metrics_of
from pipeline.costing.prices import Prices
from pipeline.model.cost import DAYS_A_MONTH, Metric, Usage
from pipeline.model.plan import Action, Change, Origin, Plan
from pipeline.model.resource import Observed, Resource
from pipeline.resources.registry import registry

PRICES = Prices("us-east-1")


def resource(kind: str, name: str = "it", **properties: Any) -> Resource:
    return Resource(kind, name, properties)


def by_key(found: Any) -> dict[str, float]:
    return {line.price.key: line.dollars for line in found.lines}


def test_every_type_that_is_priced_exists() -> None:
    assert ESTIMATORS.keys() <= registry().keys() | {"route53.hosted_zone"}


def test_a_month_is_like_the_days_that_were_looked_at() -> None:
    usage = Usage(10, {invocations("it"): (600_000.0, 400_000.0), duration("it"): (5_000_000.0,)})
    found = by_key(estimate(resource("lambda.function", memory=2048), usage, PRICES))
    month = DAYS_A_MONTH / 10
    assert found["lambda.requests"] == pytest.approx(1_000_000 * month * 2e-7)
    assert found["lambda.duration"] == pytest.approx(5_000 * 2 * month * 1.66667e-5)


def test_what_is_kept_ready_costs_though_nothing_runs_and_arm_has_its_own_price() -> None:
    function = resource("lambda.function", memory=1024, architecture="arm64", provisioned_concurrency=2)
    found = estimate(function, Usage(7), PRICES)
    assert by_key(found)["lambda.provisioned.arm64"] == pytest.approx(2 * 730 * 3600 * 3.3334e-6)
    assert [line.what for line in found.lines if line.fixed] == ["provisioned concurrency"]


def test_a_provisioned_table_pays_for_its_indexes_too() -> None:
    properties: dict[str, Any] = {"billing_mode": "PROVISIONED", "read_capacity": 5, "write_capacity": 2}
    table = resource("dynamodb.table", **properties, indexes=[{"name": "a"}, {"name": "b", "read_capacity": 1}])
    usage = Usage(7, sizes={"dynamodb.table/it": 3_000_000_000})
    found = by_key(estimate(table, usage, PRICES))
    assert found["dynamodb.read_capacity"] == pytest.approx((5 + 5 + 1) * 730 * 0.00013)
    assert found["dynamodb.write_capacity"] == pytest.approx((2 + 2 + 2) * 730 * 0.00065)
    assert found["dynamodb.storage"] == pytest.approx(0.75)
    assert "dynamodb.read_requests" not in found


def test_what_cannot_be_known_is_said_once() -> None:
    pools = [resource("cognito-idp.user_pool", name) for name in ("a", "b")]
    found = estimate_all([*pools, resource("iam.role")], Usage(7), PRICES)
    assert (found.lines, len(found.not_counted)) == ((), 1)


@pytest.mark.parametrize("kind", sorted(ESTIMATORS))
def test_what_is_priced_is_what_is_asked_for(kind: str) -> None:
    """Usage of one for every metric that is named makes every line that is not fixed more than nothing."""
    one = resource(kind, read_capacity=1, write_capacity=1)
    usage = Usage(1, dict.fromkeys(metrics_of([one], PRICES), (1.0,)), {one.address: 1})
    assert all(line.quantity > 0 for line in estimate(one, usage, PRICES).lines)


# --- tables ---------------------------------------------------------------------------------------------------------


def table_usage(days: float, reads: list[float], writes: list[float]) -> Usage:
    """Units per five minutes."""
    return Usage(days, {consumed("it", "Read"): tuple(reads), consumed("it", "Write"): tuple(writes)})


def advice(usage: Usage, **properties: Any) -> Any:
    return tables.advise(resource("dynamodb.table", **properties), usage, PRICES)


def test_steady_use_is_cheaper_provisioned() -> None:
    found = advice(table_usage(7, [30_000.0] * 2016, [3_000.0] * 2016))  # 100 reads and 10 writes a second
    options = {option.name: option for option in found.options}
    assert found.options[0].name == tables.ON_DEMAND
    assert options[tables.ON_DEMAND].dollars == pytest.approx((100 * 1.25e-7 + 10 * 6.25e-7) * 730 * 3600)
    assert options[tables.FIXED].dollars == pytest.approx((143 * 0.00013 + 15 * 0.00065) * 730)
    assert options[tables.FIXED].settings == {"billing_mode": "PROVISIONED", "read_capacity": 143, "write_capacity": 15}
    assert found.best.name == tables.FIXED
    assert found.saving > 25


def test_use_by_day_alone_is_cheaper_scaled() -> None:
    day = [60_000.0] * 96 + [0.0] * 192  # 8 of 24 hours
    found = advice(table_usage(7, day * 7, day * 7))
    assert found.best.name == tables.SCALED
    assert found.best.settings["autoscaling"]["read"] == {"min": 1, "max": 572}


def test_one_burst_is_cheaper_on_demand_and_hours_without_data_count_as_idle() -> None:
    found = advice(table_usage(7, [300_000.0], [1.0]), billing_mode="PROVISIONED", read_capacity=9, write_capacity=9)
    assert (found.options[0].name, found.best.name) == (tables.DECLARED, tables.ON_DEMAND)
    assert found.options[0].dollars == pytest.approx(9 * (0.00013 + 0.00065) * 730)
    assert found.best.settings == {"billing_mode": "PAY_PER_REQUEST", "read_capacity": None, "write_capacity": None}
    scaled = next(option for option in found.options if option.name == tables.SCALED)
    assert "9.5 read" in scaled.basis  # 1,429 units in one of 168 hours, one unit in the others


@pytest.mark.parametrize(
    ("usage", "reason"),
    [
        (Usage(7), "was not used"),
        (table_usage(2, [30_000.0] * 576, [0.0]), "too few"),
        (table_usage(7, [10.0], [0.0]), "nothing would save"),
    ],
)
def test_nothing_is_recommended_without_need(usage: Usage, reason: str) -> None:
    found = advice(usage)
    assert reason in found.reason
    assert found.best in (None, found.options[0])
    assert found.saving == 0


def test_indexes_count_and_need_capacities_of_their_own() -> None:
    usage = Usage(7, {consumed("it", "Read", "by-shop"): (30_000.0,) * 2016})
    found = tables.advise(resource("dynamodb.table", indexes=[{"name": "by-shop"}]), usage, PRICES)
    fixed = next(option for option in found.options if option.name == tables.FIXED)
    assert "144 read and 2 write" in fixed.basis
    assert fixed.settings == {}


def test_a_table_with_far_too_much_capacity_is_told_what_it_needs() -> None:
    usage = table_usage(7, [30_000.0] * 2016, [3_000.0] * 2016)
    found = advice(usage, billing_mode="PROVISIONED", read_capacity=1000, write_capacity=1000)
    assert (found.options[0].name, found.best.name) == (tables.DECLARED, tables.FIXED)
    assert found.saving == pytest.approx((857 * 0.00013 + 985 * 0.00065) * 730)


def test_capacity_that_autoscaling_could_not_begin_with_goes_with_it() -> None:
    day = [60_000.0] * 96 + [0.0] * 192
    usage = table_usage(7, day * 7, day * 7)
    found = advice(usage, billing_mode="PROVISIONED", read_capacity=1000, write_capacity=300)
    assert found.best.name == tables.SCALED
    assert found.best.settings["autoscaling"]["write"]["max"] == 572
    assert {name: found.best.settings.get(name, "kept") for name in ("read_capacity", "write_capacity")} == {
        "read_capacity": None, "write_capacity": "kept"
    }  # fmt: skip
    own = [{"name": "by-shop", "read_capacity": 1000}]
    by_hand = advice(usage, billing_mode="PROVISIONED", read_capacity=300, write_capacity=300, indexes=own)
    assert (by_hand.best.name, by_hand.best.settings) == (tables.SCALED, {})


def test_a_scaled_table_pays_within_its_bounds() -> None:
    usage = table_usage(1, [60_000.0] * 144, [0.0] * 144)  # 286 units by day, none by night
    bounds = {"read": {"min": 10, "max": 100}, "write": {"min": 2, "max": 9}}
    table = resource("dynamodb.table", billing_mode="PROVISIONED", autoscaling=bounds)
    found = by_key(estimate(table, usage, PRICES))
    assert found["dynamodb.read_capacity"] == pytest.approx((100 + 10) / 2 * 730 * 0.00013)
    assert found["dynamodb.write_capacity"] == pytest.approx(2 * 730 * 0.00065)
    assert tables.advise(table, usage, PRICES).options[0].dollars == pytest.approx(
        found["dynamodb.read_capacity"] + found["dynamodb.write_capacity"]
    )


def test_indexes_with_capacity_of_their_own_are_no_matter_of_one_setting() -> None:
    usage = table_usage(7, [300_000.0], [1.0])
    indexes = [{"name": "by-shop", "read_capacity": 40}]
    found = advice(usage, billing_mode="PROVISIONED", read_capacity=9, write_capacity=9, indexes=indexes)
    assert (found.best.name, found.best.settings) == (tables.ON_DEMAND, {})


# --- functions ------------------------------------------------------------------------------------------------------


def test_both_sides_of_keeping_instances_ready_are_shown() -> None:
    series = {
        invocations("it"): (1000.0,),
        duration("it"): (2 * 604_800_000 * 0.75,),
        functions.concurrency("it"): (3.0, 7.0),
    }
    usage = Usage(7, series, cold_starts={"lambda.function/it": 25})
    found = functions.advise(resource("lambda.function", memory=512), usage, PRICES)
    assert [option.name for option in found.options] == ["none kept ready", "2 kept ready", "7 kept ready"]
    assert found.options[1].dollars == pytest.approx(2 * 0.5 * 730 * 3600 * 4.1667e-6)
    assert found.options[1].settings == {"provisioned_concurrency": 2}
    assert found.reason.startswith("25 cold starts in 1,000 invocations (2.5%); 1.50 instances busy on average, 7 at")
    assert found.best is None


def test_unknown_cold_starts_are_said_to_be_unknown() -> None:
    found = functions.advise(resource("lambda.function"), Usage(7, {invocations("it"): (5.0,)}), PRICES)
    assert found.reason.startswith("cold starts unknown")


# --- plans ----------------------------------------------------------------------------------------------------------


def plan(*changes: Change) -> Plan:
    return Plan("orders", "dev", "us-east-1", "123456789012", None, changes)


def change(action: Action, before: dict[str, Any] | None, after: dict[str, Any] | None, kind: str) -> Change:
    address = f"{kind}/it"
    desired = Resource(kind, "it", after) if after is not None else None
    observed = Observed(address, before, {}) if before is not None else None
    return Change(address, action, Origin.GIT, desired=desired, observed=observed)


def test_more_memory_costs_more_for_the_same_use() -> None:
    usage = Usage(1, {duration("it"): (1_000_000.0,), invocations("it"): (10.0,)})
    (delta,) = deltas(plan(change(Action.UPDATE, {"memory": 512}, {"memory": 1024}, "lambda.function")), usage, PRICES)
    assert delta.used
    assert delta.after - delta.before == pytest.approx(500 * DAYS_A_MONTH * 1.66667e-5)


def test_new_things_cost_what_is_fixed_and_old_things_that_go_save_it() -> None:
    made = change(Action.CREATE, None, {}, "cloudwatch.alarm")
    gone = change(Action.DELETE, {}, None, "cloudwatch.dashboard")
    found = {d.address: d.after - d.before for d in deltas(plan(made, gone), Usage(7), PRICES)}
    assert found == {"cloudwatch.alarm/it": pytest.approx(0.10), "cloudwatch.dashboard/it": pytest.approx(-3.0)}


def test_what_goes_saves_what_its_use_cost() -> None:
    gone = plan(change(Action.DELETE, {"memory": 1024}, None, "lambda.function"))
    assert invocations("it") in set(metrics_of(involved(gone), PRICES))
    (delta,) = deltas(gone, Usage(1, {invocations("it"): (1_000_000.0,)}), PRICES)
    assert delta.before == pytest.approx(DAYS_A_MONTH * 0.2)
    assert delta.after == 0


def test_an_api_that_cloudwatch_knows_by_id_is_used_before_and_after_a_change() -> None:
    observed = Observed("apigatewayv2.http_api/it", {"cors": False}, {"id": "a1b2"})
    desired = Resource("apigatewayv2.http_api", "it", {"cors": True})
    changed = plan(Change(observed.address, Action.UPDATE, Origin.GIT, desired=desired, observed=observed))
    metrics = set(metrics_of(involved(changed), PRICES))
    assert {metric.dimensions for metric in metrics} == {(("ApiId", "a1b2"),)}
    assert deltas(changed, Usage(1, dict.fromkeys(metrics, (1e6,))), PRICES) == ()


def test_what_the_cost_of_a_plan_does_not_hold_is_said() -> None:
    made = plan(change(Action.CREATE, None, {}, "cognito-idp.user_pool"), change(Action.DELETE, {}, None, "s3.bucket"))
    (said,) = not_counted(made, Usage(1), PRICES)
    assert "Cognito" in said


def test_changes_that_cost_nothing_are_left_out() -> None:
    found = deltas(
        plan(
            change(Action.UPDATE, {"timeout": 3}, {"timeout": 4}, "lambda.function"),
            change(Action.RETAIN, {"billing_mode": "PROVISIONED"}, {}, "dynamodb.table"),
            change(Action.CREATE, None, {}, "iam.role"),
        ),
        Usage(7),
        PRICES,
    )
    assert found == ()


def test_a_metric_of_another_region_says_so() -> None:
    metrics: list[Metric] = list(metrics_of([resource("cloudfront.distribution")], PRICES))
    assert {metric.region for metric in metrics} == {"us-east-1"}
