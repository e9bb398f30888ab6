"""What GitHub shows of an environment in several regions, as one of them writes it: one comment, one check, one issue.

Pure. A region exchanges its own part and leaves the others alone; the first line sums up all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pipeline.model.plan import Plan
from pipeline.reporting.markdown import code, link, units
from pipeline.reporting.parts import Part, joined, parts_in, share_of, with_part
from pipeline.reporting.plan_comment import (
    LIMIT,
    Frame,
    marker,
    render_part,
    status_block,
    with_status,
    without_folds,
)
from pipeline.reporting.verdicts import Verdict

# A check run has one character less than a comment.
CHECK_LIMIT = 65_535
# From the best to the worst that a check run may conclude.
_CONCLUSIONS = ("success", "neutral", "failure")
_TITLE = 250


@dataclass(frozen=True)
class Judged:
    """What a check run says. Without a `conclusion` other regions are still to come."""

    conclusion: str | None
    title: str
    summary: str


@dataclass(frozen=True)
class Regional:
    """`region` of an environment in several; `place` is the environment as the repository knows it."""

    place: str
    region: str
    regions: tuple[str, ...]

    def comment(self, old: str | None, plan: Plan | None, status: str, frame: Frame, *, alone: bool) -> str | None:
        """The comment with the plan of this region, without one with its status alone; None: there is nothing to say.

        `alone`: a part is made of the status where there is none yet.
        """
        parts, room = self._known(old), share_of(LIMIT, len(self.regions))
        mine = parts.get(self.region)
        if plan is not None:
            part = Part(render_part(plan, status, frame, room), Verdict.of(frame.shown(plan)).to_json())
        elif mine is not None and (changed := with_status(mine.body, status, room)) is not None:
            part = replace(mine, body=changed)
        elif alone:
            part = Part(self._status_only(status))
        else:
            return None
        if units(part.body) > room:
            text = f"too long for a comment on {len(self.regions)} regions: see {link('the run', frame.more_at)}"
            part = replace(part, body=self._status_only(text))
        return self._comment({**parts, self.region: part})

    def _known(self, old: str | None) -> dict[str, Part]:
        """The parts of the comment; one of the time when the environment had one region is about the home region."""
        parts = parts_in(old)
        if old and not parts:
            body = without_folds(old.replace(marker(self.place), "")).strip().replace("### ", "#### ", 1)
            parts = {self.regions[0]: Part(body)}
        return parts

    def _status_only(self, status: str) -> str:
        return f"#### ⚪ {code(self.region)}\n\n{status_block(status)}"

    def _comment(self, parts: Mapping[str, Part]) -> str:
        shown = {region: parts[region] for region in self.regions if region in parts}
        planned = _verdicts(shown)
        what = f"{code(self.place)} in {len(self.regions)} regions"
        line = Verdict.of_all(planned.values()).line(what) if planned else f"⚪ {what}"
        return "\n\n".join([f"### {line}{self._missing(planned)}", joined(shown), marker(self.place)])

    def _missing(self, there: Mapping[str, object]) -> str:
        missing = [code(region) for region in self.regions if region not in there]
        return f" · without {', '.join(missing)}" if missing else ""

    def check(self, old: str | None, judged: Judged) -> Judged:
        """The check run with what was found in this region: as bad as the worst, and not done before all are there."""
        room = share_of(CHECK_LIMIT, len(self.regions))
        body = judged.summary if units(judged.summary) <= room else without_folds(judged.summary)
        body = body if units(body) <= room else f"{judged.title}: too long for a check of {len(self.regions)} regions"
        mine = Part(body, {"conclusion": judged.conclusion, "title": judged.title[:_TITLE]})
        parts = with_part(old, self.region, mine, self.regions)
        conclusions = [part.about.get("conclusion") for part in parts.values()]
        found = [_CONCLUSIONS.index(each) for each in conclusions if each in _CONCLUSIONS]
        worst = _CONCLUSIONS[max(found)]
        done = worst == "failure" or len(found) == len(self.regions)
        titles = [f"{region}: {part.about.get('title')}" for region, part in parts.items()]
        return Judged(worst if done else None, "; ".join(titles)[:_TITLE], joined(parts))

    def issue(self, old: str | None, report: str, *, drifted: bool) -> tuple[str, bool]:
        """The issue about drift, and whether it is open: while a region has drifted, or one is not compared yet."""
        parts = with_part(old, self.region, Part(report, {"drifted": drifted}), self.regions)
        unknown = old is not None and len(parts) < len(self.regions)
        return joined(parts), unknown or any(part.about.get("drifted") for part in parts.values())


def verdict_in(comment: str | None) -> Verdict:
    """The verdict about all regions that a comment has a plan of."""
    return Verdict.of_all(_verdicts(parts_in(comment)).values())


def _verdicts(parts: Mapping[str, Part]) -> dict[str, Verdict]:
    return {region: Verdict.read(part.about) for region, part in parts.items() if "commit" in part.about}
