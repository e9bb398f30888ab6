"""What a deployed service costs, and what is written into its specs; AWS is only read."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.functional.support import Service, changing
from tests.support.fault_proxy import FaultProxy


def used(shop: Service, table: str, units: float) -> None:
    """So many read units in each five minutes of four hours a day, four days long."""
    aws, now = shop.aws(), datetime.now(UTC)
    times = [now - timedelta(days=day, minutes=5 * n) for day in range(4) for n in range(48)]
    for start in range(0, len(times), 500):
        data = [
            {
                "MetricName": "ConsumedReadCapacityUnits",
                "Dimensions": [{"Name": "TableName", "Value": table}],
                "Timestamp": time,
                "Value": units,
            }
            for time in times[start : start + 500]
        ]
        aws.call("cloudwatch", "PutMetricData", Namespace="AWS/DynamoDB", MetricData=data)


@pytest.mark.slow
def test_a_table_that_is_used_by_day_is_cheaper_scaled_and_its_spec_is_changed(
    shop: Service, proxy: FaultProxy
) -> None:
    proxy.fail("pricing:GetProducts", "AccessDeniedException", "not allowed", status=403, times=None)
    assert shop.run("cost").code == 4  # nothing was released
    assert shop.run("deploy").code == 0
    used(shop, "shop-orders", 60_000)
    proxy.reset()
    proxy.fail(
        "pricing:GetProducts", "AccessDeniedException", "not allowed: pricing:GetProducts", status=403, times=None
    )
    result = shop.run("cost", "--days", "4", "--apply")
    assert result.code == 0, result.err
    assert changing(proxy) == []
    (advice,) = [each for each in result.json["tables"] if each["address"] == "dynamodb.table/shop-orders"]
    assert advice["best"] == "provisioned, autoscaled"
    assert advice["saving"] > 1
    assert result.json["monthly"] >= advice["options"][0]["monthly"] > 0
    assert all("us-east-1" in basis or "Price List" in basis for basis in result.json["prices"])
    (edit,) = result.json["edits"]
    assert (edit["file"], edit["problem"]) == ("aws/dynamodb/tables.yaml", None)
    assert "billing_mode: PROVISIONED" in (shop.root / "aws/dynamodb/tables.yaml").read_text()
    assert shop.run("validate").code == 0
    planned = shop.run("cost", "--plan")
    assert planned.code == 0, planned.err
    delta = planned.json
    (table,) = [each for each in delta["deltas"] if each["address"] == "dynamodb.table/shop-orders"]
    assert table["before"] > table["after"] > 0
