"""What the doctor found is said once each: a check's documentation, and what hindered several checks."""

from typing import Any

from pipeline.reporting.doctor_text import render_doctor
from pipeline.reporting.style import Style


def finding(text: str, **more: Any) -> dict[str, Any]:
    kept: dict[str, Any] = {
        "id": "drift",
        "severity": "warning",
        "finding": text,
        "evidence": [],
        "fix": None,
        "fixable": False,
    }
    return {**kept, "docs": "pipeline doctor --explain drift", **more}


def test_each_thing_is_said_once() -> None:
    document = {
        "findings": [finding("one"), finding("two", fix="pipeline deploy", fixable=True, evidence=["a: b"])],
        "not_looked_at": [
            {"checks": ["alarms", "quotas"], "cause": "cloudwatch:X answered Denied", "evidence": "no", "fix": "ask"}
        ],
        "fine": ["hold"],
        "summary": {"error": 0, "warning": 2, "unknown": 2, "info": 0},
    }
    text = render_doctor(document, {"hold": "it takes deploys"}, Style(colour=False))
    assert text.splitlines() == [
        "! drift  one",
        "! drift  two",
        "    a: b",
        "    try: pipeline deploy",
        "    or let it be done: --fix drift",
        "    pipeline doctor --explain drift",
        "? not looked at: alarms, quotas",
        "    cloudwatch:X answered Denied",
        "    no",
        "    try: ask",
        "",
        "✓ hold  it takes deploys",
        "2 warnings, 2 not looked at, 1 check found nothing",
    ]
