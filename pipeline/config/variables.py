"""Fills `${...}` in the text of specs from one environment. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pipeline.config.environments import EnvFile
from pipeline.config.findings import Findings, Place, did_you_mean, one_of
from pipeline.config.nodes import Scalar
from pipeline.config.text import Hole, Output, Variable, parts_of
from pipeline.config.validation import Placeholder
from pipeline.model.values import Expression, Reference, Secret

# All texts of one environment together, so that many uses of a long value cannot fill the memory.
_MOST_CHARACTERS = 16_000_000

Piece = str | Reference | Secret | None


@dataclass(frozen=True)
class Filled:
    """A text with its variables filled in. `value` is a str, or a Placeholder for what is not known yet.

    `used` names the variables. `typed` is the value of the one variable that is the whole text, as its schema types
    it, for places that want no type in particular.
    """

    value: str
    used: tuple[str, ...] = ()
    typed: Any = None


@dataclass
class Variables:
    """The variables of one environment. `lacking` are keys that other environments have and this one does not."""

    env: EnvFile
    findings: Findings
    lacking: frozenset[str] = frozenset()
    references: list[tuple[Reference, Place]] = field(default_factory=list)
    _characters: int = 0

    def fill(self, node: Scalar, *, foreign: bool = False, address: str | None = None) -> Filled:
        """The text of `node`. `foreign`: `${prefix:name}` is a policy variable of IAM's and stays as it is."""
        if "${" not in node.text:
            return Filled(node.text)
        parts = parts_of(node.text)
        pieces: list[Piece] = []
        for part in parts:
            if isinstance(part, str):
                pieces.append(part)
            elif isinstance(part, Hole) and foreign and ":" in part.text:
                pieces.append(part.text)
            else:
                pieces.append(self._piece(part, _place(node, part.at), address))
        used = tuple(name for part in parts for name in _names(part))
        typed = self.env.typed.get(used[0]) if len(parts) == 1 and isinstance(parts[0], Variable) else None
        return Filled(self._joined(node, pieces, address), used, typed)

    def origin(self, used: Iterable[str]) -> str:
        """Where the variables that made a value are set, as an addition to a message."""
        places = {name: self.env.places.get(name) for name in used}
        texts = [f"${{{name}}} ({place})" for name, place in places.items() if place]
        return f", filled from {', '.join(texts)}" if texts else ""

    def _piece(self, part: Variable | Output | Hole, place: Place, address: str | None) -> Piece:
        if isinstance(part, Variable):
            return self._value(part, place, address)
        if isinstance(part, Output):
            return self._reference(part, place, address)
        self.findings.error(
            f"{_cut(part.text)} is neither a variable nor an output of another resource",
            place,
            hint="write ${VARIABLE} or ${type/name.output}; $${ stands for the characters ${",
            address=address,
        )
        return None

    def _value(self, part: Variable, place: Place, address: str | None) -> Piece:
        env, name = self.env, part.name
        if not env.readable or name in env.unclear or name in self.lacking:
            return None
        if name in env.secrets:
            return Secret(env.values[name])
        if name not in env.values and self.findings.full(place.file):
            return None
        if name not in env.values:
            self.findings.error(
                f"{part.text}: {env.file} has no {name}{did_you_mean(name, env.values)}",
                place,
                hint=one_of(env.values),
                address=address,
            )
            return None
        return env.values[name]

    def _reference(self, part: Output, place: Place, address: str | None) -> Piece:
        pieces = [self._value(p, place, address) if isinstance(p, Variable) else p for p in part.parts]
        texts = [piece for piece in pieces if isinstance(piece, str)]
        if any(isinstance(piece, Secret) for piece in pieces):
            self.findings.error(f"{_cut(part.text)}: a secret cannot be part of a name", place, address=address)
        if len(texts) < len(pieces):
            return None
        target, _, output = "".join(texts).rpartition(".")
        reference = Reference(target, output)
        self.references.append((reference, place))
        return reference

    def _joined(self, node: Scalar, pieces: list[Piece], address: str | None) -> str:
        if any(piece is None for piece in pieces):
            return Placeholder(node.text, None)
        secrets = [piece for piece in pieces if isinstance(piece, Secret)]
        if secrets and len(pieces) > 1:
            self.findings.error(
                f"a secret cannot be part of a longer text ({secrets[0].reference})",
                node.place,
                hint="store the whole text as the secret, or let the code put it together",
                address=address,
            )
            return Placeholder(node.text, None)
        if secrets:
            return Placeholder(secrets[0].reference, secrets[0])
        if any(isinstance(piece, Reference) for piece in pieces):
            expression = Expression(tuple(p for p in pieces if isinstance(p, (str, Reference))))
            return Placeholder(str(expression), expression)
        return self._bounded(node, [piece for piece in pieces if isinstance(piece, str)])

    def _bounded(self, node: Scalar, texts: list[str]) -> str:
        before = self._characters
        self._characters += sum(map(len, texts))
        if self._characters <= _MOST_CHARACTERS:
            return texts[0] if len(texts) == 1 else "".join(texts)
        if before <= _MOST_CHARACTERS:
            self.findings.error(f"more than {_MOST_CHARACTERS:,} characters once variables are filled in", node.place)
        return Placeholder(node.text, None)


def _place(node: Scalar, at: int) -> Place:
    """Where the character `at` of the text stands, when the text stands there letter by letter."""
    return node.place if node.offset is None else node.place.shifted(node.offset + at)


def _names(part: str | Variable | Output | Hole) -> list[str]:
    if isinstance(part, Variable):
        return [part.name]
    return [p.name for p in part.parts if isinstance(p, Variable)] if isinstance(part, Output) else []


def _cut(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
