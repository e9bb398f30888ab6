"""What a merge may do that the plans on its pull requests did not show. Pure."""

from collections.abc import Sequence

from pipeline.errors import Diagnostic, Refused
from pipeline.model.plan import Plan, SavedPlan
from pipeline.planning.safety import moved

SAFE, EXACT, OFF = "safe", "exact", "off"


def check_review(policy: str, seen: Sequence[SavedPlan], fresh: Plan) -> None:
    """Refused when `fresh` is none of the plans that were `seen` and the policy does not let it pass.

    `safe` lets everything pass but what destroys something or widens access without having been seen.
    """
    if policy == OFF or any(plan.digest == fresh.digest for plan in seen):
        return
    found = unseen(seen, fresh) if policy == SAFE else _differences(seen, fresh)
    if found:
        what = "is not the one that was reviewed" if seen else "was never reviewed"
        more = ", and it destroys something or widens access" if policy == SAFE else ""
        raise Refused(
            f"deploying {fresh.environment}: the plan {what}{more}",
            hint=f"look at the plan as it is now; if it is right, comment /deploy {fresh.environment}",
            diagnostics=found,
        )


def unseen(seen: Sequence[SavedPlan], fresh: Plan) -> list[Diagnostic]:
    """One finding for each change that destroys something, and each access that widens, of which no plan told."""
    told = {(change["address"], change["action"]) for plan in seen for change in plan.changes if change["destructive"]}
    granted = [dict(access) for plan in seen for access in plan.access]
    found = [
        Diagnostic(f"{change.address}: {change.action} destroys what is there", address=change.address)
        for change in fresh.changes
        if change.destructive and (change.address, change.action.value) not in told
    ]
    for access in fresh.access:
        if access.to_json() not in granted:
            text = f"{access.address}: {access.principal} may {access.action} on {access.resource}"
            found.append(Diagnostic(text, address=access.address))
    return found


def _differences(seen: Sequence[SavedPlan], fresh: Plan) -> list[Diagnostic]:
    """What moved since the last plan that was seen; all of it when there was none."""
    if not seen:
        return [Diagnostic(f"{change.address}: {change.action}", address=change.address) for change in fresh.changes]
    return list(moved(seen[0], fresh)) or [Diagnostic("the plan was made for something else")]
