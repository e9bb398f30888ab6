"""Whether the role may do what *this plan* needs, by IAM's own simulator.

What a request would say of itself beside the action (its region, the service behind which a key is used, whom a role is
passed to) has to be told: without it conditions do not hold, and refusals that depend on them do.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.diagnosing.finding import Check, Finding
from pipeline.diagnosing.patient import Patient
from pipeline.errors import AwsError
from pipeline.granting.account import DEPLOY, PLAN, own_name
from pipeline.granting.behind import Behind
from pipeline.granting.collecting import Statement
from pipeline.granting.knowledge import CHANGE, DELETE
from pipeline.model.plan import Action, Change
from pipeline.model.resource import Resource
from pipeline.model.scope import Scope

_MOST = 100  # actions for one call: its documents are bounded
_LINK = "iam:CreateServiceLinkedRole"  # needed once an account, and by nobody after that
_REGION = "aws:RequestedRegion"
_ONE_REGION = {"cloudfront", "iam", "route53"}  # requests to these count as ones of us-east-1
# What a resource's own properties say of the calls that change it.
_CONDITIONS = {
    ("iam.role", "permissions_boundary"): "iam:PermissionsBoundary",
    ("lambda.permission", "principal"): "lambda:Principal",
}


@dataclass(frozen=True)
class Question:
    """Where actions are needed, and what requests for them say of themselves: (condition key, value)."""

    arns: tuple[str, ...]
    context: tuple[tuple[str, str], ...]


def permissions(patient: Patient) -> Iterator[Finding]:
    """What this plan needs is asked for the role of these credentials; of one that only plans, for who deploys."""
    principal = _principal(patient)
    if principal is None:
        return
    fix = patient.command("bootstrap", "--repo OWNER/NAME")
    for question, actions in needed(patient).items():
        denied = sorted(_denied(patient, principal, question, sorted(actions)))
        told = [f"{key} {value}" for key, value in question.context if key != _REGION]
        evidence = (f"role {principal}", f"on {', '.join(question.arns)}", *told)
        if _LINK in denied:
            denied.remove(_LINK)
            text = "a role that AWS needs once in an account could not be made, if it is not there yet"
            yield Finding(text, "warning", (*evidence, _LINK), fix)
        if denied:
            text = f"{len(denied)} actions that this plan needs are not allowed"
            yield Finding(text, "error", (*evidence, *denied), fix)


def _denied(patient: Patient, principal: str, question: Question, actions: list[str]) -> Iterator[str]:
    entries = [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for key, value in question.context
    ]
    for start in range(0, len(actions), _MOST):
        asked = actions[start : start + _MOST]
        answers: list[dict[str, Any]] = patient.aws.pages(
            "iam",
            "SimulatePrincipalPolicy",
            "EvaluationResults",
            PolicySourceArn=principal,
            ActionNames=asked,
            ResourceArns=list(question.arns),
            ContextEntries=entries,
        )
        # An action is allowed on one of the ARNs of a resource: on a bucket, say, or on what is in it.
        yield from set(asked) - {answer["EvalActionName"] for answer in answers if _allows(answer)}


def _allows(answer: Mapping[str, Any]) -> bool:
    """Whether the role may. What another account says of its layer or key is not known here: its own part decides."""
    one_by_one = answer.get("ResourceSpecificResults") or ()
    decisions = [answer["EvalDecision"], *(result["EvalResourceDecision"] for result in one_by_one)]
    for result in (answer, *one_by_one):
        decisions += (result.get("EvalDecisionDetails") or {}).values()
    return "allowed" in decisions and "explicitDeny" not in decisions


def needed(patient: Patient) -> dict[Question, set[str]]:
    """What the plan's changes need, where and in which context."""
    known, scope = patient.needs.known, patient.scope
    found: dict[Question, set[str]] = {}

    def add(arns: list[str], actions: set[str], more: Mapping[str, str]) -> None:
        for action in actions:
            context = {**more, _REGION: _region_of(action, arns, scope)}
            found.setdefault(Question(tuple(arns), tuple(sorted(context.items()))), set()).add(action)

    for change in patient.condition.plan.effective:
        phase = DELETE if change.action is Action.DELETE else CHANGE
        resource = change.desired or _gone(change)
        actions = known.actions(resource.type, phase) - set(known.rules["passing"])
        free = {action for action in actions if known.takes_any_resource_only(action)}
        said = _said_by(resource)
        add(patient.needs.arns_of(resource), actions - free, said)
        add(["*"], free, said)
        if change.desired is not None:
            for statement in Behind(patient.needs, change.desired).statements():
                add(statement["Resource"], set(statement["Action"]), _first(statement))
    return found


def _said_by(resource: Resource) -> dict[str, str]:
    values = {key: resource.properties.get(name) for (kind, name), key in _CONDITIONS.items() if kind == resource.type}
    return {key: value for key, value in values.items() if isinstance(value, str)}


def _first(statement: Statement) -> dict[str, str]:
    """A request that a statement's conditions are about: of several values, as for several regions, the first."""
    conditions = (pair for one in statement.get("Condition", {}).values() for pair in one.items())
    return {key: value if isinstance(value, str) else value[0] for key, value in conditions}


def _region_of(action: str, arns: list[str], scope: Scope) -> str:
    """Where a request goes: to the region of what it is about, as that of a web ACL of CloudFront, else to this one."""
    named = {arn.split(":")[3] for arn in arns if arn.count(":") > 3} - {"", "*"}
    if len(named) == 1:
        return named.pop()
    return "us-east-1" if action.partition(":")[0] in _ONE_REGION and scope.partition == "aws" else scope.region


def _gone(change: Change) -> Resource:
    """What is deleted, as it was found: nothing declares it any more."""
    properties = change.observed.properties if change.observed else {}
    return Resource(change.type, change.address.partition("/")[2], properties)


def _principal(patient: Patient) -> str | None:
    found = principal_of(str(patient.identity["Arn"]))
    plan, deploy = (
        patient.scope.arn("iam", f"role/{own_name(patient.scope, role)}", regional=False) for role in (PLAN, DEPLOY)
    )
    if found in (None, plan, deploy) or ":role/" not in str(found):
        return deploy if found == plan else found
    # A session does not tell the path of its role, such as that of IAM Identity Center's.
    try:
        role = patient.aws.found("iam", "GetRole", RoleName=str(found).rpartition("/")[2])
    except AwsError:
        return found
    return str(role["Role"]["Arn"]) if role else found


def principal_of(arn: str) -> str | None:
    """The role or user that IAM can simulate; None for the root user, who may do everything.

    A session's ARN is arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION.
    """
    if ":assumed-role/" in arn:
        start, _, rest = arn.partition(":sts::")
        number, _, path = rest.partition(":assumed-role/")
        return f"{start}:iam::{number}:role/{path.rpartition('/')[0]}"
    return arn if ":user/" in arn or ":role/" in arn else None


CHECKS = (Check("permissions", "the role may do what this plan needs", permissions),)
