"""Intents of several services -> the jobs of a GitHub Actions matrix: what, where, with which rights. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any

from pipeline.errors import BadInput
from pipeline.intake.fields import Fields
from pipeline.model.intent import Intent, Kind

# https://docs.github.com/en/actions/reference/limits
MOST = 256


class Access(StrEnum):
    """The credentials that a job needs: none; those that read the environment; those that change it.

    `tell` needs none of AWS either, but a token of GitHub that may write comments.
    """

    NONE = "none"
    TELL = "tell"
    READ = "read"
    WRITE = "write"


ACCESS: Mapping[Kind, Access] = {
    Kind.VALIDATE: Access.NONE,
    Kind.PREVIEW: Access.READ,
    Kind.DETECT_DRIFT: Access.READ,
    Kind.DEPLOY: Access.WRITE,
    Kind.ROLLBACK: Access.WRITE,
    Kind.PROMOTE: Access.WRITE,
    Kind.ABORT: Access.WRITE,
    Kind.UNLOCK: Access.WRITE,
    Kind.RESUME: Access.WRITE,
}


@dataclass(frozen=True)
class Job:
    """One job: `intent` of the service below `root` in one environment; all texts, empty where there is nothing to say.

    `regions` are all regions of the environment, the home region first. `ref` is what it checks out where that is not
    what the event is about: the branch of the environment. `scheduled` is the option of `run` for what is scheduled.
    """

    root: str
    intent: str
    access: Access
    service: str = ""
    environment: str = ""
    region: str = ""
    account: str = ""
    ref: str = ""
    scheduled: str = ""
    regions: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        """The environment as GitHub knows it: with the folder of its service, where that has one."""
        return "/".join(part for part in (self.root if self.root != "." else "", self.environment) if part)

    @property
    def place(self) -> str:
        """The same, with the region where the environment has several: what no two jobs of an event have."""
        return f"{self.target}/{self.region}" if len(self.regions) > 1 else self.target

    @property
    def after(self) -> str:
        """The region that has to be changed before this one, as it has what all need; empty where there is none."""
        follows = self.access is Access.WRITE and len(self.regions) > 1 and self.region != self.regions[0]
        return self.regions[0] if follows else ""

    @property
    def slug(self) -> str:
        """The same in a form that may name a file or an artifact."""
        return self.place.replace("/", "-")

    def to_json(self) -> dict[str, str]:
        """An entry of the matrix; every job has the same keys."""
        return {
            "root": self.root,
            "service": self.service,
            "environment": self.environment,
            "region": self.region,
            "account": self.account,
            "intent": self.intent,
            "access": self.access.value,
            "target": self.target,
            "place": self.place,
            "slug": self.slug,
            "after": self.after,
            "ref": self.ref,
            "scheduled": self.scheduled,
        }


def matrix(jobs: Iterable[Job]) -> dict[str, Any]:
    """The value of `strategy.matrix`."""
    return {"include": [job.to_json() for job in jobs]}


@dataclass(frozen=True)
class Range:
    """The commits between which the event's changes lie; with `apart` from where both went apart."""

    before: str
    after: str
    apart: bool = False

    def __str__(self) -> str:
        return f"{self.before}{'...' if self.apart else '..'}{self.after}"


_RANGES = {
    "push": ("before", "after", False),
    "pull_request": ("pull_request.base.sha", "pull_request.head.sha", True),
    "merge_group": ("merge_group.base_sha", "merge_group.head_sha", False),
}


def changes_of(event: str, payload: Mapping[str, object]) -> Range | None:
    """Where the changes of an event are; None when it has none, or does not tell: of a new branch everything is new."""
    paths = _RANGES.get(event)
    if paths is None:
        return None
    fields = Fields(payload)
    before, after = fields.maybe_sha(paths[0]), fields.maybe_sha(paths[1])
    return Range(before, after, paths[2]) if before and after else None


def affected(roots: Iterable[str], changed: Iterable[str]) -> list[str]:
    """The services that have one of the `changed` files; a service reads nothing outside of its root."""
    files = [PurePosixPath(path) for path in changed]
    return [root for root in roots if any(file.is_relative_to(root) for file in files)]


def check_one_target(intents: Mapping[str, Intent]) -> None:
    """BadInput when a rollback would be of several services: each counts its own releases."""
    named = [root for root, intent in intents.items() if intent.kind is Kind.ROLLBACK and intent.command is None]
    if len(named) > 1:
        raise BadInput(
            f"a rollback is of one service, but {', '.join(named)} all have this environment",
            hint=f"name it with the folder of its service, such as {_named(named[0], intents)}",
        )


def of_one_command(intents: Mapping[str, Intent]) -> Mapping[str, Intent]:
    """The services that carry a command of a comment out, and answer it: one, or all where it only asks for plans.

    BadInput when it would be several that change something.
    """
    named = [root for root, intent in intents.items() if intent.command is not None]
    if len(named) < 2 or all(intents[root].kind is Kind.PREVIEW for root in named):
        return intents
    if intents[named[0]].command == "help":
        return {named[0]: intents[named[0]]}
    raise BadInput(
        f"a command is of one service, but it can be of {', '.join(named)}",
        hint=f"name the environment with the folder of its service, such as {_named(named[0], intents)}",
    )


def _named(root: str, intents: Mapping[str, Intent]) -> str:
    """How an environment of `root` is told from those of other services."""
    return f"{root}/{next(iter(intents[root].environments), 'ENV')}"
