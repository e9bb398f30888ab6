"""What differs from the release, as doctor shows it: no value of a programming language, nothing of what is gone."""

from pipeline.diagnosing.checks.ledger import differences
from pipeline.model.plan import Action, Change, FieldChange, Origin
from pipeline.model.resource import Observed

ADDRESS = "lambda.permission/list:api"
FIELDS = (FieldChange("alias", None, "live"), FieldChange("source_arns", ["a"], ["a", "b"]), FieldChange("on", True, 3))


def test_of_what_is_gone_it_is_said_that_it_is() -> None:
    assert differences(Change(ADDRESS, Action.CREATE, Origin.DRIFT, fields=FIELDS)) == ("it is gone from AWS",)


def test_values_are_shown_as_specs_and_plans_write_them() -> None:
    observed = Observed(ADDRESS, {}, {})
    assert differences(Change(ADDRESS, Action.UPDATE, Origin.DRIFT, fields=FIELDS, observed=observed)) == (
        "alias: live declared, nothing found",
        'source_arns: ["a", "b"] declared, ["a"] found',
        "on: 3 declared, true found",
    )
