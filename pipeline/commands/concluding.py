"""Says in the comments of a pull request that their plans stand for nothing any more: it is closed, or goes elsewhere.

It takes the token of the job alone, nothing of AWS, and nothing of what the pull request proposes is run.
"""

from functools import partial

from pipeline.commands.hub import Hub
from pipeline.model.intent import Intent
from pipeline.reporting.plan_comment import all_labels, everywhere, marker
from pipeline.reporting.status_text import NOT_DEPLOYED, PLANNED, closed, left, merged


def conclude(hub: Hub | None, intent: Intent, by: str) -> None:
    """Brings the comments of the environments that the intent leaves to their end; `by`: who did that."""
    number = intent.pull_request
    if hub is not None and number is not None and intent.left:
        hub.outbox.put("the end of plans", partial(_conclude, hub, intent, number, by))


def _conclude(hub: Hub, intent: Intent, number: int, by: str) -> None:
    over: tuple[str, ...] = ()
    if intent.merged is None:
        status = left(hub.run)
    elif intent.merged:
        # The run of its push may have said already how far it is.
        status, over = merged(hub.run), PLANNED
    else:
        status, over = closed(by, hub.run), NOT_DEPLOYED
    for place in map(hub.place, intent.left):
        write = partial(_written, status=status, over=over)
        hub.repository.revise_comment(number, marker(place), write)
        if intent.merged is None:
            hub.repository.set_labels(number, (), all_labels(place))


def _written(old: str | None, *, status: str, over: tuple[str, ...]) -> str | None:
    return old and everywhere(old, status, over)
