"""`pipeline local`: the embedded AWS of this checkout."""

from pathlib import Path
from typing import Any

import click

from pipeline.commands.options import common, workspace
from pipeline.commands.workspace import Workspace
from pipeline.demonstrating.faults import Fault
from pipeline.local import supervisor as embedded
from pipeline.local.supervisor import LocalAws
from pipeline.reporting.demo_text import render_demo
from pipeline.reporting.local_text import render_local

EPILOG = """\b
Examples:
  pipeline local start
  pipeline local status --format json
  pipeline local stop       everything in it is gone
"""

DEMO = """\b
Examples:
  pipeline local demo
  pipeline local demo --fault slow
  pipeline local demo --fault none       a good release, which reaches everybody
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

_FAULTS = (
    "errors: a handler fails at half of its requests; slow: it takes longer; route: it fails at one route only; "
    "answers: it answers 500; definition: the API lacks a path; none: nothing is wrong."
)


@click.group(epilog=EPILOG)
def command() -> None:
    """Start, stop or look at the embedded AWS of this checkout, or see a canary at work.

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


@command.command(epilog=DEMO)
@common(env=False, default="dev, else the first")
@click.option(
    "--fault",
    type=click.Choice([str(one) for one in Fault]),
    default=str(Fault.ERRORS),
    show_default=True,
    help=_FAULTS,
)
def demo(root: Path | None, env: str | None, form: str, local: bool, fault: str) -> int:
    """Show a canary at work: a release that is bad on purpose, caught while requests come in.

    A copy of the service is deployed to an embedded AWS of its own, which is stopped again: nothing of this checkout
    or of what runs for it is touched. Exits 0 when the canary did what it should, else 1.
    """
    from pipeline.commands.demonstrating import demonstrate  # noqa: PLC0415 - other commands of this group are quick

    space = workspace(root, env, form, local)
    shown = demonstrate(space, Fault(fault))
    document = shown.to_json()
    space.console.result(document, render_demo(document, space.console.style))
    return 0 if shown.as_expected else 1


def _show(space: Workspace, running: LocalAws | None) -> None:
    document = describe(running, lost=embedded.is_lost(space.root))
    space.console.result(document, render_local(document, space.console.style))


def describe(running: LocalAws | None, *, lost: bool = False) -> dict[str, Any]:
    """The document of `local status`: {"running": false}, or where it runs and how to talk to it.

    `lost`: one ran that died with all that was deployed to it.
    """
    if running is None:
        return {"running": False, **({"lost": True} if lost else {})}
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
