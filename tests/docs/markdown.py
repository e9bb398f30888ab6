"""What a Markdown file holds: code blocks, code spans, headings and links. Enough of the format for our own files."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.repository.files import ROOT, committed

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!-- (\w+) -->\n\Z")
_INDENTED = re.compile(r"(?:(?<=\n\n)|\A)(?:    .*\n|\n(?=    ))+", re.MULTILINE)
_SPAN = re.compile(r"(`+)(.+?)\1")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced code block: its language, its text, the word of the HTML comment right above it, and where it stands."""

    language: str
    text: str
    mark: str | None
    start: int
    end: int


@dataclass(frozen=True)
class Document:
    """A Markdown file of the project."""

    path: Path
    text: str

    @property
    def name(self) -> str:
        """The path from the root."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def blocks(self) -> list[Block]:
        """All fenced blocks."""
        found = []
        for match in _FENCE.finditer(self.text):
            comment = _COMMENT.search(self.text, 0, match.start())
            mark = comment.group(1) if comment else None
            found.append(Block(match.group(2), match.group(3), mark, match.start(3), match.end(3)))
        return found

    @property
    def prose(self) -> str:
        """The text without fenced blocks."""
        return _FENCE.sub("", self.text)

    @property
    def code(self) -> list[str]:
        """Everything that is set as code: lines of blocks, fenced or indented, and spans."""
        lines = [line for block in self.blocks for line in block.text.splitlines()]
        for block in _INDENTED.findall(self.prose):
            lines += [line[4:] for line in block.splitlines()]
        rest = _INDENTED.sub("\n", self.prose)
        return [*lines, *(match.group(2) for match in _SPAN.finditer(rest))]

    @property
    def links(self) -> list[str]:
        """The targets of all links and images."""
        return _LINK.findall(self.prose)

    @property
    def anchors(self) -> set[str]:
        """The fragments that lead to its headings, as GitHub makes them."""
        found: set[str] = set()
        for heading in _HEADING.findall(self.prose):
            text = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)).strip().lower()
            slug, count = text.replace(" ", "-"), 0
            while (anchor := f"{slug}-{count}" if count else slug) in found:
                count += 1
            found.add(anchor)
        return found

    def section(self, heading: str) -> str:
        """The text below a heading, up to the next one of its level or above; fails when there is none."""
        match = re.search(rf"^(#+) {re.escape(heading)}\n", self.text, re.MULTILINE)
        assert match, f"{self.name} has no section {heading!r}"
        following = re.compile(rf"^#{{1,{len(match.group(1))}}} ", re.MULTILINE).search(self.text, match.end())
        return self.text[match.end() : following.start() if following else len(self.text)]


def document(name: str) -> Document:
    """One file, by its path from the root."""
    return Document(ROOT / name, (ROOT / name).read_text(encoding="utf-8"))


def documents() -> list[Document]:
    """Every Markdown file for readers: README, CHANGELOG and docs."""
    return [document(path.relative_to(ROOT).as_posix()) for path in committed("*.md") if "tests" not in path.parts]
