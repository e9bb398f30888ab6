"""What docs/canary.md shows is what happens."""

import json
import re
from pathlib import Path

from pipeline.config.project import load_project
from pipeline.model.rollout import Figures
from pipeline.model.strategy import Analysis, Step
from pipeline.rollout.analysis import Sample, judge
from pipeline.rollout.strategy import schema
from tests.repository.files import ROOT

PAGE = (ROOT / "docs/canary.md").read_text()


def test_the_example_can_be_used(tmp_path: Path) -> None:
    lines = PAGE.split("## Strategies\n\n")[1].split("\n\n|")[0].splitlines()
    (tmp_path / "pipeline.yaml").write_text("".join(f"{line[4:]}\n" for line in lines))
    project = load_project(tmp_path)
    assert project.rollout_for("dev").steps == ()
    assert project.rollout_for("staging").steps == (Step(10, 300),)
    assert project.rollout_for("production").steps == (Step(5, 120), Step(25, 600, gate=True), Step(50, 600))
    assert project.rollout_for("production").analysis.alarms == ("${SERVICE_NAME}-5xx",)


def test_every_setting_is_described() -> None:
    known = schema()["properties"]
    names = {*known, *known["analysis"]["properties"]}
    words = set(re.findall(r"\w+", PAGE))
    assert sorted(name for name in names if name not in words) == []


def test_the_defaults_are_those_of_the_schema() -> None:
    for name, rule in schema()["properties"]["analysis"]["properties"].items():
        default = rule.get("default")
        if isinstance(default, (int, float)) and not isinstance(default, bool):
            told = re.search(rf"`{name}` \(([\d.]+)\)|`{name}` \| ([\d.]+) \|", PAGE)
            assert told, name
            assert json.loads(told.group(1) or told.group(2)) == default


def test_the_verdict_of_the_example() -> None:
    """The share is that of a canary with four looks, or of any look that may use a fifth."""
    shown = "3 errors in 41 requests, stable 2 in 380: worse with 97 % confidence: failed"
    assert shown in PAGE
    figures = Sample("usage", Figures(41, 3), Figures(380, 2))
    assert str(judge([figures], Analysis(), share=0.25)) == shown
    canary = Figures(120, latency={"p50": 90, "p90": 400})
    stable = Figures(1080, latency={"p99": 203.4})
    slow = (
        "at least 12 of 120 requests took more than 305 ms, stable at most 11 of 1080: "
        "slower with more than 99.9 % confidence: failed"
    )
    assert slow in PAGE
    assert str(judge([Sample("usage", canary, stable)], Analysis(), share=0.16)) == slow
