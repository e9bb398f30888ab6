"""What was measured, and the table of it."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.measure import Sample, median


@dataclass
class Measure:
    """One thing that is measured, ours and the floor's in turn.

    What is aimed at: `target` seconds, or `factor` times the floor of the same run.
    """

    name: str
    target: float | None = None
    factor: float | None = None
    ours: list[Sample] = field(default_factory=list)
    floor: list[Sample] = field(default_factory=list)
    our_calls: list[dict[str, Any]] = field(default_factory=list)
    floor_calls: list[dict[str, Any]] = field(default_factory=list)

    @property
    def wall(self) -> float:
        """Our median, seconds."""
        return median([sample.wall for sample in self.ours])

    @property
    def floor_wall(self) -> float | None:
        """The floor's median, seconds."""
        return median([sample.wall for sample in self.floor]) if self.floor else None

    @property
    def ratio(self) -> float | None:
        """The median of ours by the floor of the same run: what disturbs the machine disturbs both."""
        pairs = [ours.wall / floor.wall for ours, floor in zip(self.ours, self.floor, strict=False)]
        return median(pairs) if pairs else None

    @property
    def reached(self) -> bool:
        """True when the aim is reached."""
        if self.factor is not None and self.ratio is not None:
            return self.ratio <= self.factor
        return self.target is None or self.wall <= self.target

    @property
    def aim(self) -> str:
        """What is aimed at, in words."""
        if self.factor is not None:
            return f"{self.factor:g} x"
        return f"{self.target:g} s" if self.target is not None else ""


def to_json(measures: Sequence[Measure], **settings: Any) -> dict[str, Any]:
    """Everything, every run included."""
    return {
        "machine": {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1), "python": platform.python_version()},
        "settings": settings,
        "peak_mib": max((round(s.peak) for measure in measures for s in measure.ours), default=None),
        "measures": [
            {
                "name": measure.name,
                "seconds": round(measure.wall, 3),
                "floor_seconds": round(measure.floor_wall, 3) if measure.floor_wall else None,
                "ratio": round(measure.ratio, 2) if measure.ratio else None,
                "aim": measure.aim,
                "reached": measure.reached,
                "calls": _calls(measure.our_calls),
                "floor_calls": _calls(measure.floor_calls),
                "runs": [_sample(sample) for sample in measure.ours],
                "floor_runs": [_sample(sample) for sample in measure.floor],
            }
            for measure in measures
        ],
    }


def _calls(found: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    return found[-1] if found else None


def _sample(sample: Sample) -> dict[str, float]:
    return {"wall": round(sample.wall, 3), "cpu": round(sample.cpu, 3), "peak_mib": round(sample.peak, 1)}


HEAD = ("", "seconds", "of CPU", "floor", "ratio", "aim", "calls", "floor", "MiB")


def render(measures: Sequence[Measure], document: dict[str, Any]) -> str:
    """The table that people read."""
    rows = [HEAD, *(_row(measure) for measure in measures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = ["  ".join(_set(row, widths)).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:], "", _about(document)])


def render_markdown(measures: Sequence[Measure], document: dict[str, Any]) -> str:
    """The same as a table for docs/performance.md."""
    head, *rows = [HEAD, *(_row(measure) for measure in measures)]
    lines = [_cells(head), "|".join(["", "---", *["---:"] * (len(head) - 1), ""]), *map(_cells, rows)]
    return "\n".join([*lines, "", f"{_about(document)}; `!`: the aim is missed"])


def _cells(row: tuple[str, ...]) -> str:
    return f"| {' | '.join(row)} |"


def _about(document: dict[str, Any]) -> str:
    machine, settings = document["machine"], document["settings"]
    return (
        f"medians of {settings['runs']}; {settings['latency_ms']:g} ms added to every call; "
        f"floor: {settings['threads']} threads; "
        f"Python {machine['python']}, {machine['cores']} cores, load {machine['load']}"
    )


def _set(row: tuple[str, ...], widths: Sequence[int]) -> list[str]:
    return [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]


def _row(measure: Measure) -> tuple[str, ...]:
    ours, floor = _calls(measure.our_calls), _calls(measure.floor_calls)
    return (
        measure.name,
        f"{measure.wall:.2f}",
        f"{median([sample.cpu for sample in measure.ours]):.2f}",
        f"{measure.floor_wall:.2f}" if measure.floor_wall else "",
        f"{measure.ratio:.2f}" if measure.ratio else "",
        measure.aim + ("" if measure.reached else " !"),
        str(ours["total"]) if ours else "",
        str(floor["total"]) if floor else "",
        f"{max(sample.peak for sample in measure.ours):.0f}",
    )
