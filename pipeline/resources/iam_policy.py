"""Managed policies of the account's own.

A changed document is a new version, and IAM keeps five: the oldest goes before a sixth comes. Which version counts is
decided by the call that makes it, so a crash leaves either the old document or the new one.
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html
"""

from collections.abc import Iterator, Sequence
from typing import Any

from pipeline.model.access import Grant
from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties
from pipeline.resources import policies
from pipeline.resources.base import (
    Alike,
    Aws,
    Problem,
    Target,
    read_each,
    split_tags,
    stale_tags,
    tag_list,
    tag_map,
    tags_for,
    touches,
)
from pipeline.resources.grants import of_document

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
CHARACTERS = 6_144
VERSIONS = 5


def canonical(properties: Properties, scope: Scope) -> Properties:
    """The document in its canonical form."""
    return {**properties, "document": policies.canonical(properties["document"], partition=scope.partition)}


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """A malformed document, and one that is too long."""
    document = resource.properties["document"]
    yield from policies.problems(document, policies.Use.IDENTITY, ("document",))
    if (size := policies.size(document)) > CHARACTERS:
        yield Problem(f"the policy has {size:,} characters; IAM allows {CHARACTERS:,}", ("document",), "split it")


def warn(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Grants that are wider than they look necessary."""
    yield from policies.warnings(resource.properties["document"], ("document",))


def grants(properties: Properties, scope: Scope) -> Iterator[Grant]:
    """What the document allows whoever has the policy."""
    arn = scope.arn("iam", f"policy{properties.get('path') or '/'}{properties['name']}", regional=False)
    yield from of_document(properties["document"], principal=f"whoever has {arn}")


def divide(resource: Resource, theirs: Resource, alike: Alike) -> Iterator[Problem]:
    """A document that means something else in each region: whoever has the policy would lack what another needs."""
    if not alike(resource.properties["document"], theirs.properties["document"]):
        yield Problem("its document is about the things of one region", ("document",))


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each policy by itself: the list shows neither tags nor documents."""
    return read_each(aws, targets, _read_one)


def _read_one(aws: Aws, target: Target) -> Observed | None:
    path = target.resource.properties.get("path", "/")
    arn = aws.scope.arn("iam", f"policy{path}{target.name}", regional=False)
    found = aws.found("iam", "GetPolicy", PolicyArn=arn)
    if found is None:
        return None
    policy = found["Policy"]
    version = aws.found("iam", "GetPolicyVersion", PolicyArn=arn, VersionId=policy["DefaultVersionId"])
    if version is None:
        return None
    document = version["PolicyVersion"]["Document"]
    tags, mark = split_tags(tag_map(policy.get("Tags", ())))
    properties: Properties = {
        "name": policy["PolicyName"],
        "path": policy["Path"],
        "description": policy.get("Description", ""),
        "document": policies.canonical(document, partition=aws.scope.partition, version=policies.UNSTATED_VERSION),
        "tags": tags,
    }
    return Observed(target.address, properties, {"arn": policy["Arn"], "name": policy["PolicyName"]}, mark)


def create(aws: Aws, resource: Resource) -> Outputs:
    """The policy with its mark."""
    wanted = resource.properties
    described = {"Description": wanted["description"]} if wanted["description"] else {}
    policy = aws.call(
        "iam",
        "CreatePolicy",
        PolicyName=resource.name,
        Path=wanted["path"],
        PolicyDocument=policies.to_json(wanted["document"]),
        Tags=tag_list(tags_for(aws, resource)),
        **described,
    )["Policy"]
    return {"arn": policy["Arn"], "name": resource.name}


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """A new version for a new document; tags in place."""
    arn, wanted = observed.outputs["arn"], resource.properties
    if touches(paths, "document"):
        others = _other_versions(aws, arn)
        for version in others[: max(0, len(others) + 2 - VERSIONS)]:
            aws.found("iam", "DeletePolicyVersion", PolicyArn=arn, VersionId=version)
        document = policies.to_json(wanted["document"])
        aws.call("iam", "CreatePolicyVersion", PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
    if touches(paths, "tags"):
        if gone := stale_tags(observed, wanted["tags"]):
            aws.call("iam", "UntagPolicy", PolicyArn=arn, TagKeys=gone)
        aws.call("iam", "TagPolicy", PolicyArn=arn, Tags=tag_list(tags_for(aws, resource)))
    return observed.outputs


def _other_versions(aws: Aws, arn: str) -> list[str]:
    """Versions that do not count, oldest first."""
    versions: list[Any] = aws.pages("iam", "ListPolicyVersions", "Versions", PolicyArn=arn)
    others = [version for version in versions if not version["IsDefaultVersion"]]
    return [version["VersionId"] for version in sorted(others, key=lambda version: version["CreateDate"])]


def delete(aws: Aws, observed: Observed) -> None:
    """The policy, after the versions that do not count. What it is attached to has to let go of it first."""
    arn = observed.outputs["arn"]
    if aws.found("iam", "GetPolicy", PolicyArn=arn) is None:
        return
    for version in _other_versions(aws, arn):
        aws.found("iam", "DeletePolicyVersion", PolicyArn=arn, VersionId=version)
    aws.found("iam", "DeletePolicy", PolicyArn=arn)
