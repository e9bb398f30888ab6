"""Which action follows from what is declared, what is there, and what was released."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import BadInput, Diagnostic, Refused
from pipeline.model.plan import Action, Origin, Plan, SavedPlan
from pipeline.model.resource import DesiredState, Mark, Observed, ObservedState, Resource
from pipeline.model.scope import Scope
from pipeline.model.type_spec import TypeSpec
from pipeline.model.values import Expression, Reference, Secret
from pipeline.planning.graph import graph_of, ordered, reverse
from pipeline.planning.planner import Consent, Question, make_plan
from pipeline.planning.safety import check_account, check_plan, check_saved

SCOPE = Scope("shop", "dev", "123456789012", "eu-west-1")
OURS = Mark("shop", "dev")


def spec(name: str, **more: Any) -> TypeSpec:
    return TypeSpec(name=name, schema={}, collections=(), primary_identifier=("name",), **more)


SPECS = {
    "test.thing": spec("test.thing", create_only=("key",), volatile_outputs={"version": ()}),
    "test.cert": spec("test.cert", volatile_outputs={"arn": ("domains",)}),
    "test.found": spec("test.found", lookup="make it by hand"),
    "test.data": spec("test.data", create_only=("key",), data_bearing=True),
}


def thing(name: str, type_: str = "test.thing", depends_on: Iterable[str] = (), **properties: Any) -> Resource:
    return Resource(type_, name, properties, tuple(depends_on))


def found(resource: Resource, mark: Mark | None = OURS, markable: bool = True, **outputs: Any) -> Observed:
    return Observed(resource.address, resource.properties, outputs, mark, markable)


def plan(
    desired: Iterable[Resource],
    observed: Iterable[Observed] = (),
    released: Iterable[Resource] = (),
    consent: Consent = Consent(),
) -> Plan:
    return make_plan(
        Question(
            scope=SCOPE,
            desired=DesiredState(tuple(desired)),
            observed=ObservedState({o.address: o for o in observed}),
            specs=SPECS,
            released={r.address: r for r in released},
            consent=consent,
        )
    )


def actions(made: Plan) -> Mapping[str, Action]:
    return {change.address: change.action for change in made.changes}


def test_what_is_new_is_created_and_what_is_as_declared_is_counted() -> None:
    made = plan([thing("new", a=1), thing("old", a=1)], [found(thing("old", a=1))])
    assert actions(made) == {"test.thing/new": Action.CREATE}
    assert made.unchanged == 1
    assert made.summary == {"create": 1, "update": 0, "replace": 0, "delete": 0, "unchanged": 1, "drift": 0}


def test_a_changed_property_is_an_update_with_its_path() -> None:
    (change,) = plan([thing("x", a=1, b=2)], [found(thing("x", a=1, b=3))]).changes
    assert change.action is Action.UPDATE
    assert [(f.path, f.before, f.after) for f in change.fields] == [("b", 3, 2)]


def test_a_create_only_property_is_a_replacement() -> None:
    (change,) = plan([thing("x", key=1)], [found(thing("x", key=2))]).changes
    assert change.action is Action.REPLACE
    assert change.destructive
    assert "key" in change.reason


def test_replacing_data_needs_consent() -> None:
    desired, observed = [thing("t", "test.data", key=1)], [found(thing("t", "test.data", key=2))]
    blocked = plan(desired, observed)
    assert [blocker.address for blocker in blocked.blockers] == ["test.data/t"]
    with pytest.raises(Refused):
        check_plan(blocked, max_deletions=10)
    check_plan(plan(desired, observed, consent=Consent(include_data=True)), max_deletions=10)


@pytest.mark.parametrize(
    ("type_", "consent", "action"),
    [
        ("test.thing", Consent(), Action.DELETE),
        ("test.data", Consent(), Action.RETAIN),
        ("test.data", Consent(include_data=True), Action.DELETE),
        ("test.thing", Consent(prune=False), Action.RETAIN),
    ],
)
def test_what_left_the_specs(type_: str, consent: Consent, action: Action) -> None:
    gone = thing("gone", type_)
    assert actions(plan([], [found(gone)], [gone], consent)) == {gone.address: action}


def test_what_left_the_specs_and_aws_is_forgotten() -> None:
    assert actions(plan([], [], [thing("gone")])) == {"test.thing/gone": Action.FORGET}


def test_what_another_owner_took_over_is_forgotten_not_deleted() -> None:
    gone = thing("gone")
    assert actions(plan([], [found(gone, Mark("other", "dev"))], [gone])) == {gone.address: Action.FORGET}


def test_a_deleted_resource_is_made_again_as_drift() -> None:
    (change,) = plan([thing("x", a=1)], [], [thing("x", a=1)]).changes
    assert (change.action, change.origin) == (Action.CREATE, Origin.DRIFT)


ARN = Expression((Reference("test.thing/x", "arn"),))


@pytest.mark.parametrize(
    ("first", "was", "origins"),
    [
        (1, {"target": ARN}, [Origin.DRIFT, Origin.DRIFT]),
        (2, {"target": ARN}, [Origin.BOTH, Origin.BOTH]),
        (1, {"target": "by hand"}, [Origin.DRIFT, Origin.GIT]),
        (1, None, [Origin.DRIFT, Origin.GIT]),
    ],
)
def test_what_waits_for_another_change_differs_for_the_reason_of_that(
    first: int, was: dict[str, Any] | None, origins: list[Origin]
) -> None:
    released = [thing("x", a=1), *([thing("y", **was)] if was else [])]
    made = plan([thing("x", a=first), thing("y", target=ARN)], [found(thing("y", target="old"))], released)
    assert [change.origin for change in made.changes] == origins


def test_somebody_elses_resource_blocks() -> None:
    made = plan([thing("x")], [found(thing("x"), Mark("other", "prod"))])
    assert "other/prod" in made.blockers[0].message


def test_an_unmarked_resource_asks_to_be_adopted() -> None:
    unmarked = [found(thing("x"), mark=None)]
    blocked = plan([thing("x")], unmarked)
    assert "--adopt test.thing/x" in str(blocked.blockers[0].hint)
    assert blocked.to_json()["warnings"][0]["message"].startswith("blocked: test.thing/x")
    adopted = plan([thing("x")], unmarked, consent=Consent(adopt=frozenset({"test.thing/x"})))
    assert not adopted.blockers
    assert [f.path for f in adopted.changes[0].fields] == ["mark"]


def test_a_lost_mark_of_a_released_resource_is_drift_and_put_back() -> None:
    (change,) = plan([thing("x")], [found(thing("x"), mark=None)], [thing("x")]).changes
    assert (change.action, change.origin) == (Action.UPDATE, Origin.DRIFT)


def test_what_cannot_carry_a_mark_is_ours_by_the_ledger() -> None:
    there = [found(thing("x"), mark=None, markable=False)]
    ours = plan([thing("x")], there, [thing("x")])
    assert not ours.blockers
    assert not ours.changes
    assert "--adopt test.thing/x" in str(plan([thing("x")], there).blockers[0].hint)
    assert not plan([thing("x")], there, consent=Consent(adopt=frozenset({"test.thing/x"}))).blockers


def test_what_cannot_carry_a_mark_may_be_what_a_dead_run_made() -> None:
    there = ObservedState({"test.thing/x": found(thing("x"), mark=None, markable=False)})
    desired = DesiredState((thing("x"),))
    made = make_plan(Question(SCOPE, desired, there, SPECS, unfinished=True))
    assert not made.blockers
    assert not made.changes


@pytest.mark.parametrize(("unfinished", "expected"), [(True, Origin.GIT), (False, Origin.DRIFT)])
def test_an_alias_that_a_dead_run_did_not_move_is_no_drift(unfinished: bool, expected: Origin) -> None:
    """What else differs from the last release may be anybody's."""
    wanted = thing("x", live="latest", size=1)
    there = ObservedState({"test.thing/x": found(thing("x", live="version 3", size=1))})
    question = Question(SCOPE, DesiredState((wanted,)), there, SPECS, {"test.thing/x": wanted}, unfinished=unfinished)
    (change,) = make_plan(question).changes
    assert ([each.path for each in change.fields], change.origin) == (["live"], expected)
    other = ObservedState({"test.thing/x": found(thing("x", live="latest", size=2))})
    assert make_plan(replace(question, observed=other)).changes[0].origin is Origin.DRIFT


