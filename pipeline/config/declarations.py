"""The specs: every YAML file below `aws/`, read once for all environments."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from pipeline.config.documents import parse
from pipeline.config.files import Files
from pipeline.config.findings import Findings, Place, closest, did_you_mean, one_of
from pipeline.config.nodes import Items, Node, Scalar, Table, merged
from pipeline.resources.base import ResourceType
from pipeline.resources.registry import Registry

DIRECTORY = "aws"
DEFAULTS = "defaults"
MOVED = "moved"
_COLLECTION = re.compile(r"^([A-Za-z_][\w-]*)[ ]*:", re.MULTILINE)
_POLICY_KEYS = frozenset(("Version", "Id", "Statement"))


@dataclass(frozen=True)
class Declared:
    """One item of a collection, with its file's defaults below it; the same in every environment until it is filled."""

    type: ResourceType
    node: Table
    place: Place


@dataclass(frozen=True)
class Specs:
    """What the files declare, in the order of files and lines; `moved` are their lists of moves, as written.

    `unread` are types of which more may be declared, in files that cannot be read.
    """

    declared: tuple[Declared, ...]
    moved: tuple[Node, ...]
    unread: frozenset[str] = frozenset()


def read_specs(files: Files, registry: Registry, findings: Findings) -> Specs:
    """All declared resources and moves."""
    before = findings.errors
    paths = files.below(DIRECTORY, (".yaml", ".yml"), findings)
    unread = set(registry) if findings.errors > before else set()
    if not paths:
        findings.error(
            f"no resource is declared: {DIRECTORY}/ holds no YAML file",
            Place(DIRECTORY),
            hint=f"declare one, such as {DIRECTORY}/dynamodb/tables.yaml; `pipeline destroy` removes what was deployed",
        )
    found: list[Declared] = []
    moved: list[Node] = []
    for path in paths:
        before = findings.errors
        text = files.text(path, findings)
        node = parse(text, path, findings) if text is not None else None
        if node is None and findings.errors > before:
            unread |= _perhaps(text, registry)
        if isinstance(node, Table):
            found += _items(node, registry, findings)
            meant = {closest(key, registry.by_collection) for key in _unknown(node, registry)}
            unread |= {registry.by_collection[key].name for key in meant if key is not None}
            moved += [entry.node for key, entry in node.entries.items() if key == MOVED]
        elif node is not None:
            hint = f"begin with a collection: {one_of(registry.by_collection)}"
            findings.error("a mapping from collections to resources is wanted", node.place, hint=hint)
    if unread:  # what follows from them is missing, too
        unread |= set(registry) - {item.type.name for item in found}
    return Specs(tuple(found), tuple(moved), frozenset(unread))


def _perhaps(text: str | None, registry: Registry) -> set[str]:
    """The types that a file which cannot be read seems to declare: any, when it does not look like one."""
    written = {match[1] for match in _COLLECTION.finditer(text or "")}
    return {registry.by_collection[key].name for key in written & set(registry.by_collection)} or set(registry)


def _items(spec: Table, registry: Registry, findings: Findings) -> Iterator[Declared]:
    words = [*registry.by_collection, DEFAULTS, MOVED]
    for key in _unknown(spec, registry):
        place = spec.entries[key].place
        findings.error(f'unknown collection "{key[:80]}"{did_you_mean(key, words)}', place, hint=one_of(words))
    known = [key for key in spec.entries if key in registry.by_collection]
    defaults = _defaults(spec, known, findings)
    for key in known:
        kind = registry.by_collection[key]
        own = _fitting(defaults, kind) if defaults and len(known) > 1 else defaults
        for node, place in _nodes(key, spec.entries[key].node, spec.entries[key].place, findings):
            yield Declared(kind, merged(own, node) if own else node, place)


def _fitting(defaults: Table, kind: ResourceType) -> Table:
    """Of defaults whose place is wrong, which is told, what a type knows: so that nothing is told for want of them."""
    known = kind.spec.schema.get("properties", {})
    return replace(defaults, entries={key: entry for key, entry in defaults.entries.items() if key in known})


def _unknown(spec: Table, registry: Registry) -> list[str]:
    """The keys that mean nothing. A policy document that a role names by its path has none."""
    if spec.entries.keys() <= _POLICY_KEYS:
        return []
    return [key for key in spec.entries if key not in registry.by_collection and key not in (DEFAULTS, MOVED)]


def _defaults(spec: Table, known: list[str], findings: Findings) -> Table | None:
    entry = spec.entries.get(DEFAULTS)
    if entry is None or (isinstance(entry.node, Scalar) and entry.node.value() is None):
        return None
    if not isinstance(entry.node, Table):
        findings.error("defaults must be a mapping of properties", entry.place)
        return None
    if len(known) > 1:
        findings.error(
            f"defaults are for one collection, and this file has {len(known)}: {', '.join(known)}",
            entry.place,
            hint="move the others into files of their own",
        )
    return entry.node


def _nodes(key: str, node: Node, place: Place, findings: Findings) -> Iterator[tuple[Table, Place]]:
    """The items of a collection: a list of mappings, or one mapping."""
    if isinstance(node, Table):
        yield node, place
    elif isinstance(node, Items):
        for item in node.items:
            if isinstance(item, Table):
                yield item, item.place
            else:
                findings.error(f"an item of {key} must be a mapping with a name", item.place, hint="write - name: ...")
    elif node.value() is not None:
        findings.error(f"{key} must be a list of resources, or one resource", node.place, hint="write - name: ...")
