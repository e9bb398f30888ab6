"""`pipeline validate`: all environment files and specs against their schemas, and against each other."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import click

from pipeline.commands.options import common, root_of, workspace
from pipeline.commands.workspace import Workspace
from pipeline.config.files import ENVIRONMENTS, Files
from pipeline.config.loaded import Loaded
from pipeline.config.services import services_in
from pipeline.errors import BadInput, Diagnostic
from pipeline.reporting.diagnostics import diagnostics_json
from pipeline.reporting.style import counted

EPILOG = """\b
Examples:
  pipeline validate
  pipeline validate --env production --format json
"""


@click.command(epilog=EPILOG)
@common(env=False)
def command(root: Path | None, env: str | None, form: str, local: bool) -> int:
    """Check all environment files and specs; without --env, every environment. Every error at once, exit 2.

    Where pipeline.yaml lists services, all of them are checked that have the environment.
    """
    top = root_of(root)
    if not (services := services_in(top)):
        return validate(workspace(root, env, form, local))
    having = [name for name in services if env is None or env in _environments(top, [name])]
    if not having:
        raise BadInput(f"no service has an environment {env}", hint=f"one of {', '.join(_environments(top, services))}")
    return _show({name: workspace(top / name, env, form, local) for name in having})


def validate(workspace: Workspace) -> int:
    """Shows every finding; the exit code, 2 when one is an error."""
    return _show({"": workspace})


def _show(spaces: Mapping[str, Workspace]) -> int:
    """The findings of all services, with their files as seen from the root that was asked about."""
    console = next(iter(spaces.values())).console
    diagnostics: list[Diagnostic] = []
    verdicts = []
    for name, space in spaces.items():
        env = space.environment_name
        found = space.read([env] if env else None)
        diagnostics += (replace(each, file=f"{name}/{each.file}" if name and each.file else each.file)
                        for each in found.diagnostics)  # fmt: skip
        verdicts.append(f"{name}: {_verdict(found)}" if name else _verdict(found))
    for diagnostic in diagnostics:
        console.finding(diagnostic)
    console.result(diagnostics_json(diagnostics), "\n".join(verdicts))
    return 2 if any(each.severity == "error" for each in diagnostics) else 0


def _verdict(found: Loaded) -> str:
    environments = counted(len(found.environments), "environment")
    sizes = sorted(len(desired.resources) for desired in found.desired.values()) or [0]
    resources = ("" if sizes[0] == sizes[-1] else f"{sizes[0]} to ") + counted(sizes[-1], "resource")
    return counted(len(found.errors), "error") if found.errors else f"{environments}, {resources} each: valid"


def _environments(top: Path, services: Iterable[str]) -> list[str]:
    files = (file for name in services for file in Files(top / name).names(ENVIRONMENTS))
    return sorted({file.removesuffix(".env") for file in files if file.endswith(".env")})
