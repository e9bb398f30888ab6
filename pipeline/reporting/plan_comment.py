"""The comment on a pull request that follows an environment from the plan to what serves. Pure.

Its first line is the verdict. Then comes what has become of it, which is all that is exchanged later, what destroys
something, what widens access, and folded all the rest. What does not fit into a comment is left out in the order of how
little it matters: the verdict and the lines that destroy something are never among it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import sha256

from pipeline.model.plan import Change, Plan
from pipeline.reporting.access_text import access_lines
from pipeline.reporting.markdown import code, fence, folded, hidden, link, units
from pipeline.reporting.masking import masked
from pipeline.reporting.plan_text import change_lines, finding_lines, summary_line
from pipeline.reporting.style import Style, counted
from pipeline.reporting.verdicts import Verdict, destructive

# GitHub takes 65,536 characters.
LIMIT = 65_536
# What of 50 characters ": widens access" leaves.
_LONGEST_PLACE = 35
# A longer list of what widens is folded.
_MOST_LINES = 20
_PLAIN = Style(colour=False)
_BEGIN, _END = "<!-- pipeline:status -->", "<!-- /pipeline:status -->"
_STATUS = re.compile(rf"{_BEGIN}\s*(.*?){_END}", re.DOTALL)
_FOLDED = re.compile(r"<details><summary>[^\n]*</summary>\n\n.*?\n\n</details>\n\n", re.DOTALL)


@dataclass(frozen=True)
class Section:
    """One more block of the comment, such as what the change costs: a title and Markdown of ours."""

    title: str
    body: str


@dataclass(frozen=True)
class Frame:
    """What a plan does not tell: the environment's `place` in the repository, the page with all of it (`more_at`).

    `region`: the environment has several regions, and this is one of them. `sha` is the commit that was reviewed, where
    what is checked out is GitHub's trial merge of it. `show_values`: values of environment variables may be shown.
    `sections` are shown folded. `first` stands for the verdict where that is not the usual one.
    """

    place: str
    sha: str | None = None
    more_at: str | None = None
    show_values: bool = False
    sections: tuple[Section, ...] = ()
    region: bool = False
    first: str = ""

    def shown(self, plan: Plan) -> Plan:
        """The plan as others may see it."""
        return replace(plan if self.show_values else masked(plan), commit=self.sha or plan.commit)


def marker(place: str) -> str:
    """The line that no reader sees and by which the comment of an environment is found again."""
    return f"<!-- pipeline:plan {hidden(place)} -->"


def verdict(plan: Plan, *, region: bool = False) -> str:
    """The first line: `### 🔴 production at 1a2b3c4: +3 ~2 -1 · destroys 1 · 1 undoes drift · widens access`.

    With `region` it says which one of several it is about.
    """
    where = f" in {code(plan.region)}" if region else ""
    return f"### {Verdict.of(plan).line(f'{code(plan.environment)}{where}')}"


def labels(verdict: Verdict, place: str) -> tuple[str, ...]:
    """The labels that the pull request gets for this environment; `place` is its name in the repository."""
    found = (verdict.destroyed, verdict.widens, verdict.drift)
    return tuple(label for label, holds in zip(all_labels(place), found, strict=True) if holds)


def all_labels(place: str) -> tuple[str, ...]:
    """All labels that this environment may give: GitHub takes 50 characters, so a long name ends with its digest."""
    if len(place) > _LONGEST_PLACE:
        place = f"{place[: _LONGEST_PLACE - 9]}…{sha256(place.encode()).hexdigest()[:8]}"
    return tuple(f"{place}: {word}" for word in ("destructive", "widens access", "drift"))


def render_comment(plan: Plan, status: str, frame: Frame, limit: int = LIMIT) -> str:
    """The whole comment, or what of it fits. `status` is Markdown of ours."""
    mark = marker(frame.place)
    return f"{_rendered(plan, status, frame, limit - units(mark) - 2)}\n\n{mark}"


def render_part(plan: Plan, status: str, frame: Frame, limit: int) -> str:
    """The same of one of several regions, whose comment has a part for each."""
    line = Verdict.of(frame.shown(plan)).line(code(plan.region))
    return _rendered(plan, status, replace(frame, first=f"#### {line}"), limit)


def _rendered(plan: Plan, status: str, frame: Frame, limit: int) -> str:
    shown, more_at = frame.shown(plan), frame.more_at
    blocks = {**_blocks(shown, status, frame), "foot": _foot(plan, more_at)}
    for name in ("details", "warnings", "sections", "access", "blockers", "destructive"):
        if units(_joined(blocks)) <= limit:
            break
        blocks[name] = _shorter(name, shown, more_at) if blocks[name] else ""
    return _fitting(blocks, limit)


def _blocks(plan: Plan, status: str, frame: Frame) -> dict[str, str]:
    return {
        "verdict": frame.first or verdict(plan, region=frame.region),
        "status": status_block(status),
        "destructive": _destructive(plan),
        "blockers": _alert("CAUTION", "This plan may not be applied as it stands.", map(str, plan.blockers)),
        "access": _access(plan),
        "sections": "\n\n".join(folded(each.title, each.body) for each in frame.sections),
        "warnings": _warnings(plan),
        "details": _details(plan),
    }


def _foot(plan: Plan, more_at: str | None) -> str:
    """The counts in words, and the digest of the plan with all its values."""
    more = [link("run", more_at)] if more_at else []
    return f"<sub>{' · '.join([summary_line(plan), code(plan.digest[:19]), *more])}</sub>"


def _alert(kind: str, title: str, lines: Iterable[str]) -> str:
    """https://docs.github.com/en/get-started/writing-on-github/getting-started-with-writing-and-formatting-on-github/basic-writing-and-formatting-syntax#alerts"""
    found = list(lines)
    return f"> [!{kind}]\n> **{title}**\n\n{fence(found)}" if found else ""


