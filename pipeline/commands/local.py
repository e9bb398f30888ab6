"""`pipeline local`: the embedded AWS of this checkout."""

from pathlib import Path

import click

from pipeline.commands.options import common, workspace
from pipeline.local import supervisor as embedded
from pipeline.reporting.local_text import describe, render

EPILOG = """\b
Examples:
  pipeline local start
  pipeline local status --format json
  pipeline local stop       everything in it is gone
"""


@click.group(epilog=EPILOG)
def command() -> None:
    """Start, stop or look at the embedded AWS of this checkout.

    Other commands start it by themselves with --local. It listens on 127.0.0.1 only.
    """


@command.command()
@common(env=None)
def start(root: Path | None, form: str, local: bool) -> int:
    """Start it, if it does not run yet."""

    space = workspace(root, None, form, local)
    running = space.embedded
    space.console.result(describe(running), render(running, space.console.style))
    return 0


@command.command()
@common(env=None)
def stop(root: Path | None, form: str, local: bool) -> int:
    """Stop it; what was deployed to it is gone."""

    space = workspace(root, None, form, local)
    stopped = embedded.stop(space.root)
    space.console.result({"stopped": stopped}, "stopped" if stopped else "it was not running")
    return 0


@command.command()
@common(env=None)
def status(root: Path | None, form: str, local: bool) -> int:
    """Say whether it runs, and where."""

    space = workspace(root, None, form, local)
    running = embedded.status(space.root)
    space.console.result(describe(running), render(running, space.console.style))
    return 0
