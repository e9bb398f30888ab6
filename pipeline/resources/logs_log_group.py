"""CloudWatch log groups.

Lambda makes `/aws/lambda/<function>` by itself at the first invocation, without retention; so a group is made before
its function, and one that is there already is taken as ours when its name says so.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pipeline.model.resource import Observed, Resource
from pipeline.model.values import Outputs
from pipeline.resources.base import Aws, Target, split_tags, stale_tags, tags_for, touches

# Letters that names must share after their directory for one listing; fewer would list half an account.
SHORTEST_STEM = 3


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Groups with a stem in common (those of one service's functions) by one listing, then the tags of each.

    AWS answers few of these calls a second. Tags are spared where nothing suggests that they differ.
    """
    listings = aws.gather([_listing(aws, prefix) for prefix in stems(target.name for target in targets)])
    groups = {group["logGroupName"]: group for listing in listings for group in listing}
    present = [target for target in targets if target.name in groups]
    tags = aws.gather([_tags(aws, target) for target in present])
    # A listing may still show a group that is gone; its tags do not.
    return {
        target.address: _observed(aws, target, groups[target.name], found)
        for target, found in zip(present, tags, strict=True)
        if found is not None
    }


def stems(names: Iterable[str]) -> list[str]:
    """The prefixes to list: what names of one directory share, or a whole name where they share nothing."""
    directories: dict[str, list[str]] = {}
    for name in names:
        directories.setdefault(name[: name.rfind("/") + 1], []).append(name)
    found = []
    for directory, members in directories.items():
        first, last = min(members), max(members)
        length = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
        found += [first[:length]] if length >= len(directory) + SHORTEST_STEM else sorted({*members})
    return found


def _listing(aws: Aws, prefix: str) -> Callable[[], list[Any]]:
    return lambda: aws.pages("logs", "DescribeLogGroups", key="logGroups", logGroupNamePrefix=prefix, limit=50)


def _tags(aws: Aws, target: Target) -> Callable[[], Mapping[str, str] | None]:
    """All tags of a group: as read, or as the last release says; None when the group is gone."""

    def fetch() -> Mapping[str, str] | None:
        if _spared(target):
            return {**((target.released or {}).get("tags") or {}), **aws.scope.mark(target.address).tags()}
        found = aws.found("logs", "ListTagsForResource", resourceArn=_arn(aws, target.name))
        return found["tags"] if found else None

    return fetch


def _spared(target: Target) -> bool:
    return not target.thorough and target.released is not None


def _observed(aws: Aws, target: Target, group: Mapping[str, Any], tags: Mapping[str, str]) -> Observed:
    own, mark = split_tags(tags)
    properties = {
        "name": target.name,
        "retention_days": group.get("retentionInDays"),
        "kms_key": group.get("kmsKeyId"),
        "tags": own,
    }
    trusted = ("tags",) if _spared(target) else ()
    return Observed(target.address, properties, {"arn": _arn(aws, target.name)}, mark, trusted=trusted)


def create(aws: Aws, resource: Resource) -> Outputs:
    """The group with its mark, then its retention."""
    wanted = resource.properties
    key = {"kmsKeyId": wanted["kms_key"]} if wanted.get("kms_key") else {}
    aws.call("logs", "CreateLogGroup", logGroupName=resource.name, tags=tags_for(aws, resource), **key)
    _put_retention(aws, resource)
    return {"arn": _arn(aws, resource.name)}


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """Retention, key and tags, each by its own call."""
    arn = _arn(aws, resource.name)
    if touches(paths, "retention_days"):
        _put_retention(aws, resource)
    if touches(paths, "kms_key"):
        key = resource.properties.get("kms_key")
        if key:
            aws.call("logs", "AssociateKmsKey", logGroupName=resource.name, kmsKeyId=key)
        else:
            aws.call("logs", "DisassociateKmsKey", logGroupName=resource.name)
    if touches(paths, "tags"):
        tags = tags_for(aws, resource)
        aws.call("logs", "TagResource", resourceArn=arn, tags=tags)
        if gone := stale_tags(observed, tags):
            aws.call("logs", "UntagResource", resourceArn=arn, tagKeys=gone)
    return {"arn": arn}


def delete(aws: Aws, observed: Observed) -> None:
    """The group and all that it holds."""
    aws.found("logs", "DeleteLogGroup", logGroupName=observed.properties["name"])


def _put_retention(aws: Aws, resource: Resource) -> None:
    days = resource.properties.get("retention_days")
    if days is None:
        aws.call("logs", "DeleteRetentionPolicy", logGroupName=resource.name)
    else:
        aws.call("logs", "PutRetentionPolicy", logGroupName=resource.name, retentionInDays=days)


def _arn(aws: Aws, name: str) -> str:
    return aws.scope.arn("logs", f"log-group:{name}")
