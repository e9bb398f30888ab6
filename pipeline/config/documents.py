"""Reads YAML (and JSON, which is YAML) into nodes, in bounded time and memory. Pure.

Works on the parser's events, with a stack of its own: nothing is constructed from tags, nesting cannot exhaust
Python's stack, and an alias costs nothing but is counted as what it stands for.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from pipeline.config.findings import Findings, Place
from pipeline.config.nodes import Entry, Items, Node, Scalar, Table

MAX_NODES = 100_000
MAX_DEPTH = 64

# libyaml where PyYAML was built with it: ten times faster, and the same events.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(_CORE + name for name in ("int", "float", "bool", "null"))
_KNOWN_TAGS = _PLAIN_TAGS | {"!", *(_CORE + name for name in ("str", "seq", "map"))}
_MERGE = "<<"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class _Unreadable(Exception):
    """The document is given up here."""

    def __init__(self, message: str, mark: Any, hint: str | None = None) -> None:
        super().__init__(message)
        self.mark = mark
        self.hint = hint


@dataclass(frozen=True, slots=True)
class _Weighed:
    """A finished node, how many nodes it stands for with aliases expanded, and how deep it is."""

    node: Node
    size: int = 1
    height: int = 0


@dataclass(slots=True)
class _Open:
    """A list or mapping being read."""

    place: Place
    mapping: bool
    anchor: str | None
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    merges: list[Node] = field(default_factory=list)
    key: tuple[str, Place] | None = None
    size: int = 1
    height: int = 0


def parse(text: str, file: str, findings: Findings) -> Node | None:
    """The document's node; None when it is empty or cannot be read (then there is an error at its place)."""
    if place := control_character(text, file):
        findings.error("there is a control character here: this is no text file", place)
        return None
    builder = _Builder(file, findings)
    try:
        node = builder.build(_events(text))
    except _Unreadable as error:
        findings.error(str(error), builder.place(error.mark), hint=error.hint)
        return None
    except yaml.MarkedYAMLError as error:
        context = f" ({error.context})" if error.context else ""
        place = builder.place(error.problem_mark)
        findings.error(f"YAML syntax: {error.problem}{context}", place, hint=_hint(error, text))
        return None
    except yaml.YAMLError as error:
        findings.error(f"YAML syntax: {getattr(error, 'reason', None) or 'this cannot be read'}", Place(file))
        return None
    return node


def control_character(text: str, file: str) -> Place | None:
    """The place of the first character that no text file has, or None."""
    found = _CONTROL.search(text)
    if found is None:
        return None
    at = found.start()
    return Place(file, text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))


