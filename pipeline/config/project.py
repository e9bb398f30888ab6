"""`pipeline.yaml`: what is the same in every environment."""

import json
from collections.abc import Mapping
from importlib import resources as package_files
from pathlib import Path
from typing import Any

from pipeline.config.documents import parse
from pipeline.config.files import Files, joined
from pipeline.config.findings import Findings, dotted, shown
from pipeline.config.loaded import FILE, CodeSettings, EnvironmentSettings, GitHubSettings, Project
from pipeline.config.nodes import Table
from pipeline.config.rendering import PropertyPath, Renderer
from pipeline.config.rollouts import alarm_places, read_rollouts
from pipeline.config.services import read_services
from pipeline.config.validation import Checker
from pipeline.errors import BadInput
from pipeline.model.delivery import Retention
from pipeline.model.strategy import Strategy
from pipeline.rollout.strategy import schema as rollout_schema

_DEFAULTS: Mapping[str | int, str] = {"code": "backend", "frontend": "frontend"}


def load_project(root: Path) -> Project:
    """The project at `root`. BadInput lists all that is wrong with its pipeline.yaml."""
    findings = Findings()
    project = read_project(Files(root), findings)
    if findings.errors:
        raise BadInput.of(findings.found)
    return project


def read_project(files: Files, findings: Findings) -> Project:
    """The project with every setting that is right; what is wrong becomes an error."""
    text = files.text(FILE, findings)
    node = parse(text, FILE, findings) if text is not None else None
    if node is None:
        return Project(files.root)
    if not isinstance(node, Table):
        findings.error("a mapping is wanted: environments, code, frontend", node.place)
        return Project(files.root)
    return _project(files, node, findings)


def schema() -> dict[str, Any]:
    """The JSON Schema of pipeline.yaml in one piece: what it takes from other files is among its `$defs`."""
    text = package_files.files("pipeline.config").joinpath("project.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text.replace("../rollout/strategy.schema.json", "#/$defs/rollout"))
    return {**found, "$defs": {"rollout": rollout_schema()}}


def _project(files: Files, node: Table, findings: Findings) -> Project:
    checker = Checker(schema(), FILE)
    renderer = Renderer(findings)
    value = renderer.render(node, checker.shape)
    complaints = checker.complaints(value)
    for complaint in complaints:
        findings.error(complaint.message, renderer.place(complaint), hint=complaint.hint)
        value = _without(value, complaint.path)
    clear = not any("rollout" in complaint.path for complaint in complaints)
    common, own = read_rollouts(value, renderer, findings) if clear else (Strategy(), {})
    services = read_services(files, value, renderer, findings)
    settings = checker.with_defaults(value)
    places = {path[1]: at for path, at in renderer.keys.items() if len(path) == 2 and path[0] == "environments"}
    return Project(
        root=files.root,
        services=services,
        environments={name: _environment(each, own.get(name)) for name, each in settings["environments"].items()},
        code=_code(files, settings["code"], renderer, findings),
        frontend_root=_inside(settings["frontend"]["root"], ("frontend", "root"), renderer, findings),
        rollout=common,
        review=settings["review"]["policy"],
        github=GitHubSettings(**settings["github"]),
        permissions_boundary=settings["iam"].get("permissions_boundary"),
        retention=Retention(**settings["retention"]),
        places={str(name): place for name, place in places.items()},
        code_place=renderer.place_of(("code", "root")),
        alarms=alarm_places(value, common, own, renderer) if clear else {},
    )


def _environment(value: str | Mapping[str, Any], rollout: Strategy | None) -> EnvironmentSettings:
    if isinstance(value, str):
        return EnvironmentSettings(value, rollout)
    return EnvironmentSettings(
        value.get("branch"), rollout, value.get("permission", "write"), value.get("deletes_data", False)
    )


def _code(files: Files, settings: Mapping[str, Any], renderer: Renderer, findings: Findings) -> CodeSettings:
    requirements = settings.get("requirements")
    if requirements is not None:
        path = ("code", "requirements")
        requirements = _inside(requirements, path, renderer, findings)
        if not files.is_file(requirements):
            findings.error(
                f"there is no requirements file {requirements}",
                renderer.place_of(path),
                hint="the path is from the project's root",
            )
    return CodeSettings(
        root=_inside(settings["root"], ("code", "root"), renderer, findings),
        include=tuple(settings["include"]),
        exclude=tuple(settings["exclude"]),
        requirements=requirements,
    )


def _inside(target: str, path: PropertyPath, renderer: Renderer, findings: Findings) -> str:
    """A path of the settings in its shortest form; an error, and the default, when it leads out of the project."""
    clean = joined(FILE, target)
    if clean is None:
        message = f"{dotted(path)} is {shown(target)}: a path inside the project is wanted"
        findings.error(message, renderer.place_of(path))
    return _DEFAULTS.get(path[0], target) if clean is None else clean or "."


def _without(value: Any, path: PropertyPath) -> Any:
    """`value` without what `path` leads to, or without the list that it leads into."""
    if not path:
        return {}
    if path[0] not in value:
        return value
    copy = dict(value)
    if len(path) == 1 or isinstance(path[1], int):
        del copy[path[0]]
    else:
        copy[path[0]] = _without(copy[path[0]], path[1:])
    return copy
