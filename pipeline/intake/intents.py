"""Event + branch map -> Intent: what every repository event leads to, and why. docs/events.md has it as a table."""

from dataclasses import replace
from typing import assert_never

from pipeline.intake.comments import commanded
from pipeline.intake.dispatches import dispatched
from pipeline.intake.tags import tagged
from pipeline.intake.words import Branches, environments_of, quoted
from pipeline.model.event import (
    CommentCreated,
    Dispatched,
    Event,
    MergeGroup,
    PullRequest,
    Push,
    RefDeleted,
    Scheduled,
    TagPushed,
    Unknown,
)
from pipeline.model.intent import Intent, Kind

# The branches on which GitHub tries out what waits in the merge queue; merge_group is the event for them.
QUEUE = "gh-readonly-queue/"
DEPENDABOT = "dependabot[bot]"
# What makes other code, or the same code for another reader, of a pull request.
PLANNED = frozenset({"opened", "synchronize", "reopened", "ready_for_review"})
_HAPPENED = {"synchronize": "new commits", "ready_for_review": "ready for review", "edited": "base changed"}

_UNKNOWN = {
    "create": "the push that made the ref says the same",
    "delete": "the push that deleted the ref says the same",
    "pull_request_target": "it has the base's credentials and the code of others; use pull_request",
}


def decide(event: Event, branches: Branches, root: str = "") -> Intent:
    """What to do about `event`. `branches` maps every environment to its branch, or to None.

    `root` is the folder of the service, where the repository has it in one: it tells environments of one name apart.

    BadInput when a dispatch has inputs that cannot be right; every other event leads to an intent, if only to ignore.
    """
    intent = _decided(event, branches, root)
    if event.attempt > 1:
        intent = replace(intent, reason=f"{intent.reason} (run again, attempt {event.attempt})", again=True)
    return intent


def _decided(event: Event, branches: Branches, root: str) -> Intent:
    match event:
        case Push():
            return _push(event, branches)
        case TagPushed():
            return tagged(event, branches, root)
        case RefDeleted():
            return _ignore(event, f"{quoted(event.ref or 'a ref')} was deleted")
        case PullRequest():
            return _pull_request(event, branches)
        case CommentCreated():
            return commanded(event, branches, root)
        case Dispatched():
            return dispatched(event, branches, root)
        case Scheduled():
            reason = f"scheduled {quoted(event.cron)}" if event.cron else "scheduled"
            kind = Kind.RESUME if event.resuming else Kind.DETECT_DRIFT
            return Intent(kind, tuple(branches), event.sha, reason=reason, by_schedule=True)
        case MergeGroup():
            return _merge_group(event, branches)
        case Unknown():
            return _unknown(event)
    assert_never(event)


def _ignore(event: Event, reason: str, number: int | None = None) -> Intent:
    return Intent(Kind.IGNORE, sha=event.sha, pull_request=number, reason=reason)


def _push(event: Push, branches: Branches) -> Intent:
    what = "forced push" if event.forced else "push"
    reason = f"{what} to {quoted(event.branch)}" + (f" by {quoted(event.actor)}" if event.actor else "")
    if event.branch.startswith(QUEUE):
        return _ignore(event, f"{what} to a branch of the merge queue: the merge_group event is for it")
    environments = environments_of(event.branch, branches)
    if not environments:
        return _ignore(event, f"{reason}: no environment is deployed from it")
    return Intent(Kind.DEPLOY, environments, event.sha, reason=reason, by_push=True, commits=event.commits)


def _pull_request(event: PullRequest, branches: Branches) -> Intent:
    name = f"pull request {event.number}"
    if event.action == "closed":
        outcome = "merged: its push deploys" if event.merged else "closed without being merged"
        ignored = _ignore(event, f"{name} was {outcome}", event.number)
        return replace(ignored, left=_told_of(event, event.base, branches), merged=event.merged)
    if event.action not in PLANNED and not (event.action == "edited" and event.base_changed):
        return _ignore(event, f"{name}: {quoted(event.action)} changes nothing of its code or base", event.number)
    reason = f"{name} to {quoted(event.base)}"
    environments = environments_of(event.base, branches)
    left = _told_of(event, event.base_before, branches)
    if obstacle := _obstacle(event, planned=bool(environments)):
        reason = f"{reason}: {obstacle}"
        return Intent(Kind.VALIDATE, tuple(branches), event.sha, pull_request=event.number, reason=reason, left=left)
    reason = f"{reason}: {_HAPPENED.get(event.action, event.action)}"
    return Intent(Kind.PREVIEW, environments, event.sha, pull_request=event.number, reason=reason, left=left)


def _told_of(event: PullRequest, base: str | None, branches: Branches) -> tuple[str, ...]:
    """The environments of a base whose comments end. Runs for forks and for Dependabot have a token that only reads."""
    if base is None or event.from_fork or event.actor == DEPENDABOT:
        return ()
    return environments_of(base, branches)


def _obstacle(event: PullRequest, *, planned: bool) -> str | None:
    """Why a pull request is only validated, which needs no credentials; None: it is planned.

    Runs for forks and for Dependabot have none: https://docs.github.com/en/actions/reference/security/secure-use
    """
    if event.from_fork:
        return "from a fork, so validated without credentials"
    if DEPENDABOT in (event.actor, event.author):
        return "by Dependabot, so validated without credentials"
    if event.draft:
        return "a draft, so validated; planned when ready for review"
    return None if planned else "no environment is deployed from it, so validated"


def _merge_group(event: MergeGroup, branches: Branches) -> Intent:
    reason = f"merge queue of {quoted(event.base)}"
    if event.action != "checks_requested":
        return _ignore(event, f"{reason}: {quoted(event.action)} asks for nothing")
    environments = environments_of(event.base, branches)
    if not environments:
        reason += ": no environment is deployed from it, so validated"
        return Intent(Kind.VALIDATE, tuple(branches), event.sha, reason=reason)
    return Intent(Kind.PREVIEW, environments, event.sha, reason=reason)


def _unknown(event: Unknown) -> Intent:
    name = f"{event.name}.{event.action}" if event.action else event.name
    why = _UNKNOWN.get(event.name, "nothing follows from this event")
    return _ignore(event, f"{quoted(name)}: {why}")
