"""The stages of doctor: examine the environment, and mend what is safe to mend."""

import json
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from pipeline.commands.advising import root_option
from pipeline.commands.planning import Reading, survey
from pipeline.commands.running import apply, under_lock
from pipeline.commands.unlock import unlock
from pipeline.commands.workspace import Workspace
from pipeline.diagnosing.examination import Result, examine, hindered, unexamined
from pipeline.diagnosing.finding import FREE, SEVERITIES, Check, Finding
from pipeline.diagnosing.patient import Condition, Patient
from pipeline.errors import BadInput, Interrupted, PipelineError, Refused
from pipeline.granting.needs import Needs
from pipeline.granting.trust import AUDIENCE
from pipeline.planning.drift import with_released_code
from pipeline.planning.planner import Consent
from pipeline.releasing.store import bucket_name

_TOKEN_SECONDS = 10


def patient_of(workspace: Workspace, hours: float) -> Patient:
    """The environment of a workspace, for the checks."""
    scope = workspace.scope
    desired = workspace.loaded.desired[scope.environment]
    return Patient(
        environment=workspace.environment,
        desired=desired,
        aws=workspace.aws,
        needs=Needs(scope, tuple(desired), bucket_name(scope)),
        examine=lambda: _condition(workspace),
        environ=workspace.environ,
        now=datetime.fromtimestamp(workspace.clock.now(), UTC),
        token=lambda: _token(workspace),
        hours=hours,
        local=workspace.local,
        root=root_option(workspace.root, Path.cwd()),
        region=workspace.region,
    )


def _condition(workspace: Workspace) -> Condition:
    """What AWS has, all of it read, and what a deploy would change; code as it was released, so nothing is built."""
    head = Reading(workspace).head()
    released = head.current.resources if head.current else {}
    desired = with_released_code(workspace.loaded.desired[workspace.environment.name], released)
    found = survey(workspace, desired, head, Consent(), thorough=True)
    return Condition(found.plan, found.observed, head)


def _token(workspace: Workspace) -> str | None:
    """The OpenID Connect token of this job, None outside of one.

    https://docs.github.com/en/actions/reference/security/oidc#methods-for-requesting-the-oidc-token
    """
    if path := workspace.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
        return Path(path).read_text(encoding="utf-8").strip()
    url = workspace.environ.get("ACTIONS_ID_TOKEN_REQUEST_URL")
    bearer = workspace.environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    if not url or not bearer:
        return None
    joined = f"{url}{'&' if '?' in url else '?'}{urlencode({'audience': AUDIENCE})}"
    request = urllib.request.Request(joined, headers={"Authorization": f"bearer {bearer}"})  # noqa: S310 - GitHub's own URL, from the runner
    try:
        with urllib.request.urlopen(request, timeout=_TOKEN_SECONDS) as answer:  # noqa: S310 - the same
            return str(json.load(answer)["value"])
    except (OSError, ValueError, KeyError) as error:
        raise PipelineError(
            f"asking GitHub for the job's token: {error}", hint="permissions: id-token: write"
        ) from error


def diagnose(workspace: Workspace, hours: float, checks: Sequence[Check]) -> tuple[Patient | None, list[Result]]:
    """The results of the checks, run side by side; no patient where AWS does not even say which account is meant."""
    try:
        patient = patient_of(workspace, hours)
    except (BadInput, Refused, Interrupted):
        raise
    except PipelineError as error:
        return None, unexamined(error, checks)
    with workspace.stage("examine"), workspace.console.working("examining") as live:
        for check in checks:
            live.begun(check.id, check.title)
        return patient, examine(patient, checks, lambda check: live.ended_quietly(check.id))


def docs(command: str) -> Callable[[Check], str]:
    """Where a check is described: on GitHub, where the running pipeline comes from there, else by `command`."""
    from pipeline.scaffolding.origin import tool  # noqa: PLC0415 - asks git, which only a finding needs

    found = tool()
    base = f"https://github.com/{found.github}/blob/{found.commit}/" if found.github else ""
    return lambda check: f"{base}{check.docs}" if base else f"{command} --explain {check.id}"


def document_of(environment: str, results: Sequence[Result]) -> dict[str, Any]:
    """Doctor's document."""
    where = docs("pipeline doctor") if any(result.findings for result in results) else lambda _check: ""
    findings = [finding.to_json(result.check, where(result.check)) for result in results for finding in result.findings]
    counts = Counter(finding["severity"] for finding in findings)
    causes = hindered(results)
    counts["unknown"] += sum(len(checks) for checks in causes.values())
    return {
        "environment": environment,
        "findings": findings,
        "not_looked_at": [{"checks": checks, **asdict(hindrance)} for hindrance, checks in causes.items()],
        "fine": [result.check.id for result in results if not result.findings and result.hindrance is None],
        "summary": {severity: counts[severity] for severity in SEVERITIES},
    }


def mend(workspace: Workspace, patient: Patient, findings: Sequence[Finding]) -> list[str]:
    """Does what the findings' `mends` say; what was done, in words. Refused when another run came in between."""
    done = []
    if any(finding.mends == FREE for finding in findings):
        freed = unlock(workspace)
        done.append(f"the lock of run {freed.run} is free" if freed else "nobody holds the lock")
    addresses = {finding.address for finding in findings if finding.mends and finding.address}
    changes = [change for change in patient.condition.plan.changes if change.address in addresses]
    if changes:
        condition = patient.condition
        outputs = {address: observed.outputs for address, observed in condition.observed.resources.items()}
        about = {"plan": {**condition.plan.to_json(), "changes": [change.to_json() for change in changes]}}
        with under_lock(workspace, condition.head, "doctor", about) as journal:
            if journal is None:
                raise Refused("taking the lock: another run changed the environment meanwhile", hint="run doctor again")
            apply(workspace, changes, outputs, journal, "mending")
        done += [f"{change.address} is as it was declared" for change in changes]
    return done
