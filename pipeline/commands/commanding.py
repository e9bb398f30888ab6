"""Carries out a command of a comment: a reaction at once, the author's permission, a workflow that does it, an answer.

The run that reads the comment has no credentials of AWS and does not check out a pull request. It starts a workflow on
the environment's own branch, whose jobs have the credentials and the rules of that environment.
https://docs.github.com/en/actions/reference/security/secure-use
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.commands.answering import DONE, NOT_DONE, SEEN, Answering
from pipeline.commands.hub import Hub
from pipeline.commands.permitting import PUSH, check_permission
from pipeline.commands.workspace import Workspace
from pipeline.config.loaded import Project
from pipeline.errors import BadInput, GitHubError, PipelineError, Refused
from pipeline.github.repository import Pull
from pipeline.intake.words import PREVIOUS, environments_of
from pipeline.model.intent import Intent, Kind
from pipeline.reporting.answer_text import help_text, refused_text, started_text


def command(space: Workspace, hub: Hub | None, project: Project, intent: Intent) -> int:
    """Does what the comment asks for, and answers it whatever comes of it; the exit code."""
    if hub is None or intent.pull_request is None:
        raise BadInput(
            f"carrying out the event ({intent.reason}): without GITHUB_TOKEN it cannot be asked whether the author may",
            hint="give the step GITHUB_TOKEN: ${{ github.token }}",
        )
    answering = Answering(hub, intent)
    answering.react(SEEN)
    try:
        for place, text in _Commanding(space, hub, project, intent, intent.pull_request).carry_out():
            answering.answer(place, text)
    except PipelineError as error:
        refuse(hub, intent, error)
        raise
    if intent.command == "help":
        answering.react(DONE)
    return 0


def refuse(hub: Hub, intent: Intent, error: PipelineError) -> None:
    """Tells who gave a command that it was not carried out, and why."""
    answering = Answering(hub, intent)
    answering.answer("", refused_text(intent.command or "", error))
    answering.react(NOT_DONE)


@dataclass(frozen=True)
class _Commanding:
    """One command on pull request `number`."""

    space: Workspace
    hub: Hub
    project: Project
    intent: Intent
    number: int

    def carry_out(self) -> list[tuple[str, str]]:
        """(environment, answer), in Markdown of ours. Raises PipelineError for everything that hinders."""
        intent = self.intent
        if intent.mistake:
            raise BadInput(intent.reason)
        if intent.command == "help":
            return [("", help_text())]
        pull = self.hub.repository.pull(self.number)
        if pull is None:
            raise GitHubError(f"GitHub has no pull request {self.number}", status=404)
        names = self._environments(pull)
        doing = f"/{intent.command}"
        for name in names:
            needed = PUSH if intent.kind is Kind.PREVIEW else self.project.environments[name].permission
            check_permission(self.hub, intent.actor, needed, f"{doing} of {name}")
        sha = pull.head if intent.kind is Kind.PREVIEW else None
        answers = []
        for name in names:
            self._start(name, pull)
            answers.append((self.hub.place(name), started_text(doing, name, intent.actor or "", sha)))
        return answers

    def _environments(self, pull: Pull) -> tuple[str, ...]:
        """Those that are named, else those of the pull request's base branch."""
        branches = {name: settings.branch for name, settings in self.project.environments.items()}
        names = self.intent.environments or environments_of(pull.base, branches)
        if not names:
            raise BadInput(f"/{self.intent.command}: no environment is deployed from {pull.base}; name one")
        if self.intent.kind is Kind.PREVIEW and not pull.open:
            raise Refused(f"/{self.intent.command}: pull request {self.number} is not open any more")
        return names

    def _start(self, name: str, pull: Pull) -> None:
        branch = self.project.environments[name].branch or self._own_branch()
        # What is planned is the pull request; where the workflow comes from is never it.
        # Two runs that go back to what was before would go back twice.
        once = self.intent.target == PREVIOUS
        self.hub.repository.dispatch(self._workflow(), branch, self._inputs(name, pull), once=once)

    def _inputs(self, name: str, pull: Pull) -> Mapping[str, str]:
        intent = self.intent
        action = "unlock" if intent.command == "unlock" else _ACTIONS[intent.kind]
        # With the folder of its service: others may have one of this name.
        place = f"{self.hub.prefix}{name}"
        inputs = {"action": action, "environment": place, "pull_request": str(self.number), "by": intent.actor or ""}
        if intent.comment is not None:
            inputs["comment"] = str(intent.comment)
        if intent.target is not None:
            inputs["release"] = intent.target
        if intent.clear_hold:
            inputs["clear_hold"] = "true"
        if intent.kind is Kind.PREVIEW:
            inputs["sha"] = pull.head
        return inputs

    def _workflow(self) -> str:
        """The file of the workflow that carries commands out: the one that runs now, where nothing else is said.

        `owner/name/.github/workflows/pipeline.yml@refs/heads/main`:
        https://docs.github.com/en/actions/reference/workflows-and-actions/variables
        """
        if self.project.github.workflow is not None:
            return self.project.github.workflow
        found = self.space.environ.get("GITHUB_WORKFLOW_REF", "").partition("@")[0].rpartition("/")[2]
        if not found:
            raise BadInput("starting the workflow: GITHUB_WORKFLOW_REF is not set, which GitHub Actions does",
                           hint="name its file: github: {workflow: pipeline.yml} in pipeline.yaml")  # fmt: skip
        return found

    def _own_branch(self) -> str:
        """The branch that this runs on: for comments the default branch."""
        return self.space.environ.get("GITHUB_REF", "").removeprefix("refs/heads/") or "main"


_ACTIONS: Mapping[Kind, str] = {
    Kind.PREVIEW: "plan",
    Kind.DEPLOY: "deploy",
    Kind.ROLLBACK: "rollback",
    Kind.PROMOTE: "promote",
    Kind.ABORT: "abort",
}