def _destructive(plan: Plan) -> str:
    return _alert_of(plan, [_destructive_line(change) for change in destructive(plan)])


def _access(plan: Plan) -> str:
    """Who may do more; folded where that is much, as at the first deploy of all."""
    lines = _dedented(access_lines(plan.access, _PLAIN)[1:])
    if len(lines) <= _MOST_LINES:
        return _alert("WARNING", "Access widens.", lines)
    title = counted(len(plan.access), "grant")
    return f"> [!WARNING]\n> **Access widens.**\n\n{folded(title, fence(lines))}"


def _alert_of(plan: Plan, lines: list[str]) -> str:
    count = len(destructive(plan))
    title = f"{counted(count, 'change')} {'destroys' if count == 1 else 'destroy'} what is there."
    return f"> [!CAUTION]\n> **{title}**\n\n{fence(lines, 'diff')}" if lines else ""


def _destructive_line(change: Change) -> str:
    source = change.desired.source if change.desired else None
    place = f" ({source})" if source else ""
    reason = f": {change.reason}" if change.reason else ""
    return f"- {change.action} {change.address}{reason}{place}"


def _warnings(plan: Plan) -> str:
    if not plan.warnings:
        return ""
    lines = finding_lines(replace(plan, blockers=()), _PLAIN)
    return folded(counted(len(plan.warnings), "warning"), fence(line.removeprefix("warning: ") for line in lines))


def _details(plan: Plan) -> str:
    lines = [line for change in plan.changes for line in _dedented(change_lines(change, _PLAIN))]
    return folded(counted(len(plan.changes), "change"), fence(lines, "diff")) if lines else ""


def _dedented(lines: list[str]) -> list[str]:
    """Without the two blanks that the terminal's lines begin with, so that a diff is coloured; no empty line last."""
    found = [line.removeprefix("  ") for line in lines]
    return found[:-1] if found and not found[-1] else found


def _left_out(what: str, more_at: str | None) -> str:
    where = link("the job's summary and the artifact of the run", more_at)
    return f"{what}, too long for a comment: see {where}."


def _shorter(name: str, plan: Plan, more_at: str | None) -> str:
    """What stands for a block that is too long."""
    match name:
        case "details":
            return _left_out(counted(len(plan.changes), "change"), more_at)
        case "warnings":
            return _left_out(counted(len(plan.warnings), "warning"), more_at)
        case "access":
            return f"> [!WARNING]\n> **Access widens.** {_left_out(counted(len(plan.access), 'grant'), more_at)}"
        case "blockers":
            count = _left_out(counted(len(plan.blockers), "finding"), more_at)
            return f"> [!CAUTION]\n> **This plan may not be applied as it stands.** {count}"
        case "destructive":
            return _alert_of(plan, [f"- {change.action} {change.address}" for change in destructive(plan)])
        case _:
            return ""


def _joined(blocks: dict[str, str]) -> str:
    return "\n\n".join(block for block in blocks.values() if block)


def _fitting(blocks: dict[str, str], limit: int) -> str:
    """The comment within the limit: where even addresses are too many, as many of them as fit."""
    over = units(_joined(blocks)) - limit
    if over > 0:
        lines = blocks["destructive"].splitlines()
        kept, cut = lines[:-1], 0
        while kept and over + 40 > 0:
            over -= units(kept.pop()) + 1
            cut += 1
        blocks = {**blocks, "destructive": "\n".join([*kept, f"- … and {cut} more", lines[-1]])}
    return _joined(blocks)


def status_block(status: str) -> str:
    """The part that is exchanged while the change goes its way."""
    return f"{_BEGIN}\n\n{status}\n\n{_END}"


def with_status(body: str, status: str, limit: int = LIMIT) -> str | None:
    """The comment with another status; None when it has no place for one.

    Where that makes it too long, what is folded goes, and then all of the status but its first line.
    """
    for old, new in (body, status), (without_folds(body), status), (without_folds(body), status.partition("\n")[0]):
        found = _STATUS.search(old)
        if found is None:
            return None
        changed = f"{old[: found.start()]}{status_block(new)}{old[found.end() :]}"
        if units(changed) <= limit:
            return changed
    return changed


def everywhere(body: str, status: str, over: tuple[str, ...] = ()) -> str:
    """The comment with this status in the place of each that it has, which may be one for each region.

    With `over` only in the place of those that begin with one of these.
    """

    def exchanged(found: re.Match[str]) -> str:
        return status_block(status) if found[1].startswith(over or "") else found[0]

    changed = _STATUS.sub(exchanged, body)
    return changed if units(changed) <= LIMIT else without_folds(changed)


def without_folds(body: str) -> str:
    """The comment without what is folded."""
    return _FOLDED.sub("", body)


def status_only(place: str, status: str) -> str:
    """A comment for what never came to a plan."""
    return f"### ⚪ {code(place)}\n\n{status_block(status)}\n\n{marker(place)}"
