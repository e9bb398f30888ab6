"""The `${...}` of specs and env files: `${VARIABLE}`, `${type/name.output}`, `$${` for a literal `${`. Pure."""

import re
from dataclasses import dataclass

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_OUTPUT = re.compile(r"[a-z][a-z0-9-]*\.[a-z][a-z0-9_]*/.+\.[A-Za-z][A-Za-z0-9_]*", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Variable:
    """`${NAME}`, `at` characters into the text."""

    name: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Output:
    """`${type/name.output}`; `parts` is what stands between the braces, where the name may hold variables."""

    parts: tuple[str | Variable, ...]
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Hole:
    """Braces that hold neither, or are not closed."""

    text: str
    at: int


Part = str | Variable | Output | Hole


def parts_of(text: str) -> list[Part]:
    """The text cut at its `${...}`; literal pieces have `$${` turned into `${`."""
    parts: list[Part] = []
    literal = ""
    at = 0
    while (start := text.find("${", at)) >= 0:
        if start > at and text[start - 1] == "$":
            literal += text[at : start - 1] + "${"
            at = start + 2
            continue
        if literal or start > at:
            parts.append(literal + text[at:start])
            literal = ""
        end = _end(text, start)
        parts.append(_part(text[start:end], start))
        at = end
    if literal or at < len(text):
        parts.append(literal + text[at:])
    return parts


def escaped(text: str) -> str:
    """The text that `parts_of` reads as `text` itself."""
    return text.replace("${", "$${")


def _end(text: str, start: int) -> int:
    """The index after the brace that closes the one at `start`; the end of the text when none does."""
    depth = 0
    at = start
    while at < len(text):
        if text.startswith("${", at):
            depth += 1
            at += 2
        elif text[at] == "}":
            depth -= 1
            at += 1
            if depth == 0:
                return at
        else:
            at += 1
    return len(text)


def _part(text: str, at: int) -> Part:
    inner = text[2:-1]
    if not text.endswith("}") or text.count("${") > text.count("}"):
        return Hole(text, at)
    if VARIABLE.fullmatch(inner):
        return Variable(inner, text, at)
    if _OUTPUT.fullmatch(inner):
        pieces = parts_of(inner)
        if all(isinstance(piece, (str, Variable)) for piece in pieces):
            return Output(tuple(p for p in pieces if isinstance(p, (str, Variable))), text, at)
    return Hole(text, at)
