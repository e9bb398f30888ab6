"""S3 buckets: private by default, every weaker form asked for and warned about.

What a bucket is made of are some ten settings, each with its own call. The mark is written by CreateBucket itself:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-create-tag.html
Every call names the account that must own the bucket, since names are shared by all of AWS:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.errors import AwsError, BadInput, Diagnostic, FailedCall
from pipeline.model.access import Grant
from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties
from pipeline.resources import _s3_policy as access
from pipeline.resources import _s3_settings as settings
from pipeline.resources import policies
from pipeline.resources._s3_grants import PREFIX as GRANT_SID
from pipeline.resources.base import Aws, Problem, Target, read_each, split_tags, tag_list, tag_map, tags_for, touches
from pipeline.resources.grants import of_document

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_RESERVED_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")

_READS = {
    "tags": "GetBucketTagging",
    "block": "GetPublicAccessBlock",
    "policy": "GetBucketPolicy",
    "encryption": "GetBucketEncryption",
    "versioning": "GetBucketVersioning",
    "ownership": "GetBucketOwnershipControls",
    "lifecycle": "GetBucketLifecycleConfiguration",
    "cors": "GetBucketCors",
    "website": "GetBucketWebsite",
}


def canonical(properties: Properties, scope: Scope) -> Properties:
    """The policy in its canonical form, rules with their defaults."""
    document = properties.get("policy")
    return {
        **properties,
        "policy": policies.canonical(document, partition=scope.partition) if document else None,
        "lifecycle": [settings.canonical_rule(rule) for rule in properties.get("lifecycle") or ()],
    }


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """S3's rules for names, and what its public access block or itself would refuse."""
    name, wanted = resource.name, resource.properties
    if ".." in name or re.fullmatch(r"\d+\.\d+\.\d+\.\d+", name):
        yield Problem(f"{name} is no bucket name: no two dots in a row, and not like an IP address", ("name",))
    if name.startswith(_RESERVED_PREFIXES) or name.endswith(_RESERVED_SUFFIXES):
        yield Problem(f"{name} begins or ends with what S3 keeps for itself", ("name",))
    if wanted.get("kms_key") and wanted["encryption"] != "aws:kms":
        yield Problem("kms_key means nothing with encryption AES256", ("kms_key",), "set encryption: aws:kms")
    ids = [rule["id"] for rule in wanted["lifecycle"]]
    for rule in sorted({rule for rule in ids if ids.count(rule) > 1}):
        yield Problem(f"two lifecycle rules have the id {rule}", ("lifecycle",))
    for index, entry in enumerate(wanted["lifecycle"]):
        if not any(entry.get(action) for action in (*settings.RULE_DAYS, "transitions")):
            hint = f"say {', '.join(settings.RULE_DAYS)} or transitions"
            yield Problem(f"the lifecycle rule {entry['id']} does nothing", ("lifecycle", index), hint)
    if wanted.get("policy") is not None:
        yield from _check_policy(wanted)


def _check_policy(wanted: Properties) -> Iterator[Problem]:
    document = wanted["policy"]
    yield from policies.problems(document, policies.Use.RESOURCE, ("policy",))
    for index, statement in enumerate(policies.statements(document)):
        path = ("policy", "Statement", index)
        if not isinstance(statement, Mapping):
            continue
        if statement.get("Sid") in (access.TLS_ONLY, access.PUBLIC_READ):
            yield Problem(f"the Sid {statement['Sid']} is our own", (*path, "Sid"), "use `tls_only` and `public`")
        if str(statement.get("Sid", "")).startswith(GRANT_SID):
            yield Problem(f"Sids that begin with {GRANT_SID} are our own", (*path, "Sid"), "choose another one")
        if policies.opens_to_everyone(statement) and not wanted["public"]:
            hint = "name the principals, add a Condition, or say public: true"
            yield Problem("this statement makes the bucket public, which S3 refuses while it is not", path, hint)


