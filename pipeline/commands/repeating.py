"""Whether a run that was started again may still deploy: what it is about may be long outdated by then."""

from functools import partial

from pipeline.commands.hub import Hub, answer
from pipeline.commands.workspace import Workspace
from pipeline.errors import Diagnostic, GitHubError, Refused
from pipeline.intake.words import quoted
from pipeline.model.intent import Intent

_BRANCH = "refs/heads/"


def check_newest(space: Workspace, hub: Hub | None, intent: Intent) -> None:
    """Refused when the branch of the event has another commit by now: deploying the old one would undo the newer.

    GitHub starts a run again with the event and the commit of the first time:
    https://docs.github.com/en/actions/how-tos/manage-workflow-runs/re-run-workflows-and-jobs
    """
    ref = space.environ.get("GITHUB_REF", "")
    if not intent.again or intent.sha is None or not ref.startswith(_BRANCH):
        return
    branch = ref.removeprefix(_BRANCH)
    doing = f"deploying {', '.join(intent.environments)} again"
    if hub is None:
        why = "there is no GITHUB_TOKEN to ask GitHub with"
    else:
        try:
            newest = answer(hub.ask(partial(hub.repository.head_of, branch)))
        except GitHubError as error:
            why = str(error)
        else:
            _compare(doing, branch, intent.sha, newest)
            return
    text = f"{doing}: whether {quoted(branch)} is still at {intent.sha[:12]} could not be asked ({why})"
    space.console.warn(Diagnostic(text, severity="warning"))


def _compare(doing: str, branch: str, sha: str, newest: str | None) -> None:
    if newest != sha:
        found = f"is at {newest[:12]} by now" if newest else "is gone"
        raise Refused(
            f"{doing}: this run is about commit {sha[:12]}, and branch {quoted(branch)} {found}",
            hint="start the run of the newest push again; to go back to an older release: pipeline rollback",
        )
