"""Prices: those that AWS's Price List says, else those of a table in this package, which says how old it is. Pure.

https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources as package_files
from typing import Any

from pipeline.model.cost import Price


@dataclass(frozen=True)
class Product:
    """One priced thing: its price in the table, and how the Price List knows it."""

    key: str
    amount: float
    unit: str
    page: str
    service: str
    filters: Mapping[str, str]
    usage: str
    """How the product's usage type ends, after the region's own prefix; among several that match the filters. us-east-1
    has names of its own for some (`Requests-RBP` of queues): behind a |."""
    everywhere: bool = False
    """Whether its price is of no region: of a part of the world, or of all of it."""


_OTHER_CLASS = "IA-"  # infrequent access has usage types of the same ends, at prices of its own


@cache
def products() -> Mapping[str, Product]:
    """All that is priced here, by key."""
    return {key: Product(key, **entry) for key, entry in _document()["prices"].items()}


@cache
def _document() -> dict[str, Any]:
    text = package_files.files("pipeline.costing").joinpath("prices.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def table_basis(region: str) -> str:
    """What is to be said of prices from the table."""
    known = _document()
    about = f"list price of {known['region']} on {known['date']}"
    return about if region == known["region"] else f"{about}; {region} may differ"


class Prices:
    """The price of everything in one region; `listed` are those that the Price List gave."""

    def __init__(self, region: str, listed: Mapping[str, float] | None = None, listed_on: str = "") -> None:
        self.region = region
        self._listed, self._listed_on = dict(listed or {}), listed_on

    def of(self, key: str) -> Price:
        """The price of a key of prices.json."""
        product = products()[key]
        if key in self._listed:
            return Price(key, self._listed[key], product.unit, f"AWS Price List for {self.region}, {self._listed_on}")
        return Price(key, product.amount, product.unit, table_basis(self.region))

    @property
    def bases(self) -> list[str]:
        """Where the prices come from, each said once."""
        return sorted({self.of(key).basis for key in products()})


def amount_of(documents: Iterable[str], product: Product) -> float | None:
    """The price per unit beyond any free tier in what GetProducts answered; None when that is not one clear figure.

    `documents` are the JSON texts of `PriceList`. Where a price falls with the amount, the first paid tier counts.
    """
    found = {
        amount
        for text in documents
        if (offer := json.loads(text)) and _is(offer, product)
        for amount in _first_paid(offer)
    }
    return found.pop() if len(found) == 1 else None


def _is(offer: Mapping[str, Any], product: Product) -> bool:
    usage = str(offer.get("product", {}).get("attributes", {}).get("usagetype", ""))
    regions = {usage.removesuffix(one) for one in product.usage.split("|") if usage.endswith(one)}
    return any(not one or (one.endswith("-") and not one.endswith(_OTHER_CLASS)) for one in regions)


def _first_paid(offer: Mapping[str, Any]) -> Iterable[float]:
    for term in offer.get("terms", {}).get("OnDemand", {}).values():
        tiers = sorted(term.get("priceDimensions", {}).values(), key=lambda tier: float(tier.get("beginRange") or 0))
        paid = [float(tier["pricePerUnit"]["USD"]) for tier in tiers if "USD" in tier.get("pricePerUnit", {})]
        yield from [amount for amount in paid if amount > 0][:1]
