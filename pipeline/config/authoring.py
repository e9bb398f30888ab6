"""What authors may write of a resource type, and what is filled in for them. Pure."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pipeline.config.lifecycle import with_suggestions
from pipeline.config.validation import Checker
from pipeline.resources.base import ResourceType

DEPENDS_ON = "depends_on"
ADOPT = "adopt"


class Checkers:
    """The schema of each type, compiled once for all environments."""

    def __init__(self, today: date) -> None:
        self._today = today
        self._made: dict[str, Checker] = {}

    def of(self, kind: ResourceType) -> Checker:
        """The checker of a type; outputs and what the engine fills in are not offered to authors."""
        if kind.name not in self._made:
            self._made[kind.name] = Checker(
                with_suggestions(kind.spec.schema, self._today),
                kind.name,
                hidden=frozenset(not_written(kind)),
                extra=frozenset((DEPENDS_ON, ADOPT)),
            )
        return self._made[kind.name]


def identity(kind: ResourceType) -> tuple[str, ...]:
    """The properties that make up the name in an address: those of the primary identifier that authors write."""
    written = tuple(key for key in kind.spec.primary_identifier if key not in not_written(kind))
    return written or ("name",)


def not_written(kind: ResourceType) -> set[str]:
    """Properties that authors do not write: outputs, and what the engine fills in."""
    declared: Mapping[str, Any] = kind.spec.schema.get("properties", {})
    marked = {key for key, schema in declared.items() if schema.get("readOnly") or schema.get("engine")}
    return marked | (set(kind.spec.read_only) & declared.keys())
