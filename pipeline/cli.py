"""The command line: parses, calls one command, turns errors into exit codes. The only place that prints or exits."""

import errno
import importlib
import io
import json
import os
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from itertools import pairwise
from typing import Any

import click

from pipeline import __version__
from pipeline.commands.stopping import Stop
from pipeline.errors import Interrupted, PipelineError
from pipeline.reporting.console import Console
from pipeline.reporting.diagnostics import diagnostics_json

# command -> (module, help line). Modules are imported only for the command that runs, so that the others cost nothing.
COMMANDS = {
    "init": "make a new service repository that deploys at once",
    "run": "carry out what a repository event asks for; the entry for CI",
    "validate": "check all environment files and specs; every error at once",
    "package": "build the bundles of functions and layers",
    "plan": "show what a deploy would change; change nothing",
    "deploy": "bring an environment to what this checkout declares",
    "promote": "let a canary go on, or give it all traffic",
    "abort": "take a canary back: the release before gets all traffic",
    "pause": "leave a canary as it is until somebody resumes",
    "rollback": "let an old release serve again, within seconds",
    "resume": "continue what a run left that did not end",
    "unlock": "free the lock that a dead run left",
    "cost": "show what the service costs, and what would cost less",
    "releases": "show what was released, when, from which commit, by whom",
    "drift": "compare AWS with the last release and with this checkout",
    "destroy": "remove what was made; data only with --include-data",
    "matrix": "say which jobs a repository event asks for; for GitHub Actions",
    "doctor": "look for what is wrong with an environment; each finding with its evidence and fix",
    "bootstrap": "make an AWS account ready: OIDC provider, roles with exactly what the specs need, ledger",
    "local": "start, stop or look at the embedded AWS",
}


# What a machine refuses, whatever program asks for it.
_MACHINE = {errno.EACCES, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENOSPC, errno.EPERM, errno.EROFS}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; its module is imported here."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"pipeline.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Says what was probably meant when there is no such command."""
        name = args[0] if args else ""
        if name not in COMMANDS:
            import difflib  # noqa: PLC0415 - a command that is spelled well does not need it

            near = difflib.get_close_matches(name, COMMANDS, n=1)
            meant = f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(COMMANDS)}"
            raise click.UsageError(f"no such command {name!r}{meant}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


EPILOG = """\b
Examples:
  pipeline deploy --env dev --local     deploy to an AWS on this machine
  pipeline plan --env production        what would change in production
  pipeline validate                     check everything that is declared
"""


@click.group(cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pipeline", message="%(prog)s %(version)s")
def program() -> None:
    """Carry a commit of a serverless AWS service to live traffic, and back.

    Exit codes: 0 done; 1 something broke, run again to continue; 2 bad input, nothing was touched; 3 changes (with
    --detailed-exitcode); 4 refused by a guard; 5 the canary failed and was reverted; 130 interrupted.
    """


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; the exit code. Never raises for what a user can cause."""
    arguments = sys.argv[1:] if arguments is None else arguments
    stop = Stop.current()
    stop.reset()
    stop.install()
    form = "json" if _wants_json(arguments) else "text"
    _write_anything(form)
    try:
        result = program.main(arguments, prog_name="pipeline", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        return _usage(error, form)
    except click.Abort:
        return _failed(Interrupted("stopped"), form)
    except PipelineError as error:
        return _failed(error, form)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        if error.errno not in _MACHINE:
            return _bug(error, form)
        where = f": {error.filename}" if error.filename else ""
        return _failed(
            PipelineError(f"{error.strerror}{where}", hint="free the disk, or let this user write there"), form
        )
    except Exception as error:  # noqa: BLE001 - whatever breaks, the exit code and the JSON document are as agreed
        return _bug(error, form)


def _write_anything(form: str) -> None:
    """No letter and no file name ends a run because the locale cannot write it; JSON is UTF-8 (RFC 8259)."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8" if form == "json" else None, errors="backslashreplace")


def _wants_json(arguments: list[str]) -> bool:
    return "--format=json" in arguments or any(
        one == "--format" and other == "json" for one, other in pairwise(arguments)
    )


def _usage(error: click.ClickException, form: str) -> int:
    if form == "json":
        _print_error(error.format_message(), None, 2, {})
    error.show(file=sys.stderr)
    return 2


def _bug(error: Exception, form: str) -> int:
    traceback.print_exception(error, file=sys.stderr)
    bug = PipelineError(
        f"a bug in pipeline {__version__}: {type(error).__name__}: {error}",
        hint="run the same command again: it continues from what was reached; and report the text above",
    )
    return _failed(bug, form)


def _failed(error: PipelineError, form: str) -> int:
    Console.of_process(form).error(error)
    if form == "json":
        _print_error(str(error), error.hint, error.exit_code, {**error.about, **diagnostics_json(error.diagnostics)})
    return error.exit_code


def _print_error(message: str, hint: str | None, code: int, more: Mapping[str, Any]) -> None:
    document = {"error": {"message": message, "hint": hint, "exit_code": code}, **more}
    with suppress(OSError):  # it may be standard output itself that cannot be written to
        sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        sys.stdout.flush()
