"""The content of a static site in its bucket: what is there, bringing what is new, showing it. Calls AWS."""

from collections.abc import Mapping, Sequence
from functools import partial

from pipeline.errors import AwsError, PipelineError
from pipeline.model.resource import Resource
from pipeline.model.values import Outputs, Properties
from pipeline.resources import _s3_site_files as rules
from pipeline.resources.base import Aws

# https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
_AT_ONCE = 1000


def remove(aws: Aws, bucket: str, paths: Sequence[str]) -> None:
    """Deletes these objects; quiet about those that are gone. PipelineError when S3 keeps one."""
    for start in range(0, len(paths), _AT_ONCE):
        wanted = {"Objects": [{"Key": path} for path in paths[start : start + _AT_ONCE]], "Quiet": True}
        answer = aws.found("s3", "DeleteObjects", Delete=wanted, **owned(aws, {"bucket": bucket})) or {}
        for error in answer.get("Errors", ()):
            raise PipelineError(f"deleting {error['Key']} from {bucket}: {error['Code']}: {error['Message']}")


def prepare(aws: Aws, resource: Resource) -> Outputs:
    """Every content to the ledger, and to the bucket what no visitor can notice."""
    wanted = resource.properties
    files: Mapping[str, str] = wanted.get("files") or {}
    listed = listed_in(aws, str(wanted["bucket"]))
    places = dict(zip(files, aws.gather([partial(_place, aws, files[path]) for path in files]), strict=True))
    fresh = [path for path in files if path not in listed and not rules.is_page(path)]
    aws.gather([partial(_copy, aws, wanted, path, places[path]) for path in fresh])
    return {"url": f"https://{wanted['domain']}/"} if wanted.get("domain") else {}


def show(aws: Aws, wanted: Properties) -> list[str]:
    """Shows visitors the site as it is wanted (resolved); the paths whose content changed. May be called again."""
    files: Mapping[str, str] = wanted.get("files") or {}
    listed = listed_in(aws, str(wanted["bucket"]))
    changed = rules.differing(files, wanted.get("etags") or {}, listed)
    config = rules.config_bytes(wanted["config"]) if wanted.get("config") else None
    if config is not None and listed.get(rules.CONFIG) != rules.etag_of(config):
        changed.append(rules.CONFIG)
    for group in rules.stages(changed):
        aws.gather([partial(_show, aws, wanted, path, config) for path in group])
    return sorted(changed)


def _show(aws: Aws, wanted: Properties, path: str, config: bytes | None) -> None:
    if path == rules.CONFIG and config is not None:
        aws.call("s3", "PutObject", Key=path, Body=config, **_headers(path), **owned(aws, wanted))
    else:
        _copy(aws, wanted, path, _place(aws, str(wanted["files"][path])))


def _place(aws: Aws, digest: str) -> Mapping[str, str]:
    """Where the ledger has a content; it is uploaded there first when it is not."""
    return aws.artifact(digest.replace("sha256:", "file:", 1))


def _copy(aws: Aws, wanted: Properties, path: str, place: Mapping[str, str]) -> None:
    aws.call(
        "s3",
        "CopyObject",
        Key=path,
        CopySource={"Bucket": place["bucket"], "Key": place["key"]},
        MetadataDirective="REPLACE",
        ExpectedSourceBucketOwner=aws.scope.account,
        **_headers(path),
        **owned(aws, wanted),
    )


def _headers(path: str) -> dict[str, str]:
    return {"ContentType": rules.content_type(path), "CacheControl": rules.cache_control(path)}


def owned(aws: Aws, wanted: Properties) -> dict[str, str]:
    """Parameters that name the bucket and its owner."""
    return {"Bucket": str(wanted["bucket"]), "ExpectedBucketOwner": aws.scope.account}


def listed_in(aws: Aws, bucket: str) -> dict[str, str]:
    """Path -> ETag of every object; none when there is no such bucket yet."""
    try:
        found = aws.pages("s3", "ListObjectsV2", "Contents", **owned(aws, {"bucket": bucket}))
    except AwsError as error:
        if error.code == "NoSuchBucket":
            return {}
        raise
    return {str(item["Key"]): str(item["ETag"]).strip('"') for item in found}
