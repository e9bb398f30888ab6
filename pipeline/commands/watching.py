"""Shows a rollout while it goes on: a line for everything that happens, and on a terminal what is under way."""

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from pipeline.commands.workspace import Workspace
from pipeline.model.rollout import RolloutStatus
from pipeline.model.shift import Rollout
from pipeline.reporting.console import Live
from pipeline.reporting.rollout_text import happened, now_lines, progress, strategy_line
from pipeline.rollout.events import Action

_KEYS = ("rollout", "figures")  # what is under way, and the last that was measured


class Watching:
    """Tells people about one rollout."""

    def __init__(self, workspace: Workspace, rollout: Rollout) -> None:
        self._workspace = workspace
        self._told: RolloutStatus = rollout.status
        self._title = f"release {rollout.release.number}: {strategy_line(rollout.strategy)}"
        self._stack = ExitStack()
        self._live: Live | None = None
        self._followed = ""

    def __enter__(self) -> Self:
        self._live = self._stack.enter_context(self._workspace.console.working(self._title))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def tell(self, rollout: Rollout, _action: Action) -> None:
        """What is new since the last time; called after every event, and every few seconds while time passes."""
        console = self._workspace.console
        for line in happened(self._told, rollout, console.err_style):
            console.say(line)
        self._follow(rollout)
        self._told = rollout.status
        if self._live is not None:
            self._live.shown(_KEYS, now_lines(rollout, self._workspace.clock.now()))

    def _follow(self, rollout: Rollout) -> None:
        """Tells who follows from afar, but only what is new."""
        if (text := progress(rollout)) != self._followed:
            self._followed = text
            self._workspace.follower.progress(rollout.release.commit, text)

    @staticmethod
    def summary(rollout: Rollout) -> str:
        """What came of it, in a few words."""
        return f"{strategy_line(rollout.strategy)}: {rollout.status.outcome}"