def warn(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Every weaker form."""
    wanted = resource.properties
    if wanted["public"]:
        hint = "keep it private behind CloudFront"
        yield Problem("everybody on the internet can read every object of the bucket", ("public",), hint)
    if not wanted["tls_only"]:
        yield Problem("the bucket answers requests without TLS", ("tls_only",))
    if wanted.get("website"):
        yield Problem(
            "S3 serves websites over plain HTTP", ("website",), "put CloudFront in front of the bucket instead"
        )
    yield from policies.warnings(wanted.get("policy"), ("policy",))


def grants(properties: Properties, scope: Scope) -> Iterator[Grant]:
    """The statements of the bucket policy, those behind `public` and `tls_only` included."""
    own = access.own_statements(properties["name"], scope)
    chosen = {access.TLS_ONLY: properties.get("tls_only"), access.PUBLIC_READ: properties.get("public") is True}
    yield from of_document({"Statement": {sid: own[sid] for sid, on in chosen.items() if on}})
    yield from of_document(properties.get("policy"))


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each bucket by itself: S3 has no call that shows more than one setting."""
    return read_each(aws, targets, _read_one)


def _read_one(aws: Aws, target: Target) -> Observed | None:
    """All settings at once when the last release had the bucket, else only when it exists."""
    getters = [_getter(aws, target.name, operation) for operation in _READS.values()]
    if target.released is None:
        exists = _exists(aws, target)
        answers = aws.gather(getters) if exists else []
    else:
        exists, *answers = aws.gather([lambda: _exists(aws, target), *getters])
    if not exists:
        return None
    observed = _observed(aws.scope, target, dict(zip(_READS, answers, strict=True)))
    if observed.mark is None and not observed.properties["tags"]:
        return replace(observed, unclaimed=_is_empty(aws, target.name))
    return observed


def _is_empty(aws: Aws, name: str) -> bool:
    """True when the bucket has never held an object that is still there in any version."""
    found = aws.call("s3", "ListObjectVersions", Bucket=name, ExpectedBucketOwner=aws.scope.account, MaxKeys=1)
    return not found.get("Versions") and not found.get("DeleteMarkers")


def _getter(aws: Aws, name: str, operation: str) -> Callable[[], Any]:
    return lambda: aws.found("s3", operation, Bucket=name, ExpectedBucketOwner=aws.scope.account) or {}


def _exists(aws: Aws, target: Target) -> bool:
    """False when there is no such bucket. Raises when it is another account's, or in another region."""
    scope = aws.scope
    try:
        found = aws.found("s3", "HeadBucket", Bucket=target.name, ExpectedBucketOwner=scope.account)
    except AwsError as error:
        if error.call.status != 403:
            raise
        message = f"the bucket {target.name} exists, and account {scope.account} may not see it: another account has it"
        hint = "choose another name (all of AWS shares them); if it is yours, allow s3:ListBucket on it"
        raise AwsError(replace(error.call, message=message), hint=hint) from error
    region = (found or {}).get("BucketRegion") or scope.region
    if region != scope.region:
        source = target.resource.source
        message = f"the bucket {target.name} is in {region}, and this environment in {scope.region}"
        file, line = (source.file, source.line) if source else (None, None)
        raise BadInput.of(
            [Diagnostic(message, file=file, line=line, address=target.address, hint="choose another name")]
        )
    return found is not None


def _observed(scope: Scope, target: Target, found: Mapping[str, Any]) -> Observed:
    name = target.name
    tags, mark = split_tags(tag_map(found["tags"].get("TagSet", ())))
    text = found["policy"].get("Policy")
    own, rest = access.split_policy(json.loads(text) if text else None, name, scope)
    block = found["block"].get("PublicAccessBlockConfiguration", {})
    ownership = found["ownership"].get("OwnershipControls", {}).get("Rules", [{}])
    properties = {
        "name": name,
        "public": access.public_state(block, own[access.PUBLIC_READ]),
        "versioning": found["versioning"].get("Status") == "Enabled",
        **settings.encryption_from_s3(found["encryption"]),
        "tls_only": own[access.TLS_ONLY],
        "policy": rest,
        "lifecycle": [settings.rule_from_s3(rule) for rule in found["lifecycle"].get("Rules", ())],
        "cors": [settings.cors_from_s3(rule) for rule in found["cors"].get("CORSRules", ())],
        "website": settings.website_from_s3(found["website"]),
        "ownership": ownership[0].get("ObjectOwnership"),
        "tags": tags,
    }
    return Observed(target.address, properties, settings.bucket_outputs(name, scope), mark)


def begin(aws: Aws, resource: Resource) -> Outputs:
    """The bucket with its mark. AWS makes it private and encrypted; what else is declared is still missing."""
    region = aws.scope.region
    # S3 refuses its oldest region as a constraint: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
    constraint = {} if region == "us-east-1" else {"LocationConstraint": region}
    aws.call(
        "s3",
        "CreateBucket",
        Bucket=resource.name,
        ObjectOwnership=resource.properties["ownership"],
        CreateBucketConfiguration={**constraint, "Tags": tag_list(tags_for(aws, resource))},
    )
    return settings.bucket_outputs(resource.name, aws.scope)


def create(aws: Aws, resource: Resource) -> Outputs:
    """The bucket with its mark, then every setting that differs from a new bucket's."""
    outputs, wanted = begin(aws, resource), resource.properties
    # Tags once more: S3 took them with the bucket, but what speaks S3 elsewhere may overlook them there.
    differing = {"tags", *(name for name in ("versioning", "lifecycle", "cors", "website") if wanted.get(name))}
    if wanted["encryption"] != "AES256":
        differing.add("encryption")
    _configure(aws, resource, frozenset({"public", "tls_only", "policy"} | differing), fresh=True)
    return outputs


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """Each setting by its own call."""
    _configure(aws, resource, paths)
    return observed.outputs


def _configure(aws: Aws, resource: Resource, paths: frozenset[str], *, fresh: bool = False) -> None:
    aws.gather([_writer(aws, resource, make) for names, make in settings.WRITERS if touches(paths, *names)])
    if touches(paths, "public", "tls_only", "policy"):
        kept = [] if fresh else _granted(aws, resource.name)
        _set_access(aws, resource, kept, block=touches(paths, "public"))


def _writer(aws: Aws, resource: Resource, make: settings.Writer) -> Callable[[], Any]:
    wanted = {**resource.properties, "tags": tags_for(aws, resource)}
    operation, params = make(wanted)
    return lambda: _call(aws, operation, resource.name, **params)


def _call(aws: Aws, operation: str, name: str, **params: Any) -> dict[str, Any]:
    return aws.call("s3", operation, Bucket=name, ExpectedBucketOwner=aws.scope.account, **params)


def _granted(aws: Aws, name: str) -> list[Any]:
    """What lets distributions read the bucket, which stays."""
    found = _getter(aws, name, "GetBucketPolicy")().get("Policy")
    return access.granted_statements(json.loads(found), name, aws.scope) if found else []


def _set_access(aws: Aws, resource: Resource, kept: Sequence[Any], *, block: bool) -> None:
    """Policy and public access block: S3 refuses a public policy while it blocks them, so closing begins with it."""
    wanted = resource.properties
    text = access.policy_text(wanted, aws.scope, kept)

    def set_policy() -> None:
        if text:
            _call(aws, "PutBucketPolicy", resource.name, Policy=text)
        else:
            _call(aws, "DeleteBucketPolicy", resource.name)

    def set_block() -> None:
        if block:
            configuration = access.block_for(wanted["public"])
            _call(aws, "PutPublicAccessBlock", resource.name, PublicAccessBlockConfiguration=configuration)

    for step in (set_block, set_policy) if wanted["public"] else (set_policy, set_block):
        step()


def delete(aws: Aws, observed: Observed) -> None:
    """The bucket with every version of every object: whoever calls this has the user's consent to lose them."""
    name, owner = observed.properties["name"], aws.scope.account
    while page := aws.found("s3", "ListObjectVersions", Bucket=name, ExpectedBucketOwner=owner):
        objects = [
            {"Key": entry["Key"], "VersionId": entry["VersionId"]}
            for entry in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
        ]
        if not objects:
            break
        _raise_for(_call(aws, "DeleteObjects", name, Delete={"Objects": objects, "Quiet": True}))
    _abort_uploads(aws, name)
    aws.found("s3", "DeleteBucket", Bucket=name, ExpectedBucketOwner=owner)


def _abort_uploads(aws: Aws, name: str) -> None:
    while page := aws.found("s3", "ListMultipartUploads", Bucket=name, ExpectedBucketOwner=aws.scope.account):
        uploads = page.get("Uploads", ())
        for upload in uploads:
            key, number = upload["Key"], upload["UploadId"]
            aws.found("s3", "AbortMultipartUpload", Bucket=name, Key=key, UploadId=number)
        if not page.get("IsTruncated"):
            break


def _raise_for(answer: Mapping[str, Any]) -> None:
    """DeleteObjects answers 200 even when it kept objects."""
    for error in answer.get("Errors", ()):
        message = f"{error.get('Key')}: {error.get('Message', 'kept')}"
        raise AwsError(FailedCall("s3", "DeleteObjects", error.get("Code", "Unknown"), message))