def test_what_a_release_declared_that_was_taken_back_is_no_drift() -> None:
    """The fix undoes nothing that anybody did by hand."""
    before, bad, fix = (thing("x", size=size) for size in (1, 2, 3))
    there = ObservedState({"test.thing/x": found(bad)})
    question = Question(SCOPE, DesiredState((fix,)), there, SPECS, {"test.thing/x": before})
    assert make_plan(question).changes[0].origin is Origin.BOTH
    known = replace(question, tried={"test.thing/x": (bad,)})
    assert make_plan(known).changes[0].origin is Origin.GIT
    by_hand = ObservedState({"test.thing/x": found(thing("x", size=9))})
    assert make_plan(replace(known, observed=by_hand)).changes[0].origin is Origin.BOTH


@pytest.mark.parametrize("severity", ["error", "warning"])
@pytest.mark.parametrize("size", [1, 2])
def test_what_aws_has_no_room_for_blocks_the_plan_where_something_is_to_be_changed(
    severity: Literal["error", "warning"], size: int
) -> None:
    limit = Diagnostic("AWS keeps 20", hint="remove one", severity=severity)
    made = plan([thing("x", size=2)], [replace(found(thing("x", size=size)), limit=limit)], [thing("x", size=1)])
    blocked = severity == "error" and size == 1
    assert [blocker.message for blocker in made.blockers] == ["test.thing/x: AWS keeps 20"] * blocked
    assert [warning.address for warning in made.warnings] == ["test.thing/x"] * (severity == "warning")


