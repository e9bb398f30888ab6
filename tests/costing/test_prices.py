"""Prices: from the Price List where it is clear, else from the table, and each says which."""

import json
from typing import Any

import pytest

from pipeline.applying.pricing import listed_prices
from pipeline.costing.prices import Prices, amount_of, products
from pipeline.errors import PipelineError
from tests.support.aws import FakeClock, local_client

REQUESTS = products()["lambda.requests"]


def offer(usage: str, *tiers: tuple[str, str]) -> str:
    """An entry of `PriceList` with (beginRange, USD) for each tier."""
    dimensions = {str(n): {"beginRange": begin, "pricePerUnit": {"USD": usd}} for n, (begin, usd) in enumerate(tiers)}
    return json.dumps(
        {
            "product": {"attributes": {"usagetype": usage}},
            "terms": {"OnDemand": {"x": {"priceDimensions": dimensions}}},
        }
    )


@pytest.mark.parametrize(
    ("offers", "amount"),
    [
        ([offer("Request", ("0", "0.0000002000"))], 2e-7),
        ([offer("EUW1-Request", ("0", "0.0000002500"))], 2.5e-7),
        ([offer("Request", ("0", "0.0"), ("1000000", "0.0000003"))], 3e-7),
        ([offer("Request", ("6000000", "0.1"), ("0", "0.2"))], 0.2),
        ([offer("Request", ("0", "1")), offer("Other", ("0", "7"))], 1.0),
        ([offer("Request", ("0", "1")), offer("EU-Request", ("0", "2"))], None),
        ([offer("Request", ("0", "1")), offer("IA-Request", ("0", "2")), offer("EU-IA-Request", ("0", "3"))], 1.0),
        ([offer("Lambda-GB-Second", ("0", "1"))], None),
        ([], None),
    ],
)
def test_the_first_paid_tier_of_the_one_product_counts(offers: list[str], amount: float | None) -> None:
    assert amount_of(offers, REQUESTS) == amount


@pytest.mark.parametrize("usage", ["Requests-RBP", "EU-Requests-Tier1"])
def test_us_east_1_has_names_of_its_own(usage: str) -> None:
    others = (offer("Requests-FIFO-RBP", ("0", "0.5")), offer("EU-Requests-FIFO-Tier1", ("0", "0.5")))
    assert amount_of([offer(usage, ("0", "0.4")), *others], products()["sqs.requests"]) == 0.4


def test_what_is_of_no_region_is_asked_for_without_one() -> None:
    aws = PriceList({"AmazonCloudWatch": [offer("DashboardsUsageHour", ("0", "3"))]})
    found = listed_prices(aws, [products()["cloudwatch.dashboard"]], "eu-west-1")  # type: ignore[arg-type]  # a fake of what is used
    assert found == {"cloudwatch.dashboard": 3.0}
    assert [each["Field"] for each in aws.asked[0]["Filters"]] == ["productFamily"]


def test_a_price_says_where_it_is_from() -> None:
    prices = Prices("eu-west-1", {"lambda.requests": 9.0}, "2026-11-29")
    assert prices.of("lambda.requests").amount == 9.0
    assert prices.of("lambda.requests").basis == "AWS Price List for eu-west-1, 2026-11-29"
    assert prices.of("sns.requests").basis.startswith("list price of us-east-1 on 20")
    assert "eu-west-1 may differ" in prices.of("sns.requests").basis
    assert len(prices.bases) == 2


def test_every_price_of_the_table_is_complete() -> None:
    for product in products().values():
        assert 0 < product.amount < 100, product.key
        assert product.page.startswith("https://aws.amazon.com/"), product.key
        assert product.usage, product.key


class PriceList:
    """Answers GetProducts from a table by service; what is not in it is refused."""

    def __init__(self, offers: dict[str, list[str]]) -> None:
        self.offers = offers
        self.asked: list[dict[str, Any]] = []

    def gather(self, thunks: Any) -> list[Any]:
        return [thunk() for thunk in thunks]

    def pages(self, service: str, operation: str, /, key: str, **params: Any) -> list[str]:
        assert (service, operation, key, params.pop("region")) == ("pricing", "GetProducts", "PriceList", "us-east-1")
        self.asked.append(params)
        if params["ServiceCode"] not in self.offers:
            raise PipelineError("not answered")
        return self.offers[params["ServiceCode"]]


def test_what_the_list_does_not_say_clearly_is_left_to_the_table() -> None:
    aws = PriceList({"AWSLambda": [offer("EU-Request", ("0", "0.5"))]})
    assert listed_prices(aws, products().values(), "eu-west-1") == {"lambda.requests": 0.5}  # type: ignore[arg-type]  # a fake of what is used
    asked = {f["Field"]: f["Value"] for f in aws.asked[0]["Filters"]}
    assert asked == {"group": "AWS-Lambda-Requests", "regionCode": "eu-west-1"}


def test_a_list_that_does_not_answer_at_all_is_an_error() -> None:
    with pytest.raises(PipelineError):
        listed_prices(PriceList({}), products().values(), "us-east-1")  # type: ignore[arg-type]  # a fake of what is used


def test_the_filters_are_ones_that_the_service_takes(aws_environment: None) -> None:
    """botocore checks the parameters before anything is sent; nobody listens at this port."""
    client = local_client(FakeClock(), endpoint="http://127.0.0.1:9")
    with pytest.raises(PipelineError, match="pricing:GetProducts"):
        listed_prices(client, products().values(), "us-east-1")
