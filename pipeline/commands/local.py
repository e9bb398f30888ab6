"""`pipeline local`: the embedded AWS of this checkout."""

from pathlib import Path
from typing import Any

import click

from pipeline.commands.options import common, workspace
from pipeline.commands.workspace import Workspace
from pipeline.local import supervisor as embedded
from pipeline.local.supervisor import LocalAws
from pipeline.reporting.local_text import render_local

EPILOG = """\b
Examples:
  pipeline local start
  pipeline local status --format json
  pipeline local stop       everything in it is gone
"""

START = """\b
Examples:
  pipeline local start
  pipeline local start --format json     where it is, for scripts
"""
STOP = """\b
Examples:
  pipeline local stop
"""
STATUS = """\b
Examples:
  pipeline local status
  pipeline local status --format json    the variables that lead the AWS CLI to it
"""


@click.group(epilog=EPILOG)
def command() -> None:
    """Start, stop or look at the embedded AWS of this checkout.

    Other commands start it by themselves with --local. It listens on 127.0.0.1 only.
    """


@command.command(epilog=START)
@common(env=False, default="any; it serves all")
def start(root: Path | None, env: str | None, form: str, local: bool) -> int:
    """Start it, if it does not run yet."""
    space = workspace(root, env, form, local)
    running = space.embedded
    _show(space, running)
    return 0


@command.command(epilog=STOP)
@common(env=False, default="any; it serves all")
def stop(root: Path | None, env: str | None, form: str, local: bool) -> int:
    """Stop it; what was deployed to it is gone."""
    space = workspace(root, env, form, local)
    stopped = embedded.stop(space.root)
    space.console.result({"stopped": stopped}, "stopped" if stopped else "it was not running")
    return 0


@command.command(epilog=STATUS)
@common(env=False, default="any; it serves all")
def status(root: Path | None, env: str | None, form: str, local: bool) -> int:
    """Say whether it runs, and where."""
    space = workspace(root, env, form, local)
    running = embedded.status(space.root)
    _show(space, running)
    return 0


def _show(space: Workspace, running: LocalAws | None) -> None:
    document = describe(running)
    space.console.result(document, render_local(document, space.console.style))


def describe(running: LocalAws | None) -> dict[str, Any]:
    """The document of `local status`: {"running": false}, or where it runs and how to talk to it."""
    if running is None:
        return {"running": False}
    return {
        "running": True,
        "endpoint": running.endpoint,
        "pid": running.pid,
        "account": running.account,
        "python": ".".join(str(part) for part in running.python),
        "log": str(running.log),
        "started": running.started,
        "environment": dict(running.environment()),
    }