@pytest.mark.parametrize(
    ("there", "wanted", "origin"),
    [
        ({"size": 2}, {"size": 1}, Origin.GIT),  # the specs are as they were before that run
        ({"size": 3}, {"size": 4}, Origin.GIT),  # and here they are new ones
        ({}, {"size": 1}, Origin.GIT),  # a run has taken it away
        ({"size": 9}, {"size": 1}, Origin.DRIFT),
        ({"size": 2, "color": "red"}, {"size": 1}, Origin.BOTH),  # the colour is somebody's
    ],
)
def test_what_runs_wrote_that_did_not_end_is_no_drift(
    there: dict[str, Any], wanted: dict[str, Any], origin: Origin
) -> None:
    question = Question(
        SCOPE,
        DesiredState((thing("x", **wanted),)),
        ObservedState({"test.thing/x": found(thing("x", **there))}),
        SPECS,
        {"test.thing/x": thing("x", size=1)},
        tried={"test.thing/x": (thing("x", size=3), thing("x", size=2), thing("x"))},
    )
    assert make_plan(question).changes[0].origin is origin


@pytest.mark.parametrize(("address", "origin"), [("base", Origin.GIT), ("other", Origin.DRIFT)])
def test_what_a_run_wrote_by_reference_is_compared_by_what_that_is_now(address: str, origin: Origin) -> None:
    base, other, released = thing("base"), thing("other"), thing("x", arn="none")
    there = [found(base, arn="arn:base"), found(other, arn="arn:other"), found(thing("x", arn="arn:base"))]
    question = Question(
        SCOPE,
        DesiredState((base, other, released)),
        ObservedState({each.address: each for each in there}),
        SPECS,
        {each.address: each for each in (base, other, released)},
        tried={"test.thing/x": (thing("x", arn=ref(address, "arn")),)},
    )
    assert make_plan(question).changes[0].origin is origin


@pytest.mark.parametrize(("reference", "origin"), [("ssm:/new", Origin.GIT), ("ssm:/old", Origin.DRIFT)])
def test_a_secret_that_a_run_changed_may_be_its_own(reference: str, origin: Origin) -> None:
    """Its value is written nowhere, so it cannot be compared."""
    wanted = thing("x", key2=Secret("ssm:/old", "1", "old"))
    question = Question(
        SCOPE,
        DesiredState((wanted,)),
        ObservedState({"test.thing/x": found(thing("x", key2="new"))}),
        SPECS,
        {"test.thing/x": wanted},
        tried={"test.thing/x": (thing("x", key2=Secret(reference, "1")),)},
    )
    assert make_plan(question).changes[0].origin is origin


def test_what_a_run_removed_that_did_not_end_is_no_drift() -> None:
    question = Question(SCOPE, DesiredState((thing("x"),)), ObservedState({}), SPECS, {"test.thing/x": thing("x")})
    assert make_plan(question).changes[0].origin is Origin.DRIFT
    (change,) = make_plan(replace(question, removed=frozenset({"test.thing/x"}))).changes
    assert (change.origin, change.reason) == (Origin.GIT, "was removed by a run that did not end")


def test_a_mark_that_a_run_wrote_which_meant_to_move_it_is_no_drift() -> None:
    there = replace(found(thing("x")), mark=Mark("shop", "dev", "test.thing/y"))
    observed = ObservedState({"test.thing/x": there})
    question = Question(SCOPE, DesiredState((thing("x"),)), observed, SPECS, {"test.thing/x": thing("x")})
    assert make_plan(question).changes[0].origin is Origin.DRIFT
    assert make_plan(replace(question, tried={"test.thing/y": (thing("y"),)})).changes[0].origin is Origin.GIT


