"""The `rollout:` section of pipeline.yaml: settings -> Strategy, and what is wrong with them in words. Pure.

What a JSON Schema can say is in strategy.schema.json; here is the rest. Later levels of settings (those of an
environment) override earlier ones key by key; a list is replaced as a whole.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from importlib import resources as package_files
from typing import Any

from pipeline.errors import BadInput, Diagnostic
from pipeline.model.strategy import Analysis, Engine, Name, Step, Strategy
from pipeline.rollout import codedeploy
from pipeline.rollout.problems import Path, Problem

Settings = Mapping[str, Any]

_SHAPES: tuple[Name, ...] = ("canary", "linear", "steps")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
_MILLISECONDS = {"ms": 1, "s": 1000}


def schema() -> dict[str, Any]:
    """The JSON Schema of a `rollout:` section. It has no `$ref`, so it can stand anywhere in another schema."""
    text = package_files.files("pipeline.rollout").joinpath("strategy.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def parse(*levels: Settings, where: str = "rollout") -> Strategy:
    """The strategy that settings valid by the schema make, weakest level first. BadInput lists all that is wrong."""
    strategy, found = read(*levels)
    if found:
        raise BadInput.of(Diagnostic(f"{where}{problem}", hint=problem.hint) for problem in found)
    return strategy


def read(*levels: Settings) -> tuple[Strategy, list[Problem]]:
    """The strategy, and all that is wrong; with problems it is the default one."""
    found = [problem for level in levels for problem in _ambiguous(level)]
    settings = _merged(levels)
    choices = [chosen for level in levels if (chosen := _chosen(level))]
    name: Name = choices[-1] if choices else "all-at-once"
    steps, wrong = _steps(name, settings)
    analysis = _analysis(settings.get("analysis", {}))
    found += [*wrong, *_interval(analysis, settings)]
    engine: Engine = settings.get("engine", "pipeline")
    if engine == "codedeploy":
        found += codedeploy.problems(name, [(step.weight, step.bake) for step in steps], analysis.alarms)
    if found:
        return Strategy(), list(dict.fromkeys(found))
    return Strategy(name, steps, analysis, engine, settings.get("detach", False)), []


def filled(strategy: Strategy, variables: Mapping[str, str]) -> Strategy:
    """The strategy with the `${VARIABLES}` of an environment in the names of alarms. BadInput when one is unknown."""
    wrong = [
        Diagnostic(
            f"alarm {alarm} of the rollout: this environment has no variable {name}",
            hint=f"one of {', '.join(sorted(variables))}",
        )
        for alarm in strategy.analysis.alarms
        for name in _VARIABLE.findall(alarm)
        if name not in variables
    ]
    if wrong:
        raise BadInput.of(wrong)
    alarms = tuple(_VARIABLE.sub(lambda found: variables[found[1]], alarm) for alarm in strategy.analysis.alarms)
    return replace(strategy, analysis=replace(strategy.analysis, alarms=alarms))


def seconds(text: str) -> int:
    """`30s`, `5m`, `1h` as seconds."""
    return int(text[:-1]) * _SECONDS[text[-1]]


def _milliseconds(text: str) -> int:
    number = text.rstrip("ms")
    return int(number) * _MILLISECONDS[text[len(number) :]]


def _merged(levels: Iterable[Settings]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for level in levels:
        for key, value in level.items():
            below = found.get(key)
            if isinstance(value, Mapping) and isinstance(below, Mapping):
                found[key] = {**below, **value}
            else:
                found[key] = value
    return found


def _chosen(level: Settings) -> Name | None:
    given: list[Name] = [shape for shape in _SHAPES if shape in level]
    named: Name | None = level.get("strategy")
    return named or (given[0] if given else None)


def _ambiguous(level: Settings) -> list[Problem]:
    """Shapes that one level gives beside the one that it chooses: which is meant?"""
    chosen = _chosen(level)
    others = [shape for shape in _SHAPES if shape in level and shape != chosen]
    why = f"is given, but the strategy is {chosen}" if "strategy" in level else f"is given beside {chosen}"
    return [
        Problem((shape,), f"{why}: one place describes one strategy", f"keep {chosen} or {shape}") for shape in others
    ]


def _steps(name: Name, settings: Settings) -> tuple[tuple[Step, ...], list[Problem]]:
    if name == "canary":
        return _shaped((_canary(settings.get("canary", {})),), ("canary",))
    if name == "linear":
        return _shaped(_linear(settings.get("linear", {})), ("linear",))
    if name == "steps":
        return _listed(settings.get("steps", ()))
    return (), []


def _canary(settings: Settings) -> Step:
    return Step(settings.get("weight", 10), seconds(settings.get("bake", "5m")))


def _linear(settings: Settings) -> tuple[Step, ...]:
    weight, bake = settings.get("weight", 10), seconds(settings.get("every", "2m"))
    count = -(-100 // weight) - 1  # what is left to 100 is the promotion's
    return tuple(Step(round(weight * (index + 1), 6), bake) for index in range(int(count)))


def _shaped(steps: tuple[Step, ...], path: Path) -> tuple[tuple[Step, ...], list[Problem]]:
    key = "bake" if path == ("canary",) else "every"
    if steps[0].bake:
        return steps, []
    return steps, [Problem((*path, key), "is 0: nothing would be measured", "1m or more, or strategy: all-at-once")]


def _listed(items: Sequence[Settings]) -> tuple[tuple[Step, ...], list[Problem]]:
    if not items:
        hint = "add steps, such as [{weight: 10, bake: 5m}]"
        return (), [Problem(("strategy",), "is steps, but there are no steps", hint)]
    steps = tuple(Step(item["weight"], seconds(item.get("bake", "0s")), item.get("gate") == "manual") for item in items)
    last = items[-1]
    if last["weight"] == 100 and len(last) == 1:
        steps = steps[:-1]  # "then all": the promotion, which follows anyway
    return steps, [*_order(steps), *_watched(steps, ("steps",))]


def _order(steps: Sequence[Step]) -> list[Problem]:
    found = []
    for index, step in enumerate(steps):
        path: Path = ("steps", index, "weight")
        before = steps[index - 1].weight if index else 0
        if step.weight >= 100:
            text = f"is {step.weight:g}: less than 100 is wanted, or nothing is left to compare with"
            found.append(Problem(path, text, "leave it out: all traffic comes with the promotion after the last step"))
        elif step.weight <= before:
            found.append(Problem(path, f"is {step.weight:g}: more than the {before:g} before it is wanted"))
    return found


def _watched(steps: Sequence[Step], path: Path) -> list[Problem]:
    return [
        Problem((*path, index, "bake"), "is missing or 0: nothing would be measured", "add bake: 5m, or gate: manual")
        for index, step in enumerate(steps)
        if step.bake <= 0 and not step.gate
    ]


def _analysis(settings: Settings) -> Analysis:
    known = {field.name for field in fields(Analysis)}
    values = {key: value for key, value in settings.items() if key in known}
    for key in ("interval", "metric_delay"):
        if key in values:
            values[key] = seconds(values[key])
    if "p99" in values:
        values["p99"] = _milliseconds(values["p99"])
    values["alarms"] = tuple(values.get("alarms", ()))
    return Analysis(**values)


def _interval(analysis: Analysis, settings: Settings) -> list[Problem]:
    if analysis.interval != 0:
        return []
    return [Problem(("analysis", "interval"), f"is {settings['analysis']['interval']}: 1s or more is wanted")]
