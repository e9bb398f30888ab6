"""`pipeline unlock`: frees the lock of a run that died."""

from collections.abc import Mapping
from typing import Any

import click

from pipeline.commands.advising import options_of
from pipeline.commands.options import in_regions
from pipeline.commands.planning import Reading
from pipeline.commands.regions import Way
from pipeline.commands.workspace import Workspace
from pipeline.model.release import LockState
from pipeline.releasing.lock import Timing, free
from pipeline.reporting.style import Style

EPILOG = """\b
Examples:
  pipeline unlock --env production
"""


@click.command(epilog=EPILOG)
@in_regions(Way.CHANGE)
def command(space: Workspace) -> int:
    """Free the lock that a dead run left. Refused (exit 4) when the run that holds it is alive.

    It is never needed: the next run finds out by itself that the holder is dead. What that one left open stays open;
    pipeline resume continues it.
    """
    freed = unlock(space)
    space.console.result(
        document_of(space.name, freed), render_unlocked(space.name, freed, space.console.style, options_of(space))
    )
    return 0


def unlock(space: Workspace) -> LockState | None:
    """Frees the lock; how it was, None when nobody held it."""
    by_ledger, clock = space.without_specs(), space.clock
    head = Reading(by_ledger).head()
    timing = Timing(clock.now, clock.monotonic, clock.sleep)
    return free(by_ledger.ledger, head, timing, space.console.say)


def document_of(environment: str, freed: LockState | None) -> Mapping[str, Any]:
    """The document of the command."""
    about = {"run": freed.run, "actor": freed.actor, "host": freed.host, "run_url": freed.run_url} if freed else None
    return {"environment": environment, "freed": about}


def render_unlocked(environment: str, freed: LockState | None, style: Style, options: str) -> str:
    """What came of it, for people."""
    tick = style("✓", fg="green", bold=True)
    if freed is None:
        return f"{tick} {style.bold(f'nobody holds the lock of {environment}')}"
    what = f"the lock of {environment} is free: run {freed.run} of {freed.actor} had died with it"
    return f"{tick} {style.bold(what)}\n  what that run left open: pipeline resume {options}"