def ref(name: str, output: str) -> Expression:
    return Expression((Reference(f"test.thing/{name}", output),))


def test_outputs_of_what_exists_are_known_in_the_plan() -> None:
    user = thing("user", arn=ref("base", "arn"))
    made = plan([thing("base"), user], [found(thing("base"), arn="arn:base"), found(thing("user", arn="arn:base"))])
    assert not made.changes


def test_outputs_of_what_is_made_are_known_after_apply() -> None:
    made = plan([thing("user", arn=ref("base", "arn")), thing("base")])
    assert [c.address for c in made.changes] == ["test.thing/base", "test.thing/user"]
    assert made.changes[1].fields[0].known is False


@pytest.mark.parametrize(("output", "changes"), [("version", 2), ("arn", 1)])
def test_only_volatile_outputs_become_unknown_by_an_update(output: str, changes: int) -> None:
    base, user = thing("base", a=1), thing("user", uses=ref("base", output))
    observed = [found(thing("base", a=2), version="1", arn="arn"), found(thing("user", uses="1"))]
    if output == "arn":
        observed[1] = found(thing("user", uses="arn"))
    assert len(plan([base, user], observed).changes) == changes


@pytest.mark.parametrize(("changed", "changes"), [("domains", 2), ("tags", 1)])
def test_an_output_may_be_renewed_by_some_properties_alone(changed: str, changes: int) -> None:
    wanted = {"domains": "a", "tags": "a"}
    user = thing("user", uses=Expression((Reference("test.cert/base", "arn"),)))
    observed = found(thing("base", "test.cert", **{**wanted, changed: "b"}), arn="arn")
    assert len(
        plan([thing("base", "test.cert", **wanted), user], [observed, found(thing("user", uses="arn"))]).changes
    ) == (changes)


def test_what_is_only_looked_up_is_left_alone() -> None:
    zone = thing("zone", "test.found", a=1)
    user = thing("user", uses=Expression((Reference("test.found/zone", "id"),)))
    there = found(thing("zone", "test.found", a=2), mark=None, markable=False, id="Z1")
    made = plan([zone, user], [there])
    assert (made.blockers, [c.address for c in made.changes]) == ((), ["test.thing/user"])
    assert made.changes[0].fields[0].after == "Z1"


def test_what_is_looked_up_and_missing_blocks_the_plan() -> None:
    made = plan([thing("zone", "test.found")])
    assert made.changes == ()
    assert [(b.message, b.hint) for b in made.blockers] == [
        ("test.found/zone: there is none of this name in account 123456789012", "make it by hand")
    ]


def test_what_was_looked_up_is_never_deleted() -> None:
    zone = thing("zone", "test.found")
    made = plan([], [found(zone, mark=None, markable=False)], [zone], Consent(include_data=True))
    assert [(c.action, c.destructive) for c in made.changes] == [(Action.FORGET, False)]


def test_deletions_come_in_reverse_order() -> None:
    base, user = thing("base"), thing("user", depends_on=["test.thing/base"])
    made = plan([], [found(base), found(user)], [base, user])
    assert [c.address for c in made.changes] == ["test.thing/user", "test.thing/base"]


def test_a_circle_is_named() -> None:
    with pytest.raises(BadInput) as caught:
        ordered(graph_of([thing("a", depends_on=["test.thing/b"]), thing("b", depends_on=["test.thing/a"])]))
    assert "test.thing/a" in str(caught.value.diagnostics[0])


def test_the_reverse_graph() -> None:
    graph = graph_of([thing("a"), thing("b", depends_on=["test.thing/a"])])
    assert reverse(graph) == {"test.thing/a": frozenset({"test.thing/b"}), "test.thing/b": frozenset()}


def test_more_deletions_than_allowed_are_refused() -> None:
    gone = [thing(f"t{i}") for i in range(3)]
    made = plan([], [found(t) for t in gone], gone)
    with pytest.raises(Refused, match="3 resources"):
        check_plan(made, max_deletions=2)
    check_plan(made, max_deletions=3)


def test_the_wrong_account_is_refused() -> None:
    with pytest.raises(Refused, match="210987654321"):
        check_account("123456789012", "210987654321", "dev")
    check_account("123456789012", "123456789012", "dev")
    check_account(None, "210987654321", "dev")


