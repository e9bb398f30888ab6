"""Who is told how a deploy goes while it goes: nobody on a laptop, a pull request in CI."""

from typing import Protocol

from pipeline.model.plan import Plan


class Follower(Protocol):
    """Is told at once and must not hinder: what it makes of it, it does in the background."""

    def planned(self, plan: Plan) -> None:
        """The plan that is about to be carried out; again when another run came in between."""

    def progress(self, commit: str | None, text: str) -> None:
        """How far the release of `commit` is, in a few words of ours, such as `canary 10 %`."""


class Nobody:
    """Follows nothing."""

    def planned(self, plan: Plan) -> None:
        """Nothing."""

    def progress(self, commit: str | None, text: str) -> None:
        """Nothing."""
