"""Credentials, account, region, and what they may do."""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.diagnosing.finding import Check, Finding, shut_out
from pipeline.diagnosing.patient import Patient
from pipeline.errors import Interrupted, PipelineError
from pipeline.granting.account import DEPLOY, PLAN, own_name
from pipeline.granting.knowledge import CHANGE, DELETE
from pipeline.model.plan import Action, Change
from pipeline.model.resource import Resource

_MOST = 100  # actions for one call: its documents are bounded


def credentials(patient: Patient) -> Iterator[Finding]:
    """Whether there are any, and whose; those of a root user or a person in a job are not as they should be."""
    try:
        arn = str(patient.identity["Arn"])
    except Interrupted:
        raise
    except PipelineError as error:
        yield shut_out(error)
        return
    if arn.endswith(":root") and not patient.local:
        yield Finding("these are the root user's credentials", "warning", (arn,), "sign in with a role")
    elif ":user/" in arn and patient.environ.get("GITHUB_ACTIONS") == "true":
        fix = patient.command("bootstrap", "--repo OWNER/NAME")
        yield Finding("this job uses the keys of a user, which do not expire", "warning", (arn,), fix)


def account(patient: Patient) -> Iterator[Finding]:
    """The credentials' account is the environment's."""
    wanted, actual = patient.environment.account, str(patient.identity["Account"])
    if wanted is None:
        fix = f"AWS_ACCOUNT_ID={actual} in {patient.environment.file}"
        yield Finding("the environment names no account: any account's credentials are taken", "warning", fix=fix)
    elif wanted != actual:
        evidence = (f"expected {wanted} ({patient.environment.file})", f"actual   {actual} ({patient.identity['Arn']})")
        yield Finding("the credentials are of another account", "error", evidence, "AWS_PROFILE=... of that account")


def region(patient: Patient) -> Iterator[Finding]:
    """Variables of the process that name another region mislead other programs, such as the AWS CLI."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        found = patient.environ.get(name)
        if found and found != patient.scope.region:
            evidence = (f"{patient.environment.file} {patient.scope.region}", f"{name} {found}")
            fix = f"export {name}={patient.scope.region}"
            yield Finding(f"{name} is another region than the environment's", "info", evidence, fix)


def permissions(patient: Patient) -> Iterator[Finding]:
    """What this plan needs is asked of IAM's simulator, for the role of these credentials; of one that only plans, for
    the role that deploys.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
    """
    principal = principal_of(str(patient.identity["Arn"]))
    if principal is None:
        return
    if principal.endswith(f":role/{own_name(patient.scope, PLAN)}"):
        principal = patient.scope.arn("iam", f"role/{own_name(patient.scope, DEPLOY)}", regional=False)
    wanted = needed(patient)
    for arns, actions in wanted.items():
        ordered = sorted(actions)
        for start in range(0, len(ordered), _MOST):
            answers: list[dict[str, Any]] = patient.aws.pages(
                "iam",
                "SimulatePrincipalPolicy",
                "EvaluationResults",
                PolicySourceArn=principal,
                ActionNames=ordered[start : start + _MOST],
                ResourceArns=list(arns),
            )
            # An action is allowed on one of the ARNs of a resource: on a bucket, say, or on what is in it.
            allowed = {a["EvalActionName"] for a in answers if _allows(a)}
            denied = sorted(set(ordered[start : start + _MOST]) - allowed)
            if denied:
                fix = patient.command("bootstrap", "--repo OWNER/NAME")
                evidence = (f"role {principal}", f"on {', '.join(arns)}", *denied)
                yield Finding(f"{len(denied)} actions that this plan needs are not allowed", "error", evidence, fix)


def _allows(answer: Mapping[str, Any]) -> bool:
    one_by_one = answer.get("ResourceSpecificResults") or ()
    decisions = [answer["EvalDecision"], *(result["EvalResourceDecision"] for result in one_by_one)]
    return "allowed" in decisions and "explicitDeny" not in decisions


def needed(patient: Patient) -> dict[tuple[str, ...], set[str]]:
    """ARNs -> actions that the plan's changes need on them."""
    known = patient.needs.known
    found: dict[tuple[str, ...], set[str]] = {}
    for change in patient.condition.plan.effective:
        phase = DELETE if change.action is Action.DELETE else CHANGE
        resource = change.desired or _gone(change)
        actions = known.actions(resource.type, phase) - set(known.rules["passing"])
        scoped = {action for action in actions if not known.takes_any_resource_only(action)}
        found.setdefault(tuple(patient.needs.arns_of(resource)), set()).update(scoped)
        found.setdefault(("*",), set()).update(actions - scoped)
    return {arns: actions for arns, actions in found.items() if actions}


def _gone(change: Change) -> Resource:
    """What is deleted, as it was found: nothing declares it any more."""
    properties = change.observed.properties if change.observed else {}
    return Resource(change.type, change.address.partition("/")[2], properties)


def principal_of(arn: str) -> str | None:
    """The role or user that IAM can simulate; None for the root user, who may do everything.

    A session's ARN is arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION.
    """
    if ":assumed-role/" in arn:
        start, _, rest = arn.partition(":sts::")
        number, _, path = rest.partition(":assumed-role/")
        return f"{start}:iam::{number}:role/{path.rpartition('/')[0]}"
    return arn if ":user/" in arn or ":role/" in arn else None


CHECKS = (
    Check("account", "the credentials' account is the environment's", account),
    Check("credentials", "whose credentials these are", credentials),
    Check("permissions", "the role may do what this plan needs", permissions),
    Check("region", "no variable names another region", region),
)
