"""In which order the processes of pytest-xdist run the tests."""

from collections.abc import Sequence

import pytest


def dealt(items: Sequence[pytest.Item], processes: int) -> list[pytest.Item]:
    """What takes long first, in every process: at the end, when one waits for the other, there are quick ones left.

    With `--dist worksteal`, each process begins with its part of the list, and takes from the others' ends later. One
    begins with all that needs the embedded AWS, which every process starts for itself; other files are dealt out.
    """
    files: dict[str, list[pytest.Item]] = {}
    heads: list[list[pytest.Item]] = [[] for _ in range(processes)]
    for item in items:
        if item.get_closest_marker("emulator"):
            heads[0].append(item)
        elif item.get_closest_marker("slow"):
            files.setdefault(item.nodeid.partition("::")[0], []).append(item)
    for number, file in enumerate(files.values()):
        heads[1 + number % (processes - 1)] += file
    long = {item for head in heads for item in head}
    quick = iter([item for item in items if item not in long])
    found: list[pytest.Item] = []
    for number, head in enumerate(heads, 1):
        found += head
        found += (item for _, item in zip(range(len(items) * number // processes - len(found)), quick, strict=False))
    return [*found, *quick]
