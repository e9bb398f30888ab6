"""What a demonstration has shown, in words."""

from typing import Any

import pytest

from pipeline.reporting.demo_text import render_demo
from pipeline.reporting.style import Style


def document(outcome: str, *, fault: str = "errors", good: bool = True) -> dict[str, Any]:
    tally = {"sent": 120, "failed": 3, "slow": 0}
    return {
        "environment": "dev",
        "release": 2 if outcome == "promoted" else 1,
        "fault": fault,
        "as_expected": good,
        "requests": {"before": tally, "during": tally, "after": tally},
        "canary": {"release": 2, "outcome": outcome},
        "seconds": 31.5,
    }


@pytest.mark.parametrize(
    ("shown", "head"),
    [
        (document("reverted"), "✓ release 2 was taken back: release 1 has all traffic in dev (31.50 s)"),
        (document("promoted", fault="none"), "✓ release 2 was promoted: release 2 has all traffic in dev (31.50 s)"),
        (document("promoted", good=False), "✗ release 2 was promoted, though it is bad: release 2 has"),
        (document("reverted", fault="none", good=False), "✗ release 2 was taken back, though nothing is wrong with it"),
        (document("running", good=False), "✗ release 2 waits, though it is bad: release 1 has"),
    ],
)
def test_the_first_line_says_what_became_of_it(shown: dict[str, Any], head: str) -> None:
    assert render_demo(shown, Style(False)).startswith(head)


def test_requests_are_counted_by_what_served_them() -> None:
    lines = render_demo(document("reverted"), Style(False)).splitlines()
    assert [line.split()[-3:] for line in lines[3:]] == [["120", "3", "0"]] * 3
    assert lines[4].strip().startswith("release 2 beside it")
