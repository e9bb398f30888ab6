"""Guards between a plan and its application: each gives a reason to refuse, or nothing. Pure."""

from collections.abc import Sequence

from pipeline.errors import Diagnostic, Refused
from pipeline.model.plan import Action, Plan, SavedPlan

DEFAULT_MAX_DELETIONS = 10


def check_account(expected: str | None, actual: str, environment: str) -> None:
    """Refused when the credentials belong to another account than the environment names."""
    if expected is not None and expected != actual:
        raise Refused(
            f"checking the account: the credentials are of account {actual}, but environment {environment} "
            f"belongs to account {expected} (AWS_ACCOUNT_ID)",
            hint="use the credentials of the environment's account (AWS_PROFILE, or the role of its workflow)",
        )


def check_plan(plan: Plan, *, max_deletions: int) -> None:
    """Refused when the plan touches what it may not, or deletes more than one run should."""
    if plan.blockers:
        raise Refused("the plan may not be applied as it stands", diagnostics=plan.blockers)
    deletions = [c.address for c in plan.changes if c.action in (Action.DELETE, Action.REPLACE)]
    if len(deletions) > max_deletions:
        raise Refused(
            f"the plan deletes or replaces {len(deletions)} resources, more than the {max_deletions} that one run may",
            hint=f"look at the plan; if it is right, agree with --max-deletions {len(deletions)}",
        )


def check_saved(saved: SavedPlan, fresh: Plan, *, begun: str | None = None) -> None:
    """Refused when AWS or the specs have moved since the plan was saved, or the document has.

    `begun` is the digest of the plan that a run did not carry out to the end: of that, the rest is left to do.
    """
    for name in ("environment", "account", "region"):
        if getattr(saved, name) != getattr(fresh, name):
            raise Refused(
                f"the saved plan is for {name} {getattr(saved, name)}, this run is for {getattr(fresh, name)}",
                hint="give the plan that was made for this environment",
            )
    if not saved.intact:
        raise Refused(
            "the saved plan was edited: it shows other changes than those that it was made for",
            hint="make a new plan and review it",
        )
    if saved.digest != fresh.digest:
        again = "make a new plan and review what moved"
        if saved.digest == begun:
            rest = f"pipeline resume --env {fresh.environment} does the rest"
            again = f"a run did a part of exactly this plan: {rest}; or {again}"
        raise Refused(
            "the saved plan is stale: the specs, the code or AWS have changed since it was made",
            hint=again,
            diagnostics=moved(saved, fresh),
        )


def moved(saved: SavedPlan, fresh: Plan) -> Sequence[Diagnostic]:
    """One finding per change that only one of the two plans has, or that differs between them."""
    before = {change["address"]: change for change in saved.changes}
    after = {change.address: change.to_json() for change in fresh.changes}
    found = []
    for address in sorted(before.keys() | after.keys()):
        old, new = before.get(address), after.get(address)
        if old == new:
            continue
        was = old["action"] if old else "nothing to do"
        now = new["action"] if new else "nothing to do"
        detail = f"{was} then, {now} now" if was != now else f"{now}, with other values"
        found.append(Diagnostic(f"{address}: {detail}", address=address))
    return found
