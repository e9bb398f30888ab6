"""Reads an env file as python-dotenv does: data, never executed, nothing taken from the process environment. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from io import StringIO

from dotenv.parser import Binding, parse_stream

from pipeline.config.documents import control_character
from pipeline.config.findings import Findings, Place, did_you_mean
from pipeline.config.text import Hole, Output, Variable, parts_of

LONGEST_VALUE = 8192
_MOST_KEYS = 1000
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_EXPORT = re.compile(r"export[^\S\r\n]+")
# python-dotenv looks for a comment after blanks in a way that takes quadratic time on a long run of them.
_BLANKS = re.compile(r"[^\S\r\n]{200}")


@dataclass(frozen=True)
class Assignment:
    """`KEY=value`; `place` is that of the key. `known` is False when the value cannot be told: there is an error."""

    key: str
    value: str
    place: Place
    known: bool = True


Keys = dict[str, Assignment]


def parse(text: str, file: str, findings: Findings, complete: Callable[[Keys], Keys] = dict) -> Keys | None:
    """key -> assignment, with `${OTHER}` of the same file filled in; lines that are wrong become errors.

    None, with an error, when this is no env file at all. `complete` adds what follows from other keys.
    """
    if place := control_character(text, file) or _blanks(text, file):
        findings.error("a control character, or a run of more than 199 blanks", place, hint="remove it")
        return None
    found: dict[str, Assignment] = {}
    for binding in parse_stream(StringIO(text, newline="")):
        place = _place(binding, file)
        if binding.error:
            # The line itself is not shown: it may hold a secret.
            findings.error("this is no assignment", place, hint="write KEY=value; a quote must be closed")
        elif len(found) == _MOST_KEYS:
            findings.error(f"more than {_MOST_KEYS} keys", place, hint="keep what differs between environments")
            break
        elif binding.key is not None:
            _take(Assignment(binding.key, binding.value or "", place), binding.value is None, found, findings)
    return _filled(complete(found), findings)


def _place(binding: Binding, file: str) -> Place:
    """Where the key begins: python-dotenv counts blank lines before it, and `export`, as part of it."""
    original = binding.original.string
    body = original.lstrip()
    before = original[: len(original) - len(body)]
    lines = len(re.findall(r"\r\n|\n|\r", before))
    column = len(re.split(r"\r\n|\n|\r", before)[-1]) + 1
    export = _EXPORT.match(body)
    return Place(file, binding.original.line + lines, column + (export.end() if export else 0))


def _blanks(text: str, file: str) -> Place | None:
    found = _BLANKS.search(text)
    if found is None:
        return None
    return Place(file, text.count("\n", 0, found.start()) + 1, found.start() - text.rfind("\n", 0, found.start()))


def _take(one: Assignment, bare: bool, found: dict[str, Assignment], findings: Findings) -> None:
    if not _KEY.fullmatch(one.key):
        findings.error("a key is made of letters, digits and _", one.place, hint="write KEY=value")
        return
    if bare:
        findings.error(f"{one.key} has no value", one.place, hint=f"write {one.key}= for an empty one")
        one = replace(one, known=False)
    if one.key in found:
        first = found[one.key].place.line
        findings.error(f"{one.key} is set twice: first in line {first}", one.place, hint="keep one of the two")
        return
    if len(one.value) > LONGEST_VALUE:
        findings.error(f"{one.key} is {len(one.value)} characters long; at most {LONGEST_VALUE} are read", one.place)
        one = replace(one, value="", known=False)
    found[one.key] = one


def _filled(found: Mapping[str, Assignment], findings: Findings) -> dict[str, Assignment]:
    """Every value with the other keys' values filled in, whatever their order."""
    result = dict(found)
    needs = {key: _needs(one) for key, one in found.items() if "${" in one.value}
    order, circular = _order(needs)
    for chain in circular:
        findings.error(f"{' -> '.join(chain)}: these keys need each other", found[chain[0]].place)
        for key in chain:
            result[key] = replace(found[key], value="", known=False)
    for key in order:
        if key in needs and result[key].known:
            result[key] = _fill(found[key], result, findings)
    return {key: result[key] for key in found}


def _needs(one: Assignment) -> set[str]:
    return {part.name for part in parts_of(one.value) if isinstance(part, Variable)}


def _order(needs: Mapping[str, set[str]]) -> tuple[list[str], list[list[str]]]:
    """Keys, each after those it needs, and the circles, each from its first key back to it."""
    graph = {key: set(others) for key, others in needs.items()}
    circles: list[list[str]] = []
    while True:
        sorter = TopologicalSorter(graph)
        try:
            return list(sorter.static_order()), circles
        except CycleError as cycle:
            chain: list[str] = list(reversed(cycle.args[1]))
            circles.append(chain)
            for key in chain:
                graph[key] = set()


def _fill(one: Assignment, known: Mapping[str, Assignment], findings: Findings) -> Assignment:
    """One value filled in; unknown when a key that it needs is."""
    text = ""
    for part in parts_of(one.value):
        if isinstance(part, str):
            text += part
        elif isinstance(part, (Output, Hole)):
            findings.error(
                f"{one.key}: {part.text} is not the name of a key",
                one.place,
                hint="write ${KEY} for the value of another key of this file, $${ for the characters ${",
            )
            return replace(one, known=False)
        elif part.name not in known:
            _unknown(one, part.name, known, findings)
            return replace(one, known=False)
        elif not known[part.name].known:
            return replace(one, known=False)
        else:
            text += known[part.name].value
    if len(text) > LONGEST_VALUE:
        findings.error(f"{one.key} is longer than {LONGEST_VALUE} characters once filled in", one.place)
        return replace(one, value="", known=False)
    return replace(one, value=text)


def _unknown(one: Assignment, name: str, known: Mapping[str, Assignment], findings: Findings) -> None:
    findings.error(
        f"{one.key}: this file has no key {name}{did_you_mean(name, known)}",
        one.place,
        hint=f"add {name}= to the file; nothing is read from the process environment",
    )
