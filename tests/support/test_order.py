"""Every test is run once, whatever the order."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.order import dealt


@dataclass(frozen=True)
class Item:
    """As much of a test as its place depends on."""

    nodeid: str
    mark: str = ""

    def get_closest_marker(self, name: str) -> bool:
        return name == self.mark


def items() -> list[Any]:
    quick = [Item(f"a.py::test_{n}") for n in range(20)]
    slow = [Item(f"{file}.py::test_{n}", "slow") for file in "bcd" for n in range(3)]
    return [*quick, *slow, *(Item(f"e.py::test_{n}", "emulator") for n in range(3))]


@pytest.mark.parametrize("processes", [2, 3, 4, 40])
def test_nothing_is_lost_and_nothing_comes_twice(processes: int) -> None:
    assert sorted(dealt(items(), processes), key=str) == sorted(items(), key=str)


def test_every_process_begins_with_what_takes_long() -> None:
    found: list[Any] = [*dealt(items(), 4)]
    parts = [found[start : start + 8] for start in range(0, 32, 8)]
    begins = [[item.nodeid[0] for item in part[:3]] for part in parts]
    assert begins == [["e"] * 3, ["b"] * 3, ["c"] * 3, ["d"] * 3]
    assert all(item.mark == "" for part in parts for item in part[3:])
