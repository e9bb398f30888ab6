"""The YAML files of aws/: taken as they are, with what today's AWS and our schemas need besides. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from pipeline.config.documents import parse
from pipeline.config.findings import Findings
from pipeline.config.lifecycle import supported
from pipeline.config.nodes import Items, Node, Scalar, Table
from pipeline.resources.registry import registry
from pipeline.scaffolding.manual.notes import Carried

_MODELINE = "# yaml-language-server: $schema={}schemas/specs.json\n"
_PREFIX = re.compile(r"^\$\{SERVICE_NAME\}-")


class Specs:
    """The parsed files of aws/."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = {path: text for path, text in texts.items() if path.endswith((".yaml", ".yml"))}
        self.trees = {path: parse(text, path, Findings()) for path, text in self.texts.items()}

    def items(self, collection: str) -> Iterator[tuple[str, Table]]:
        """(path, item) of everything that is declared in a collection."""
        for path, tree in self.trees.items():
            entry = tree.entries.get(collection) if isinstance(tree, Table) else None
            for node in _listed(entry.node) if entry else ():
                if isinstance(node, Table):
                    yield path, node

    def names(self, collection: str) -> dict[str, str]:
        """name -> file:line of what is declared in a collection."""
        return {
            text_of(item, "name"): f"{path}:{item.place.line}"
            for path, item in self.items(collection)
            if text_of(item, "name")
        }


def take(specs: Specs, routed: Mapping[str, str], functions: Sequence[str], today: date, carried: Carried) -> None:
    """The files with a line for editors, runtimes that AWS takes, and a function for every endpoint."""
    for path, text in specs.texts.items():
        lines = text.splitlines()
        inserts: dict[int, str] = {}
        _renew_runtimes(specs.trees[path], lines, path, today, carried)
        for item in _endpoints(specs, path):
            _name_function(item, path, (routed, functions), inserts, carried)
        whole = [line for number, one in enumerate(lines, start=1) for line in (one, *_after(inserts, number))]
        carried.files[path] = _MODELINE.format("../" * path.count("/")) + "\n".join(whole) + "\n"


def _after(inserts: Mapping[int, str], number: int) -> list[str]:
    return [inserts[number]] if number in inserts else []


def _renew_runtimes(node: Node | None, lines: list[str], path: str, today: date, carried: Carried) -> None:
    lifecycle = registry()["lambda.function"].spec.schema["properties"]["runtime"]["lifecycle"]
    for entry, value in _entries(node):
        dates = lifecycle.get(value.text) if entry == "runtime" else None
        if isinstance(dates, Mapping) and date.fromisoformat(dates["deprecated"]) <= today:
            new, number = supported(lifecycle, today)[0], value.place.line
            lines[number - 1] = lines[number - 1].replace(value.text, new)
            carried.changed(f"{path}:{number}", f"runtime {value.text} is deprecated: {new} instead")


def _entries(node: Node | None) -> Iterator[tuple[str, Scalar]]:
    if isinstance(node, Table):
        for key, entry in node.entries.items():
            if isinstance(entry.node, Scalar):
                yield key, entry.node
            yield from _entries(entry.node)
    elif isinstance(node, Items):
        for item in node.items:
            yield from _entries(item)


def _endpoints(specs: Specs, path: str) -> Iterator[Table]:
    for where, api in specs.items("api"):
        entry = api.entries.get("endpoints")
        if where == path and entry is not None:
            yield from (one for one in _listed(entry.node) if isinstance(one, Table))


def _name_function(
    item: Table, path: str, known: tuple[Mapping[str, str], Sequence[str]], inserts: dict[int, str], carried: Carried
) -> None:
    entry = item.entries.get("path")
    if entry is None or "function" in item.entries:
        return
    routed, functions = known
    route = text_of(item, "path")
    name = routed.get(route) or _likely(route, functions)
    place = f"{path}:{entry.place.line}"
    if name is None:
        carried.left(place, f"{route} names no function, and none has a name like it")
        return
    inserts[entry.place.line] = f"{' ' * (entry.place.column - 1)}function: {name}"
    how = "as the script integrates it" if route in routed else "by its name: check that it is the one"
    carried.changed(place, f"{route} is answered by {name}, {how}")


def _likely(route: str, functions: Sequence[str]) -> str | None:
    """The function whose name begins most like the path."""
    word = route.strip("/").split("/")[0]
    ranked = sorted(functions, key=lambda name: -_alike(_PREFIX.sub("", name), word))
    return ranked[0] if ranked and _alike(_PREFIX.sub("", ranked[0]), word) >= 3 else None


def _alike(one: str, other: str) -> int:
    length = 0
    while length < min(len(one), len(other)) and one[length] == other[length]:
        length += 1
    return length


def text_of(item: Table, key: str) -> str:
    """The text of a key; empty without it."""
    entry = item.entries.get(key)
    return entry.node.text if entry and isinstance(entry.node, Scalar) else ""


def _listed(node: Node) -> Sequence[Node]:
    return node.items if isinstance(node, Items) else (node,)
