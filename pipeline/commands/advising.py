"""Commands that messages advise: for the same environment, service and AWS as the run that gives the advice."""

import functools
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.config.loaded import FILE
from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from pipeline.commands.workspace import Workspace

_VERBS = "abort|bootstrap|cost|deploy|destroy|doctor|drift|pause|plan|promote|releases|resume|rollback|unlock"
# A command, the environment that it may name, and up to where a text goes on without it.
_COMMAND = re.compile(rf"\bpipeline (?:{_VERBS})(?![\w-])(?: --env \S*\w)?(?=([^,;`\n]*))")


def options_of(workspace: "Workspace", *, here: bool = False) -> str:
    """The options with which another command is about the same. `here`: about what this region alone has."""
    environment = workspace.environment
    beside = here and environment.region != environment.home
    return " ".join(_of(workspace, environment.name, region=workspace.region if beside else None))


def advice(workspace: "Workspace", text: str) -> str:
    """The text with commands that are about the same."""
    return completed(text, _of(workspace, workspace.environment_name))


def _of(workspace: "Workspace", environment: str | None, region: str | None = None) -> list[str]:
    """Of several regions the one that the user named: what is said of all of them is for all of them."""
    root = root_option(workspace.root, Path.cwd())
    return _options(environment, root, region=workspace.region if workspace.alone else region, local=workspace.local)


def advising(function: Callable[..., Any]) -> Callable[..., Any]:
    """A command whose errors advise commands that are about the same, by the options that it was given itself."""

    @functools.wraps(function)
    def command(**given: Any) -> Any:
        try:
            return function(**given)
        except PipelineError as error:
            root = f"--root {shlex.quote(str(given['root']))}" if given.get("root") is not None else ""
            options = _options(given.get("env"), root, region=given.get("region"), local=bool(given.get("local")))
            _complete(error, options)
            raise

    return command


def root_option(root: Path, here: Path) -> str:
    """What names the service, from a directory where it is not the one that is found."""
    found = next((each for each in (here, *here.parents) if (each / FILE).is_file()), None)
    if found is not None and found.resolve() == root.resolve():
        return ""
    return f"--root {shlex.quote(str(root))}"


def completed(text: str, options: list[str]) -> str:
    """The text, its commands with those of `options` that they lack."""

    def complete(match: re.Match[str]) -> str:
        # The rest of a sentence may hold another command, whose options are not this one's.
        whole = match[0] + match[1].partition("pipeline ")[0]
        lacking = [option for option in options if option.partition(" ")[0] not in whole.split()]
        if whole.startswith("pipeline bootstrap"):  # it is about all regions
            lacking = [option for option in lacking if not option.startswith("--region ")]
        return " ".join([match[0], *lacking])

    return _COMMAND.sub(complete, text)


def _options(environment: str | None, root: str, *, region: str | None, local: bool) -> list[str]:
    named = (f"--env {environment}" if environment else "", f"--region {region}" if region else "")
    return [one for one in (*named, root, "--local" if local else "") if one]


def _complete(error: PipelineError, options: list[str]) -> None:
    for one in (error, *(failure for _address, failure in getattr(error, "failures", ()))):
        one.hint = completed(one.hint, options) if one.hint else None
    error.diagnostics = tuple(
        replace(each, hint=completed(each.hint, options)) if each.hint else each for each in error.diagnostics
    )
