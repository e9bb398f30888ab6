"""Tags: `rollback/ENVIRONMENT/RELEASE` rolls back; all others say nothing to us.

With several services an environment may be named with the folder of its service, as on GitHub.
"""

from pipeline.intake.words import PREVIOUS, RELEASE_FORM, Branches, one_of, quoted, release_of
from pipeline.model.event import TagPushed
from pipeline.model.intent import Intent, Kind

ROLLBACK = "rollback/"
# Our own mirror of the ledger, `release/<environment>/<number>`, for people; never read back.
MIRROR = "release/"


def tagged(event: TagPushed, branches: Branches, root: str = "") -> Intent:
    """What a pushed tag asks for."""
    by = f" by {quoted(event.actor)}" if event.actor else ""
    reason = f"tag {quoted(event.tag)} pushed{by}"
    if not event.tag.startswith(ROLLBACK):
        mirror = event.tag.startswith(MIRROR)
        why = "it mirrors a release" if mirror else f"only {ROLLBACK}ENVIRONMENT/RELEASE asks for something"
        return _ignore(event, f"{reason}: {why}")
    return _rollback(event, branches, root, reason)


def _rollback(event: TagPushed, branches: Branches, root: str, reason: str) -> Intent:
    named = event.tag.removeprefix(ROLLBACK)
    inner = named.removeprefix(f"{root}/") if root else named
    environment, _, release = (inner if inner.partition("/")[0] in branches else named).partition("/")
    target = release_of(release)
    if environment not in branches:
        return _mistake(event, f"{reason}: its environment has to be {one_of(branches)}, {_example(branches)}")
    if target is None:
        return _mistake(event, f"{reason}: it has to end with {RELEASE_FORM}, {_example([environment])}")
    if not event.created:
        return _mistake(event, f"{reason}: it was moved; delete it first, as only a new tag rolls back")
    return Intent(Kind.ROLLBACK, (environment,), event.sha, target, reason=reason, actor=event.actor, by_tag=True)


def _example(environments: Branches | list[str]) -> str:
    name = next(iter(environments), "production")
    return f"as in {ROLLBACK}{name}/41 or {ROLLBACK}{name}/{PREVIOUS}"


def _ignore(event: TagPushed, reason: str) -> Intent:
    return Intent(Kind.IGNORE, sha=event.sha, reason=reason)


def _mistake(event: TagPushed, reason: str) -> Intent:
    """Somebody wanted a rollback: that nothing happens must not look like success."""
    return Intent(Kind.IGNORE, sha=event.sha, reason=reason, mistake=True)
