"""What a plan says about access that it widens: nothing too little, and nothing that was there before."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.access import Grant, Widening
from pipeline.model.plan import Action, Change, Origin
from pipeline.model.resource import DesiredState, Mark, Observed, ObservedState, Resource
from pipeline.model.scope import Scope
from pipeline.model.type_spec import TypeSpec
from pipeline.model.values import Expression, Properties, Reference
from pipeline.planning.access import widened
from pipeline.planning.planner import Question, make_plan
from pipeline.reporting.access_text import access_lines
from pipeline.reporting.style import Style

ROLE, TABLE = "arn:aws:iam::123456789012:role/shop", "arn:aws:dynamodb:eu-west-1:123456789012:table/orders"


def grants(_: str, properties: Properties) -> Iterator[Grant]:
    for one in properties.get("grants", ()):
        yield one if isinstance(one, Grant) else Grant(ROLE, *one)


def change(before: list[Any] | None, after: list[Any], action: Action | None = None) -> Change:
    desired = Resource("test.role", "r", {"grants": after})
    observed = None if before is None else Observed(desired.address, {"grants": before}, {})
    chosen = action or (Action.CREATE if before is None else Action.UPDATE)
    return Change(desired.address, chosen, Origin.GIT, desired=desired, observed=observed)


def told(before: list[Any] | None, after: list[Any], action: Action | None = None) -> list[tuple[Any, ...]]:
    wider = widened([change(before, after, action)], lambda c: c.desired.properties if c.desired else {}, grants)
    return [(one.action, one.resource, one.before, one.after) for one in wider]


GET, PUT, ALL = ("dynamodb:GetItem", TABLE), ("dynamodb:PutItem", TABLE), ("dynamodb:*", TABLE)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, [GET], [(*GET, None, "allowed")]),
        ([GET], [GET], []),
        ([GET], [GET, PUT], [(*PUT, None, "allowed")]),
        ([GET, PUT], [GET], []),
        ([ALL], [GET], []),
        ([GET], [ALL], [(*ALL, None, "allowed")]),
        ([("DynamoDB:getitem", TABLE)], [GET], []),
        ([("*", "*")], [GET, ("s3:?et*", "arn:aws:s3:::b/*")], []),
        ([("dynamodb:GetItem", f"{TABLE}/index/*")], [GET], [(*GET, None, "allowed")]),
        ([("dynamodb:GetItem", f"{TABLE}.")], [("dynamodb:GetItem", f"{TABLE}x")],
         [("dynamodb:GetItem", f"{TABLE}x", None, "allowed")]),
        # conditions
        ([Grant(ROLE, *GET, condition="A = 1")], [GET], [(*GET, "allowed if A = 1", "allowed")]),
        ([GET], [Grant(ROLE, *GET, condition="A = 1")], []),
        ([Grant(ROLE, *GET, condition="A = 1")], [Grant(ROLE, *GET, condition="A = 2")],
         [(*GET, "allowed if A = 1", "allowed if A = 2")]),
        # denials
        ([Grant(ROLE, *ALL, allows=False)], [], [(*ALL, "denied", None)]),
        ([Grant(ROLE, *ALL, allows=False)], [Grant(ROLE, "*", "*", allows=False)], []),
        ([Grant(ROLE, *ALL, allows=False)], [Grant(ROLE, *ALL, allows=False, condition="A = 1")],
         [(*ALL, "denied", "denied if A = 1")]),
        ([], [Grant(ROLE, *ALL, allows=False)], []),
        ([Grant(ROLE, *ALL, allows=False)], [GET, Grant(ROLE, *ALL, allows=False)], [(*GET, None, "allowed")]),
    ],
)  # fmt: skip
def test_what_widens(before: list[Any] | None, after: list[Any], expected: list[tuple[Any, ...]]) -> None:
    assert told(before, after) == expected


def test_another_principal_is_another_grant() -> None:
    (one,) = widened(
        [change([Grant("a", *GET)], [Grant("a", *GET), Grant("b", *GET)])],
        lambda c: c.desired.properties if c.desired else {},
        grants,
    )
    assert one == Widening("test.role/r", "b", *GET, None, "allowed")


@pytest.mark.parametrize("action", [Action.DELETE, Action.RETAIN, Action.FORGET])
def test_what_goes_or_stays_widens_nothing(action: Action) -> None:
    assert told([Grant(ROLE, *ALL, allows=False)], [GET], action) == []


def test_a_replacement_is_compared_with_what_it_replaces() -> None:
    assert told([GET], [GET, PUT], Action.REPLACE) == [(*PUT, None, "allowed")]


NAMES = st.sampled_from(["a", "b", "*", "a*", "?b"])
GRANT = st.builds(Grant, NAMES, NAMES, NAMES, st.booleans(), st.sampled_from(["", "c"]))


@given(st.lists(GRANT), st.lists(GRANT))
def test_the_same_or_less_never_widens_and_more_always_does(some: list[Grant], more: list[Grant]) -> None:
    assert told(some, some) == []
    allowed = [one for one in some if one.allows]
    assert told([*allowed, *more], [*(one for one in more if not one.allows), *allowed]) == []
    everything = Grant("*", "*", "*")
    assert (told(some, [*some, everything]) == []) is (everything in some)


SCOPE = Scope("shop", "dev", "123456789012", "eu-west-1")
SPECS = {name: TypeSpec(name, {}, (), ("name",)) for name in ("test.role", "test.table")}


def test_a_plan_tells_what_it_widens_with_references_resolved_as_far_as_they_are_known() -> None:
    reference = Expression((Reference("test.table/t", "arn"),))
    role = Resource("test.role", "r", {"arn": reference})
    table = Resource("test.table", "t", {})

    def of(kind: str, properties: Properties) -> Iterator[Grant]:
        if kind == "test.role":
            yield Grant("r", "read", str(getattr(properties["arn"], "expression", properties["arn"])))

    def plan(*observed: Observed) -> Any:
        found = ObservedState({one.address: one for one in observed})
        return make_plan(Question(SCOPE, DesiredState((role, table)), found, SPECS, grants=of))

    first = plan()
    assert [one.resource for one in first.access] == ["${test.table/t.arn}"]
    assert first.widens_access
    there = Observed(table.address, {}, {"arn": "arn:t"}, Mark("shop", "dev"))
    assert [one.resource for one in plan(there).access] == ["arn:t"]
    same = Observed(role.address, {"arn": "arn:t"}, {}, Mark("shop", "dev"))
    settled = plan(there, same)
    assert (settled.access, settled.widens_access) == ((), False)
    assert settled.to_json()["access"] == []


def test_access_does_not_change_the_digest_of_a_plan() -> None:
    role = Resource("test.role", "r", {"a": 1})
    question = Question(SCOPE, DesiredState((role,)), ObservedState({}), SPECS)
    bare = make_plan(question)
    telling = make_plan(
        Question(SCOPE, question.desired, question.observed, SPECS, grants=lambda *_: [Grant("a", "b", "c")])
    )
    assert telling.widens_access
    assert telling.digest == bare.digest


def test_the_block_names_principal_action_resource_before_and_after() -> None:
    lines = access_lines(
        [
            Widening("iam.role/shop", ROLE, "dynamodb:GetItem", TABLE, None, "allowed"),
            Widening("iam.role/shop", ROLE, "dynamodb:PutItem", TABLE, None, "allowed"),
            Widening("iam.role/shop", ROLE, "sqs:SendMessage", "arn:q", "allowed if A = 1", "allowed"),
            Widening("iam.role/shop", ROLE, "what arn:p does not allow", "*", "denied", None),
        ],
        Style(colour=False),
    )
    assert lines == [
        "access widens:",
        f"  {ROLE}  iam.role/shop",
        f"        dynamodb:GetItem, PutItem on {TABLE}: (none) -> allowed",
        "        sqs:SendMessage on arn:q: allowed if A = 1 -> allowed",
        "        what arn:p does not allow on *: denied -> (none)",
        "",
    ]
    assert access_lines([], Style(colour=False)) == []
