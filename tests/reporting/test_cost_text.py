"""Costs in words: every figure with what it stands on."""

from typing import Any

import pytest

from pipeline.model.cost import Advice, Costs, Delta, Edit, Estimate, Line, Option, PlanCosts, Price
from pipeline.reporting.cost_text import costs_json, dollars, plan_costs_markdown, render_costs, render_plan_costs
from pipeline.reporting.style import Style

PLAIN = Style(colour=False)
BASIS = "list price of us-east-1 on 2025-06"
REQUESTS = Price("lambda.requests", 2e-7, "requests", BASIS)
ALARM = Price("cloudwatch.alarm", 0.1, "alarms", BASIS)
LINES = (
    Line("lambda.function/orders", "invocations", 30_000_000, REQUESTS),
    Line("cloudwatch.alarm/errors", "alarm", 1, ALARM, fixed=True),
    Line("lambda.function/rare", "invocations", 10, REQUESTS),
)
NOW, CHEAPER = Option("on demand", 9.0, "many units", {}), Option("scaled", 3.5, "fewer units", {"a": 1})
TABLE = Advice("dynamodb.table/orders", (NOW, CHEAPER), CHEAPER, "saves 5.50 a month")
IDLE = Advice("lambda.function/rare", (Option("none kept ready", 0.0, "", {}),), None, "it did not run")


@pytest.mark.parametrize(
    ("amount", "text"), [(0.0, "0.00"), (0.00042, "0.0004"), (0.5, "0.5000"), (1.006, "1.01"), (12345.6, "12,345.60")]
)
def test_amounts(amount: float, text: str) -> None:
    assert dollars(amount) == text


def costs() -> Costs:
    return Costs(7, Estimate(LINES, ("bank holidays",)), (TABLE,), (IDLE,), (BASIS,))


def test_the_dearest_comes_first_and_what_is_small_is_summed_up() -> None:
    text = render_costs("dev", costs(), None, PLAIN).splitlines()
    assert text[0] == "dev costs about 6.10 US dollars a month, by its usage of the last 7 days"
    assert " ".join(text[2].split()) == "6.00 lambda.function/orders invocations 30,000,000 requests at 0.2 a million"
    assert text[3].split() == ["0.1000", "cloudwatch.alarm/errors", "alarm", "1", "alarms", "at", "0.1", "each"]
    assert text[4].strip() == "0.00  1 line of less than a cent"
    assert "3.50  scaled ←" in "\n".join(text)
    assert "lambda.function/rare: it did not run" in text
    assert f"prices: {BASIS}" in text
    assert "not in it: bank holidays" in text


@pytest.mark.parametrize(
    ("edits", "says"),
    [
        ([], "no spec was changed"),
        ([Edit("dynamodb.table/orders", "aws/a.yaml", {"a": 1})], "aws/a.yaml: dynamodb.table/orders changed"),
        ([Edit("dynamodb.table/orders", None, {}, "it is gone")], "not changed: it is gone"),
    ],
)
def test_what_was_written_and_what_was_not(edits: list[Edit], says: str) -> None:
    assert says in render_costs("dev", costs(), edits, PLAIN)
    assert len(costs_json("dev", costs(), edits)["edits"]) == len(edits)


def test_the_document_has_the_basis_of_every_figure() -> None:
    document: dict[str, Any] = costs_json("dev", costs(), None)
    assert {line["basis"] for line in document["lines"]} == {BASIS}
    assert document["tables"][0]["saving"] == 5.5
    assert document["assumptions"]
    assert "edits" not in document


def test_a_plan_says_what_is_fixed_and_what_depends_on_use() -> None:
    found = PlanCosts(
        7,
        (
            Delta("cloudwatch.alarm/errors", "create", 0.0, 0.1, used=False, lines=LINES[1:2]),
            Delta("lambda.function/orders", "create", 0.0, 0.0, used=False, lines=LINES[:1]),
        ),
        (BASIS,),
    )
    text = render_plan_costs("dev", found, PLAIN)
    assert text.startswith("+0.1000 US dollars a month in dev, as far as usage is known")
    assert "invocations: by use, requests at 0.2 a million" in text
    title, body = plan_costs_markdown(found)
    assert title == "Cost: +0.1000 US dollars a month, as far as usage is known"
    assert body.count("\n| ") == 2
    assert BASIS in body


def test_a_plan_that_costs_nothing_says_so() -> None:
    assert "changes nothing" in render_plan_costs("dev", PlanCosts(7, (), (BASIS,)), PLAIN)
