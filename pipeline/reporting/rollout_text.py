"""A rollout as text: a line for everything that happens, and how it ended. Pure."""

from collections.abc import Collection, Iterator, Sequence

from pipeline.model.release import Release
from pipeline.model.report import Canary, RolloutReport
from pipeline.model.rollout import Measurement, Outcome, Result, RolloutStatus
from pipeline.model.shift import Rollout, Shift, Way
from pipeline.model.strategy import Step, Strategy
from pipeline.reporting.style import Style, counted, seconds, table
from pipeline.rollout.events import AwaitApproval, Wait
from pipeline.rollout.latency import milliseconds
from pipeline.rollout.machine import next_action

_COLOURS = {Result.SUCCESSFUL: "green", Result.FAILED: "red", Result.INCONCLUSIVE: "yellow", Result.ERROR: "magenta"}


def happened(before: RolloutStatus, rollout: Rollout, style: Style) -> list[str]:
    """One line for everything that is new in the rollout's status."""
    return list(_happened(before, rollout, style))


def _happened(before: RolloutStatus, rollout: Rollout, style: Style) -> Iterator[str]:
    now = rollout.status
    last = before.measurements[-1] if before.measurements else None
    for found in now.measurements:
        if last is None or found.at > last.at:
            yield look_line(found, rollout, style, known=last.notes if last else ())
            last = found
    if now.since is not None and now.since != before.since and now.step < len(rollout.strategy.steps):
        yield f"  {_weight(now.weight)}  {_watched(rollout.strategy.steps[now.step])}"
    if now.paused and not before.paused:
        yield f"  {_weight(now.weight)}  {style(now.reason, fg='yellow')}"
    if before.paused and not now.paused and now.outcome is Outcome.RUNNING:
        yield f"  {_weight(now.weight)}  goes on"
    if now.approved and now.approved != before.approved:
        yield f"  {_weight(now.weight)}  gate opened by {now.approved}"
    if now.outcome is not before.outcome:
        yield f"  {_outcome(now, style)}"


def look_line(found: Measurement, rollout: Rollout, style: Style, *, known: Collection[str] = ()) -> str:
    """`10 %  2 min of 5 min  3 errors in 41 requests, stable 2 in 380: no worse: successful`.

    Notes that are `known` from the look before are not repeated.
    """
    step = rollout.strategy.steps[found.step]
    watched = min(max(0.0, found.end - found.start), step.bake)
    shown = f"{duration(watched)} of {duration(step.bake)}" if step.bake else "at the gate"
    verdict = style(str(found.verdict), fg=_COLOURS[found.verdict], bold=True)
    notes = "".join(f"\n        {style.dim(note)}" for note in found.notes if note not in known)
    return f"  {_weight(found.weight)}  {shown}  {_figures(found)}: {verdict}{notes}"


def _figures(found: Measurement) -> str:
    """The counts of both releases, and their slowest requests where both are known."""
    canary, stable = found.canary.p99, found.stable.p99
    if canary is None or stable is None:
        return found.reason
    return f"{found.reason}, p99 {milliseconds(canary)}, stable {milliseconds(stable)}"


