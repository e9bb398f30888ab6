"""Whether somebody may command an environment: GitHub is asked, because nothing in an event proves it."""

from functools import partial

from pipeline.commands.hub import Hub, answer
from pipeline.commands.workspace import Workspace
from pipeline.errors import Diagnostic, GitHubError, Refused
from pipeline.github.repository import LEVELS
from pipeline.intake.words import quoted

# What everybody has who may push.
PUSH = "write"


def check_permission(hub: Hub, login: str | None, needed: str, doing: str) -> None:
    """Refused when `login` may not; GitHubError when GitHub does not tell."""
    found = hub.repository.permission(login) if login else "none"
    if LEVELS.index(found) < LEVELS.index(needed):
        raise Refused(
            f"{doing}: {quoted(login or 'nobody')} has the permission {found} here, and {needed} is needed",
            hint=f"ask somebody with {needed} or more; see permission in pipeline.yaml",
        )


def check_tag(space: Workspace, hub: Hub | None, login: str | None, needed: str) -> None:
    """Refused when who pushed a rollback tag may not roll back.

    GitHub let the tag in, so whoever pushed it may write. That is all that is known while GitHub cannot be asked, and
    enough where no more is needed: an outage there must not keep anybody from rolling back.
    """
    doing = f"rolling {space.name} back"
    # An app has no role in a repository, only what it was installed with.
    app = login is not None and login.endswith("[bot]")
    if hub is not None and not app:
        try:
            answer(hub.ask(partial(check_permission, hub, login, needed, doing)))
            return
        except GitHubError as error:
            why = str(error)
    else:
        why = "it is an app" if app else "there is no GITHUB_TOKEN to ask GitHub with"
    if needed != PUSH:
        raise Refused(
            f"{doing}: {needed} is needed, and what {quoted(login or 'nobody')} may do cannot be told: {why}",
            hint=f"pipeline rollback --env {space.name}, with credentials of your own",
        )
    text = f"{doing}: what {quoted(login or 'nobody')} may do could not be asked ({why}); pushing the tag took write"
    space.console.warn(Diagnostic(text, severity="warning"))
