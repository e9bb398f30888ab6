"""Mapping templates, read: the Velocity language as API Gateway has it, as a tree. Pure.

References (`$a.b`, `${a.b}`, `$!a.b`, `$a.f(x)`, `$a[0]`), `#set`, `#if`/`#elseif`/`#else`, `#foreach`, comments.
https://velocity.apache.org/engine/1.7/vtl-reference.html
"""

import re
from dataclasses import dataclass
from typing import Any


class TemplateError(Exception):
    """A template that cannot be read, or does what it may not."""


@dataclass(frozen=True)
class Literal:
    """A value that is written down."""

    value: Any


@dataclass(frozen=True)
class Quoted:
    """A text in double quotes: references in it are filled in."""

    parts: tuple["Node", ...]


@dataclass(frozen=True)
class Several:
    """A list."""

    items: tuple["Expression", ...]


@dataclass(frozen=True)
class Step:
    """`.name`, `.name(arguments)` or (without a name) `[argument]`."""

    name: str | None
    arguments: tuple["Expression", ...] | None = None


@dataclass(frozen=True)
class Reference:
    """A variable and the steps from it."""

    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Operation:
    """`not`, `==`, `!=`, `<`, `<=`, `>`, `>=`, `&&`, `||`, `+`, `-` on one or two operands."""

    operator: str
    operands: tuple["Expression", ...]


@dataclass(frozen=True)
class Assignment:
    """`#set`."""

    target: Reference
    value: "Expression"


@dataclass(frozen=True)
class Choice:
    """`#if` and what follows it; the condition of `#else` is None."""

    branches: tuple[tuple["Expression | None", tuple["Node", ...]], ...]


@dataclass(frozen=True)
class Loop:
    """`#foreach`."""

    name: str
    items: "Expression"
    body: tuple["Node", ...]


Expression = Literal | Quoted | Several | Reference | Operation
Node = str | Reference | Assignment | Choice | Loop

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_START = re.compile(
    r"\$!?\{?(?=[A-Za-z_])|#(?:set|if|elseif|else|end|foreach)\b|#\{(?:else|end)\}|##[^\n]*\n?|#\*.*?\*#", re.DOTALL
)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_OPERATORS = (("||", "or"), ("&&", "and")), (("==", "eq"), ("!=", "ne")), (("<=", ""), (">=", ""), ("<", ""), (">", ""))
_WORDS = {"true": True, "false": False, "null": None}


