"""What an operation does, as far as pacing, locking and repeating need it: reads, changes, and what may be repeated.

The knowledge is `operations.json`; this module only looks things up in it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources as package_files
from typing import Any, Self


@dataclass(frozen=True)
class Operation:
    """One operation of one service.

    `mutating`: it changes something, so the lock must still be ours. `repeatable`: it may be sent again when the answer
    to it was lost. `deleting`: an answer "does not exist" to a repetition means that it was carried out.
    `token`: the (dotted) parameter that makes a repetition harmless when the caller sends it.
    """

    service: str
    name: str
    mutating: bool
    repeatable: bool
    deleting: bool = False
    token: str | None = None

    def may_repeat(self, params: Mapping[str, Any]) -> bool:
        """True when a call with `params` whose answer was lost may be sent again."""
        return self.repeatable or (self.token is not None and _has(params, self.token))


class Operations:
    """Looks operations up; each is worked out once."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data
        self._known: dict[tuple[str, str], Operation] = {}

    @classmethod
    def load(cls) -> Self:
        """The packaged data."""
        text = package_files.files("pipeline.applying").joinpath("operations.json").read_text(encoding="utf-8")
        return cls(json.loads(text))

    def get(self, service: str, name: str) -> Operation:
        """What is known of `name`; one that nobody described is taken as a change that must not be repeated."""
        found = self._known.get((service, name))
        if found is None:
            found = self._known[service, name] = self._work_out(service, name)
        return found

    def identity(self, service: str, name: str, params: Mapping[str, Any]) -> tuple[str, str] | None:
        """(service, name) of what a creating or deleting call is about, such as ("s3", "site")."""
        for pattern, parameter in self._data["identities"].get(service, {}).items():
            if fnmatchcase(name, pattern) and isinstance(params.get(parameter), str):
                return (service, params[parameter])
        return None

    def _work_out(self, service: str, name: str) -> Operation:
        token = self._data["tokens"].get(service, {}).get(name)
        if self._listed("reads", service, name):
            return Operation(service, name, mutating=False, repeatable=True)
        repeatable = not self._listed("not_repeatable", service, name) and self._listed("repeatable", service, name)
        return Operation(
            service,
            name,
            mutating=not self._listed("not_mutating", service, name),
            repeatable=repeatable,
            deleting=any(fnmatchcase(name, pattern) for pattern in self._data["deletes"]),
            token=token,
        )

    def _listed(self, section: str, service: str, name: str) -> bool:
        patterns = self._data[section]
        return any(fnmatchcase(name, pattern) for key in ("*", service) for pattern in patterns.get(key, ()))


def _has(params: Mapping[str, Any], path: str) -> bool:
    value: Any = params
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return bool(value)


@cache
def operations() -> Operations:
    """The packaged knowledge; read once a process since it never changes."""
    return Operations.load()
