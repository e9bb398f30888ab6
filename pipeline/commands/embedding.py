"""The embedded AWS of a command: the one that runs for the checkout, else a new one in a dead one's place."""

from typing import TYPE_CHECKING

from pipeline.commands.advising import advice
from pipeline.local import supervisor
from pipeline.reporting.local_text import lost

if TYPE_CHECKING:
    from pipeline.commands.workspace import Workspace


def embedded(workspace: "Workspace") -> supervisor.LocalAws:
    """Where `--local` leads to."""

    named = workspace.environment_name is not None

    def tell() -> None:
        workspace.console.warn(lost(advice(workspace, f"pipeline deploy{'' if named else ' --env NAME --local'}")))

    account = (workspace.environment.account if named else None) or supervisor.DEFAULT_ACCOUNT
    return supervisor.ensure(workspace.root, account=account, progress=workspace.console.say, lost=tell)