def duration(value: float) -> str:
    """Whole seconds, minutes and hours: `20 s`, `5 min`, `1 h 30 min`."""
    whole = round(value)
    parts = [(whole // 3600, "h"), (whole % 3600 // 60, "min"), (whole % 60, "s")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"


def _weight(weight: float) -> str:
    return f"{weight:g} %".rjust(5)


def _watched(step: Step) -> str:
    text = f"set, watched for {duration(step.bake)}" if step.bake else "set"
    return text + (", then a gate" if step.gate else "")


def _outcome(status: RolloutStatus, style: Style) -> str:
    if status.outcome is Outcome.PROMOTED:
        return style("100 %  promoted", fg="green", bold=True)
    if status.outcome is Outcome.REVERTED:
        return style("  0 %  reverted: the release before has all traffic", fg="red", bold=True)
    by_hand = status.reason.startswith("aborted by")
    return style(status.reason if by_hand else f"aborted: {status.reason}", fg="red")


def now_lines(rollout: Rollout, now: float) -> list[str]:
    """What is under way, for a live display: weight, elapsed and left; below it the last figures."""
    status, steps = rollout.status, rollout.strategy.steps
    if status.outcome is not Outcome.RUNNING:
        return [f"giving everything back to release {rollout.base}"] if status.outcome is Outcome.ABORTED else []
    if status.since is None or status.step >= len(steps):
        return [f"shifting to {steps[status.step].weight:g} %" if status.step < len(steps) else "promoting"]
    step, elapsed = steps[status.step], max(0.0, now - status.since)
    whole = step.bake + rollout.strategy.analysis.metric_delay
    text = f"step {status.step + 1} of {len(steps)} at {step.weight:g} %: {duration(elapsed)}"
    text += f", {duration(whole - elapsed)} left" if elapsed < whole else ", waiting for figures"
    return [text, *([f"{_figures(status.last)}: {status.last.verdict}"] if status.last else [])]


def strategy_line(strategy: Strategy) -> str:
    """`canary: 10 % for 5 min, then all`."""
    if not strategy.steps:
        return f"{strategy.name}: all traffic at once"
    shown: Sequence[Step] = strategy.steps if len(strategy.steps) <= 4 else strategy.steps[:3]
    parts = [_step(step) for step in shown]
    if len(shown) < len(strategy.steps):
        last = strategy.steps[-1]
        parts.append(f"… up to {last.weight:g} % in {counted(len(strategy.steps), 'step')}")
    engine = " by CodeDeploy" if strategy.engine == "codedeploy" else ""
    return f"{strategy.name}{engine}: {', '.join(parts)}, then all"


def _step(step: Step) -> str:
    text = f"{step.weight:g} %" + (f" for {duration(step.bake)}" if step.bake else "")
    return text + (" and a gate" if step.gate else "")


def shift_rows(shifts: Sequence[Shift]) -> list[tuple[str, str, str]]:
    """Address, from and to, and how, of everything that moves."""
    return [
        (shift.address, f"{shift.stable} → {shift.canary}", how(shift.way, shift.reason, shift.sources))
        for shift in shifts
        if shift.moves
    ]


def how(way: Way, reason: str, sources: Sequence[str]) -> str:
    """How something shifts, and why that way."""
    if way is Way.PROMOTION:
        return f"with the promotion: {reason}"
    if way is Way.STAGE:
        return reason or "by a canary on its stage"
    fed = f", fed by {', '.join(sources)} alone" if sources else ""
    return f"by weights of its alias{fed}"


def render_canary(canary: Canary, style: Style) -> list[str]:
    """How the rollout ended, or for what it waits: verdict, figures, links."""
    rollout, status = canary.rollout, canary.rollout.status
    lines = []
    for index, step in enumerate(rollout.strategy.steps):
        looks = canary.measurements(index)
        if looks:
            lines.append(f"  {step.weight:g} %: {looks[-1].reason}: {looks[-1].verdict}")
    if status.outcome in (Outcome.ABORTED, Outcome.REVERTED):
        lines.append(f"  why: {status.reason}")
        links = [(name, url) for name, url in canary.links.items() if _subject(name) in status.reason]
        lines += ["", table(links, "  ")] if links else []
    if canary.waiting:
        lines.append(style(f"  waiting: {canary.waiting}", fg="yellow"))
    return lines


def _subject(link: str) -> str:
    """The function or alarm that a link is about: `orders metrics`, `alarm orders-5xx`."""
    return link.removeprefix("alarm ").removesuffix(" metrics").removesuffix(" logs")


def headline(canary: Canary, environment: str, serving: int | None, style: Style) -> str:
    """One line that says which release serves, and with what share."""
    rollout, status = canary.rollout, canary.rollout.status
    number = rollout.release.number
    if status.outcome is Outcome.PROMOTED:
        return f"{style('✓', fg='green', bold=True)} {style.bold(f'release {number} is live in {environment}')}"
    if status.outcome in (Outcome.ABORTED, Outcome.REVERTED):
        text = f"release {number} was taken back: release {serving} has all traffic in {environment}"
        return f"{style('✗', fg='red', bold=True)} {style.bold(text)}"
    text = f"release {number} has {status.weight:g} % of the traffic in {environment}, release {serving} the rest"
    return f"{style('…', fg='yellow', bold=True)} {style.bold(text)}"


def progress(rollout: Rollout) -> str:
    """How far it is, for who follows from afar: `canary 10 %`."""
    status = rollout.status
    return f"canary {status.weight:g} %" + (", paused" if status.paused else "")


def awaited(rollout: Rollout, environment: str, now: float) -> str:
    """For what or whom a rollout waits that no process drives, and what to say then."""
    if rollout.strategy.engine == "codedeploy":
        return f"CodeDeploy is at work; pipeline resume --env {environment} sees to its end"
    action = next_action(rollout.strategy, rollout.status, now)
    if isinstance(action, AwaitApproval):
        how = "resume" if action.paused else "promote"
        going = f"pipeline {how} --env {environment} lets it go on"
        return f"{action.reason}; {going}, pipeline abort --env {environment} takes it back"
    if isinstance(action, Wait):
        left = max(0, round(action.until - now))
        return f"it is looked at next in {left} s, by pipeline resume --env {environment}"
    return f"pipeline resume --env {environment} goes on"


def rollout_note(canary: Canary, environment: str, releases: Sequence[Release], style: Style) -> list[str]:
    """What the list of releases does not show: a release that is being rolled out, or was taken back since.

    Without `waiting` a run drives it.
    """
    rollout, status = canary.rollout, canary.rollout.status
    current = releases[0].number if releases else 0
    if rollout.is_open(current):
        share = f"release {rollout.release.number} has {status.weight:g} % of the traffic: it is being rolled out"
        hint = f"waiting: {canary.waiting}" if canary.waiting else _steered(environment)
        return [style(share, fg="yellow", bold=True) + f"\n  {hint}"]
    if status.outcome is not Outcome.REVERTED or current >= rollout.release.number:
        return []
    commit = (rollout.release.commit or "-")[:7]
    return [style(f"commit {commit} was taken back: {status.reason}", fg="yellow")]


def _steered(environment: str) -> str:
    steps = ("promote", "pause", "abort")
    return f"a run sees to it; {', '.join(f'pipeline {step} --env {environment}' for step in steps)} steer it"


def render_rollout(report: RolloutReport, style: Style) -> str:
    """What came of promoting, aborting, pausing or continuing a rollout."""
    took = style.dim(f"({seconds(sum(report.seconds.values()))}, {report.aws_calls} AWS calls)")
    head = headline(report.canary, report.environment, report.release, style)
    return "\n".join([f"{head} {took}", *render_canary(report.canary, style)])
