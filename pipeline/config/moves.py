"""The `moved` of spec files for one environment: which resources are declared under another address than before. Pure.

An address begins with the type, and ends with the name. Where the name is what AWS knows a resource by, AWS cannot
rename it, and there is nothing to move; that is told where the move is written.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources as package_files
from typing import Any

from pipeline.config.declarations import MOVED
from pipeline.config.desired import Rendered
from pipeline.config.environments import EnvFile
from pipeline.config.findings import Findings, Place, did_you_mean
from pipeline.config.known import Known
from pipeline.config.nodes import Node
from pipeline.config.rendering import Renderer
from pipeline.config.validation import Checker
from pipeline.config.variables import Variables
from pipeline.resources.base import ResourceType
from pipeline.resources.registry import Registry


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of a list of moves."""
    text = package_files.files("pipeline.config").joinpath("moved.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


@dataclass(frozen=True)
class _Move:
    source: str
    target: str
    source_place: Place
    target_place: Place


@dataclass(frozen=True)
class Moves:
    """Reads and checks the moves of one environment."""

    env: EnvFile
    lacking: frozenset[str]
    registry: Registry
    findings: Findings

    def read(self, nodes: Iterable[Node], rendered: Sequence[Rendered], there: Known) -> Mapping[str, str]:
        """New address -> old address, of all moves that are right; what is wrong with the others as errors."""
        moves = [move for node in nodes for move in self._written(node)]
        declared = {item.address: item for item in rendered if item.address}
        found: dict[str, _Move] = {}
        sources: dict[str, _Move] = {}
        for move in moves:
            wrong = self._wrong(move, declared) or self._repeated(move, sources, found)
            sources.setdefault(move.source, move)
            if not wrong:
                found[move.target] = move
        known = {move.source for move in moves}
        for move in found.values():
            if move.target not in known and not there.has(move.target):
                names = [address.partition("/")[2] for address in declared if _type(address) == _type(move.target)]
                near = did_you_mean(move.target.partition("/")[2], names)
                self._error(f"there is no {move.target}{near}", move.target_place, "declare it, or remove this entry")
        self._check_circles(found)
        return {target: move.source for target, move in found.items()}

    def _written(self, node: Node) -> Iterator[_Move]:
        checker = Checker(schema(), MOVED)
        renderer = Renderer(self.findings, Variables(self.env, self.findings, self.lacking))
        value = renderer.render(node, checker.shape)
        complaints = checker.complaints(value)
        for complaint in complaints:
            self._error(complaint.message, renderer.place(complaint), complaint.hint)
        if complaints or renderer.unclear:
            return
        for index, entry in enumerate(value or ()):
            ends = [entry[key] for key in ("from", "to")]
            places = [renderer.place_of((index, key)) for key in ("from", "to")]
            if all(isinstance(end, str) for end in ends):
                yield _Move(ends[0], ends[1], places[0], places[1])
            else:
                self._error("an address must be known before deploying", places[0])

    def _wrong(self, move: _Move, declared: Mapping[str, Rendered]) -> bool:
        """Tells what is wrong with a move by itself."""
        for address, place in ((move.source, move.source_place), (move.target, move.target_place)):
            kind, _, name = address.partition("/")
            if kind not in self.registry or not name:
                near = did_you_mean(kind, self.registry)
                text = (
                    f"{address} is no address: there is no resource type {kind}{near}"
                    if name
                    else (f"{address} is no address")
                )
                return self._error(text, place, "write TYPE/NAME, such as apigateway.rest_api/shop")
        if _type(move.source) != _type(move.target):
            text = f"{move.source} cannot become {move.target}: they are of different types"
            return self._error(text, move.target_place, "remove this entry")
        if move.source == move.target:
            return self._error(f"{move.source} is moved to itself", move.target_place, "remove this entry")
        known = self.registry[_type(move.source)]
        if not known.spec.renamable:
            return self._error(_identity(known, move), move.source_place, _instead(known, move))
        if still := declared.get(move.source):
            text = f"{move.source} is moved to {move.target}, and still declared at {still.place}"
            return self._error(text, move.source_place, "remove its declaration, or this entry")
        return False

    def _repeated(self, move: _Move, sources: Mapping[str, _Move], targets: Mapping[str, _Move]) -> bool:
        if other := sources.get(move.source):
            text = f"{move.source} is moved twice: first at {other.source_place}"
            return self._error(text, move.source_place, "remove one of the entries")
        if other := targets.get(move.target):
            text = f"{move.source} and {other.source} cannot both become {move.target}: first at {other.target_place}"
            return self._error(text, move.target_place, "remove one of the entries")
        return False

    def _check_circles(self, found: Mapping[str, _Move]) -> None:
        told: set[str] = set()
        for start in found:
            chain, address = [start], start
            while (move := found.get(address)) and move.source not in chain:
                address = move.source
                chain.append(address)
            if move and move.source == start and not told & {*chain}:
                told |= {*chain}
                text = " -> ".join([*reversed(chain), chain[-1]])
                self._error(f"these moves go in a circle: {text}", found[start].source_place, "remove one of them")

    def _error(self, message: str, place: Place, hint: str | None = None) -> bool:
        self.findings.error(f"{MOVED}: {message}", place, hint=hint)
        return True


def _type(address: str) -> str:
    return address.partition("/")[0]


def _identity(kind: ResourceType, move: _Move) -> str:
    if kind.spec.lookup is not None:
        return f"{move.source} is only looked up: there is nothing to move"
    if not kind.spec.collections:
        return f"{move.source} follows from other resources, and moves with them"
    return f"AWS cannot rename {move.source}: it knows a {kind.name} by its name, so a replacement is needed"


def _instead(kind: ResourceType, move: _Move) -> str:
    if kind.spec.lookup is not None or not kind.spec.collections:
        return "remove this entry"
    if kind.spec.data_bearing:
        return (
            f"remove this entry: {move.target} is then made, empty, and {move.source} kept with its data; "
            "or keep the old name"
        )
    return f"remove this entry: {move.target} is then made, and {move.source} deleted once it is no longer needed"
