"""One text about an environment in several regions, with a part for each: comment, check run, issue. Pure.

A part lies between two lines that no reader sees. The first of them names its region, and has what a program has to
know of it to say something of all of them. So each region can exchange its own part, and leave the others as they are.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_PART = re.compile(r"<!-- pipeline:region (\S+) (\{[^\n]*\}) -->\n\n(.*?)\n\n<!-- /pipeline:region \1 -->", re.DOTALL)
# What the lines around a part take, and what stands before and after all of them.
_AROUND, _APART = 400, 2_000


@dataclass(frozen=True)
class Part:
    """What is said of one region, in Markdown of ours. `about` can be written as JSON."""

    body: str
    about: Mapping[str, Any] = field(default_factory=dict)


def parts_in(text: str | None) -> dict[str, Part]:
    """The parts of a text, by region. What somebody has edited beyond recognition is none."""
    found: dict[str, Part] = {}
    for region, about, body in _PART.findall((text or "").replace("\r\n", "\n")):
        try:
            found[region] = Part(body, json.loads(about))
        except ValueError:
            continue
    return found


def with_part(text: str | None, region: str, part: Part, regions: Iterable[str]) -> dict[str, Part]:
    """The parts of `text` with the one of `region` exchanged, in the order of `regions`; those of others are gone."""
    parts = {**parts_in(text), region: part}
    return {each: parts[each] for each in regions if each in parts}


def joined(parts: Mapping[str, Part]) -> str:
    """The parts as text."""
    return "\n\n".join(
        f"<!-- pipeline:region {region} {_plain(part.about)} -->\n\n{part.body}\n\n<!-- /pipeline:region {region} -->"
        for region, part in parts.items()
    )


def share_of(limit: int, regions: int) -> int:
    """How long the part of one of so many regions may be, so that all of them fit into `limit`."""
    return (limit - _APART) // regions - _AROUND


def _plain(about: Mapping[str, Any]) -> str:
    """JSON that cannot end the comment that it stands in."""
    return json.dumps(about).replace("--", "-\\u002d")
