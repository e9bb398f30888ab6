"""The `rollout:` section: what it means, and what is wrong with it."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from pipeline.config.project import load_project
from pipeline.errors import BadInput
from pipeline.model.strategy import Analysis, Engine, Name, Step, Strategy
from pipeline.rollout.strategy import filled, parse, read, schema, seconds


def problems(*levels: dict[str, Any]) -> list[str]:
    return [str(problem) for problem in read(*levels)[1]]


# --- what it means -------------------------------------------------------------------------------------------------


def test_nothing_said_is_all_at_once() -> None:
    assert parse({}) == Strategy("all-at-once", (), Analysis(), "pipeline")
    assert parse({"strategy": "all-at-once"}) == Strategy()


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        ({"strategy": "canary"}, [(10, 300)]),
        ({"canary": {}}, [(10, 300)]),
        ({"canary": {"weight": 0.5, "bake": "1h"}}, [(0.5, 3600)]),
        ({"strategy": "linear"}, [(weight, 120) for weight in range(10, 100, 10)]),
        ({"linear": {"weight": 30, "every": "45s"}}, [(30, 45), (60, 45), (90, 45)]),
        ({"linear": {"weight": 50}}, [(50, 120)]),
        ({"linear": {"weight": 99}}, [(99, 120)]),
        ({"linear": {"weight": 33.4}}, [(33.4, 120), (66.8, 120)]),
        ({"steps": [{"weight": 5, "bake": "2m"}, {"weight": 25, "bake": "5m"}]}, [(5, 120), (25, 300)]),
        ({"steps": [{"weight": 5, "bake": "2m"}, {"weight": 100}]}, [(5, 120)]),
        ({"steps": [{"weight": 100}]}, []),
    ],
)
def test_shapes(settings: dict[str, Any], steps: list[tuple[float, int]]) -> None:
    assert [(step.weight, step.bake) for step in parse(settings).steps] == steps


def test_a_gate_may_follow_a_bake_or_stand_alone() -> None:
    found = parse({"steps": [{"weight": 5, "gate": "manual"}, {"weight": 9, "bake": "1m", "gate": "manual"}]})
    assert found.steps == (Step(5, 0, gate=True), Step(9, 60, gate=True))


@pytest.mark.parametrize(("text", "found"), [("0s", 0), ("30s", 30), ("5m", 300), ("1h", 3600), ("90m", 5400)])
def test_durations(text: str, found: int) -> None:
    assert seconds(text) == found


def test_analysis() -> None:
    found = parse(
        {
            "analysis": {
                "errors": 5,
                "p99": "800ms",
                "slowdown": 2,
                "min_requests": 100,
                "confidence": 0.99,
                "interval": "30s",
                "metric_delay": "3m",
                "failure_limit": 1,
                "inconclusive_limit": 2,
                "error_limit": 3,
                "on_error": "abort",
                "alarms": ["a", "b"],
                "dry_run": True,
            }
        }
    ).analysis
    assert found == Analysis(5, 800, 2, 100, 0.99, 30, 180, 1, 2, 3, "abort", ("a", "b"), dry_run=True)
    assert parse({"analysis": {"p99": "2s"}}).analysis.p99 == 2000


def test_the_defaults_of_the_schema_are_those_that_hold() -> None:
    """The schema says them for editors; the values have them."""
    known = schema()["properties"]
    words = {key: each["default"] for key, each in known["analysis"]["properties"].items() if "default" in each}
    assert parse({"analysis": words}) == Strategy()
    for shape in ("canary", "linear"):
        words = {key: each["default"] for key, each in known[shape]["properties"].items()}
        assert parse({shape: words}) == parse({shape: {}})
    assert known["strategy"]["enum"] == list(get_args(Name))
    assert known["engine"]["enum"] == list(get_args(Engine))


def test_the_schema_can_stand_inside_another() -> None:
    Draft202012Validator.check_schema(schema())
    assert "$ref" not in json.dumps(schema())


# --- levels --------------------------------------------------------------------------------------------------------


def test_an_environment_overrides_key_by_key() -> None:
    common = {"canary": {"weight": 20}, "analysis": {"errors": 1, "alarms": ["a"]}}
    found = parse(common, {"canary": {"bake": "15m"}, "analysis": {"min_requests": 9, "alarms": ["b"]}})
    assert found.steps == (Step(20, 900),)
    assert (found.analysis.errors, found.analysis.min_requests, found.analysis.alarms) == (1, 9, ("b",))


@pytest.mark.parametrize(
    ("own", "name"),
    [
        ({}, "canary"),
        ({"analysis": {}}, "canary"),
        ({"strategy": "all-at-once"}, "all-at-once"),
        ({"linear": {}}, "linear"),
        ({"strategy": "linear"}, "linear"),
        ({"steps": [{"weight": 1, "bake": "1s"}]}, "steps"),
    ],
)
def test_the_nearest_level_that_says_one_chooses_the_strategy(own: dict[str, Any], name: str) -> None:
    assert parse({"canary": {}}, own).name == name


def test_what_a_lower_level_says_of_another_strategy_is_no_mistake() -> None:
    assert parse({"canary": {"weight": 7}}, {"linear": {}}, {"strategy": "canary"}).steps == (Step(7, 300),)


# --- what is wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"strategy": "steps"}, [".strategy is steps, but there are no steps"]),
        ({"canary": {"bake": "0s"}}, [".canary.bake is 0: nothing would be measured"]),
        ({"linear": {"every": "0m"}}, [".linear.every is 0: nothing would be measured"]),
        (
            {"steps": [{"weight": 10, "bake": "1m"}, {"weight": 10, "bake": "1m"}, {"weight": 5, "bake": "1m"}]},
            [
                ".steps[1].weight is 10: more than the 10 before it is wanted",
                ".steps[2].weight is 5: more than the 10 before it is wanted",
            ],
        ),
        (
            {"steps": [{"weight": 10}, {"weight": 20, "bake": "0s"}]},
            [
                ".steps[0].bake is missing or 0: nothing would be measured",
                ".steps[1].bake is missing or 0: nothing would be measured",
            ],
        ),
        (
            {"steps": [{"weight": 100, "bake": "1m"}]},
            [".steps[0].weight is 100: less than 100 is wanted, or nothing is left to compare with"],
        ),
        (
            {"steps": [{"weight": 100}, {"weight": 5, "bake": "1m"}]},
            [
                ".steps[0].weight is 100: less than 100 is wanted, or nothing is left to compare with",
                ".steps[1].weight is 5: more than the 100 before it is wanted",
                ".steps[0].bake is missing or 0: nothing would be measured",
            ],
        ),
        ({"canary": {}, "linear": {}}, [".linear is given beside canary: one place describes one strategy"]),
        (
            {"strategy": "canary", "steps": [{"weight": 1, "bake": "1m"}]},
            [".steps is given, but the strategy is canary: one place describes one strategy"],
        ),
        (
            {"strategy": "all-at-once", "canary": {}},
            [".canary is given, but the strategy is all-at-once: one place describes one strategy"],
        ),
        ({"analysis": {"interval": "0s"}}, [".analysis.interval is 0s: 1s or more is wanted"]),
    ],
)
def test_refused(settings: dict[str, Any], found: list[str]) -> None:
    assert problems(settings) == found


ALARMS = {"alarms": ["a"]}


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"canary": {}, "analysis": ALARMS}, []),
        ({"linear": {}, "analysis": ALARMS}, []),
        ({}, []),
        ({"canary": {}}, [".engine is codedeploy, which judges by alarms alone, but none is named"]),
        (
            {"steps": [{"weight": 1, "bake": "1m"}], "analysis": ALARMS},
            [".engine is codedeploy, which has no steps of your own and no gates"],
        ),
        (
            {"canary": {"weight": 2.5, "bake": "90s"}, "analysis": ALARMS},
            [
                ".canary.weight is 2.5: engine codedeploy takes whole percents",
                ".canary.bake is 90 s: engine codedeploy takes whole minutes",
            ],
        ),
        (
            {"linear": {"weight": 10, "every": "6h"}, "analysis": ALARMS},
            [".linear.every adds up to 3240 minutes: at most 2880 are allowed by engine codedeploy"],
        ),
        (
            {"canary": {}, "analysis": {"alarms": [str(number) for number in range(11)]}},
            [".analysis.alarms has 11 items: at most 10 are allowed by engine codedeploy"],
        ),
    ],
)
def test_codedeploy_can_do_less(settings: dict[str, Any], found: list[str]) -> None:
    assert problems({"engine": "codedeploy"}, settings) == found


def test_all_problems_come_together_as_bad_input() -> None:
    with pytest.raises(BadInput) as caught:
        parse({"canary": {"bake": "0s"}, "analysis": {"interval": "0s"}}, where="rollout of production")
    assert [str(found) for found in caught.value.diagnostics] == [
        "rollout of production.analysis.interval is 0s: 1s or more is wanted",
        "rollout of production.canary.bake is 0: nothing would be measured; try: 1m or more, or strategy: all-at-once",
    ]


# --- the values ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "steps",
    [(Step(10),), (Step(0, 60),), (Step(-1, 60),), (Step(100, 60),), (Step(9, 60), Step(9, 60)), (Step(9, -1),)],
)
def test_an_impossible_strategy_cannot_be_made(steps: tuple[Step, ...]) -> None:
    with pytest.raises(ValueError, match=r"weights must increase|needs a bake or a gate"):
        Strategy("steps", steps)


@pytest.mark.parametrize(
    ("bake", "interval", "every", "looks"),
    [(300, None, 60, 5), (3600, None, 720, 5), (20, None, 60, 1), (90, None, 60, 2), (100, 7, 7, 15), (0, None, 60, 0)],
)
def test_how_often_one_looks(bake: int, interval: int | None, every: int, looks: int) -> None:
    step = Step(10, bake, gate=True)
    strategy = Strategy("steps", (step,), Analysis(interval=interval))
    assert (strategy.interval(step), strategy.looks) == (every, looks)


@pytest.mark.parametrize("settings", [{}, {"linear": {}}, {"steps": [{"weight": 1, "gate": "manual"}]}])
def test_what_is_kept_can_be_read_back(settings: dict[str, Any]) -> None:
    strategy = parse(settings, {"analysis": {"alarms": ["a"], "p99": "1s"}})
    assert Strategy.from_json(json.loads(json.dumps(strategy.to_json()))) == strategy


def test_alarms_are_named_with_the_variables_of_the_environment() -> None:
    strategy = parse({"canary": {}, "analysis": {"alarms": ["${SERVICE_NAME}-errors-${ENVIRONMENT}", "plain"]}})
    found = filled(strategy, {"SERVICE_NAME": "orders", "ENVIRONMENT": "dev"})
    assert found.analysis.alarms == ("orders-errors-dev", "plain")
    assert found.steps == strategy.steps
    with pytest.raises(BadInput) as caught:
        filled(strategy, {"SERVICE_NAME": "orders"})
    assert str(caught.value.diagnostics[0]) == (
        "alarm ${SERVICE_NAME}-errors-${ENVIRONMENT} of the rollout: this environment has no variable ENVIRONMENT; "
        "try: one of SERVICE_NAME"
    )


# --- pipeline.yaml -------------------------------------------------------------------------------------------------


def wrong(root: Path, text: str) -> list[str]:
    (root / "pipeline.yaml").write_text(text)
    with pytest.raises(BadInput) as caught:
        load_project(root)
    return [f"{found.line}:{found.column}: {found.message}" for found in caught.value.diagnostics]


def test_each_environment_has_its_strategy(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text(
        "rollout:\n  canary: {weight: 20}\n"
        "environments:\n  dev: dev\n  lab: {rollout: {strategy: all-at-once}}\n"
        "  production: {branch: main, rollout: {canary: {bake: 15m}, analysis: {errors: 1}}}\n"
    )
    project = load_project(tmp_path)
    assert project.rollout_for("dev") == project.rollout_for("unheard-of") == parse({"canary": {"weight": 20}})
    assert project.rollout_for("lab") == Strategy()
    assert project.rollout_for("production").steps == (Step(20, 900),)
    assert project.environments["production"].branch == "main"


def test_mistakes_are_shown_where_they_are_written(tmp_path: Path) -> None:
    text = (
        "environments:\n"
        "  dev: dev\n"
        "  production:\n"
        "    rollout:\n"
        "      steps:\n"
        "        - {weight: 5, bake: 2m}\n"
        "        - {weight: 5}\n"
        "  lab: {rollout: {engine: codedeploy, analysis: {alarms: [a]}}}\n"
        "rollout:\n"
        "  canary: {bake: 90s}\n"
    )
    assert wrong(tmp_path, text) == [
        "7:11: environments.production.rollout.steps[1].bake is missing or 0: nothing would be measured",
        "7:20: environments.production.rollout.steps[1].weight is 5: more than the 5 before it is wanted",
        "10:18: rollout.canary.bake is 90 s: engine codedeploy takes whole minutes",
    ]


def test_a_common_mistake_is_told_once(tmp_path: Path) -> None:
    text = "environments: {a: {rollout: {analysis: {}}}, b: {rollout: {}}}\nrollout: {canary: {bake: 0s}}\n"
    assert wrong(tmp_path, text) == ["2:26: rollout.canary.bake is 0: nothing would be measured"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("rollout: canary\n", ['1:10: rollout is "canary": a mapping is wanted']),
        ("rollout: {canary: {weight: 120}}\n", ["1:28: rollout.canary.weight is 120: at most 99 is allowed"]),
        ("rollout: {canary: {bake: 5 min}}\n", ['1:26: rollout.canary.bake is "5 min": it must match']),
        ("rollout: {steps: []}\n", ["1:18: rollout.steps has 0 items: at least 1 are wanted"]),
        ("rollout: {steps: [{bake: 1m}]}\n", ['1:19: "weight" is missing in rollout.steps[0] of pipeline.yaml']),
        ("rollout: {stratgy: canary}\n", ['1:11: unknown key "stratgy" in rollout of pipeline.yaml: did you mean']),
        (
            "environments: {a: {rollout: {strategy: rolling}}}\n",
            ['1:40: environments.a.rollout.strategy is "rolling": not among the allowed values'],
        ),
        ("rollout: {analysis: {confidence: 1}}\n", ["1:34: rollout.analysis.confidence is 1: at most 0.9999"]),
        ("rollout: {analysis: {on_error: ignore}}\n", ['1:32: rollout.analysis.on_error is "ignore"']),
    ],
)
def test_what_the_schema_refuses(tmp_path: Path, text: str, found: list[str]) -> None:
    got = wrong(tmp_path, text)
    assert len(got) == len(found)
    assert all(one.startswith(other) for one, other in zip(got, found, strict=True)), got
