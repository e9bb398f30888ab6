"""Policy documents that fit: statements packed into as few managed policies as IAM's limit allows. Pure.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from collections.abc import Iterable, Sequence
from typing import Any

from pipeline.granting.collecting import Statement
from pipeline.granting.needs import Needs
from pipeline.resources.policies import size

CHARACTERS = 6_144
VERSION = "2012-10-17"


def packed(statements: Iterable[Statement], most: int = CHARACTERS) -> list[dict[str, Any]]:
    """Documents of at most `most` characters that together have all statements."""
    documents: list[list[Statement]] = []
    parts = [part for one in statements for part in _parts(one, most - 20)]  # room for the numbers of ids
    for part in sorted(parts, key=lambda one: -size(_document([one]))):
        room = next((held for held in documents if size(_document([*held, part])) <= most - 20), None)
        if room is None:
            documents.append([part])
        else:
            room.append(part)
    return [_document(_distinct(held)) for held in documents]


def _document(statements: Sequence[Statement]) -> dict[str, Any]:
    return {"Version": VERSION, "Statement": list(statements)}


def _parts(one: Statement, most: int) -> list[Statement]:
    """The statement, or halves of it where it does not fit alone: by resources, then by actions."""
    if size(_document([one])) <= most:
        return [one]
    for key in ("Resource", "Action"):
        items = one[key]
        if len(items) > 1:
            middle = len(items) // 2
            halves = ({**one, key: items[:middle]}, {**one, key: items[middle:]})
            return [part for half in halves for part in _parts(half, most)]
    return [one]


def _distinct(statements: Sequence[Statement]) -> list[Statement]:
    """Ids are unique within a document: halves of one statement are numbered."""
    seen: dict[str, int] = {}
    found = []
    for one in sorted(statements, key=lambda one: str(one["Sid"])):
        seen[one["Sid"]] = number = seen.get(one["Sid"], 0) + 1
        found.append(one if number == 1 else {**one, "Sid": f"{one['Sid']}{number}"})
    return found


def boundary(needs: Needs, own: Sequence[str]) -> dict[str, Any]:
    """What no role of the pipeline may do, whatever its policies say: destroy data, make users, leave the region.

    `own` are the ARNs of those roles, of their policies and of the functions' boundaries: the prefix of the service's
    names covers them, too.
    """
    known = needs.known
    regions = sorted({*needs.regions, "us-east-1"})  # certificates of CloudFront are of us-east-1
    # What is promoted may come from another region.
    read = () if set(needs.sources.values()) <= set(regions) else ("s3:GetObject", "s3:ListBucket")
    never = {*known.rules["denied"], *(() if needs.deletes_data else known.losing_data)}
    return _document(
        [
            _ALL,
            {"Sid": "Never", "Effect": "Deny", "Action": sorted(never), "Resource": ["*"]},
            {"Sid": "NotItself", "Effect": "Deny", "Action": list(_SELF), "Resource": sorted(own)},
            {"Sid": "NotTheLedger", "Effect": "Deny", "Action": ["s3:DeleteBucket"], "Resource": needs.buckets},
            {"Sid": "NoOtherRoles", "Effect": "Deny", "Action": ["sts:AssumeRole"], "Resource": ["*"]},
            {
                "Sid": "OnlyHere",
                "Effect": "Deny",
                "NotAction": sorted([*read, *(f"{service}:*" for service in known.rules["global"])]),
                "Resource": ["*"],
                "Condition": {"StringNotEquals": {"aws:RequestedRegion": regions}},
            },
        ]
    )


def functions_boundary() -> dict[str, Any]:
    """What no function may do, whatever its role says: change who may do what, or what functions run."""
    never = ["account:*", "iam:*", "organizations:*", "sts:AssumeRole"]
    code = [
        f"lambda:{name}"
        for name in ("AddPermission", "CreateFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration")
    ]
    return _document([_ALL, {"Sid": "Never", "Effect": "Deny", "Action": sorted([*never, *code]), "Resource": ["*"]}])


# What would let a role widen itself.
_SELF = (
    "iam:Add*", "iam:Attach*", "iam:Create*", "iam:Delete*", "iam:Detach*", "iam:PassRole", "iam:Put*", "iam:Set*",
    "iam:Update*",
)  # fmt: skip
# A boundary limits what policies allow, and allows nothing by itself.
_ALL = {"Sid": "AllElse", "Effect": "Allow", "Action": ["*"], "Resource": ["*"]}
