"""CloudWatch log groups.

Lambda makes `/aws/lambda/<function>` by itself at the first invocation, without retention; so a group is made before
its function, and one that is there already is taken as ours when its name says so.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.model.resource import Observed, Resource
from pipeline.model.values import Outputs
from pipeline.resources.base import Aws, Target, read_each, split_tags, stale_tags, tags_for, touches


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each group by its own name as prefix: groups of one service rarely share a page with those of others."""
    return read_each(aws, targets, _read_one)


def _read_one(aws: Aws, target: Target) -> Observed | None:
    groups = aws.call("logs", "DescribeLogGroups", logGroupNamePrefix=target.name, limit=50)["logGroups"]
    group = next((g for g in groups if g["logGroupName"] == target.name), None)
    if group is None:
        return None
    arn = _arn(aws, target.name)
    tags, mark = split_tags(aws.call("logs", "ListTagsForResource", resourceArn=arn)["tags"])
    properties: Mapping[str, Any] = {
        "name": target.name,
        "retention_days": group.get("retentionInDays"),
        "kms_key": group.get("kmsKeyId"),
        "tags": tags,
    }
    return Observed(target.address, properties, {"arn": arn}, mark)


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
