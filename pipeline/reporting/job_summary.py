"""What the page of a run shows: the plan in full, its resources as a graph, what took how long. Pure.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.model.plan import Action, Change, Plan
from pipeline.model.rollout import Measurement
from pipeline.reporting.markdown import code, fence, folded, printable
from pipeline.reporting.plan_comment import Frame, verdict
from pipeline.reporting.plan_text import render_plan
from pipeline.reporting.style import Style, counted
from pipeline.reporting.style import seconds as duration

# Of one step. What is longer is not shown at all.
LIMIT = 1024 * 1024
# GitHub draws at most 500 edges and 50,000 characters; nobody reads more than this many boxes.
_MOST_NODES, _MOST_EDGES = 80, 200
_MOST_LOOKS = 24  # side by side
_CLASSES = {
    Action.CREATE: "fill:#dafbe1,stroke:#1a7f37",
    Action.UPDATE: "fill:#fff8c5,stroke:#9a6700",
    Action.REPLACE: "fill:#fbefff,stroke:#8250df",
    Action.DELETE: "fill:#ffebe9,stroke:#cf222e",
}


def render_summary(
    plan: Plan,
    status: str,
    frame: Frame,
    *,
    seconds: Mapping[str, float],
    canary: Sequence[Mapping[str, Any]] = (),
    looks: Sequence[Measurement] = (),
) -> str:
    """Everything about one environment. `status` is Markdown of ours, `seconds` what each stage took.

    `canary` has the steps of a rollout, `looks` what was measured in them.
    """
    shown = frame.shown(plan)
    blocks = [
        verdict(shown, region=frame.region),
        status,
        graph(shown),
        *(f"#### {each.title}\n\n{each.body}" for each in frame.sections),
        timeline(seconds),
        canary_table(canary),
        *canary_charts(looks),
        folded(counted(len(plan.changes), "change"), fence(render_plan(shown, Style(False), details=True).split("\n"))),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def within(text: str, room: int = LIMIT) -> str:
    """`text` in at most `room` bytes, cut at a line, with a word about it."""
    if len(text.encode()) <= room:
        return text
    note = "\n````\n\n</details>\n\nThe rest is in the artifact of the run.\n"
    kept = text.encode()[: max(room - len(note.encode()), 0)].decode(errors="ignore")
    return kept.rpartition("\n")[0] + note if len(note.encode()) <= room else ""


def graph(plan: Plan) -> str:
    """The resources that change and what they need, as a Mermaid graph; empty when nothing changes."""
    changes = [change for change in plan.effective if change.action in _CLASSES][:_MOST_NODES]
    if not changes:
        return ""
    edges = _edges(changes)
    nodes = {
        address: f"n{at}" for at, address in enumerate(dict.fromkeys([*(c.address for c in changes), *sum(edges, ())]))
    }
    actions = {change.address: change.action for change in changes}
    lines = ["graph LR"]
    for address, node in nodes.items():
        mark = f"{actions[address].mark} " if address in actions else ""
        style = f":::{actions[address].value}" if address in actions else ""
        lines.append(f'  {node}["{mark}{_label(address)}"]{style}')
    lines += [f"  {nodes[needed]} --> {nodes[user]}" for needed, user in edges]
    lines += [f"  classDef {action.value} {look}" for action, look in _CLASSES.items()]
    left = len([change for change in plan.effective if change.action in _CLASSES]) - len(changes)
    note = f"\n\n… and {counted(left, 'change')} more." if left else ""
    return "```mermaid\n" + "\n".join(lines) + "\n```" + note


def _edges(changes: Sequence[Change]) -> list[tuple[str, str]]:
    """(needed, user) of what the changed resources refer to, as many as can be drawn."""
    wanted = [(needed, c.address) for c in changes if c.desired is not None for needed in c.desired.dependencies]
    return wanted[:_MOST_EDGES]


def _label(address: str) -> str:
    """Text in quotes, where Mermaid has entities of its own: https://mermaid.js.org/syntax/flowchart.html"""
    safe = (c if c.isalnum() or c in "./:-_ " else f"#{ord(c)};" for c in printable(address))
    return "".join(safe)


def timeline(seconds: Mapping[str, float]) -> str:
    """The stages of the run, one after the other, as a Mermaid chart."""
    if not seconds:
        return ""
    lines = ["gantt", "  dateFormat x", "  axisFormat %M:%S"]
    at = 0
    for stage, took in seconds.items():
        end = at + max(round(took * 1000), 1)
        lines.append(f"  {stage} ({duration(took)}) :{at}, {end}")
        at = end
    return "```mermaid\n" + "\n".join(lines) + "\n```"


def canary_table(steps: Sequence[Mapping[str, Any]]) -> str:
    """What callers got step by step, and why that went on; empty when traffic was not shifted in steps."""
    if not steps:
        return ""
    rows = [f"| {step['weight']:g} % | {_cell(step.get('verdict'))} | {_cell(step.get('reason'))} |" for step in steps]
    return "\n".join(["| traffic | verdict | why |", "|---|---|---|", *rows])


def canary_charts(looks: Sequence[Measurement]) -> list[str]:
    """The canary beside the stable release, look by look: errors, and latency where it is known of both."""
    shown = looks[-_MOST_LOOKS:]
    errors = [(look, look.canary.error_rate or 0.0, look.stable.error_rate or 0.0) for look in shown]
    slow = [(look, look.canary.p99, look.stable.p99) for look in shown]
    timed = [(look, new, old) for look, new, old in slow if new is not None and old is not None]
    charts = (("errors in percent", errors), ("p99 in milliseconds", timed))
    return [_chart(title, points, looks[0].start) for title, points in charts if points]


def _chart(title: str, points: Sequence[tuple[Measurement, float, float]], began: float) -> str:
    """https://mermaid.js.org/syntax/xyChart.html"""
    most = max(1.0, *(value for _, *both in points for value in both))
    names = ", ".join(f'"{look.weight:g} % {_clock(look.at - began)}"' for look, *_ in points)
    lines = [
        "xychart-beta",
        f'  title "{title}: new release (bars), stable release (line)"',
        f"  x-axis [{names}]",
        f"  y-axis 0 --> {most:.4g}",
        f"  bar [{', '.join(f'{new:.4g}' for _, new, _ in points)}]",
        f"  line [{', '.join(f'{old:.4g}' for _, _, old in points)}]",
    ]
    return "```mermaid\n" + "\n".join(lines) + "\n```"


def _clock(seconds: float) -> str:
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}"


def _cell(text: str | None) -> str:
    """https://github.github.com/gfm/#tables-extension-"""
    return code(text).replace("|", "\\|") if text else ""
