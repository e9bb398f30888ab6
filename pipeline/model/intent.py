"""What is to be done about an event: decided once, as data, before anything is touched."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self


class Kind(StrEnum):
    """What is to be done."""

    VALIDATE = "validate"
    PREVIEW = "preview"
    DEPLOY = "deploy"
    ROLLBACK = "rollback"
    PROMOTE = "promote"
    ABORT = "abort"
    RESUME = "resume"
    UNLOCK = "unlock"
    DETECT_DRIFT = "detect-drift"
    IGNORE = "ignore"


@dataclass(frozen=True)
class Intent:
    """What is to be done, where, and why.

    `environments` are names of pipeline.yaml, in its order; empty together with `command`: those of the pull
    request's base branch, which the event does not tell. `sha` is the commit it is about, `target` the release of a
    rollback: a number or `previous`. `reason` is for people, in one line of printable characters.

    `command` is the word of a comment that asked (`deploy` of `/deploy dev`); its author may do so only once GitHub
    was asked for the permission. `mistake`: something was asked for, but not in a form that can be carried out.
    `clear_hold`: a deploy that ends the hold of a rollback. `comment` is the id of the comment that asked, also in the
    run that the command then starts, `actor` the login of who asked. `by_tag`: a tag did; `by_push`: a push to the
    environment's branch, `by_schedule`: the time, which ends no pause that a person made. `again`: the run for it was
    started once more, maybe long after. `commits`: those that a push brought, the newest last. `left`: environments
    that a pull request is no more for, since it is closed (`merged` says how), or its base changed (`merged` is None).
    """

    kind: Kind
    environments: tuple[str, ...] = ()
    sha: str | None = None
    target: str | None = None
    pull_request: int | None = None
    reason: str = ""
    command: str | None = None
    mistake: bool = False
    clear_hold: bool = False
    # Who asked and how is no part of what is asked.
    comment: int | None = field(default=None, compare=False)
    actor: str | None = field(default=None, compare=False)
    by_tag: bool = field(default=False, compare=False)
    by_push: bool = field(default=False, compare=False)
    by_schedule: bool = field(default=False, compare=False)
    again: bool = field(default=False, compare=False)
    commits: tuple[str, ...] = field(default=(), compare=False)
    left: tuple[str, ...] = field(default=(), compare=False)
    merged: bool | None = field(default=None, compare=False)

    def only(self, environment: str) -> Self:
        """The part of it that is about `environment`; nothing to do when it is about others."""
        if not self.environments or environment in self.environments:
            return replace(self, environments=(environment,) if self.environments else ())
        others = ", ".join(self.environments)
        reason = f"{self.kind} is for {others}, not for {environment} ({self.reason})"
        return replace(self, kind=Kind.IGNORE, environments=(), target=None, reason=reason)

    def to_json(self) -> dict[str, Any]:
        """The document of `run --explain --format json`."""
        return {
            "intent": self.kind.value,
            "environments": list(self.environments),
            "sha": self.sha,
            "target": self.target,
            "pull_request": self.pull_request,
            "reason": self.reason,
        }
