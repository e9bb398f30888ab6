"""Where events come from and go to: patterns that choose them, queues that do not take them. Pure.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern.html
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.model.values import Value
from pipeline.resources.base import Problem

_EITHER = "$or"
Path = tuple[str | int, ...]


def is_fifo(end: Value) -> bool:
    """True for a FIFO queue or topic: its name, its ARN, or a reference to that."""
    return re.search(r"\.fifo(\.arn})?$", str(end)) is not None


def problems(pattern: Mapping[str, Any], path: Path, *, deep: bool = True) -> Iterator[Problem]:
    """What AWS refuses: a value that is no list of what it may be; without `deep`, keys within keys."""
    for key, wanted in pattern.items():
        place = (*path, key)
        if key == _EITHER and isinstance(wanted, list) and all(isinstance(one, Mapping) for one in wanted):
            for index, one in enumerate(wanted):
                yield from problems(one, (*place, index), deep=deep)
        elif isinstance(wanted, Mapping) and not deep:
            yield Problem(f"{key} has keys of its own, and attributes have none", place, "say filter_by: MessageBody")
        elif isinstance(wanted, Mapping):
            yield from problems(wanted, place)
        elif not isinstance(wanted, list) or not wanted:
            yield Problem(f"{key} is no list of values that it may have", place, f"write {key}: [...]")
