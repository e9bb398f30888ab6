"""Where a pull request shows an environment: comment, labels, check run, of several regions one for all of them.

Each region writes its own part then. Where regions are on runners of their own, they write at the same time, and GitHub
has no update on condition: so what a run wrote is looked at once more at its end, and written again where another one
that had read before has overwritten it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from pipeline.commands.hub import Hub
from pipeline.errors import Diagnostic
from pipeline.github.checks import Check
from pipeline.github.issues import Text
from pipeline.model.plan import Plan
from pipeline.reporting import plan_comment
from pipeline.reporting.markdown import hidden
from pipeline.reporting.plan_comment import Frame
from pipeline.reporting.regional import Judged, Regional, verdict_in
from pipeline.reporting.verdicts import Verdict

Numbers = Callable[[Hub], Iterable[int]]
Write = Callable[[str | None], str | None]


@dataclass(frozen=True)
class Telling:
    """What is told of the environment `name`: of `region`, where it has several `regions`."""

    hub: Hub | None
    name: str
    region: str | None
    regions: tuple[str, ...]

    @property
    def place(self) -> str:
        """The environment as the repository knows it: with the folder of its service."""
        return self.hub.place(self.name) if self.hub else self.name

    @property
    def _regional(self) -> Regional | None:
        return Regional(self.place, self.region, self.regions) if self.region else None

    def _put(self, what: str, job: Callable[[Hub], object]) -> None:
        if self.hub is not None:
            where = f"{self.place}/{self.region}" if self.region else self.place
            self.hub.put(f"{what} of {where}", partial(job, self.hub), shared=self.region is not None)

    def comment(self, numbers: Numbers, plan: Plan | None, status: str, frame: Frame, *, alone: bool = False) -> None:
        """Brings the comments of pull requests up to date; while no plan is known, their status alone.

        `alone`: a comment is made of the status where there is none yet.
        """
        mark, write = plan_comment.marker(self.place), self._writing(plan, status, frame, alone=alone)

        def job(hub: Hub) -> bool:
            write_one = hub.repository.revise_comment if self.region else hub.repository.put_comment
            changed = [write_one(number, mark, write) for number in numbers(hub)]
            return any(changed)

        self._put("the comment", job)

    def status(self, hub: Hub, number: int, status: str, frame: Frame) -> bool:
        """Has the comment on a pull request say something else, where there is one; at once. Whether it was changed."""
        write = self._writing(None, status, frame)
        return hub.repository.revise_comment(number, plan_comment.marker(self.place), lambda old: old and write(old))

    def _writing(self, plan: Plan | None, status: str, frame: Frame, *, alone: bool = False) -> Write:
        regional = self._regional
        if regional is not None:
            return lambda old: regional.comment(old, plan, status, frame, alone=alone)
        body = plan_comment.render_comment(plan, status, frame) if plan else None

        def write(old: str | None) -> str | None:
            changed = plan_comment.with_status(old, status) if old is not None else None
            return body or changed or (plan_comment.status_only(self.place, status) if alone else None)

        return write

    def labels(self, number: int, plan: Plan) -> None:
        """Sets the labels of a pull request; those of several regions follow from their comment."""
        mark, ours = plan_comment.marker(self.place), plan_comment.all_labels(self.place)

        def job(hub: Hub) -> None:
            verdict = Verdict.of(plan)
            if self.region:
                found = hub.repository.find_comment(number, mark)
                verdict = Verdict.of_all([verdict, verdict_in(found.body if found else None)])
            hub.repository.set_labels(number, plan_comment.labels(verdict, self.place), ours)

        self._put("the labels", job)

    def check(self, sha: str, judged: Judged, findings: Sequence[Diagnostic], url: str | None) -> None:
        """Makes or completes the check run on a commit."""
        name, found, regional = f"plan {self.place}", tuple(findings), self._regional

        def check(now: Judged) -> Check:
            return Check(name, sha, now.conclusion, now.title, now.summary, found, url)

        def job(hub: Hub) -> bool:
            if regional is None:
                hub.checks.put(check(judged), hub.key)
                return True
            # One for all attempts of the run: when a job of another region is started again, this part is still good.
            run = hub.key.partition(".")[0]
            return hub.checks.revise(name, sha, run, lambda old: check(regional.check(old, judged)))

        self._put("the check run", job)

    def drift(self, report: str, *, drifted: bool) -> None:
        """Keeps the issue about drift: opens it, brings it up to date, or closes it."""
        marker, title, regional = (
            f"<!-- pipeline:drift {hidden(self.place)} -->",
            f"drift in {self.place}",
            self._regional,
        )

        def write(old: str | None) -> Text:
            return Text(*regional.issue(old, report, drifted=drifted)) if regional else Text(report, drifted)

        self._put("the drift issue", lambda hub: hub.drift.revise(marker, title, write))
