"""Options that all commands share, and the surroundings that they make of them."""

import functools
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pipeline.commands.advising import advising
from pipeline.commands.regions import Way, over_regions
from pipeline.commands.stopping import Stop
from pipeline.commands.workspace import Clock, Workspace
from pipeline.config.files import find_root
from pipeline.config.loaded import FILE
from pipeline.config.services import services_in
from pipeline.errors import BadInput
from pipeline.reporting.console import Console


def in_regions(way: Way) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """The options of a command for one environment, as a function of its surroundings in each of its regions."""

    def decorate(function: Callable[..., int]) -> Callable[..., int]:
        @functools.wraps(function)
        def invoke(
            *, root: Path | None, env: str, form: str, local: bool, region: str | None = None, **given: Any
        ) -> int:
            space = workspace(root, env, form, local)
            return over_regions(space, region, way, lambda one: function(one, **given))

        return common()(invoke if way is Way.ONCE else _REGION(invoke))

    return decorate


_REGION = click.option("--region", metavar="NAME", help="One of the environment's regions. [default: all]")


def common(*, env: bool = True, default: str = "all") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options of every command. `env`: True demands --env; without it `default` says what is meant then."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        options = [
            click.option("--root", type=click.Path(path_type=Path), help="Root. [default: nearest pipeline.yaml]"),
            click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
                         help="json: one document on stdout, people's text on stderr."),
            click.option("--local", is_flag=True, help="Use the embedded AWS; it is started when absent."),
        ]  # fmt: skip
        help_text = "Environment." if env else f"Environment. [default: {default}]"
        options.insert(0, click.option("--env", "env", metavar="NAME", required=env, help=help_text))
        function = advising(function)
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def workspace(
    root: Path | None, env: str | None, form: str, local: bool, console: Console | None = None, purpose: str = ""
) -> Workspace:
    """The surroundings of a command, for the project around the working directory."""
    context = click.get_current_context(silent=True)
    stop = Stop.current()
    return Workspace(
        root=_of_one_service(root_of(root)),
        environment_name=env,
        local=local,
        console=console or Console.of_process(form),
        clock=Clock(time.time, time.monotonic, stop.sleep),
        stop=stop.event,
        environ=os.environ,
        purpose=purpose or (context.info_name if context and context.info_name else ""),
    )


def root_of(root: Path | None) -> Path:
    """The root that was given, or the one around the working directory. BadInput where there is none."""
    return find_root(Path.cwd()) if root is None else _checked_root(root)


def _of_one_service(root: Path) -> Path:
    if services := services_in(root):
        where = f"--root {root / services[0]}" + (" and so on" if len(services) > 1 else "")
        raise BadInput(f"{root / FILE} lists {len(services)} services, and this is about one", hint=where)
    return root


def _checked_root(root: Path) -> Path:
    if not (root / "pipeline.yaml").is_file():
        raise BadInput(f"{root} has no pipeline.yaml", hint="give the project's root, or leave --root out inside of it")
    return find_root(root)
