"""Values of costs: what was used, what it is priced at, and what follows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Dimensions = tuple[tuple[str, str], ...]

HOUR, DAY = 3600, 86_400  # seconds


@dataclass(frozen=True)
class Metric:
    """A CloudWatch metric with a statistic and a period in seconds; `region` where it is not the environment's own."""

    namespace: str
    name: str
    statistic: str
    dimensions: Dimensions
    period: int = HOUR
    region: str | None = None


@dataclass(frozen=True)
class Usage:
    """What was used in the last `days`: a value per period and metric (none: no data). `sizes`: bytes per address."""

    days: float
    series: Mapping[Metric, tuple[float, ...]] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    cold_starts: Mapping[str, int] = field(default_factory=dict)

    def total(self, metric: Metric) -> float:
        """The sum over the window; 0 without data."""
        return sum(self.series.get(metric, ()))

    def monthly(self, metric: Metric) -> float:
        """What a month of such days has."""
        return self.total(metric) * DAYS_A_MONTH / self.days

    def average(self, metric: Metric) -> float:
        """The mean of the periods that have data; 0 without any."""
        values = self.series.get(metric, ())
        return sum(values) / len(values) if values else 0.0


# 730 hours: how AWS's own calculator counts a month. https://docs.aws.amazon.com/pricing-calculator/latest/userguide/
HOURS_A_MONTH = 730.0
DAYS_A_MONTH = HOURS_A_MONTH / 24


@dataclass(frozen=True)
class Price:
    """US dollars for one `unit` (`requests` of a million are still one request), and where that is from."""

    key: str
    amount: float
    unit: str
    basis: str


@dataclass(frozen=True)
class Line:
    """What one thing costs a month: `quantity` of the price's unit; `fixed`: whether or not it is used."""

    address: str
    what: str
    quantity: float
    price: Price
    fixed: bool = False

    @property
    def dollars(self) -> float:
        """A month."""
        return self.quantity * self.price.amount

    def to_json(self) -> dict[str, Any]:
        """With everything that the figure stands on."""
        return {
            "address": self.address,
            "what": self.what,
            "monthly": round(self.dollars, 6),
            "quantity": round(self.quantity, 6),
            "unit": self.price.unit,
            "price": self.price.amount,
            "basis": self.price.basis,
            "fixed": self.fixed,
        }


@dataclass(frozen=True)
class Estimate:
    """The lines of a service or a resource, and what is not in them."""

    lines: tuple[Line, ...] = ()
    not_counted: tuple[str, ...] = ()

    @property
    def dollars(self) -> float:
        """A month."""
        return sum(line.dollars for line in self.lines)

    def __add__(self, other: "Estimate") -> "Estimate":
        left_out = dict.fromkeys((*self.not_counted, *other.not_counted))
        return Estimate((*self.lines, *other.lines), tuple(left_out))


@dataclass(frozen=True)
class Option:
    """One way to pay for a resource. `settings` are the properties that a spec needs for it.

    None: the property has to be absent; {}: more than properties of the resource itself.
    """

    name: str
    dollars: float
    basis: str
    settings: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """As shown by `cost`."""
        return {
            "option": self.name,
            "monthly": round(self.dollars, 6),
            "basis": self.basis,
            "settings": dict(self.settings),
        }


@dataclass(frozen=True)
class Advice:
    """The options for one resource, the current one first, and what is best; `reason` says why, or why none is."""

    address: str
    options: tuple[Option, ...]
    best: Option | None
    reason: str

    @property
    def saving(self) -> float:
        """Dollars a month that the best option saves; 0 where the current one is the best."""
        return self.options[0].dollars - self.best.dollars if self.best else 0.0

    def to_json(self) -> dict[str, Any]:
        """As shown by `cost`."""
        return {
            "address": self.address,
            "options": [option.to_json() for option in self.options],
            "best": self.best.name if self.best else None,
            "saving": round(self.saving, 6),
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Delta:
    """What a plan changes about the monthly cost of one resource. `used` is False when nothing is known of its use."""

    address: str
    action: str
    before: float
    after: float
    used: bool
    lines: tuple[Line, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As shown by `cost --plan`."""
        return {
            "address": self.address,
            "action": self.action,
            "before": round(self.before, 6),
            "after": round(self.after, 6),
            "usage_known": self.used,
            "lines": [line.to_json() for line in self.lines],
        }


@dataclass(frozen=True)
class Costs:
    """What a service costs a month by its usage of `days`, and what would cost less. `bases`: where prices are from."""

    days: float
    estimate: Estimate
    tables: tuple[Advice, ...]
    functions: tuple[Advice, ...]
    bases: tuple[str, ...]


@dataclass(frozen=True)
class PlanCosts:
    """What a plan changes about the monthly cost."""

    days: float
    deltas: tuple[Delta, ...]
    bases: tuple[str, ...]
    not_counted: tuple[str, ...] = ()

    @property
    def change(self) -> float:
        """Dollars a month, as far as usage is known."""
        return sum(delta.after - delta.before for delta in self.deltas)


@dataclass(frozen=True)
class Edit:
    """A spec that was changed for an advice, or why it was not (`problem`).

    `for_all`: a spec holds for every environment; the file of one does not.
    """

    address: str
    file: str | None
    settings: Mapping[str, Any]
    problem: str | None = None
    for_all: bool = True
