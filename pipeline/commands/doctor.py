"""`pipeline doctor`: what is wrong with an environment, each finding with its evidence and fix."""

import sys

import click

from pipeline.commands.doctoring import diagnose, document_of, mend, patient_of
from pipeline.commands.options import in_regions
from pipeline.commands.questions import confirm
from pipeline.commands.regions import Way
from pipeline.commands.workspace import Workspace
from pipeline.diagnosing.examination import all_checks
from pipeline.errors import BadInput, Refused
from pipeline.reporting.doctor_text import render_doctor

EPILOG = """\b
Examples:
  pipeline doctor --env production
  pipeline doctor --env production --check recent-errors --hours 24
  pipeline doctor --env production --fix api-permission
"""


@click.command(epilog=EPILOG)
@in_regions(Way.LOOK)
@click.option("--check", "only", multiple=True, metavar="ID", help="Only this check; may be repeated.")
@click.option(
    "--hours", type=click.FloatRange(0.1, 336), default=1.0, show_default=True, help="How far back logs and figures go."
)
@click.option("--fix", metavar="ID", help="Mend what this check finds, where that is safe; shows it and asks first.")
@click.option("--yes", is_flag=True, help="With --fix: do not ask.")
def command(space: Workspace, only: tuple[str, ...], hours: float, fix: str | None, yes: bool) -> int:
    """Look for what is wrong: credentials, permissions, quotas, network, errors in the logs, drift, locks and more.

    Reads AWS and changes nothing, but for --fix. Exit 1 when a finding is an error.
    """
    known = {check.id: check for check in all_checks()}
    wanted = [fix] if fix else list(only) or list(known)
    for name in wanted:
        if name not in known:
            raise BadInput(f"there is no check {name[:80]!r}", hint=f"one of {', '.join(known)}")
    if fix:
        space.purpose = "doctor --fix"
    patient = patient_of(space, hours)
    results = diagnose(space, patient, [known[name] for name in wanted])
    document = document_of(space.name, results)
    text = render_doctor(document, {check.id: check.title for check in known.values()}, space.console.style)
    if fix is None:
        space.console.result(document, text)
        return 1 if document["summary"]["error"] else 0
    mendable = [finding for result in results for finding in result.findings if finding.mends]
    space.console.say(text)
    if mendable and not yes:
        if not sys.stdin.isatty() or space.console.format == "json":
            raise Refused(f"mending {fix}: nobody agreed to it", hint="look at the findings, and run again with --yes")
        confirm(f"mend {len(mendable)} of these?")
    done = mend(space, patient, mendable) if mendable else []
    told = "\n".join(f"✓ {line}" for line in done) or f"nothing that {fix} finds can be mended by itself"
    space.console.result({**document, "mended": done}, told)
    return 0 if mendable or not document["findings"] else 1
