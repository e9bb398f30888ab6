"""What access a plan widens, as text: a block of its own, so that nobody has to look for it among the changes. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from pipeline.model.access import Widening
from pipeline.reporting.style import Style

_NOTHING = "(none)"


def access_lines(access: Sequence[Widening], style: Style) -> list[str]:
    """The block, with an empty line after it; nothing when nobody may do more than before.

    One line for each principal; below it what it may do, actions together that are alike in all else.
    """
    if not access:
        return []
    lines = [style("access widens:", fg="yellow")]
    for (principal, address), own in groupby(access, key=lambda one: (one.principal, one.address)):
        lines.append(f"  {principal}  {style.dim(address)}")
        lines += _grants(own, style)
    return [*lines, ""]


def _grants(widenings: Iterable[Widening], style: Style) -> Iterator[str]:
    alike: dict[tuple[str, str | None, str | None], list[str]] = {}
    for one in widenings:
        alike.setdefault((one.resource, one.before, one.after), []).append(one.action)
    for (resource, before, after), actions in alike.items():
        was, now = style.dim(before or _NOTHING), after or _NOTHING
        yield f"        {_together(actions)} on {resource}: {was} -> {now}"


def _together(actions: Sequence[str]) -> str:
    """`dynamodb:GetItem, Query`: the service once, where one follows another of the same."""
    shown: list[str] = []
    service = None
    for action in dict.fromkeys(actions):
        prefix, colon, name = action.partition(":")
        known = colon and prefix == service and " " not in action
        shown.append(name if known else action)
        service = prefix if colon else None
    return ", ".join(shown)
