"""Who on GitHub may assume a role: repositories, the subjects of their tokens, and trust policies. Pure.

Tokens of repositories that were made, renamed or moved after 2026-07-15 carry the ids of owner and repository in their
subject, others do not. So both forms are trusted; the one with ids only once the ids are known.
https://docs.github.com/en/actions/reference/security/oidc
"""

import re
from dataclasses import dataclass
from typing import Any, Self

from pipeline.errors import BadInput

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
_NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]{0,38})(?:@([0-9]+|\*))?/([A-Za-z0-9._-]{1,100})(?:@([0-9]+|\*))?")


@dataclass(frozen=True)
class Repository:
    """A repository on GitHub; the ids are empty when nobody told them, and `*` where any is to be trusted."""

    owner: str
    name: str
    owner_id: str = ""
    id: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """`OWNER/NAME`, or with the ids `OWNER@ID/NAME@ID`. BadInput for anything else."""
        found = _NAME.fullmatch(text)
        if found is None or bool(found[2]) != bool(found[4]):
            raise BadInput(f'--repo is "{text[:100]}"', hint="write OWNER/NAME, or with the ids OWNER@ID/NAME@ID")
        return cls(found[1], found[3], found[2] or "", found[4] or "")

    @property
    def has_ids(self) -> bool:
        """True when both ids are known, or known not to matter."""
        return bool(self.owner_id and self.id)

    @property
    def any_id(self) -> bool:
        """True when whoever has the name is trusted, which somebody has to ask for."""
        return "*" in (self.owner_id, self.id)

    def subjects(self, environment: str) -> list[str]:
        """The subjects of the tokens of jobs in a GitHub environment, without ids and, where known, with them.

        A colon in a name is %3A.
        """
        what = f"environment:{environment.replace(':', '%3A')}"
        exact = [f"repo:{self.owner}@{self.owner_id}/{self.name}@{self.id}:{what}"] if self.has_ids else []
        return [f"repo:{self.owner}/{self.name}:{what}", *exact]


def trust(repository: Repository, provider: str, environment: str) -> dict[str, Any]:
    """The trust policy for jobs in a GitHub environment: exact subject, made out to AWS, and nobody else."""
    audience, subject = {f"{ISSUER}:aud": AUDIENCE}, {f"{ISSUER}:sub": repository.subjects(environment)}
    condition: dict[str, Any] = {"StringEquals": audience | subject}
    if repository.any_id:
        condition = {"StringEquals": audience, "StringLike": subject}
    statement = {
        "Sid": "GitHubActions",
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": condition,
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
