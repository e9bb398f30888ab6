"""The `access` block of a function: from its entries to the statements of a policy. Pure.

An entry names one thing and what is allowed with it: levels (`read`), or operations of the API (`Query`). What no kind
of thing covers is written as actions and resources.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pipeline.model.scope import Scope
from pipeline.model.values import Value
from pipeline.resources._access_kinds import KINDS, Entry, Kind, Part
from pipeline.resources.base import Problem

_EXPLICIT = ("actions", "resources")
# Keys that say more about an entry of a kind.
_MORE = {"index": "table", "prefix": "bucket", "alias": "function", "stage": "websocket_api"}
_OPERATION = re.compile(r"[A-Z][A-Za-z0-9]+")

Statement = dict[str, Any]


def kind_of(entry: Entry) -> str | None:
    """Which kind of thing an entry names; None for one with actions and resources."""
    if "table" in entry and "index" in entry:
        return "index"
    return next((key for key in KINDS if key in entry and key != "index"), None)


def is_late(entry: Entry) -> bool:
    """True when the entry can be granted only after APIs are made, which need the function."""
    kind = kind_of(entry)
    return kind is not None and KINDS[kind].late


def statements(entries: Iterable[Entry], scope: Scope) -> list[Statement]:
    """Statements with exactly what the entries name; those of one thing are one statement."""
    found: dict[str, Statement] = {}
    for entry in entries:
        for statement in _of(entry, scope):
            _merge(found, statement)
    return list(found.values())


def _of(entry: Entry, scope: Scope) -> Iterator[Statement]:
    kind = kind_of(entry)
    if kind is None:
        actions = _listed(entry["actions"])
        yield _statement(_words(actions, "Actions"), actions, entry["resources"], entry.get("condition"))
        return
    thing = KINDS[kind]
    named = entry["table" if kind == "index" else kind]
    name = _words([kind, named, *([entry["index"]] if kind == "index" else [])], kind)
    for part in thing.parts:
        actions = [action for word in _listed(entry["allow"]) for action in _actions(thing, part, word)]
        if actions:
            yield _statement(name + part.word, actions, part.arns(scope, entry), part.condition(scope, entry))


def _actions(kind: Kind, part: Part, word: str) -> Iterator[str]:
    """The actions behind a level or the name of an operation, as far as they are about this part of the kind."""
    if word in kind.levels:
        yield from (f"{kind.service}:{name}" for name in part.levels.get(word, ()))
    elif kind.part_of(word) is part:
        yield f"{kind.service}:{word}"


def _statement(sid: str, actions: Sequence[str], resources: Value, condition: Mapping[str, Any] | None) -> Statement:
    found = {"Sid": sid, "Effect": "Allow", "Action": sorted(set(actions)), "Resource": _listed(resources)}
    return {**found, "Condition": condition} if condition else found


def _merge(found: dict[str, Statement], statement: Statement) -> None:
    """Adds a statement; actions on the same resources under the same condition go together."""
    sid, number = statement["Sid"], 1
    while (same := found.get(statement["Sid"])) is not None:
        if same["Resource"] == statement["Resource"] and same.get("Condition") == statement.get("Condition"):
            same["Action"] = sorted({*same["Action"], *statement["Action"]})
            return
        number += 1
        statement["Sid"] = f"{sid}{number}"
    found[statement["Sid"]] = statement


def _words(parts: Iterable[Value], fallback: str) -> str:
    """A Sid, which takes letters and digits only: the words of what a statement is about."""
    found = [word for part in parts for word in re.findall(r"[A-Za-z0-9]+", str(part).rpartition("arn:")[2])]
    return "".join(word[:1].upper() + word[1:] for word in found) or fallback


def problems(entries: Sequence[Entry], place: tuple[str | int, ...] = ("access",)) -> Iterator[Problem]:
    """What a schema cannot say about entries: one thing each, and words that its kind knows."""
    for index, entry in enumerate(entries):
        path = (*place, index)
        kinds = [key for key in KINDS if key in entry and key != "index"]
        if any(key in entry for key in _EXPLICIT):
            yield from _explicit_problems(entry, kinds, path)
        elif len(kinds) != 1:
            hint = f"name one of {', '.join(key for key in KINDS if key != 'index')}, or actions and resources"
            yield Problem(f"an entry names one thing, this one {' and '.join(kinds) or 'none'}", path, hint)
        else:
            yield from _kind_problems(entry, kinds[0], path)


def _explicit_problems(entry: Entry, kinds: Sequence[str], path: tuple[str | int, ...]) -> Iterator[Problem]:
    missing = [key for key in _EXPLICIT if not entry.get(key)]
    if missing:
        yield Problem(f"actions and resources go together: {missing[0]} is missing", path)
    for key in (*kinds, *(key for key in ("allow", *_MORE) if key in entry)):
        yield Problem(f"{key} does not go with actions and resources", (*path, key), "make two entries")


def _kind_problems(entry: Entry, named: str, path: tuple[str | int, ...]) -> Iterator[Problem]:
    kind = KINDS[str(kind_of(entry))]
    for key, owner in _MORE.items():
        if key in entry and owner != named:
            yield Problem(f"{key} goes with {owner}, not with {named}", (*path, key))
    if entry.get("condition"):
        yield Problem("condition goes with actions and resources", (*path, "condition"))
    if not entry.get("allow"):
        yield Problem("allow is missing", path, f"one of {', '.join(kind.levels)}, or names of operations")
    for word in _listed(entry.get("allow") or ()):
        if isinstance(word, str) and word not in kind.levels and not _OPERATION.fullmatch(word):
            hint = f"one of {', '.join(kind.levels)}, or an operation of {kind.service} such as {_sample(kind)}"
            yield Problem(f"{kind_of(entry)} has no level {word}", (*path, "allow"), hint)


def _sample(kind: Kind) -> str:
    return next(name for names in kind.parts[0].levels.values() for name in names)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
