"""The calls of the AWS CLI in a shell script: found without running anything. Pure."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

_CALL = re.compile(r"(?<![\w./-])aws\s+([a-z0-9-]+)\s+([a-z0-9-]+)")
_ASSIGNED = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)=(?:\$\()?(.*)$")
_ARRAY = re.compile(r"([A-Za-z_]\w*)=\(([^)]*)\)")
_LOOP = re.compile(r"for\s+([A-Za-z_]\w*)\s+in\s+(.+?)\s*;\s*do")
_ENDS = {"||", "&&", "|", ";", ")", ">", "&", "<"}


@dataclass(frozen=True)
class Call:
    """One call: `aws SERVICE OPERATION --option value ...` at `file:line`; `into` is the variable that gets the answer.

    Variables stand as `${NAME}`. A value of an option is its words, joined by blanks.
    """

    file: str
    line: int
    service: str
    operation: str
    options: Mapping[str, str]
    into: str | None = None

    @property
    def place(self) -> str:
        """file:line."""
        return f"{self.file}:{self.line}"

    @property
    def name(self) -> str:
        """As people know it."""
        return f"aws {self.service} {self.operation}"

    def get(self, option: str) -> str:
        """The value of `--option`; empty without it."""
        return self.options.get(option, "")


def calls(text: str, file: str) -> list[Call]:
    """Every call of a script, those in a loop over a list once for each item."""
    found: list[Call] = []
    arrays = {name: shlex.split(items, comments=True) for name, items in _ARRAY.findall(text)}
    loops = {name: _items(words, arrays) for name, words in _LOOP.findall(text)}
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith("#"):
            continue
        for match in _CALL.finditer(line):
            rest = _command(text, number, match.start())
            assigned = _ASSIGNED.match(line)
            into = assigned[1] if assigned else None
            one = Call(file, number, match[1], match[2], _options(rest), into)
            found += _unrolled(one, loops)
    return found


def assignments(text: str) -> Iterator[tuple[int, str, str]]:
    """(line, variable, text) of every plain assignment, in order."""
    for number, line in enumerate(text.splitlines(), start=1):
        if (found := _ASSIGNED.match(line)) and "$(" not in line:
            yield number, found[1], found[2].strip().strip("\"'")


def _items(words: str, arrays: Mapping[str, list[str]]) -> list[str]:
    array = re.fullmatch(r'"?\$\{(\w+)\[@\]\}"?', words.strip())
    return arrays.get(array[1], []) if array else words.split()


def _unrolled(one: Call, loops: Mapping[str, list[str]]) -> list[Call]:
    """The call for each item of the loop whose variable it uses."""
    for name, items in loops.items():
        hole = re.compile(rf"\$\{{{name}(?:[^}}]*)\}}")
        if items and any(hole.search(value) for value in one.options.values()):
            return [
                replace(one, options={key: hole.sub(item, value) for key, value in one.options.items()})
                for item in items
            ]
    return [one]


def _command(text: str, line: int, start: int) -> str:
    """The text of a command from where it begins to where its line ends that does not go on."""
    lines = text.splitlines()
    taken = [lines[line - 1][start:]]
    while line < len(lines) and (taken[-1].rstrip().endswith("\\") or _open(taken)):
        taken.append(lines[line])
        line += 1
    return "\n".join(part.rstrip().removesuffix("\\") for part in taken)


def _open(taken: list[str]) -> bool:
    """True when a quote is open at the end."""
    joined = "\n".join(taken)
    return joined.replace('\\"', "").count('"') % 2 == 1


def _options(command: str) -> dict[str, str]:
    text = re.sub(r"\$([A-Za-z_]\w*)", r"${\1}", command)
    lexer = shlex.shlex(text, posix=True, punctuation_chars="();<>|&")
    lexer.whitespace_split = True
    lexer.commenters = ""
    found: dict[str, str] = {}
    key: str | None = None
    try:
        for word in lexer:
            if word in _ENDS or set(word) <= set("();<>|&"):
                break
            if word.startswith("--"):
                key = word[2:]
                found[key] = ""
            elif key is not None:
                found[key] = f"{found[key]} {word}".strip()
    except ValueError:  # a quote that is never closed: what was read until there counts
        return found
    return found
