"""A plan and a deploy as GitHub's programs take them: a check run's verdict and findings, outputs of a step. Pure."""

from typing import Any

from pipeline.errors import Diagnostic
from pipeline.model.plan import Change, Plan
from pipeline.model.report import DeployReport
from pipeline.reporting.plan_text import summary_line
from pipeline.reporting.verdicts import destructive


def conclusion_of(plan: Plan) -> str:
    """`failure` for what may not be applied; `neutral` for what somebody should look at before."""
    if plan.blockers:
        return "failure"
    return "neutral" if destructive(plan) or plan.widens_access else "success"


def title_of(plan: Plan) -> str:
    """The verdict in one line."""
    return f"{plan.environment}: {summary_line(plan)}"


def findings_of(plan: Plan) -> tuple[Diagnostic, ...]:
    """What is to be seen at its line: blockers, what destroys something, warnings."""
    destroyed = [found for change in destructive(plan) if (found := _finding(change)) is not None]
    return (*plan.blockers, *destroyed, *plan.warnings)


def _finding(change: Change) -> Diagnostic | None:
    """What is deleted has no line any more."""
    source = change.desired.source if change.desired else None
    if source is None:
        return None
    reason = f": {change.reason}" if change.reason else ""
    message = f"{change.address}: {change.action} destroys what is there{reason}"
    return Diagnostic(message, source.file, source.line, address=change.address, severity="warning")


def address_of(report: DeployReport) -> str | None:
    """Where the environment answers: the first URL that a release gives."""
    urls = [str(value) for name, value in sorted(report.outputs.items()) if name.endswith(".url")]
    return next((url for url in urls if url.startswith("http")), None)


def outputs_of(plan: Plan, report: DeployReport | None) -> dict[str, Any]:
    """Outputs of the step, for those that come after it."""
    found: dict[str, Any] = {
        "environment": plan.environment,
        "digest": plan.digest,
        "changes": len(plan.changes),
        "destructive": len(destructive(plan)),
        "widens-access": plan.widens_access,
        "drift": plan.summary["drift"],
    }
    if report is not None:
        found |= {"release": report.release or "", "changed": report.changed, "url": address_of(report) or ""}
    return found
