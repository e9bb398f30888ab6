"""A GitHub payload -> Event. Demands only what is used: older recordings lack fields that newer ones have.

https://docs.github.com/en/webhooks/webhook-events-and-payloads
https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from pipeline.errors import BadInput
from pipeline.intake.dispatches import ACTIONS
from pipeline.intake.fields import Fields, is_sha
from pipeline.intake.words import quoted
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

_BRANCH = "refs/heads/"
_TAG = "refs/tags/"


@dataclass(frozen=True)
class RunFacts:
    """What the run itself knows of its event; None: not known. The payload comes first where both tell.

    `resuming`: what is scheduled is to continue what waits, not to compare.
    """

    repo: str | None = None
    ref: str | None = None
    sha: str | None = None
    actor: str | None = None
    attempt: int = 1
    resuming: bool = False

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Self:
        """From the variables that GitHub Actions sets. BadInput when one cannot be right.

        https://docs.github.com/en/actions/reference/workflows-and-actions/variables
        """
        sha, attempt = environ.get("GITHUB_SHA") or None, environ.get("GITHUB_RUN_ATTEMPT") or "1"
        if sha is not None and not is_sha(sha):
            raise BadInput(f"GITHUB_SHA is {quoted(sha)}: the full id of a commit is wanted")
        if not (attempt.isascii() and attempt.isdigit() and int(attempt[:9]) > 0):
            raise BadInput(f"GITHUB_RUN_ATTEMPT is {quoted(attempt)}: a number from 1 on is wanted")
        return cls(
            repo=environ.get("GITHUB_REPOSITORY") or None,
            ref=environ.get("GITHUB_REF") or None,
            sha=sha,
            actor=environ.get("GITHUB_ACTOR") or None,
            attempt=int(attempt[:9]),
        )


def read_event(name: str, payload: Mapping[str, object], facts: RunFacts) -> Event:
    """The event that GitHub calls `name`. BadInput names everything that is missing in `payload`."""
    fields = Fields(payload)
    reader = _READERS.get(name)
    event = reader(name, fields, facts) if reader else _unknown(name, fields, facts)
    fields.check(name)
    return event


def _common(fields: Fields, facts: RunFacts, **known: str | None) -> dict[str, Any]:
    """The fields that all events have; `known` replaces what the run says."""
    common: dict[str, Any] = {
        "repo": fields.maybe_text("repository.full_name") or facts.repo,
        "ref": facts.ref,
        "sha": facts.sha,
        "actor": fields.maybe_text("sender.login") or facts.actor,
        "attempt": facts.attempt,
    }
    return common | known


def _push(name: str, fields: Fields, facts: RunFacts) -> Event:
    ref = fields.text("ref")
    if fields.flag("deleted") or fields.nothing("after"):
        return RefDeleted(**_common(fields, facts, ref=ref, sha=None))
    if ref.startswith(_BRANCH):
        common = _common(fields, facts, ref=ref, sha=fields.sha("after"))
        branch, commits = ref.removeprefix(_BRANCH), fields.shas("commits", "id")
        return Push(branch=branch, forced=fields.flag("forced"), commits=commits, **common)
    if ref.startswith(_TAG):
        # `after` of an annotated tag is the tag's own id; the commit is in head_commit:
        # https://github.blog/changelog/2021-10-01-the-push-webhook-payload-provides-a-consistent-head_commit-on-tag-creation/
        commit = "head_commit.id" if is_sha(fields.find("head_commit.id")) else "after"
        common = _common(fields, facts, ref=ref, sha=fields.sha(commit))
        created = fields.flag("created") or fields.nothing("before")
        return TagPushed(tag=ref.removeprefix(_TAG), created=created, **common)
    return _unknown(name, fields, facts)


def _pull_request(_name: str, fields: Fields, facts: RunFacts) -> Event:
    here = fields.maybe_text("pull_request.base.repo.full_name") or fields.maybe_text("repository.full_name")
    there = fields.maybe_text("pull_request.head.repo.full_name")
    return PullRequest(
        action=fields.text("action"),
        number=fields.number("pull_request.number"),
        base=fields.text("pull_request.base.ref"),
        draft=fields.flag("pull_request.draft"),
        merged=fields.flag("pull_request.merged"),
        # A fork that was deleted is null; whatever cannot be told counts as one.
        from_fork=there is None or there != (here or facts.repo),
        base_changed=fields.find("changes.base") is not None,
        base_before=fields.maybe_text("changes.base.ref.from"),
        author=fields.maybe_text("pull_request.user.login"),
        **_common(fields, facts, sha=fields.sha("pull_request.head.sha")),
    )


def _issue_comment(name: str, fields: Fields, facts: RunFacts) -> Event:
    if fields.text("action") != "created":
        return _unknown(name, fields, facts)
    author = fields.maybe_text("comment.user.login") or fields.maybe_text("sender.login") or ""
    types = (fields.find("comment.user.type"), fields.find("sender.type"))
    return CommentCreated(
        number=fields.number("issue.number"),
        # Only pull requests have it: https://docs.github.com/en/rest/issues/issues
        on_pull_request=bool(fields.mapping("issue.pull_request")),
        # A comment may be empty, or hold only a picture.
        body=fields.maybe_text("comment.body") or "",
        by_bot="Bot" in types or author.endswith("[bot]"),
        comment=fields.maybe_number("comment.id"),
        **_common(fields, facts, sha=None),
    )


def _workflow_dispatch(name: str, fields: Fields, facts: RunFacts) -> Event:
    ref = facts.ref or fields.maybe_text("ref")
    return Dispatched(name=name, inputs=fields.mapping("inputs"), **_sent(fields), **_common(fields, facts, ref=ref))


def _repository_dispatch(name: str, fields: Fields, facts: RunFacts) -> Event:
    """Its `action` is the event type that the sender chose; the payload's own `action` comes first.

    An event type that is no action of ours, with nothing that says one, is between other programs.
    """
    kind, payload = fields.find("action"), fields.mapping("client_payload")
    if "action" not in payload and isinstance(kind, str) and kind not in ACTIONS:
        return _unknown(name, fields, facts)
    inputs = {"action": kind, **payload}
    return Dispatched(name=name, inputs=inputs, **_sent(fields), **_common(fields, facts))


def _sent(fields: Fields) -> dict[str, Any]:
    sender = fields.maybe_text("sender.login") or ""
    return {"by_bot": fields.find("sender.type") == "Bot" or sender.endswith("[bot]")}


def _schedule(_name: str, fields: Fields, facts: RunFacts) -> Event:
    return Scheduled(cron=fields.maybe_text("schedule"), resuming=facts.resuming, **_common(fields, facts))


def _merge_group(_name: str, fields: Fields, facts: RunFacts) -> Event:
    return MergeGroup(
        action=fields.text("action"),
        base=fields.text("merge_group.base_ref").removeprefix(_BRANCH),
        **_common(fields, facts, sha=fields.sha("merge_group.head_sha")),
    )


def _unknown(name: str, fields: Fields, facts: RunFacts) -> Event:
    return Unknown(name=name, action=fields.maybe_text("action"), **_common(fields, facts))


_READERS: Mapping[str, Callable[[str, Fields, RunFacts], Event]] = {
    "push": _push,
    "pull_request": _pull_request,
    "issue_comment": _issue_comment,
    "workflow_dispatch": _workflow_dispatch,
    "repository_dispatch": _repository_dispatch,
    "schedule": _schedule,
    "merge_group": _merge_group,
}
