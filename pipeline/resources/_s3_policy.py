"""Who may reach an S3 bucket: its policy and its public access block, from the words of the specs and back. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.model.scope import Scope
from pipeline.model.values import Properties
from pipeline.resources import policies
from pipeline.resources._s3_grants import distribution_in

TLS_ONLY, PUBLIC_READ = "DenyInsecureTransport", "PublicRead"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
BLOCK_ACLS, BLOCK_POLICY = ("BlockPublicAcls", "IgnorePublicAcls"), ("BlockPublicPolicy", "RestrictPublicBuckets")


def bucket_arn(name: str, scope: Scope) -> str:
    """ARN of the bucket."""
    return scope.arn("s3", name, regional=False, account=False)


def own_statements(name: str, scope: Scope) -> dict[str, Any]:
    """The statements behind `tls_only` and `public`, by Sid, in canonical form."""
    arn = bucket_arn(name, scope)
    tls_only = {
        "Sid": TLS_ONLY,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    everybody = {
        "Sid": PUBLIC_READ,
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"{arn}/*",
    }
    statements: dict[str, Any] = policies.canonical({"Statement": [tls_only, everybody]})["Statement"]
    return statements


def policy_text(wanted: Properties, scope: Scope, kept: Sequence[Any] = ()) -> str | None:
    """The whole bucket policy as JSON, with what is `kept` of the one that is there; None when it would be empty."""
    document = wanted.get("policy") or {"Version": policies.VERSION}
    own = own_statements(wanted["name"], scope)
    chosen = [own[sid] for sid, on in ((TLS_ONLY, wanted["tls_only"]), (PUBLIC_READ, wanted["public"])) if on]
    statements = [*policies.statements(document), *chosen, *kept]
    return policies.to_json({**document, "Statement": statements}) if statements else None


def split_policy(document: Any, name: str, scope: Scope) -> tuple[dict[str, Any], Any]:
    """Which of our own statements a bucket policy has, exactly; and the rest of it, or None.

    What lets a distribution read the bucket is a resource of its own, and no part of the rest.
    """
    found = policies.canonical(document, partition=scope.partition, version=policies.UNSTATED_VERSION)
    rest = dict(found["Statement"]) if found else {}
    own = own_statements(name, scope)
    present = {sid: rest.get(sid) == statement for sid, statement in own.items()}
    granted = {key for key, statement in rest.items() if distribution_in(statement, name, scope)}
    rest = {key: statement for key, statement in rest.items() if not present.get(key) and key not in granted}
    return present, {**found, "Statement": rest} if rest else None


def granted_statements(document: Any, name: str, scope: Scope) -> list[Any]:
    """The statements that let distributions read the bucket."""
    return [one for one in policies.statements(policies.canonical(document)) if distribution_in(one, name, scope)]


def public_state(block: Mapping[str, bool], public_read: bool) -> bool | str:
    """`public` as AWS shows it: False when all is blocked, True when it is as we open it, else what is open."""
    on = {key for key in (*BLOCK_ACLS, *BLOCK_POLICY) if block.get(key)}
    if on == {*BLOCK_ACLS, *BLOCK_POLICY} and not public_read:
        return False
    if on == {*BLOCK_ACLS} and public_read:
        return True
    off = sorted({*BLOCK_ACLS, *BLOCK_POLICY} - on)
    return f"not blocked: {', '.join(off)}" if off else "blocked, with a public policy"


def block_for(public: bool) -> dict[str, bool]:
    """PublicAccessBlockConfiguration; ACLs stay blocked in any case."""
    return {**dict.fromkeys(BLOCK_ACLS, True), **dict.fromkeys(BLOCK_POLICY, not public)}
