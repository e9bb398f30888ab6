"""What a merge may do that the plans on its pull requests did not show."""

from dataclasses import replace

import pytest

from pipeline.errors import Refused
from pipeline.model.access import Widening
from pipeline.model.plan import Action, Change, FieldChange, Origin, Plan, SavedPlan
from pipeline.planning.review import check_review, unseen

OPENED = Widening("s3.bucket/a", "*", "s3:GetObject", "arn:a/*", None, "allowed")
DELETION = Change("sns.topic/a", Action.DELETE, Origin.GIT, destructive=True)
UPDATE = Change("sns.topic/b", Action.UPDATE, Origin.GIT, (FieldChange("x", 1, 2),))
PLAN = Plan("shop", "dev", "r", "1", "c" * 40, (UPDATE,))


def saved(plan: Plan) -> SavedPlan:
    return SavedPlan.from_json(plan.to_json())


@pytest.mark.parametrize("policy", ["safe", "exact", "off"])
def test_what_was_seen_passes(policy: str) -> None:
    plan = replace(PLAN, changes=(UPDATE, DELETION), access=(OPENED,))
    check_review(policy, [saved(PLAN), saved(plan)], plan)


@pytest.mark.parametrize(
    ("more", "finding"),
    [
        ({"changes": (UPDATE, DELETION)}, "sns.topic/a: delete destroys what is there"),
        ({"changes": (UPDATE, UPDATE), "access": (OPENED,)}, "s3.bucket/a: * may s3:GetObject on arn:a/*"),
    ],
)
def test_what_harms_unseen_is_refused(more: dict[str, object], finding: str) -> None:
    fresh = replace(PLAN, **more)  # type: ignore[arg-type]  # the test names only real fields
    with pytest.raises(Refused, match="is not the one that was reviewed, and it destroys something") as caught:
        check_review("safe", [saved(PLAN)], fresh)
    assert [str(found) for found in caught.value.diagnostics] == [finding]
    check_review("off", [saved(PLAN)], fresh)


def test_an_update_that_became_a_replacement_was_not_seen() -> None:
    replacement = replace(DELETION, action=Action.REPLACE)
    seen = [saved(replace(PLAN, changes=(replace(DELETION, action=Action.UPDATE, destructive=False),)))]
    assert len(unseen(seen, replace(PLAN, changes=(replacement,)))) == 1


def test_what_several_plans_showed_counts_together() -> None:
    seen = [saved(replace(PLAN, changes=(DELETION,))), saved(replace(PLAN, access=(OPENED,)))]
    assert unseen(seen, replace(PLAN, changes=(DELETION, UPDATE), access=(OPENED,))) == []


def test_access_in_other_words_was_not_seen() -> None:
    wider = replace(OPENED, action="s3:*")
    assert len(unseen([saved(replace(PLAN, access=(OPENED,)))], replace(PLAN, access=(wider,)))) == 1


def test_exactly_names_every_line_that_moved() -> None:
    fresh = replace(PLAN, changes=(replace(UPDATE, fields=(FieldChange("x", 1, 3),)), DELETION))
    with pytest.raises(Refused) as caught:
        check_review("exact", [saved(PLAN)], fresh)
    assert [str(found) for found in caught.value.diagnostics] == [
        "sns.topic/a: nothing to do then, delete now",
        "sns.topic/b: update, with other values",
    ]


def test_without_a_review_exactly_means_not_at_all() -> None:
    with pytest.raises(Refused, match="was never reviewed"):
        check_review("exact", [], PLAN)
    check_review("safe", [], PLAN)


def test_plans_from_before_access_was_told_can_be_read() -> None:
    document = {key: value for key, value in PLAN.to_json().items() if key != "access"}
    assert SavedPlan.from_json(document).access == ()
