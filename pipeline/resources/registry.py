"""Finds the resource types: every module beside this one that has a schema of the same name."""

import importlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources as package_files
from typing import Any

from pipeline.model.access import Grant
from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.type_spec import TypeSpec
from pipeline.model.values import Properties
from pipeline.resources.base import ResourceType

_PACKAGE = "pipeline.resources"


class Registry(Mapping[str, ResourceType]):
    """type name -> ResourceType; also finds the type of a collection key in the specs (`tables`)."""

    def __init__(self, types: Mapping[str, ResourceType]) -> None:
        self._types = dict(types)
        self.by_collection = {c: t for t in self._types.values() for c in t.spec.collections}

    def __getitem__(self, name: str) -> ResourceType:
        return self._types[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)

    def grants(self, scope: Scope) -> Callable[[str, Properties], list[Grant]]:
        """(type, properties) -> who may do what because of it; nothing for a type that there is no more."""
        return lambda name, properties: self._types[name].grants(properties, scope) if name in self._types else []

    def yields(self, name: str, observed: Observed, declared: Sequence[Resource]) -> Observed:
        """What of a resource of type `name` may go, where `declared` stays."""
        return self._types[name].yields(observed, declared) if name in self._types else observed

    @property
    def specs(self) -> dict[str, TypeSpec]:
        """type name -> metadata, for the pure planner."""
        return {name: found.spec for name, found in self._types.items()}


@cache
def registry() -> Registry:
    """All resource types of the package; the same object every time, since schemas never change in a process."""
    types = {}
    for entry in sorted(package_files.files(_PACKAGE).iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".json"):
            schema: dict[str, Any] = json.loads(entry.read_text(encoding="utf-8"))
            module = importlib.import_module(f"{_PACKAGE}.{entry.name.removesuffix('.json')}")
            types[schema["typeName"]] = ResourceType(module, TypeSpec.from_schema(schema))
    return Registry(types)
