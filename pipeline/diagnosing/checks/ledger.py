"""What the ledger knows: the lock, what drifted since the last release, what belongs to none."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pipeline.diagnosing.finding import APPLY, FREE, Check, Finding
from pipeline.diagnosing.patient import Patient
from pipeline.granting.account import is_of_bootstrap
from pipeline.model.plan import Change, Origin
from pipeline.model.resource import Mark, Resource
from pipeline.planning.drift import drifted

# Undoing these takes nothing from anybody: a grant or a setting that was declared and released comes back.
PERMISSION = "lambda.permission"
SAFE = (PERMISSION, "logs.log_group")


def stale_lock(patient: Patient) -> Iterator[Finding]:
    """A lock whose lease ran out: the run that held it is dead."""
    lock = patient.condition.head.lock
    if lock is None or not lock.held or lock.expires >= patient.now.timestamp():
        return
    evidence = (
        f"run {lock.run} of {lock.actor or 'somebody'} on {lock.host or 'some machine'}",
        f"held since {lock.since}",
    )
    fix = f"{patient.command('unlock')}, then {patient.command('resume')}"
    yield Finding("the lock is held by a run whose lease ran out", "warning", evidence, fix, mends=FREE)


def hold(patient: Patient) -> Iterator[Finding]:
    """After a rollback deploys are refused until somebody says that the fix is there."""
    current = patient.condition.head.current
    if current is not None and current.hold is not None:
        evidence = (f"since {current.hold.since}: {current.hold.reason} by {current.hold.by}",)
        fix = f"{patient.command('deploy', '--clear-hold')}, once the fix is there"
        yield Finding("the environment is on hold", "info", evidence, fix)


def drift(patient: Patient) -> Iterator[Finding]:
    """What somebody changed in AWS since the last release, but for what has a check of its own."""
    for change in _drifted(patient):
        if change.type != PERMISSION:
            message = f"{change.address} {change.reason or 'was changed outside of git'}"
            yield _undone(patient, change, "drift", Finding(message, "warning"))


def api_permission(patient: Patient) -> Iterator[Finding]:
    """Leave to invoke a function that was released and is gone: callers get an error 500."""
    for change in _drifted(patient):
        if change.type == PERMISSION:
            message = f"{change.address}: callers may not invoke the function as the last release let them"
            yield _undone(patient, change, "api-permission", Finding(message, "error"))


def _drifted(patient: Patient) -> Iterator[Change]:
    if patient.condition.head.current is not None:
        yield from drifted(patient.condition.plan)


def _undone(patient: Patient, change: Change, check: str, finding: Finding) -> Finding:
    """The finding with what differs, and how to undo that: by a deploy, while that has to end another run, too."""
    safe = change.type in SAFE and change.desired is not None and change.origin is Origin.DRIFT
    safe = safe and not patient.condition.head.unfinished
    fix = patient.command("doctor", f"--fix {check}") if safe else patient.command("deploy")
    return replace(
        finding, evidence=differences(change), fix=fix, address=change.address, mends=APPLY if safe else None
    )


def differences(change: Change) -> tuple[str, ...]:
    """What is declared and what was found instead, as evidence."""
    if change.observed is None:
        return ("it is gone from AWS",)
    fields = change.fields[:5]
    return tuple(f"{field.path}: {_shown(field.after)} declared, {_shown(field.before)} found" for field in fields)


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def orphans(patient: Patient) -> Iterator[Finding]:
    """What carries this environment's mark but is neither declared nor released: a run left it that died.

    https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
    """
    current = patient.condition.head.current
    known = {*patient.desired.by_address, *(current.resources if current else {})}
    filters = [
        {"Key": "pipeline:service", "Values": [patient.scope.service]},
        {"Key": "pipeline:environment", "Values": [patient.scope.environment]},
    ]
    found = patient.aws.pages("resourcegroupstaggingapi", "GetResources", "ResourceTagMappingList", TagFilters=filters)
    for item in found:
        mark = Mark.from_tags({tag["Key"]: tag["Value"] for tag in item.get("Tags", ())})
        if mark is None or not mark.address or mark.address in known or _is_own(patient, mark.address):
            continue
        fix = "declare it again with that name to take it up, or delete it by hand"
        yield Finding(
            f"{mark.address} belongs to no release", "warning", (str(item["ResourceARN"]),), fix, mark.address
        )


def _is_own(patient: Patient, address: str) -> bool:
    """True for the ledger and for what bootstrap made."""
    kind, _, name = address.partition("/")
    return name == patient.needs.ledger or (
        kind.startswith("iam.") and is_of_bootstrap(Resource(kind, name, {}), patient.scope)
    )


CHECKS = (
    Check("api-permission", "APIs and others may invoke the functions that they were given", api_permission),
    Check("drift", "AWS is as the last release left it", drift),
    Check("hold", "the environment takes deploys", hold),
    Check("orphans", "everything with this environment's mark belongs to a release", orphans),
    Check("stale-lock", "no dead run holds the lock", stale_lock),
)
