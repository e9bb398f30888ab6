"""Tells a repository on GitHub what becomes of one environment: comment, labels, check run, deployment, summary.

The comment on the pull request is one and the same from the plan to what serves. All of it goes through the outbox:
the run neither waits for GitHub nor fails with it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from pipeline.commands.answering import DONE, NOT_DONE, Answering
from pipeline.commands.concluding import conclude
from pipeline.commands.hub import Hub, answer
from pipeline.commands.regions import regions_at
from pipeline.commands.summarizing import keep, report_folder, set_outputs, summarize
from pipeline.commands.telling import Telling
from pipeline.commands.workspace import Workspace
from pipeline.config.loaded import GitHubSettings
from pipeline.errors import Diagnostic, GitHubError
from pipeline.github.deployments import Target
from pipeline.github.repository import Pull
from pipeline.model.intent import Intent, Kind
from pipeline.model.plan import Plan
from pipeline.model.report import Canary, DeployReport, RollbackPlan, RollbackReport
from pipeline.model.rollout import Outcome
from pipeline.reporting import plan_comment, status_text
from pipeline.reporting.answer_text import answered_text
from pipeline.reporting.check_text import address_of, conclusion_of, findings_of, outputs_of, title_of
from pipeline.reporting.job_summary import render_summary
from pipeline.reporting.markdown import hidden
from pipeline.reporting.regional import Judged
from pipeline.reporting.rollback_text import ROLLBACK_NOTICE


@dataclass
class Following:
    """Follows what an intent does to one environment.

    Without a `hub` only the job's summary and outputs are written.
    """

    space: Workspace
    intent: Intent
    hub: Hub | None
    run: status_text.Run
    settings: GitHubSettings
    plan: Plan | None = field(default=None, init=False)
    sections: tuple[plan_comment.Section, ...] = field(default=(), init=False)
    commit: str | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        # Of other kinds the event's commit is not what they are about.
        self.commit = self.intent.sha if self.intent.kind in (Kind.DEPLOY, Kind.PREVIEW) else None

    def begins(self) -> None:
        """The run starts on it."""
        if self.intent.kind is Kind.DEPLOY:
            self._deployment("in_progress", "under way")
        if self.intent.kind is not Kind.RESUME:
            self._tell(status_text.working(self.intent.kind, self.run))

    def planned(self, plan: Plan) -> None:
        """The plan that is about to be carried out."""
        self.plan = plan
        self._tell(status_text.deploying(self.run))

    def progress(self, commit: str | None, text: str) -> None:
        """How far it is."""
        self.commit = commit or self.commit
        self._tell(status_text.deploying(self.run, text))

    def previewed(self, plan: Plan, *sections: plan_comment.Section) -> None:
        """A plan that is shown and not carried out; `sections` are shown with it."""
        self.plan, self.sections = plan, sections
        status = status_text.planned(self.run)
        self._tell(status)
        self._done()
        if self.intent.pull_request is not None:
            self.telling.labels(self.intent.pull_request, plan)
        conclude(self.hub, self.intent, self.space.actor)
        self._check(
            conclusion_of(plan),
            title_of(plan),
            plan_comment.render_comment(plan, status, self.frame),
            findings_of(plan),
        )
        self._leave(plan, status, None)

    def deployed(self, report: DeployReport) -> None:
        """What serves now."""
        status = status_text.live(report, self.run)
        self.commit = report.commit
        # With nothing to do, the plan that was reviewed is the one to show.
        self.plan = report.plan if report.changed else None
        self._tell(status)
        self._done()
        self._deployment("success", f"live as release {report.release}", url=address_of(report))
        self._leave(report.plan, status, report)

    def shifted(self, canary: Canary, report: DeployReport | None = None) -> None:
        """A release that gets its traffic in steps is live, was taken back, or waits."""
        release, outcome = canary.rollout.release, canary.rollout.status.outcome
        self.commit = release.commit or self.commit
        status = status_text.shifted(canary, self.run)
        self._tell(status)
        if outcome is not Outcome.RUNNING:
            state = "success" if outcome is Outcome.PROMOTED else "failure"
            self._deployment(state, f"release {release.number} is {outcome}")
        # Aborting is a success of who aborts.
        self._done(good=canary.exit_code == 0 or self.intent.kind is Kind.ABORT)
        if report is not None:
            self._leave(report.plan, status, report)

    def rolled_back(self, report: RollbackReport) -> None:
        """An older release serves again: the pull request of the one that was reverted is told."""
        deploy, plan = report.deploy, report.plan
        status = status_text.rolled_back(report, self.space.actor, self.run)
        self.commit = deploy.commit
        self.answered(status)
        if report.echo is not None:
            self._deployment("inactive", f"release {report.echo} was made by this run before")
        else:
            text = f"release {deploy.release} restores {plan.target.number}"
            self._deployment("success", text, url=address_of(deploy))
        if deploy.changed and plan.origin.commit:
            self._tell_reverted(plan, plan.origin.commit, status)
        self._leave(deploy.plan, status, deploy)
        if deploy.changed and plan.origin.commit and self.settings.revert_pull_request:
            set_outputs(self.space, {"reverted": self._merged(plan.origin.commit)})

    def answered(self, text: str) -> None:
        """What came of a command that no comment follows; Markdown of ours."""
        self._answer(text)
        self._done()

    def failed(self, error: BaseException) -> None:
        """It did not come to a good end."""
        status = status_text.ended(error, self.run)
        self._tell(status, alone=True)
        self._done(good=False)
        if self.intent.kind is Kind.PREVIEW:
            found = tuple(getattr(error, "diagnostics", ()))
            self._check("failure", str(error)[:200], status_text.told(error), found)
        elif self.intent.kind is Kind.DEPLOY:
            self._deployment("failure", str(error))
        summarize(self.space, f"### {self.place}\n\n{status}\n")

    # How each of these is told.

    @property
    def name(self) -> str:
        """The environment."""
        return self.space.name

    @property
    def place(self) -> str:
        """The environment as the repository knows it: with its folder, and one of several regions with it."""
        return self.hub.place(self.space.place) if self.hub else self.space.place

    def _put(self, what: str, job: Callable[[Hub], object], *, shared: bool = False) -> None:
        if self.hub is not None:
            self.hub.put(f"{what} of {self.place}", partial(job, self.hub), shared=shared)

    def _numbers(self, hub: Hub) -> list[int]:
        """The pull requests whose comments follow this: one push of a merge queue may bring several."""
        if self.intent.kind is Kind.PREVIEW:
            return [self.intent.pull_request] if self.intent.pull_request else []
        if self.commit is None or self.intent.kind not in (Kind.DEPLOY, Kind.RESUME, Kind.PROMOTE, Kind.ABORT):
            return []
        return [pull.number for pull in hub.pulls_with(self.commit, self.intent.commits)]

    @property
    def frame(self) -> plan_comment.Frame:
        """What the comment holds besides the plan."""
        shown = self.settings.show_environment_values
        return plan_comment.Frame(
            self.place, self.intent.sha, self.run.url, shown, self.sections, self.space.region is not None
        )

    @property
    def telling(self) -> Telling:
        """Where the pull request shows it."""
        return Telling(self.hub, self.name, self.space.region, regions_at(self.space))

    def _tell(self, status: str, *, alone: bool = False) -> None:
        """Brings the comment up to date; `alone`: a comment is made of the status where there is none yet."""
        self.telling.comment(self._numbers, self.plan, status, self.frame, alone=alone)
        self._answer(status)

    def _answer(self, status: str) -> None:
        if self.hub is not None:
            place, text, regions = self.hub.place(self.name), answered_text(self.place, status), regions_at(self.space)
            Answering(self.hub, self.intent).answer(place, text, self.space.region, regions)

    def _done(self, *, good: bool = True) -> None:
        if self.hub is not None:
            Answering(self.hub, self.intent).react(DONE if good else NOT_DONE)

    def _tell_reverted(self, plan: RollbackPlan, commit: str, status: str) -> None:
        """The comments say so from now on; other ones are written, because nobody is notified of an edit.

        With several releases, or a push of a merge queue, the changes of several pull requests serve no more.
        """
        telling, frame = self.telling, self.frame
        notice = f"{ROLLBACK_NOTICE} {hidden(self.place)} {plan.release} -->"

        def tell(hub: Hub, pull: Pull) -> bool:
            changed = telling.status(hub, pull.number, status, frame)
            hub.repository.put_comment(pull.number, notice, lambda old: old or f"{status}\n\n{notice}")
            return changed

        def job(hub: Hub) -> bool:
            first = next(iter(hub.pulls_of(commit)), None)
            if first is None:
                return False
            changed = [tell(hub, first)]
            if plan.target.commit:
                between = hub.repository.commits_between(plan.target.commit, commit)
                changed += [tell(hub, pull) for pull in hub.pulls_with(commit, between)[1:]]
            return any(changed)

        self._put("the rollback", job, shared=self.space.region is not None)

    def _merged(self, commit: str) -> str:
        """The number of the merged pull request of a commit; empty where GitHub names none soon."""
        if (hub := self.hub) is None:
            return ""
        try:
            pulls = answer(hub.ask(lambda: hub.pulls_of(commit)))
        except GitHubError as error:
            self.space.console.warn(Diagnostic(f"the pull request to revert: {error}", severity="warning"))
            return ""
        return next((str(pull.number) for pull in pulls if pull.merged), "")

    def _check(self, conclusion: str, title: str, text: str, findings: tuple[Diagnostic, ...]) -> None:
        if self.intent.sha is not None:
            self.telling.check(self.intent.sha, Judged(conclusion, title, text), findings, self.run.url)

    def _deployment(self, state: str, description: str, url: str | None = None) -> None:
        if (sha := self.commit) is not None:
            task = "rollback" if self.intent.kind is Kind.ROLLBACK else "deploy"
            own = self.intent.kind in (Kind.DEPLOY, Kind.ROLLBACK)

            def job(hub: Hub) -> None:
                target = Target(self.place, sha, hub.key if own else None, task)
                hub.deployments.put(target, state, description, log_url=self.run.url, url=url)

            self._put("the deployment", job)

    def _leave(self, plan: Plan, status: str, report: DeployReport | None) -> None:
        """What stays with the job: its summary, files for an artifact, outputs for other steps."""
        canary = report.to_json()["canary"]["steps"] if report else ()
        looks = report.canary.rollout.status.measurements if report and report.canary else ()
        text = render_summary(plan, status, self.frame, seconds=self.space.seconds, canary=canary, looks=looks)
        summarize(self.space, text)
        name = self.space.place.replace("/", "-")
        keep(self.space, f"{name}.md", text)
        document = {**self.frame.shown(plan).to_json(), "digest": plan.digest}
        keep(self.space, f"{name}.json", json.dumps(document, indent=2) + "\n")
        folder = report_folder(self.space)
        set_outputs(self.space, {**outputs_of(plan, report), "report": str(folder) if folder else ""})
