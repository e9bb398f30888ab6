"""The `rollout:` sections of pipeline.yaml: the common one, and those of environments, which override it. Pure."""

from collections.abc import Mapping
from typing import Any

from pipeline.config.findings import Findings, Place, dotted
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


def _located(problem: Problem, sections: list[PropertyPath], renderer: Renderer) -> tuple[str, Place, str | None]:
    """The message and the place: in the first of the sections that says something there, or nearest to it."""
    for length in range(len(problem.path), 0, -1):
        for section in sections:
            if (*section, *problem.path[:length]) in renderer.places:
                path = (*section, *problem.path)
                return f"{dotted(path)} {problem.text}", renderer.place_of(path), problem.hint
    path = (*sections[0], *problem.path)
    return f"{dotted(path)} {problem.text}", renderer.place_of(path), problem.hint