def _events(text: str) -> Iterator[Any]:
    loader = _LOADER(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()


def _hint(error: yaml.MarkedYAMLError, text: str) -> str | None:
    problem = error.problem or ""
    mark = error.problem_mark
    line = "".join(text.split("\n")[mark.line : mark.line + 1]) if mark else ""
    if mark and "\t" in line[: mark.column + 1]:
        return "indent with spaces, not tabs"
    if "${" in line and "flow" in str(error.context):
        return "put quotes around text with ${...} inside of [ ] or { }"
    if "mapping values are not allowed" in problem:
        return "put quotes around a value that holds a colon, and look at the indentation"
    if "cannot start any token" in problem:
        return "put quotes around the value"
    return None


class _Builder:
    def __init__(self, file: str, findings: Findings) -> None:
        self.file = file
        self.findings = findings
        self.stack: list[_Open] = []
        self.anchors: dict[str, _Weighed] = {}
        self.root: Node | None = None
        self.documents = 0

    def place(self, mark: Any) -> Place:
        """Where a mark of the parser is."""
        return Place(self.file, mark.line + 1, mark.column + 1) if mark else Place(self.file)

    def build(self, events: Iterator[Any]) -> Node | None:
        """Reads all events; the first document's node."""
        for event in events:
            if isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._open(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._close(event)
            elif isinstance(event, yaml.DocumentStartEvent):
                self._document(event)
        return self.root

    def _document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            raise _Unreadable("a second document begins here", event.start_mark, "put it into a file of its own")

    def _scalar(self, event: Any) -> None:
        self._check_tag(event)
        place = self.place(event.start_mark)
        styled = event.style in ("'", '"', "|", ">")
        plain = event.tag in _PLAIN_TAGS or (event.tag is None and not styled)
        one_line = event.start_mark.line == event.end_mark.line
        quotes = 2 if styled else 0
        exact = one_line and event.end_mark.column - event.start_mark.column == len(event.value) + quotes
        node = Scalar(event.value, place, plain, quotes // 2 if exact else None)
        self._finish(_Weighed(node), event.anchor, event.start_mark)

    def _alias(self, event: Any) -> None:
        weighed = self.anchors.get(event.anchor)
        if weighed is None:
            unfinished = any(frame.anchor == event.anchor for frame in self.stack)
            message = "holds itself" if unfinished else "has no anchor before it"
            raise _Unreadable(f"alias *{event.anchor} {message}", event.start_mark)
        self._finish(weighed, None, event.start_mark)

    def _open(self, event: Any) -> None:
        self._check_tag(event)
        if len(self.stack) >= MAX_DEPTH:
            raise _Unreadable(f"nested deeper than {MAX_DEPTH} levels", event.start_mark)
        if self.stack and self.stack[-1].mapping and self.stack[-1].key is None:
            raise _Unreadable("a key must be text, not a list or a mapping", event.start_mark)
        if event.anchor:
            self.anchors.pop(event.anchor, None)
        mapping = isinstance(event, yaml.MappingStartEvent)
        self.stack.append(_Open(self.place(event.start_mark), mapping, event.anchor))

    def _close(self, event: Any) -> None:
        frame = self.stack.pop()
        node: Node
        if frame.mapping:
            node = Table(self._with_merges(frame, event), frame.place)
        else:
            node = Items(tuple(frame.items), frame.place)
        self._finish(_Weighed(node, frame.size, frame.height), frame.anchor, event.start_mark)

    def _finish(self, weighed: _Weighed, anchor: str | None, mark: Any) -> None:
        """Adds a finished node to what it stands in."""
        if anchor:
            self.anchors[anchor] = weighed
        if not self.stack:
            self.root = weighed.node
            return
        frame = self.stack[-1]
        frame.size += weighed.size
        frame.height = max(frame.height, weighed.height + 1)
        if frame.size + sum(outer.size for outer in self.stack[:-1]) > MAX_NODES:
            raise _Unreadable(f"more than {MAX_NODES:,} values, aliases expanded", mark, "split it into several files")
        if len(self.stack) + weighed.height > MAX_DEPTH:
            raise _Unreadable(f"nested deeper than {MAX_DEPTH} levels", mark)
        if not frame.mapping:
            frame.items.append(weighed.node)
        elif frame.key is None:
            frame.key = self._key(weighed.node, mark)
        else:
            self._entry(frame, *frame.key, weighed.node)
            frame.key = None

    def _key(self, node: Node, mark: Any) -> tuple[str, Place]:
        if not isinstance(node, Scalar) or (node.plain and node.text == ""):
            raise _Unreadable("a key must be text", mark)
        # An aliased key stands where the alias is.
        return node.text, self.place(mark)

    def _entry(self, frame: _Open, key: str, place: Place, node: Node) -> None:
        if key == _MERGE:
            frame.merges.append(node)
        elif key in frame.entries:
            first = frame.entries[key].place.line
            self.findings.error(
                f'key "{key[:80]}" appears twice: first in line {first}', place, hint="keep one of the two"
            )
        else:
            frame.entries[key] = Entry(place, node)

    def _with_merges(self, frame: _Open, event: Any) -> Mapping[str, Entry]:
        """The entries with those of `<<: *anchor` below them; earlier merges win, as in https://yaml.org/type/merge."""
        entries = frame.entries
        for merge in frame.merges:
            tables = merge.items if isinstance(merge, Items) else (merge,)
            for table in tables:
                if not isinstance(table, Table):
                    raise _Unreadable('"<<" takes a mapping, or a list of mappings', event.start_mark)
                entries = {**table.entries, **entries}
        return entries

    def _check_tag(self, event: Any) -> None:
        if event.tag is not None and event.tag not in _KNOWN_TAGS:
            name = event.tag.removeprefix(_CORE)
            self.findings.error(
                f"tag {name[:80]} is not allowed: files are data",
                self.place(event.start_mark),
                hint="write ${VARIABLE}, or ${type/name.output} for an output of another resource",
            )
