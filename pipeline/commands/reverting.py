"""Takes what was rolled back out of the branch, too: opens the pull request that reverts another.

It needs `contents: write`, which no job with credentials of AWS has. So a rollback only says which pull request that
would be (the output `reverted`), and a job of its own does this.
"""

from pipeline.commands.hub import hub_of
from pipeline.commands.workspace import Workspace
from pipeline.errors import BadInput
from pipeline.reporting.markdown import link
from pipeline.reporting.rollback_text import ROLLBACK_NOTICE


def open_revert(space: Workspace, number: int) -> int:
    """Opens the pull request or finds it, and links it where pull request `number` was told of the rollback."""
    hub = hub_of(space)
    if hub is None:
        raise BadInput(
            f"reverting pull request {number}: there is no GITHUB_TOKEN or no GITHUB_REPOSITORY",
            hint="give the step GITHUB_TOKEN: ${{ github.token }}, of a job with contents: write",
        )
    pull = hub.repository.pull(number)
    if pull is None or not pull.merged:
        raise BadInput(f"reverting pull request {number}: no such pull request was merged")
    url = hub.repository.revert(pull, f"Pull request #{number} was rolled back; this takes it out of {pull.base}, too.")
    said = f"There is {link('a pull request that reverts this one', url)}."

    def write(old: str | None) -> str:
        told, _, end = (old or "").partition(ROLLBACK_NOTICE)
        return f"{told}{said}\n\n{ROLLBACK_NOTICE}{end or ' -->'}" if said not in told else old or ""

    hub.repository.put_comment(number, ROLLBACK_NOTICE, write)
    space.console.result({"pull_request": number, "revert": url}, url)
    return 0