def parse(template: str) -> tuple[Node, ...]:
    """The tree of a template. Raises TemplateError."""
    reader = _Reader(template)
    nodes, ended = reader.nodes()
    if ended:
        raise TemplateError(f"#{ended} without #if or #foreach")
    return nodes


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def nodes(self) -> tuple[tuple[Node, ...], str]:
        """Up to the end of the text, or of the block: the word that ended it is given back too."""
        found: list[Node] = []
        while True:
            start = _START.search(self.text, self.at)
            found.append(self.text[self.at : start.start() if start else None])
            if start is None:
                self.at = len(self.text)
                return tuple(node for node in found if node != ""), ""
            self.at = start.end()
            mark = start[0]
            if mark.startswith("$"):
                found.append(self.reference(braced=mark.endswith("{")))
            elif mark.startswith(("##", "#*")):
                continue
            else:
                word = mark.strip("#{}")
                if word in {"else", "elseif", "end"}:
                    return tuple(node for node in found if node != ""), word
                found.append(self.directive(word))

    def directive(self, word: str) -> Node:
        if word == "set":
            return self._set()
        return self._foreach() if word == "foreach" else self._if()

    def _set(self) -> Assignment:
        self.expect("(")
        target = self.operand()
        if not isinstance(target, Reference):
            raise TemplateError("#set needs a variable on its left")
        self.expect("=")
        value = self.expression()
        self.close()
        return Assignment(target, value)

    def _foreach(self) -> Loop:
        self.expect("(")
        name = self.operand()
        if not isinstance(name, Reference) or not self.take("in"):
            raise TemplateError("#foreach needs `$item in $items`")
        items = self.expression()
        self.close()
        body, ended = self.nodes()
        if ended != "end":
            raise TemplateError("#foreach without #end")
        self.line_end()
        return Loop(name.name, items, body)

    def _if(self) -> Choice:
        branches: list[tuple[Expression | None, tuple[Node, ...]]] = []
        word = "if"
        while word != "end":
            condition: Expression | None = None
            if word != "else":
                self.expect("(")
                condition = self.expression()
                self.close()
            else:
                self.line_end()
            body, word = self.nodes()
            branches.append((condition, body))
            if not word:
                raise TemplateError("#if without #end")
        self.line_end()
        return Choice(tuple(branches))

    def reference(self, *, braced: bool) -> Reference:
        name = self.name()
        steps: list[Step] = []
        while self.at < len(self.text):
            if self.text[self.at] == "." and _NAME.match(self.text, self.at + 1):
                self.at += 1
                member = self.name()
                called = self.text[self.at : self.at + 1] == "("
                steps.append(Step(member, self.arguments("(", ")") if called else None))
            elif self.text[self.at] == "[":
                steps.append(Step(None, self.arguments("[", "]")))
            else:
                break
        if braced:
            self.expect("}")
        return Reference(name, tuple(steps))

    def arguments(self, opening: str, closing: str) -> tuple[Expression, ...]:
        self.expect(opening)
        found: list[Expression] = []
        while not self.take(closing):
            found.append(self.expression())
            self.take(",")
        return tuple(found)

    def expression(self, level: int = 0) -> Expression:
        if level == len(_OPERATORS):
            return self._sum()
        left = self.expression(level + 1)
        while True:
            operator = next(
                (sign for sign, word in _OPERATORS[level] if self.take(sign) or (word and self.take(word))), ""
            )
            if not operator:
                return left
            left = Operation(operator, (left, self.expression(level + 1)))

    def _sum(self) -> Expression:
        left = self.operand()
        while True:
            operator = "+" if self.take("+") else "-" if self.take("-") else ""
            if not operator:
                return left
            left = Operation(operator, (left, self.operand()))

    def operand(self) -> Expression:
        self.blank()
        if self.take("!"):
            return Operation("not", (self.operand(),))
        if self.take("("):
            inner = self.expression()
            self.expect(")")
            return inner
        following = self.text[self.at : self.at + 1]
        if following == "$":
            started = _START.match(self.text, self.at)
            if started is None:
                raise TemplateError(f"no variable after $ at {self.at}")
            self.at = started.end()
            return self.reference(braced=started[0].endswith("{"))
        if following == "[":
            return Several(self.arguments("[", "]"))
        if following in {"'", '"'}:
            return self._quoted(following)
        return self._plain()

    def _quoted(self, quote: str) -> Expression:
        end = self.text.find(quote, self.at + 1)
        if end < 0:
            raise TemplateError("a text without its end")
        inner = self.text[self.at + 1 : end]
        self.at = end + 1
        return Literal(inner) if quote == "'" else Quoted(parse(inner))

    def _plain(self) -> Expression:
        number = _NUMBER.match(self.text, self.at)
        if number:
            self.at = number.end()
            return Literal(float(number[0]) if "." in number[0] else int(number[0]))
        word = self.name()
        if word not in _WORDS:
            raise TemplateError(f"not a value: {word}")
        return Literal(_WORDS[word])

    def name(self) -> str:
        found = _NAME.match(self.text, self.at)
        if found is None:
            raise TemplateError(f"no name at {self.at}: {self.text[self.at : self.at + 20]!r}")
        self.at = found.end()
        return found[0]

    def blank(self) -> None:
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1

    def take(self, sign: str) -> bool:
        before = self.at
        self.blank()
        if self.text.startswith(sign, self.at):
            self.at += len(sign)
            return True
        self.at = before
        return False

    def expect(self, sign: str) -> None:
        if not self.take(sign):
            raise TemplateError(f"{sign} expected at {self.at}: {self.text[self.at : self.at + 20]!r}")

    def close(self) -> None:
        """The end of a directive: its parenthesis, and the rest of a line that holds nothing else."""
        self.expect(")")
        self.line_end()

    def line_end(self) -> None:
        found = re.compile(r"[ \t]*\r?\n").match(self.text, self.at)
        if found:
            self.at = found.end()
