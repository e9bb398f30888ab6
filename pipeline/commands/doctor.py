"""`pipeline doctor`: what is wrong with an environment, each finding with its evidence and fix."""

import sys

import click

from pipeline.commands.doctoring import diagnose, document_of, mend
from pipeline.commands.options import in_regions
from pipeline.commands.questions import confirm
from pipeline.commands.regions import Way
from pipeline.commands.workspace import Workspace
from pipeline.diagnosing.examination import all_checks
from pipeline.diagnosing.explaining import explanation
from pipeline.diagnosing.finding import Check
from pipeline.errors import BadInput, Refused
from pipeline.reporting.console import Console
from pipeline.reporting.doctor_text import render_doctor

EPILOG = """\b
Examples:
  pipeline doctor --env production
  pipeline doctor --env production --check recent-errors --hours 24
  pipeline doctor --env production --fix api-permission
  pipeline doctor --explain api-permission               what it is about, without a network
"""


def _explain(context: click.Context, _option: click.Parameter, name: str | None) -> None:
    if name is not None:
        Console.of_process("text").result({}, explanation(_known(name)))
        context.exit(0)


def _known(name: str) -> Check:
    known = {check.id: check for check in all_checks()}
    if name not in known:
        raise BadInput(f"there is no check {name[:80]!r}", hint=f"one of {', '.join(known)}")
    return known[name]


@click.command(epilog=EPILOG)
@in_regions(Way.LOOK)
@click.option("--check", "only", multiple=True, metavar="ID", help="Only this check; may be repeated.")
@click.option(
    "--hours", type=click.FloatRange(0.1, 336), default=1.0, show_default=True, help="How far back logs and figures go."
)
@click.option("--fix", metavar="ID", help="Mend what this check finds, where that is safe; shows it and asks first.")
@click.option("--yes", is_flag=True, help="With --fix: do not ask.")
@click.option(
    "--explain", metavar="ID", is_eager=True, expose_value=False, callback=_explain,
    help="Print what this check looks at and how its findings are mended; needs no environment.",
)  # fmt: skip
def command(space: Workspace, only: tuple[str, ...], hours: float, fix: str | None, yes: bool) -> int:
    """Look for what is wrong: credentials, permissions, quotas, network, errors in the logs, drift, locks and more.

    Reads AWS and changes nothing, but for --fix. Exit 1 when a finding is an error, as it is when nobody is signed in.
    """
    wanted = [_known(name) for name in ([fix] if fix else only)] or list(all_checks())
    if fix:
        space.purpose = "doctor --fix"
    patient, results = diagnose(space, hours, wanted)
    document = document_of(space.name, results)
    text = render_doctor(document, {check.id: check.title for check in all_checks()}, space.console.style)
    if fix is None:
        space.console.result(document, text)
        return 1 if document["summary"]["error"] else 0
    mendable = [finding for result in results for finding in result.findings if finding.mends]
    space.console.say(text)
    if mendable and not yes:
        if not sys.stdin.isatty() or space.console.format == "json":
            raise Refused(f"mending {fix}: nobody agreed to it", hint="look at the findings, and run again with --yes")
        confirm(f"mend {len(mendable)} of these?")
    done = mend(space, patient, mendable) if patient and mendable else []
    nothing = "could not be looked at" if document["not_looked_at"] else "finds nothing that can be mended by itself"
    told = "\n".join(f"✓ {line}" for line in done) or f"{fix} {nothing}"
    space.console.result({**document, "mended": done}, told)
    return 0 if mendable or not (document["findings"] or document["not_looked_at"]) else 1
