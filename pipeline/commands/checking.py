"""What can be checked of a checkout without any credentials: that it is valid, and that its code can be built."""

from collections.abc import Callable, Iterable

from pipeline.commands.bundling import package
from pipeline.commands.validate import validate
from pipeline.commands.workspace import Workspace
from pipeline.reporting.style import counted


def check(space: Workspace, names: Iterable[str], surroundings: Callable[[str], Workspace]) -> int:
    """Validates, then packages for every environment; the exit code. BadInput when code cannot be built or imported."""
    code = validate(space)
    if code == 0:
        for name in names:
            _package(surroundings(name), name)
    return code


def _package(space: Workspace, name: str) -> None:
    if space.read([name]).environments[name].account is None:
        space.console.say(f"package   {name}: left out, as its file has no AWS_ACCOUNT_ID and nobody can be asked")
        return
    with space.stage("package") as told:
        _, archives = package(space)
        told.append(f"{name}: {counted(len(archives), 'archive') if archives else 'no code'}")
