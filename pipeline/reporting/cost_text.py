"""Costs for people, for programs, and for a pull request. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any

from pipeline.model.cost import Advice, Costs, Delta, Edit, Estimate, Line, PlanCosts, Price
from pipeline.reporting.style import Style, counted, table

_LEAST = 0.005  # dollars: below that a line is left out of the table, and the rest is said in one
_ASSUMPTIONS = (
    "a month has 730 hours; the next one is used like the days that were looked at",
    "free tiers, discounts, taxes and data transfer out of AWS are left out",
)


def dollars(amount: float) -> str:
    """`12.30`, `0.004`: two figures at least that are no zeros, up to a hundredth of a cent."""
    return f"{amount:,.2f}" if abs(amount) >= 1 or abs(amount) < 0.00005 else f"{amount:.4f}"


def signed(amount: float) -> str:
    """`+12.30`, `-0.40`."""
    return f"{'-' if amount < 0 else '+'}{dollars(abs(amount))}"


def render_costs(environment: str, found: Costs, edits: Sequence[Edit] | None, style: Style) -> str:
    """All of it for a terminal."""
    parts = [
        style.bold(f"{environment} costs about {dollars(found.estimate.dollars)} US dollars a month")
        + f", by its usage of the last {found.days:g} days",
        _lines(found.estimate, style),
        *_advices(found.tables, style),
        *_advices(found.functions, style),
    ]
    if edits is not None:
        parts.append(_edits(edits))
    return "\n\n".join([*parts, _small_print(found.bases, found.estimate.not_counted, style)])


def _lines(estimate: Estimate, style: Style) -> str:
    shown = sorted((line for line in estimate.lines if line.dollars >= _LEAST), key=lambda line: -line.dollars)
    rows = [(f"{dollars(line.dollars):>9}", line.address, line.what, _quantity(line)) for line in shown]
    rest = estimate.dollars - sum(line.dollars for line in shown)
    small = len(estimate.lines) - len(shown)
    left = [f"{dollars(rest):>9}  {counted(small, 'line')} of less than a cent"] if small else []
    return "\n".join([*([table(rows)] if rows else []), *(style.dim(line) for line in left)])


def _quantity(line: Line) -> str:
    number = f"{line.quantity:,.0f}" if line.quantity >= 100 else f"{line.quantity:.4g}"
    return f"{number} {line.price.unit} at {_rate(line.price)}"


def _rate(price: Price) -> str:
    return f"{price.amount:.6g} each" if price.amount >= 0.001 else f"{price.amount * 1e6:.6g} a million"


def _advices(found: Iterable[Advice], style: Style) -> list[str]:
    """Those with something to choose each by itself, the others as one block of lines."""
    told = [_advice(advice, style) for advice in found]
    short = [text for text in told if "\n" not in text]
    return [*(text for text in told if "\n" in text), *(["\n".join(short)] if short else [])]


def _advice(advice: Advice, style: Style) -> str:
    if advice.best is None and not advice.options[0].dollars:
        return f"{advice.address}: {advice.reason}"  # nothing is paid, so there is nothing to choose
    rows = [
        (f"{dollars(option.dollars):>9}", _name(option.name, advice, current=number == 0), option.basis)
        for number, option in enumerate(advice.options)
    ]
    return f"{style.bold(advice.address)}: {advice.reason}\n{table(rows)}"


def _name(name: str, advice: Advice, *, current: bool) -> str:
    best = advice.best is not None and advice.best.name == name
    return name + (" (now)" if current else "") + (" ←" if best and not current else "")


def _edits(edits: Sequence[Edit]) -> str:
    if not edits:
        return "no spec was changed: nothing is recommended"
    told = [
        f"{edit.file}: {edit.address} changed{' for every environment' if edit.for_all else ''}; look at it: git diff"
        if edit.problem is None
        else f"{edit.file or '-'}: {edit.address} not changed: {edit.problem}"
        for edit in edits
    ]
    return "\n".join(told)


def _small_print(bases: Iterable[str], not_counted: Iterable[str], style: Style) -> str:
    lines = [*(f"prices: {basis}" for basis in bases), *_ASSUMPTIONS, *(f"not in it: {what}" for what in not_counted)]
    return "\n".join(style.dim(line) for line in lines)


def costs_json(environment: str, found: Costs, edits: Sequence[Edit] | None) -> dict[str, Any]:
    """The document of `cost`. Dollars a month."""
    document = {
        "environment": environment,
        "days": found.days,
        "monthly": round(found.estimate.dollars, 6),
        "lines": [line.to_json() for line in found.estimate.lines],
        "tables": [advice.to_json() for advice in found.tables],
        "functions": [advice.to_json() for advice in found.functions],
        **_basis_json(found.bases),
        "not_counted": list(found.estimate.not_counted),
    }
    if edits is not None:
        document["edits"] = [
            {
                "address": e.address,
                "file": e.file,
                "settings": dict(e.settings),
                "problem": e.problem,
                "for_every_environment": e.for_all and e.problem is None,
            }
            for e in edits
        ]
    return document


def _basis_json(bases: Iterable[str]) -> dict[str, Any]:
    return {"currency": "USD", "prices": list(bases), "assumptions": list(_ASSUMPTIONS)}


def render_plan_costs(environment: str, found: PlanCosts, style: Style) -> str:
    """What the plan changes, for a terminal."""
    if not found.deltas:
        return f"the plan changes nothing about what {environment} costs"
    rows = [
        (f"{signed(delta.after - delta.before):>9}", delta.address, delta.action, _because(delta))
        for delta in found.deltas
    ]
    title = style.bold(f"{signed(found.change)} US dollars a month in {environment}") + ", as far as usage is known"
    return "\n\n".join([title, table(rows), _small_print(found.bases, found.not_counted, style)])


def _because(delta: Delta) -> str:
    """The fixed lines, and the prices of what is charged by use."""
    told = [
        f"{line.what}: {_quantity(line)}"
        if line.fixed or (delta.used and line.quantity)
        else f"{line.what}: by use, {line.price.unit} at {_rate(line.price)}"
        for line in delta.lines
    ]
    return "; ".join(told)


def plan_costs_json(environment: str, found: PlanCosts) -> dict[str, Any]:
    """The document of `cost --plan`. Dollars a month."""
    return {
        "environment": environment,
        "days": found.days,
        "change": round(found.change, 6),
        "deltas": [delta.to_json() for delta in found.deltas],
        **_basis_json(found.bases),
        "not_counted": list(found.not_counted),
    }


def plan_costs_markdown(found: PlanCosts) -> tuple[str, str]:
    """Title and text of the section of a pull request's comment."""
    rows = [f"| {signed(d.after - d.before)} | `{d.address}` | {_because(d)} |" for d in found.deltas]
    title = f"Cost: {signed(found.change)} US dollars a month, as far as usage is known"
    notes = "; ".join([*found.bases, *_ASSUMPTIONS, *(f"not in it: {what}" for what in found.not_counted)])
    return title, "\n".join(["| a month | resource | |", "|---:|---|---|", *rows, "", f"<sub>{notes}</sub>"])
