"""What has become of a change, in the one line of its comment that is exchanged. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.errors import PipelineError
from pipeline.model.intent import Kind
from pipeline.model.report import Canary, DeployReport, RollbackReport
from pipeline.model.rollout import Outcome
from pipeline.reporting.markdown import code, link, printable

# How statuses begin of what was only planned, and of all that never came to be deployed.
PLANNED = ("📋", "🔎")
NOT_DEPLOYED = (*PLANNED, "⚠️", "✋", "❌", "⏸️")


@dataclass(frozen=True)
class Run:
    """The run that says it: its number and attempt as people see them, and its page."""

    number: str = ""
    url: str | None = None
    attempt: int = 1

    def __str__(self) -> str:
        again = f" (attempt {self.attempt})" if self.attempt > 1 else ""
        return link(f"run {self.number}".strip(), self.url) + again


def planned(run: Run) -> str:
    """The plan is there; nothing was done yet."""
    return f"📋 **planned** in {run}"


def left(run: Run) -> str:
    """The pull request goes to another branch now."""
    return f"⚪ **not planned any more**, since {run}: the pull request goes to another branch"


def merged(run: Run) -> str:
    """The pull request was merged; what comes of that is told by the run of the push."""
    return f"🔀 **merged**, says {run}: the run of its push deploys it and goes on here"


def closed(by: str, run: Run) -> str:
    """The pull request was closed without being merged."""
    return f"⚪ **not deployed**: closed by {code(by)} without being merged, says {run}"


def deploying(run: Run, what: str = "") -> str:
    """It is under way; `what` says how far, in words of ours, such as `canary 10 %`."""
    return f"🚀 **deploying** in {run}" + (f": {what}" if what else "")


def working(kind: Kind, run: Run) -> str:
    """It has begun."""
    words = {Kind.PREVIEW: "🔎 **planning**", Kind.DEPLOY: "🚀 **deploying**", Kind.ROLLBACK: "⏪ **rolling back**"}
    return f"{words.get(kind, f'⏳ **{kind}**')} in {run}"


def live(report: DeployReport, run: Run) -> str:
    """It serves."""
    if not report.changed:
        return f"✅ **live** as release {report.release}: nothing had to be done in {run}"
    urls = [str(value) for name, value in sorted(report.outputs.items()) if name.endswith(".url")]
    shown = f" · {' · '.join(code(url) for url in urls[:3])}" if urls else ""
    return f"✅ **live** as release {report.release} since {run}{shown}"


def shifted(canary: Canary, run: Run) -> str:
    """What has become of a release that got its traffic in steps, or how far it is."""
    release, status = canary.rollout.release.number, canary.rollout.status
    if status.outcome is Outcome.PROMOTED:
        return f"✅ **live** as release {release} since {run}"
    if status.outcome is Outcome.RUNNING:
        why = code(canary.waiting or status.reason or "goes on by itself")
        return f"🐤 **canary** {status.weight:g} % of release {release}, since {run}: {why}"
    why = f": {code(status.reason)}" if status.reason else ""
    return f"⏪ **reverted**: release {release} was taken back in {run}, and the release before serves{why}"


def rolled_back(report: RollbackReport, by: str, run: Run) -> str:
    """An older release serves again."""
    plan = report.plan
    if report.echo is not None:
        return (
            f"⏪ {run} has rolled back before, as release {report.echo}; release {report.deploy.release} serves since, "
            "and nothing was done"
        )
    return (
        f"⏪ **reverted**: release {plan.origin.number} was rolled back to release {plan.target.number} by "
        f"{code(by)} in {run}; release {report.deploy.release} serves, and {code(plan.environment)} is on hold"
    )


def ended(error: BaseException, run: Run) -> str:
    """It did not come to a good end."""
    words: Mapping[int, str] = {
        2: "⚠️ **not valid**",
        4: "✋ **refused**",
        5: "⏪ **reverted**: the canary failed, and the release before serves again",
        130: "⏸️ **interrupted**",
    }
    code_ = error.exit_code if isinstance(error, PipelineError) else 1
    return f"{words.get(code_, '❌ **failed**')} in {run}: {told(error)}"


def told(error: BaseException) -> str:
    """An error as a comment may show it: its text and one thing to try, with what was found below."""
    text = str(error) or type(error).__name__
    hint = getattr(error, "hint", None)
    lines = [code(text[:1000])] + ([f"try: {code(printable(hint)[:1000])}"] if hint else [])
    found = [str(each) for each in getattr(error, "diagnostics", ())]
    found += [str(failure) for _, failure in getattr(error, "failures", ())]
    shown = [f"- {code(each[:500])}" for each in found[:20]]
    if len(found) > len(shown):
        shown.append(f"- … and {len(found) - len(shown)} more, in the log of the run")
    return "; ".join(lines) + ("\n\n" + "\n".join(shown) if shown else "")
