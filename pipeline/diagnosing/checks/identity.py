"""The claims of GitHub's token against the trust policy of the environment's roles."""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from pipeline.diagnosing.finding import Check, Finding
from pipeline.diagnosing.patient import Patient
from pipeline.granting.account import DEPLOY, PLAN, own_name
from pipeline.granting.trust import ISSUER


def oidc_claims(patient: Patient) -> Iterator[Finding]:
    """Inside a job: subject and audience of its token are trusted by one of the roles, letter by letter."""
    token = patient.token()
    if token is None:
        return
    claims = claims_of(token)
    if claims is None:
        yield Finding("the job's token cannot be read", "unknown")
        return
    trusted: list[tuple[str, Mapping[str, Any]]] = []
    for role in (own_name(patient.scope, DEPLOY), own_name(patient.scope, PLAN)):
        found = patient.aws.found("iam", "GetRole", RoleName=role)
        document = found["Role"]["AssumeRolePolicyDocument"] if found else {"Statement": []}
        trusted += [(role, statement) for statement in listed(document["Statement"])]
    fix = patient.command("bootstrap", "--repo OWNER@ID/NAME@ID")
    if not trusted:
        yield Finding("there is no role that trusts GitHub for this environment", "error", fix=fix)
        return
    for claim in ("aud", "sub"):
        values = [v for _, statement in trusted for v in accepted(statement, claim)]
        actual = str(claims.get(claim, ""))
        if any(fnmatchcase(actual, value) for value in values):
            continue
        nearest = max(values, key=lambda value: len(common(value, actual)), default="")
        evidence = (f"expected {nearest}", f"actual   {actual}", f"         {' ' * len(common(nearest, actual))}^")
        yield Finding(f"no role trusts the {claim} of this job's token", "error", evidence, fix)


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


CHECKS = (Check("oidc-claims", "the job's token is what the roles trust", oidc_claims),)
