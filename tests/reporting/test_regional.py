"""The comment of an environment in several regions, as one of them writes it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.reporting import status_text
from pipeline.reporting.markdown import units
from pipeline.reporting.parts import Part, joined, parts_in, with_part
from pipeline.reporting.plan_comment import LIMIT, everywhere, render_comment
from pipeline.reporting.regional import CHECK_LIMIT, Judged, Regional, verdict_in
from pipeline.reporting.verdicts import Verdict
from tests.reporting.test_github_texts import FRAME, GOLDEN, RUN, many
from tests.reporting.test_texts import EMPTY, PLAN, REPORT
from tests.support.golden import check_golden

REGIONS = ("us-east-1", "eu-west-1")
HOME, AWAY = (Regional("dev", region, REGIONS) for region in REGIONS)
PLANNED = status_text.planned(RUN)


def test_the_first_line_sums_up_all_regions() -> None:
    one = HOME.comment(None, PLAN, PLANNED, FRAME, alone=False)
    assert one is not None
    assert one.splitlines()[0].endswith("· blocked · without `eu-west-1`")
    both = AWAY.comment(one, replace(PLAN, region="eu-west-1", blockers=()), PLANNED, FRAME, alone=False)
    assert both is not None
    assert both.splitlines()[0] == (
        "### ⛔ `dev` in 2 regions at `c0ffeec`: +2 ~4 ±2 -2 · destroys 4 · 2 undo drift · widens access · blocked"
    )
    assert "#### 🔴 `eu-west-1` at `c0ffeec`" in both
    assert verdict_in(both).destroyed == 4
    other = AWAY.comment(both, replace(EMPTY, commit="d" * 40), PLANNED, FRAME, alone=False)
    assert other is not None
    assert " at " not in other.splitlines()[0], "each part says its own commit"


def test_the_golden_comment() -> None:
    home = HOME.comment(None, replace(EMPTY, region="us-east-1"), status_text.live(REPORT, RUN), FRAME, alone=False)
    both = AWAY.comment(home, replace(EMPTY, region="eu-west-1", access=PLAN.access), PLANNED, FRAME, alone=False)
    check_golden(GOLDEN / "comment-regions.md", f"{both}\n")


def test_each_region_exchanges_its_own_status() -> None:
    body = HOME.comment(AWAY.comment(None, EMPTY, PLANNED, FRAME, alone=False), EMPTY, PLANNED, FRAME, alone=False)
    changed = HOME.comment(body, None, status_text.deploying(RUN), FRAME, alone=False)
    parts = parts_in(changed)
    assert ["**deploying**" in part.body for part in parts.values()] == [True, False]
    assert changed == HOME.comment(changed, None, status_text.deploying(RUN), FRAME, alone=False)
    assert everywhere(str(changed), "gone").count("gone") == 2


def test_what_never_came_to_a_plan_has_a_part_where_that_is_worth_it() -> None:
    assert HOME.comment(None, None, "deploying", FRAME, alone=False) is None
    body = HOME.comment(None, None, "failed", FRAME, alone=True)
    assert body is not None
    assert body.startswith("### ⚪ `dev` in 2 regions · without `us-east-1`, `eu-west-1`\n")
    assert "#### ⚪ `us-east-1`\n\n<!-- pipeline:status -->\n\nfailed" in body


def test_a_comment_of_the_time_with_one_region_is_about_the_home_region() -> None:
    old = render_comment(EMPTY, PLANNED, FRAME)
    body = AWAY.comment(old, replace(EMPTY, region="eu-west-1"), PLANNED, FRAME, alone=False)
    assert body is not None
    assert body.splitlines()[0].endswith("· without `us-east-1`")
    assert parts_in(body)["us-east-1"].body.startswith("#### 🟢 `dev` at `c0ffeec`: no changes")
    assert body.count("pipeline:plan dev") == 1


@pytest.mark.parametrize("number", [2, 12, 33])
def test_many_regions_with_much_in_each_fit_into_one_comment_and_one_check(number: int) -> None:
    regions = tuple(f"ap-northeast-{n}" for n in range(number))
    plan, body, found = many(300, destructive=True), None, None
    long = f"{'x' * 900}\n\n" + "- why\n" * 2000
    for region in regions:
        each = Regional("services/orders/production", region, regions)
        body = each.comment(body, replace(plan, region=region), PLANNED, FRAME, alone=False)
        body = each.comment(body, None, long, FRAME, alone=False)
        found = each.check(found.summary if found else None, Judged("success", "x" * 500, "y" * 40_000))
    assert body is not None
    assert found is not None
    assert (units(body) <= LIMIT, units(found.summary) <= CHECK_LIMIT) == (True, True)
    assert (list(parts_in(body)), list(parts_in(found.summary))) == ([*regions], [*regions])
    assert body.splitlines()[0].endswith("· blocked")


def test_a_region_that_the_environment_has_no_more_goes() -> None:
    old = joined({"us-west-2": Part("gone"), "us-east-1": Part("x")})
    assert list(with_part(old, "eu-west-1", Part("y"), REGIONS)) == ["us-east-1", "eu-west-1"]


@given(st.text(), st.dictionaries(st.text(), st.text()))
def test_a_part_is_read_as_it_was_written(text: str, about: dict[str, str]) -> None:
    part = Part(text.replace("<!--", "").replace("\r", ""), about)
    parts = {"us-east-1": part, "eu-west-1": Part("other")}
    written = joined(parts)
    assert parts_in(written) == parts
    assert written.count("-->") == 4 + part.body.count("-->")


def test_what_somebody_edited_is_read_as_far_as_it_can_be() -> None:
    text = joined({"us-east-1": Part("x", {"create": 1})}).replace('"create": 1', '"create": ')
    assert parts_in(text) == {}
    assert Verdict.read({"create": "many", "update": True, "delete": 2, "more": 1}) == Verdict(delete=2)
