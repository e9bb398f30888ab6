"""What the AWS Price List says today: one question for each thing that is priced. Only reads.

The service answers in us-east-1, for all regions.
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html
"""

from collections.abc import Iterable, Mapping
from functools import partial

from pipeline.costing.prices import Product, amount_of
from pipeline.errors import PipelineError
from pipeline.resources.base import Aws

_REGION = "us-east-1"


def listed_prices(aws: Aws, products: Iterable[Product], region: str) -> Mapping[str, float]:
    """The prices that the list gives clearly, by key. Raises PipelineError when it cannot be asked at all."""
    first, *rest = products
    found = {first.key: _ask(aws, first, region)}
    asked = [partial(_quietly, aws, product, region) for product in rest]
    found |= {product.key: amount for product, amount in zip(rest, aws.gather(asked), strict=True)}
    return {key: amount for key, amount in found.items() if amount is not None}


def _quietly(aws: Aws, product: Product, region: str) -> float | None:
    try:
        return _ask(aws, product, region)
    except PipelineError:
        return None


def _ask(aws: Aws, product: Product, region: str) -> float | None:
    wanted = dict(product.filters)
    if not product.everywhere:
        wanted["regionCode"] = region
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in wanted.items()]
    offers = aws.pages(
        "pricing", "GetProducts", "PriceList", region=_REGION, ServiceCode=product.service, Filters=filters
    )
    return amount_of([str(offer) for offer in offers], product)
