"""Dispatches: somebody pressed "Run workflow", or a program called the API, with inputs that say what to do."""

from dataclasses import dataclass
from typing import Any

from pipeline.errors import BadInput, Diagnostic
from pipeline.intake.fields import is_sha
from pipeline.intake.words import RELEASE_FORM, Branches, is_login, one_of, own_name, quoted, release_of
from pipeline.model.event import Dispatched
from pipeline.model.intent import Intent, Kind


@dataclass(frozen=True)
class Action:
    """What an `action` leads to. `all`: without an environment it is for every one; otherwise one has to be named."""

    kind: Kind
    all: bool = False


ACTIONS = {
    "deploy": Action(Kind.DEPLOY),
    "plan": Action(Kind.PREVIEW, all=True),
    "rollback": Action(Kind.ROLLBACK),
    "promote": Action(Kind.PROMOTE),
    "abort": Action(Kind.ABORT),
    "unlock": Action(Kind.UNLOCK),
    "resume": Action(Kind.RESUME, all=True),
    "drift": Action(Kind.DETECT_DRIFT, all=True),
}


def dispatched(event: Dispatched, branches: Branches, root: str = "") -> Intent:
    """What the inputs ask for: `action`, `environment`, `release`, `clear_hold`, and what a command in a comment adds.

    The environment may be named with `root`, the folder of its service, before it. BadInput lists all that is wrong
    with them. Other inputs are the business of the workflow that has them.
    """
    if not event.inputs:
        why = f"{event.name} without inputs: action has to be {one_of(ACTIONS)}"
        return Intent(Kind.IGNORE, sha=event.sha, reason=why, mistake=True)
    inputs = _Inputs(event)
    name = inputs.text("action")
    action = ACTIONS.get(name)
    if action is None:
        inputs.wrong("action", name, one_of(ACTIONS))
    environment = own_name(inputs.text("environment"), branches, root)
    if environment and environment not in branches:
        inputs.wrong("environment", environment, one_of(branches))
    elif action and not environment and not action.all:
        inputs.wrong("environment", "", one_of(branches))
    release = inputs.text("release")
    target = release_of(release)
    if action and action.kind is Kind.ROLLBACK and target is None:
        inputs.wrong("release", release, RELEASE_FORM)
    elif action and action.kind is not Kind.ROLLBACK and release:
        inputs.wrong("release", release, f"nothing, as {name} knows no release; only rollback does")
    told = _told(inputs, event)
    inputs.check()
    assert action is not None
    environments = (environment,) if environment else tuple(branches)
    reason = _reason(event, action.kind, environment, branches)
    sha = inputs.commit() if action.kind is Kind.PREVIEW else None
    return Intent(action.kind, environments, sha or event.sha, target, reason=reason, **told)


def _told(inputs: "_Inputs", event: Dispatched) -> dict[str, Any]:
    """What the run that read a command tells the run that carries it out."""
    by = inputs.text("by")
    return {
        "pull_request": inputs.number("pull_request"),
        "comment": inputs.number("comment"),
        "clear_hold": inputs.flag("clear_hold"),
        # Only a program may say that somebody else asked: the one that checked it.
        "actor": by if event.by_bot and is_login(by) else event.actor,
    }


def _reason(event: Dispatched, kind: Kind, environment: str, branches: Branches) -> str:
    by = f" by {quoted(event.actor)}" if event.actor else ""
    source = (event.ref or "").removeprefix("refs/heads/")
    reason = f"{event.name}{by}" + (f" from {quoted(source)}" if source else "")
    branch = branches.get(environment)
    if kind is Kind.DEPLOY and branch and source and source != branch:
        reason += f", which is not {environment}'s branch {branch}"
    return reason


class _Inputs:
    """The inputs of a dispatch, and what was found wrong with them."""

    def __init__(self, event: Dispatched) -> None:
        self._event = event
        self._problems: list[Diagnostic] = []

    def text(self, key: str) -> str:
        """An input without blanks around it; a number of a client_payload as its digits; empty when there is none."""
        value = self._event.inputs.get(key)
        if isinstance(value, str):
            return value.strip(" \t\r\n")
        if isinstance(value, (int, float)):
            return str(value)
        return "" if value is None else "neither text nor number"

    def number(self, key: str) -> int | None:
        """A positive number, or None where nothing was given."""
        value = self.text(key)
        if value and not (value.isascii() and value.isdigit() and len(value) <= 18 and int(value) > 0):
            self.wrong(key, value, "a positive number")
            return None
        return int(value) if value else None

    def flag(self, key: str) -> bool:
        """`true`, or what counts as not."""
        value = self.text(key).lower()
        if value not in ("", "true", "false"):
            self.wrong(key, value, "true or false")
        return value == "true"

    def commit(self) -> str | None:
        """The commit of a pull request that is to be planned."""
        value = self.text("sha")
        return value if is_sha(value) else None

    def wrong(self, key: str, value: str, allowed: str) -> None:
        """Notes that `key` may not be `value`."""
        found = f"is {quoted(value)}" if value else "is missing"
        self._problems.append(Diagnostic(f"input {key} {found}: allowed is {allowed}"))

    def check(self) -> None:
        """BadInput when something is wrong."""
        if len(self._problems) == 1:
            raise BadInput(f"reading the {self._event.name} event: {self._problems[0].message}")
        if self._problems:
            raise BadInput.of(self._problems)
