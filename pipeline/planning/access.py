"""What access a plan widens: grants before and after each change, compared. Pure.

Only what widens is told: a grant that nothing before covered, a condition that is gone, a denial that is lifted. Two
different conditions cannot be weighed against each other; that counts as wider.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache

from pipeline.model.access import Grant, Widening
from pipeline.model.plan import Action, Change
from pipeline.model.values import Properties

# (type, canonical properties, references resolved) -> what a resource of this type grants.
GrantsOf = Callable[[str, Properties], Iterable[Grant]]


def widened(changes: Iterable[Change], after: Callable[[Change], Properties], grants: GrantsOf) -> tuple[Widening, ...]:
    """All that `changes` widen; `after` gives what a resource will be, its references resolved."""
    found: list[Widening] = []
    for change in changes:
        if change.action not in (Action.CREATE, Action.UPDATE, Action.REPLACE):
            continue
        before = grants(change.type, change.observed.properties) if change.observed else ()
        found += _widenings(change.address, list(before), list(grants(change.type, after(change))))
    return tuple(dict.fromkeys(found))


def _widenings(address: str, before: Sequence[Grant], after: Sequence[Grant]) -> Iterator[Widening]:
    for grant in after:
        if grant.allows and not any(_covers(other, grant) for other in before):
            was = next((other.says for other in before if _reaches(other, grant)), None)
            yield Widening(address, grant.principal, grant.action, grant.resource, was, grant.says)
    for grant in before:
        if not grant.allows and not any(_covers(other, grant) for other in after):
            now = next((other.says for other in after if _reaches(other, grant)), None)
            yield Widening(address, grant.principal, grant.action, grant.resource, grant.says, now)


def _covers(wide: Grant, narrow: Grant) -> bool:
    """True when `wide` says at least what `narrow` says."""
    return _reaches(wide, narrow) and wide.condition in ("", narrow.condition)


def _reaches(wide: Grant, narrow: Grant) -> bool:
    """The same without regard to conditions."""
    # IAM compares actions without regard to case:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
    return (
        wide.allows is narrow.allows
        and _includes(wide.principal, narrow.principal)
        and _includes(wide.action.lower(), narrow.action.lower())
        and _includes(wide.resource, narrow.resource)
    )


def _includes(pattern: str, text: str) -> bool:
    return pattern == text or _expression(pattern).fullmatch(text) is not None


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    parts = (".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern)
    return re.compile("".join(parts), re.DOTALL)
