"""What a resource type's schema says about itself, as a value that pure code can use."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self


@dataclass(frozen=True)
class TypeSpec:
    """The metadata of one resource type; the words are CloudFormation's where it has them.

    Paths are dotted (`environment`, `code.sha256`). `create_only`: a change means replacement. `read_only`: outputs.
    `write_only`: never compared, always shown as "(sensitive)". `sensitive`: compared, never shown.
    `unordered`: lists whose order means nothing. `secretable`: may hold secrets, so that a value of unknown origin is
    not shown. `deriving`: says only what follows from the resource, and is not compared.
    `volatile_outputs`: outputs that an update changes; with the properties (first part of their paths) whose change
    does it, where not every one does.
    `data_bearing`: never deleted or replaced without consent. `disposable`: nothing needs that data to work, so that
    a rollback may make the resource anew, empty, where it would otherwise be impossible. `lookup`: resources of this
    type are found and never made, changed or deleted; what to do about a missing one. `one_for_all`: AWS keeps the
    name once for all regions: always, or where these properties are the same; None for what each region has.
    """

    name: str
    schema: Mapping[str, Any]
    collections: tuple[str, ...]
    primary_identifier: tuple[str, ...]
    create_only: tuple[str, ...] = ()
    read_only: tuple[str, ...] = ()
    write_only: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    unordered: tuple[str, ...] = ()
    secretable: tuple[str, ...] = ()
    deriving: tuple[str, ...] = ()
    volatile_outputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    data_bearing: bool = False
    disposable: bool = False
    replacement: Literal["deleteFirst", "createFirst"] = "deleteFirst"
    lookup: str | None = None
    one_for_all: tuple[str, ...] | None = None
    examples: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def from_schema(cls, schema: Mapping[str, Any]) -> Self:
        """Reads the extension words of a type's JSON Schema."""
        collection = schema.get("collection", ())
        return cls(
            name=schema["typeName"],
            schema=schema,
            collections=(collection,) if isinstance(collection, str) else tuple(collection),
            primary_identifier=tuple(schema.get("primaryIdentifier", ("name",))),
            create_only=tuple(schema.get("createOnlyProperties", ())),
            read_only=tuple(schema.get("readOnlyProperties", ())),
            write_only=tuple(schema.get("writeOnlyProperties", ())),
            sensitive=tuple(schema.get("sensitiveProperties", ())),
            unordered=tuple(_marked(schema, "insertionOrder", value=False)),
            secretable=tuple(_marked(schema, "secrets", value=True)),
            deriving=tuple(_marked(schema, "deriving", value=True)),
            volatile_outputs=_volatile(schema.get("volatileOutputs", ())),
            data_bearing=bool(schema.get("dataBearing", False)),
            disposable=bool(schema.get("disposable", False)),
            replacement=schema.get("replacement", "deleteFirst"),
            lookup=schema.get("lookup"),
            one_for_all=tuple(schema["oneForAllRegions"]) if "oneForAllRegions" in schema else None,
            examples=tuple(schema.get("examples", ())),
        )

    @property
    def renamable(self) -> bool:
        """True when AWS knows resources by something else than their name, which can then change."""
        return self.lookup is None and "name" not in self.create_only

    def is_one(self, here: Mapping[str, Any], there: Mapping[str, Any]) -> bool:
        """True when what two regions declare by one name, with these properties, is one thing in AWS."""
        return self.one_for_all is not None and all(here.get(name) == there.get(name) for name in self.one_for_all)

    def renews(self, output: str, paths: Iterable[str]) -> bool:
        """True when an update of the properties at `paths` gives `output` another value."""
        causes = self.volatile_outputs.get(output)
        return causes is not None and (not causes or any(path.split(".", 1)[0] in causes for path in paths))


def _volatile(word: Iterable[str] | Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """`volatileOutputs`: a list of outputs, or output -> the properties whose change renews it."""
    return {name: tuple(word[name]) if isinstance(word, Mapping) else () for name in word}


def _marked(schema: Mapping[str, Any], word: str, *, value: bool, prefix: str = "") -> list[str]:
    """Dotted paths of properties whose schema has this value of `word`; `*` stands for items and free keys."""
    found = [prefix] if schema.get(word) is value and prefix else []
    for key, sub in schema.get("properties", {}).items():
        found += _marked(sub, word, value=value, prefix=f"{prefix}.{key}" if prefix else key)
    for inner in ("items", "additionalProperties"):
        if isinstance(schema.get(inner), Mapping):
            found += _marked(schema[inner], word, value=value, prefix=f"{prefix}.*" if prefix else "*")
    return found
