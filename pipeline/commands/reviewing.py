"""The plan that was shown on a pull request: kept in the environment's ledger, and asked for when it is merged.

Whatever way it was merged (merge commit, squash, rebase, queue), GitHub knows the pull request of a commit. While it is
out of order, a merge commit's second parent is the head that was planned.
"""

from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass

from pipeline.commands.hub import Hub, answer
from pipeline.commands.workspace import Workspace, git
from pipeline.errors import Diagnostic, GitHubError, PipelineError
from pipeline.github.repository import Pull
from pipeline.model.intent import Intent
from pipeline.model.plan import Plan, SavedPlan
from pipeline.model.release import LedgerHead
from pipeline.planning.review import EXACT, OFF, check_review, unseen
from pipeline.releasing.store import review_key

# So many commits are looked at that came since the last release: those of deploys that did not get through.
_COMMITS = 50


def remember(space: Workspace, intent: Intent, plan: Plan) -> None:
    """Keeps the plan as what was shown for the pull request's head. That it cannot be kept fails no preview."""
    if intent.pull_request is None or intent.sha is None:
        return
    document = {
        "format": 1,
        "pull_request": intent.pull_request,
        "commit": intent.sha,
        "at": space.clock.stamp(),
        "run_url": space.run_url,
        "plan": plan.to_json(),
    }
    try:
        space.ledger.put_review(intent.sha, document)
    except PipelineError as error:
        text = f"keeping the plan for its review: {error}; a merge that destroys something will be refused"
        hint = "let the role that plans write reviews/* in the ledger's bucket"
        space.console.warn(Diagnostic(text, hint=hint, severity="warning"))


@dataclass
class Reviewing:
    """Compares the plan of a merge with what was shown. GitHub is asked while the code is packaged."""

    space: Workspace
    hub: Hub | None
    sha: str
    policy: str
    _pulls: "Future[list[Pull]] | None" = None

    def __post_init__(self) -> None:
        hub = self.hub
        if self.policy != OFF and hub is not None:
            self._pulls = hub.ask(lambda: hub.pulls_of(self.sha))

    def check(self, plan: Plan, head: LedgerHead) -> None:
        """Refused when the plan does what its pull request did not show, as far as the policy cares.

        Before the first release there is no ledger to have kept anything in.
        """
        if self.policy == OFF or head.current is None or not plan.effective:
            return
        merged, outage = self._merged()
        seen = list(self._kept([self.sha, *(pull.head for pull in merged), *self._parents()]))
        if any(kept.digest == plan.digest for kept in seen):
            return
        if not merged and not seen and self.policy != EXACT:
            why = f"GitHub could not be asked ({outage})" if outage else "it came without a pull request"
            self.space.console.say(f"the plan was compared with none that was reviewed: {why}")
            return
        if self.policy == EXACT or unseen(seen, plan):
            seen += self._kept(list(self._earlier(head)))
        check_review(self.policy, seen, plan)
        self.space.console.say(
            "the plan is not the one that was reviewed, but nothing unseen destroys or opens anything"
        )

    def _merged(self) -> tuple[list[Pull], str | None]:
        """The pull requests that the push merged, or why they cannot be told."""
        if self._pulls is None:
            return [], "there is no GITHUB_TOKEN"
        try:
            return [pull for pull in answer(self._pulls) if pull.merged], None
        except GitHubError as error:
            return [], str(error)

    def _kept(self, commits: list[str]) -> Iterator[SavedPlan]:
        """The plans that were shown for these commits."""
        for commit in dict.fromkeys(commits):
            document = self.space.ledger.get(review_key(commit))
            if document is not None:
                yield SavedPlan.from_json(document["plan"])

    def _parents(self) -> list[str]:
        """The head that a merge commit merged."""
        found = git(self.space.root, "rev-parse", "--verify", "--quiet", f"{self.sha}^2")
        return [found] if found else []

    def _earlier(self, head: LedgerHead) -> Iterator[str]:
        """The heads of the pull requests that were merged since the last release, as far as they can be told."""
        released = head.current.commit if head.current else None
        if released is None or self.hub is None:
            return
        try:
            for commit in self.hub.repository.commits_between(released, self.sha)[-_COMMITS:]:
                yield from (pull.head for pull in self.hub.pulls_of(commit) if pull.merged)
        except GitHubError:
            return
