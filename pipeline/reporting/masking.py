"""A plan as others may see it: the values of environment variables are left out. Pure.

Secrets never reach a plan (`Secret`). What is a plain value in an environment can still be nobody else's business, and
a pull request may be read by many.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pipeline.model.plan import Change, FieldChange, Plan

HIDDEN = "(hidden)"
_ENVIRONMENTS = frozenset({"environment", "variables", "stage_variables", "environment_variables"})


def masked(plan: Plan) -> Plan:
    """The same plan without the values of environment variables; which of them change is still told."""
    return replace(plan, changes=tuple(_change(change) for change in plan.changes))


def _change(change: Change) -> Change:
    return replace(change, fields=tuple(_field(field) for field in change.fields))


def _field(field: FieldChange) -> FieldChange:
    inside = bool(_ENVIRONMENTS.intersection(field.path.split(".")))
    return replace(field, before=_value(field.before, inside), after=_value(field.after, inside))


def _value(value: Any, inside: bool) -> Any:
    if isinstance(value, Mapping):
        return {key: _value(item, inside or key in _ENVIRONMENTS) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_value(item, inside) for item in value]
    return HIDDEN if inside and value is not None else value
