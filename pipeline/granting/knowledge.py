"""The packaged knowledge: which actions the verbs of a type need (recorded), and what recording cannot know (rules)."""

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources as package_files
from typing import Any

READ, CHANGE, DELETE = "read", "change", "delete"
PHASES = (READ, CHANGE, DELETE)
Actions = Mapping[str, Mapping[str, list[str]]]


class Knowledge:
    """Looks actions and resources up. `recorded` is actions.json, `rules` is rules.json."""

    def __init__(self, recorded: Actions, rules: Mapping[str, Any]) -> None:
        self.recorded = recorded
        self.rules = rules

    @classmethod
    def load(cls) -> "Knowledge":
        """The packaged data."""
        return cls(_packaged("actions.json")["types"], _packaged("rules.json"))

    def actions(self, kind: str, phase: str) -> set[str]:
        """What a verb of a type needs: what was recorded, and the named extras; without what is always denied."""
        found = {*self.recorded.get(kind, {}).get(phase, ()), *self.extras(kind, phase)}
        return {action for action in found if not self.denied(action)}

    def extras(self, kind: str, phase: str) -> Mapping[str, str]:
        """action -> why it is needed though no recording shows it."""
        found: Mapping[str, str] = self.rules["extras"].get(kind, {}).get(phase, {})
        return found

    def core(self, phase: str) -> Mapping[str, Mapping[str, str]]:
        """What every service needs, whatever its types: where (`ledger`, `anywhere`, ...) -> action -> why."""
        found: Mapping[str, Mapping[str, str]] = self.rules["core"].get(phase, {})
        return found

    def resources(self, kind: str) -> list[str]:
        """Patterns of ARNs, without `arn:<partition>:`; a type that nobody described: its service in this account."""
        found: list[str] | None = self.rules["resources"].get(kind)
        return found or [f"{kind.partition('.')[0]}:*:{{account}}:*"]

    def takes_any_resource_only(self, action: str) -> bool:
        """True for actions that AWS does not limit to resources."""
        return any(fnmatchcase(action, pattern) for pattern in self.rules["anywhere"])

    def denied(self, action: str) -> bool:
        """True for what no role of a pipeline may do."""
        return any(fnmatchcase(action, pattern) for pattern in self.rules["denied"])

    @property
    def losing_data(self) -> frozenset[str]:
        """Actions with which data is gone."""
        return frozenset(self.rules["losing_data"])


def _packaged(name: str) -> dict[str, Any]:
    text = package_files.files("pipeline.granting").joinpath(name).read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


@cache
def knowledge() -> Knowledge:
    """The packaged knowledge; read once a process since it never changes."""
    return Knowledge.load()
