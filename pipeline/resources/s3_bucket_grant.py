"""The one statement of a bucket policy by which a distribution reads the bucket.

The bucket must be there before the distribution, and the distribution before the statement, which names it. So it is a
resource of its own; `s3.bucket` leaves such statements alone. S3 knows whole policies only: what else is in it stays.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from pipeline.errors import PipelineError
from pipeline.model.access import Grant
from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties
from pipeline.resources import _s3_grants as statements
from pipeline.resources import policies
from pipeline.resources.base import Aws, Target, read_each
from pipeline.resources.grants import text

_ROUNDS = 4


def grants(properties: Properties, scope: Scope) -> Iterator[Grant]:
    """The distribution may read every object."""
    resource = f"{scope.arn('s3', str(properties['bucket']), regional=False, account=False)}/*"
    condition = f"StringEquals AWS:SourceArn = {text(properties['distribution'])}"
    yield Grant("cloudfront.amazonaws.com", "s3:GetObject", resource, condition=condition)


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each by the id of its statement."""
    return read_each(aws, targets, _read_one)


def _read_one(aws: Aws, target: Target) -> Observed | None:
    bucket = str(target.resource.properties["bucket"])
    found = _document(aws, bucket)["Statement"].get(statements.sid_of(target.name))
    if found is None:
        return None
    distribution = statements.distribution_in(found, bucket, aws.scope) or json.dumps(found, sort_keys=True)
    properties = {"name": target.name, "bucket": bucket, "distribution": distribution}
    return Observed(target.address, properties, {}, markable=False)


def _document(aws: Aws, bucket: str) -> Any:
    """The policy of the bucket in canonical form; without statements where there is none."""
    found = aws.found("s3", "GetBucketPolicy", Bucket=bucket, ExpectedBucketOwner=aws.scope.account)
    text_found = found.get("Policy") if found else None
    written = json.loads(text_found) if text_found else {"Version": policies.VERSION, "Statement": []}
    return policies.canonical(written, partition=aws.scope.partition, version=policies.UNSTATED_VERSION)


def create(aws: Aws, resource: Resource) -> Outputs:
    """Adds the statement, and looks: S3 takes the last policy that it was given, and another grant may be added now."""
    wanted = resource.properties
    sid, bucket = statements.sid_of(resource.name), str(wanted["bucket"])
    statement = statements.statement(sid, bucket, str(wanted["distribution"]), aws.scope)
    for _ in range(_ROUNDS):
        document = _document(aws, bucket)
        if document["Statement"].get(sid) == statement:
            return {}
        _put(aws, bucket, {**document, "Statement": {**document["Statement"], sid: statement}})
    if _document(aws, bucket)["Statement"].get(sid) != statement:
        raise PipelineError(f"letting {wanted['distribution']} read {bucket}: the policy keeps being changed by others")
    return {}


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """The statement anew."""
    return create(aws, resource)


def delete(aws: Aws, observed: Observed) -> None:
    """Takes the statement out, and the policy when nothing else is in it."""
    bucket, sid = str(observed.properties["bucket"]), statements.sid_of(str(observed.properties["name"]))
    document = _document(aws, bucket)
    if sid not in document["Statement"]:
        return
    _put(aws, bucket, {**document, "Statement": {k: v for k, v in document["Statement"].items() if k != sid}})


def _put(aws: Aws, bucket: str, document: Any) -> None:
    owner = aws.scope.account
    if not document["Statement"]:
        aws.found("s3", "DeleteBucketPolicy", Bucket=bucket, ExpectedBucketOwner=owner)
        return
    whole = {**document, "Statement": list(document["Statement"].values())}
    aws.call("s3", "PutBucketPolicy", Bucket=bucket, ExpectedBucketOwner=owner, Policy=policies.to_json(whole))
