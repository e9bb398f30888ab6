"""The claims of GitHub's token against the trust policy of the environment's roles."""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from pipeline.diagnosing.finding import Check, Finding
from pipeline.diagnosing.patient import Patient
from pipeline.errors import Interrupted, PipelineError
from pipeline.granting.account import DEPLOY, PLAN, own_name
from pipeline.granting.trust import ISSUER, Repository, trust


def oidc_claims(patient: Patient) -> Iterator[Finding]:
    """Inside a job: subject and audience of its token are trusted by one of the roles, letter by letter."""
    token = patient.token()
    if token is None:
        return
    claims = claims_of(token)
    if claims is None:
        yield Finding("the job's token cannot be read", "unknown")
        return
    unread: PipelineError | None = None
    try:
        trusted = _trusted(patient)
    except Interrupted:
        raise
    except PipelineError as error:
        # A job whose token is refused has no credentials to read the trust policy with.
        unread, trusted = error, _usual(patient, claims)
        if not trusted:
            raise
    if not trusted:
        fix = patient.command("bootstrap", "--repo OWNER@ID/NAME@ID")
        yield Finding("there is no role that trusts GitHub for this environment", "error", fix=fix)
        return
    differing = [finding for claim in ("aud", "sub") for finding in _compared(patient, claims, claim, trusted, unread)]
    if unread and not differing:
        raise unread
    yield from differing


def _compared(
    patient: Patient, claims: Mapping[str, Any], claim: str, trusted: list[Any], unread: PipelineError | None
) -> Iterator[Finding]:
    values = [value for statement in trusted for value in accepted(statement, claim)]
    actual = str(claims.get(claim, ""))
    if any(fnmatchcase(actual, value) for value in values):
        return
    nearest = max(values, key=lambda value: len(common(value, actual)), default="")
    evidence = (f"expected {nearest}", f"actual   {actual}", f"         {' ' * len(common(nearest, actual))}^")
    fix = patient.command("bootstrap", "--repo OWNER@ID/NAME@ID")
    if claim == "sub" and ":environment:" not in actual:
        fix = f"environment: {patient.environment.name} in the job: GitHub writes it into the token then"
    if unread is None:
        yield Finding(f"no role trusts the {claim} of this job's token", "error", evidence, fix)
    else:
        told = f"the {claim} of this job's token is none that bootstrap would trust"
        yield Finding(told, "warning", (*evidence, "what the roles trust could not be read"), fix)


def _trusted(patient: Patient) -> list[Any]:
    """The statements of the trust policies of the environment's roles."""
    found: list[Any] = []
    for role in (own_name(patient.scope, DEPLOY), own_name(patient.scope, PLAN)):
        answer = patient.aws.found("iam", "GetRole", RoleName=role)
        found += listed(answer["Role"]["AssumeRolePolicyDocument"]["Statement"]) if answer else []
    return found


def _usual(patient: Patient, claims: Mapping[str, Any]) -> list[Any]:
    """What bootstrap writes for this job's repository, where the environment has the same name on GitHub."""
    owner, slash, name = str(claims.get("repository", "")).partition("/")
    if not slash:
        return []
    repository = Repository(
        owner, name, str(claims.get("repository_owner_id", "")), str(claims.get("repository_id", ""))
    )
    places = (patient.environment.name, f"{patient.environment.name}-plan")
    return [statement for place in places for statement in trust(repository, "", place)["Statement"]]


def claims_of(token: str) -> Mapping[str, Any] | None:
    """The claims of a JSON Web Token, unverified: AWS verifies it."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return None
    return found if isinstance(found, Mapping) else None


def accepted(statement: Mapping[str, Any], claim: str) -> list[str]:
    """The values of a claim that a statement of a trust policy accepts."""
    found: list[str] = []
    for operator in ("StringEquals", "StringLike"):
        found += listed(statement.get("Condition", {}).get(operator, {}).get(f"{ISSUER}:{claim}", []))
    return found


def common(one: str, other: str) -> str:
    """What two texts begin with."""
    length = 0
    while length < min(len(one), len(other)) and one[length] == other[length]:
        length += 1
    return one[:length]


def listed(value: Any) -> list[Any]:
    """A list, from a list or the one that may stand for it."""
    return value if isinstance(value, list) else [value]


CHECKS = (Check("oidc-claims", "inside a job: its token is what the roles trust", oidc_claims),)
