"""The `rollout:` sections of pipeline.yaml: the common one, and those of environments, which override it. Pure."""

from collections.abc import Mapping
from typing import Any

from pipeline.config.findings import Findings, Place, dotted
from pipeline.config.loaded import Named
from pipeline.config.rendering import PropertyPath, Renderer
from pipeline.model.strategy import Strategy
from pipeline.rollout.problems import Problem
from pipeline.rollout.strategy import read

_COMMON: PropertyPath = ("rollout",)


def read_rollouts(
    value: Mapping[str, Any], renderer: Renderer, findings: Findings
) -> tuple[Strategy, dict[str, Strategy]]:
    """The common strategy, and environment -> its own where it has one, of a document that the schema allows."""
    common = value.get("rollout", {})
    strategy, problems = read(common)
    found = dict.fromkeys(_located(problem, [_COMMON], renderer) for problem in problems)
    own = {}
    for name, settings in value.get("environments", {}).items():
        if isinstance(settings, Mapping) and "rollout" in settings:
            own[name], problems = read(common, settings["rollout"])
            sections: list[PropertyPath] = [("environments", name, "rollout"), _COMMON]
            found.update(dict.fromkeys(_located(problem, sections, renderer) for problem in problems))
    for message, place, hint in found:
        findings.error(message, place, hint=hint)
    return strategy, own


def alarm_places(
    value: Mapping[str, Any], common: Strategy, own: Mapping[str, Strategy], renderer: Renderer
) -> dict[str, tuple[Named, ...]]:
    """environment -> where each alarm of its strategy is named; those of the common one under the empty name."""
    found = {"": _alarms(common, [_COMMON], renderer)}
    for name, strategy in own.items():
        listed = value["environments"][name]["rollout"].get("analysis", {}).get("alarms")
        section = _COMMON if listed is None else ("environments", name, "rollout")
        found[name] = _alarms(strategy, [section], renderer)
    return found


def _alarms(strategy: Strategy, sections: list[PropertyPath], renderer: Renderer) -> tuple[Named, ...]:
    paths = [(*sections[0], "analysis", "alarms", index) for index in range(len(strategy.analysis.alarms))]
    return tuple(Named(dotted(path), renderer.place_of(path)) for path in paths)


def _located(problem: Problem, sections: list[PropertyPath], renderer: Renderer) -> tuple[str, Place, str | None]:
    """The message and the place: in the first of the sections that says something there, or nearest to it."""
    for length in range(len(problem.path), 0, -1):
        for section in sections:
            if (*section, *problem.path[:length]) in renderer.places:
                path = (*section, *problem.path)
                return f"{dotted(path)} {problem.text}", renderer.place_of(path), problem.hint
    path = (*sections[0], *problem.path)
    return f"{dotted(path)} {problem.text}", renderer.place_of(path), problem.hint
