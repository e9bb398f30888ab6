"""What happened in the repository: one frozen value per kind of GitHub event.

Every text in here was written by somebody outside: it is data, never an instruction, a name of ours, or a part of a
command line.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Occurrence:
    """What all events have. None: the event does not tell.

    `repo` is `owner/name`, `ref` the full git ref (`refs/heads/main`), `sha` the commit that the event is about,
    `actor` the login of who caused it. `attempt` counts the runs for this one event, from 1.
    """

    repo: str | None = None
    ref: str | None = None
    sha: str | None = None
    actor: str | None = None
    attempt: int = 1


@dataclass(frozen=True, kw_only=True)
class Push(Occurrence):
    """A branch is at another commit. `forced`: the one before is not among its ancestors.

    `commits` are those that came to it, the newest last, as far as the event tells.
    """

    branch: str
    forced: bool = False
    commits: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, kw_only=True)
class TagPushed(Occurrence):
    """A tag was made, or moved when `created` is False. `sha` is the commit, also of an annotated tag."""

    tag: str
    created: bool = True


@dataclass(frozen=True, kw_only=True)
class RefDeleted(Occurrence):
    """A branch or tag was deleted; there is no commit."""


@dataclass(frozen=True, kw_only=True)
class PullRequest(Occurrence):
    """Something about pull request `number`; `action` says what. `sha` is the head's, not that of the trial merge.

    `base` is the branch it goes to, `base_changed` that it went to another one before (`base_before`, where that is
    told), `author` who opened it.
    `from_fork`: its code lies in another repository, or in one that is gone.
    """

    action: str
    number: int
    base: str
    draft: bool = False
    merged: bool = False
    from_fork: bool = False
    base_changed: bool = False
    base_before: str | None = None
    author: str | None = None


@dataclass(frozen=True, kw_only=True)
class CommentCreated(Occurrence):
    """A new comment on issue or pull request `number`. `sha` is unknown: the event does not tell the head.

    `comment` is its id; None in a payload that does not tell.
    """

    number: int
    on_pull_request: bool
    body: str = field(repr=False)
    by_bot: bool = False
    comment: int | None = None


@dataclass(frozen=True, kw_only=True)
class Dispatched(Occurrence):
    """Somebody, or a program, asked for something; `inputs` as they were given, unchecked.

    `name` is `workflow_dispatch` or `repository_dispatch`. `by_bot`: a program asked, such as the run that read a
    command.
    """

    name: str
    by_bot: bool = False
    inputs: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Scheduled(Occurrence):
    """It is time. `cron` is the schedule that came due; `resuming`: it is for continuing what waits."""

    cron: str | None = None
    resuming: bool = False


@dataclass(frozen=True, kw_only=True)
class MergeGroup(Occurrence):
    """The merge queue made a group for branch `base`; `sha` is what the branch would become."""

    action: str
    base: str


@dataclass(frozen=True, kw_only=True)
class Unknown(Occurrence):
    """An event that nothing is read from; `action` where it has one."""

    name: str
    action: str | None = None


Event = (
    Push | TagPushed | RefDeleted | PullRequest | CommentCreated | Dispatched | Scheduled | MergeGroup | Unknown
)  # fmt: skip
