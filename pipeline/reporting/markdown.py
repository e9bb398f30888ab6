"""Text from outside in GitHub's Markdown: it stays text, whatever is in it. Pure.

Names, values and messages go into code spans and fences, where nothing is a link, a mention, HTML or a heading.
https://github.github.com/gfm/
"""

import re
from collections.abc import Iterable

_PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/"
_BACKTICKS = re.compile(r"`+")


def printable(text: str) -> str:
    """`text` in one line: what cannot be seen, breaks the line or turns its direction appears as an escape.

    It cannot pass for one of our markers, which are HTML comments.
    """
    seen = "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode("ascii") for c in text)
    return seen.replace("<!--", "<! --")


def code(text: str) -> str:
    """A code span. https://github.github.com/gfm/#code-spans"""
    shown = printable(text).strip() or " "
    ticks = "`" * (_longest(shown) + 1)
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{ticks}{space}{shown}{space}{ticks}"


def fence(lines: Iterable[str], language: str = "") -> str:
    """A block of code; a line stays one line. https://github.github.com/gfm/#fenced-code-blocks"""
    body = "\n".join(printable(line).rstrip() for line in lines)
    ticks = "`" * max(_longest(body) + 1, 3)
    return f"{ticks}{language}\n{body}\n{ticks}"


def folded(title: str, body: str) -> str:
    """What is shown only to who asks. `title` is ours, never from outside."""
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def link(title: str, url: str | None) -> str:
    """A link, where there is an address that can be one; else the title alone. `title` is ours."""
    plain = url is not None and re.fullmatch(r"https?://[^\s()<>\"'`\\]+", url)
    return f"[{title}]({url})" if plain else title


def hidden(text: str) -> str:
    """Text in an HTML comment: one word, percent-encoded as in an address, so that nothing in it ends the comment."""
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in text.encode("utf-8", "replace"))


def units(text: str) -> int:
    """The length as GitHub may count it: in UTF-16, where a letter beyond the basic plane counts twice."""
    return len(text.encode("utf-16-le", "replace")) // 2


def _longest(text: str) -> int:
    return max((len(run) for run in _BACKTICKS.findall(text)), default=0)
