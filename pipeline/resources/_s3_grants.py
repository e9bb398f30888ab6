"""Statements of a bucket policy that let a distribution read the bucket: each belongs to its own resource. Pure.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from pipeline.model.scope import Scope
from pipeline.resources import policies

PREFIX = "ReadByDistribution"
_CLOUDFRONT = "cloudfront.amazonaws.com"


def sid_of(name: str) -> str:
    """The id of the statement of a grant."""
    return f"{PREFIX}{sha256(name.encode()).hexdigest()[:16]}"


def statement(sid: str, bucket: str, distribution: str, scope: Scope) -> Any:
    """The statement in canonical form."""
    written = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": _CLOUDFRONT},
        "Action": "s3:GetObject",
        "Resource": f"{scope.arn('s3', bucket, regional=False, account=False)}/*",
        "Condition": {"StringEquals": {"AWS:SourceArn": distribution}},
    }
    return policies.canonical({"Statement": [written]}, partition=scope.partition)["Statement"][sid]


def distribution_in(found: Any, bucket: str, scope: Scope) -> str | None:
    """The distribution that a canonical statement lets read the bucket, if it does that and nothing else."""
    if not isinstance(found, Mapping) or not str(found.get("Sid", "")).startswith(PREFIX):
        return None
    for values in (found.get("Condition") or {}).values():
        for value in values.values() if isinstance(values, Mapping) else ():
            arn = value[0] if isinstance(value, list) and len(value) == 1 else value
            if isinstance(arn, str) and statement(found["Sid"], bucket, arn, scope) == found:
                return arn if arn.startswith(_distributions(scope)) else None
    return None


def _distributions(scope: Scope) -> str:
    return scope.arn("cloudfront", "distribution/", regional=False)
