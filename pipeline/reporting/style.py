"""Small helpers that all text reports share. Pure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:  # commands without a plan need not import what one is
    from pipeline.model.plan import Action

# By the action's value.
COLOURS = {
    "create": "green",
    "update": "yellow",
    "replace": "magenta",
    "delete": "red",
    "retain": "cyan",
    "forget": "white",
    "retire": "yellow",
}


class Style:
    """Colours for terminals, plain text for everything else."""

    def __init__(self, colour: bool) -> None:
        self.colour = colour

    def __call__(self, text: str, **attributes: Any) -> str:
        """`text` in the given colours (the words of `click.style`)."""
        return click.style(text, **attributes) if self.colour else text

    def dim(self, text: str) -> str:
        """Text that may be overlooked."""
        return self(text, dim=True)

    def bold(self, text: str) -> str:
        """Text that should be read first."""
        return self(text, bold=True)

    def action(self, action: "Action") -> str:
        """The sign of an action, in its colour."""
        return self(action.mark, fg=COLOURS[action.value], bold=True)


def table(rows: Sequence[Sequence[str]], indent: str = "") -> str:
    """Rows as left-aligned columns; the last column is not padded."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)] if rows else []
    lines = []
    for row in rows:
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append((indent + "  ".join([*padded, row[-1]])).rstrip())
    return "\n".join(lines)


def counted(number: int, noun: str) -> str:
    """`1 function`, `6 functions`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def seconds(value: float) -> str:
    """A duration for people: `85 ms`, `1.24 s`, `3 min 20 s`."""
    if value < 0.995:
        return f"{value * 1000:.0f} ms"
    return f"{value:.2f} s" if value < 60 else f"{int(value // 60)} min {value % 60:.0f} s"


def size(number: int) -> str:
    """A number of bytes for people: `812 B`, `3.3 MB`."""
    for unit, factor in (("MB", 1_000_000), ("kB", 1_000)):
        if number >= factor:
            return f"{number / factor:.1f} {unit}"
    return f"{number} B"