def test_a_saved_plan_is_applied_only_while_it_holds() -> None:
    first = plan([thing("x", a=1)])
    saved = SavedPlan.from_json(first.to_json())
    check_saved(saved, plan([thing("x", a=1)]))
    with pytest.raises(Refused, match="stale") as partly:
        check_saved(saved, plan([]), begun=first.digest)
    assert "pipeline resume --env" in (partly.value.hint or "")
    with pytest.raises(Refused, match="stale") as caught:
        check_saved(saved, plan([thing("x", a=2), thing("y")]))
    assert [d.address for d in caught.value.diagnostics] == ["test.thing/x", "test.thing/y"]


def test_a_saved_plan_that_was_edited_is_not_applied() -> None:
    """Who reads it would see something else than what is done."""
    fresh = plan([thing("x", a=1, b=0.5)])
    document = json.loads(json.dumps(fresh.to_json()))
    check_saved(SavedPlan.from_json(document), fresh)
    document["changes"][0]["fields"][0]["after"] = "less"
    with pytest.raises(Refused, match="was edited"):
        check_saved(SavedPlan.from_json(document), fresh)


@pytest.mark.parametrize(
    "edited",
    [{"format": 2}, {"changes": "none"}, {"changes": [{"address": 1, "action": "create"}]}, {"access": [1]}],
)
def test_what_is_no_plan_document_is_no_saved_plan(edited: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError)):
        SavedPlan.from_json({**plan([thing("x", a=1)]).to_json(), **edited})


def test_what_a_run_that_died_had_done_counts_with_the_rest() -> None:
    made = plan([thing("new", a=1), thing("done", a=1)], [found(thing("done", a=1))])
    carried = {
        "test.thing/new": "replace",
        "test.thing/done": "create",
        "test.thing/gone": "delete",
        "test.thing/k": "retain",
    }
    assert made.summary_with({}) == made.summary
    expected = {"create": 1, "update": 0, "replace": 1, "delete": 1, "unchanged": 0, "drift": 0}
    assert made.summary_with(carried) == expected


names = st.sampled_from(["a", "b", "c", "d"])
states = st.dictionaries(names, st.tuples(st.sampled_from(["test.thing", "test.data"]), st.integers(0, 2)), max_size=4)


@given(states, states)
def test_planning_after_applying_is_empty(wanted: Any, there: Any) -> None:
    desired = [thing(n, t, a=v) for n, (t, v) in wanted.items()]
    observed = [found(thing(n, t, a=v)) for n, (t, v) in there.items()]
    released = [thing(n, t, a=v) for n, (t, v) in there.items()]
    made = plan(desired, observed, released, Consent(include_data=True))
    after = {o.address: o for o in observed}
    for change in made.changes:
        if change.action is Action.DELETE:
            del after[change.address]
        elif change.desired is not None:
            after[change.address] = found(change.desired)
    again = plan(desired, after.values(), desired, Consent(include_data=True))
    assert not again.changes
    assert again.unchanged == len(desired)


@given(states)
def test_the_digest_does_not_depend_on_the_order_of_declaration(wanted: Any) -> None:
    desired = [thing(n, t, a=v) for n, (t, v) in wanted.items()]
    assert plan(desired).digest == plan(reversed(desired)).digest


def test_what_a_run_left_unmarked_and_empty_is_taken_without_asking() -> None:
    left = Observed("test.thing/x", {}, {}, None, unclaimed=True)
    made = plan([thing("x")], [left])
    assert not made.blockers
    assert [f.path for f in made.changes[0].fields] == ["mark"]


def test_a_mark_that_names_another_address_is_written_anew() -> None:
    mark = Mark("shop", "dev", "test.thing/old")
    question = Question(
        scope=SCOPE,
        desired=DesiredState((thing("new"),)),
        observed=ObservedState({"test.thing/new": found(thing("new"), mark)}),
        specs=SPECS,
        released={"test.thing/new": thing("new")},
    )
    (drifted,) = make_plan(question).changes
    assert (drifted.origin, drifted.reason) == (Origin.DRIFT, "")
    (moved,) = make_plan(replace(question, moved={"test.thing/new": "test.thing/old"})).changes
    assert (moved.action, moved.origin, moved.reason) == (Action.UPDATE, Origin.GIT, "moved from test.thing/old")
    assert [(f.path, f.before, f.after) for f in moved.fields] == [("mark", "test.thing/old", "test.thing/new")]
