"""Turns the executor's events into lines for people."""

from pipeline.applying.executor import Progress
from pipeline.model.plan import Action
from pipeline.reporting.console import Live
from pipeline.reporting.style import Style, seconds

_DOING = {
    Action.CREATE: "creating",
    Action.UPDATE: "updating",
    Action.REPLACE: "replacing",
    Action.DELETE: "deleting",
    Action.RETIRE: "retiring the old of",
}


class Display:
    """Shows each change while it is under way, and one line when it has ended."""

    def __init__(self, live: Live, style: Style) -> None:
        self.live, self.style = live, style

    def __call__(self, progress: Progress) -> None:
        """Shows one event."""
        change = progress.change
        if progress.state == "begun":
            self.live.begun(change.address, f"{_DOING[change.action]} {change.address}")
            return
        took = self.style.dim(seconds(progress.seconds))
        if progress.state == "ended":
            line = f"  {self.style.action(change.action)} {change.address}  {took}"
        else:
            line = f"  {self.style('✗', fg='red', bold=True)} {change.address}  {took}"
        self.live.ended(change.address, line)
