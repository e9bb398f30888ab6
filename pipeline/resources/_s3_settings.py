"""The settings of an S3 bucket: between what S3 shows and the words of the specs, and how each is set. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties
from pipeline.resources.base import tag_list

Request = tuple[str, dict[str, Any]]
Writer = Callable[[Properties], Request]

# The oldest regions, whose websites have another form of address.
# https://docs.aws.amazon.com/general/latest/gr/s3.html#s3_website_region_endpoints
_DASHED = (
    "us-east-1", "us-west-1", "us-west-2", "us-gov-west-1", "eu-west-1", "ap-southeast-1", "ap-southeast-2",
    "ap-northeast-1", "sa-east-1",
)  # fmt: skip
RULE_DAYS = {
    "expire_days": ("Expiration", "Days"),
    "expire_noncurrent_days": ("NoncurrentVersionExpiration", "NoncurrentDays"),
    "abort_uploads_days": ("AbortIncompleteMultipartUpload", "DaysAfterInitiation"),
}
_CORS = {
    "origins": "AllowedOrigins",
    "methods": "AllowedMethods",
    "headers": "AllowedHeaders",
    "expose_headers": "ExposeHeaders",
    "max_age": "MaxAgeSeconds",
}


def bucket_outputs(name: str, scope: Scope) -> Outputs:
    """What others may know of a bucket; all of it follows from its name."""
    suffix = "amazonaws.com.cn" if scope.partition == "aws-cn" else "amazonaws.com"
    dash = "-" if scope.region in _DASHED else "."
    return {
        "arn": scope.arn("s3", name, regional=False, account=False),
        "name": name,
        "domain": f"{name}.s3.{scope.region}.{suffix}",
        "website_domain": f"{name}.s3-website{dash}{scope.region}.{suffix}",
    }


def canonical_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A lifecycle rule with its defaults."""
    transitions = sorted(rule.get("transitions") or (), key=lambda move: (move["days"], move["storage_class"]))
    return {"prefix": "", "enabled": True, **rule, "transitions": transitions}


def rule_to_s3(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A lifecycle rule in the words of S3."""
    result: dict[str, Any] = {
        "ID": rule["id"],
        "Filter": {"Prefix": rule["prefix"]},
        "Status": "Enabled" if rule["enabled"] else "Disabled",
    }
    for name, (outer, inner) in RULE_DAYS.items():
        if rule.get(name):
            result[outer] = {inner: rule[name]}
    if rule.get("transitions"):
        moves = [{"Days": move["days"], "StorageClass": move["storage_class"]} for move in rule["transitions"]]
        result["Transitions"] = moves
    return result


def rule_from_s3(rule: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse; a rule that the specs cannot express shows as `filter`, so that it differs."""
    chosen = rule.get("Filter", {})
    result: dict[str, Any] = {
        "id": rule.get("ID", ""),
        "prefix": chosen.get("Prefix", rule.get("Prefix", "")),
        "enabled": rule.get("Status") == "Enabled",
        "transitions": [
            {"days": move.get("Days", 0), "storage_class": move["StorageClass"]} for move in rule.get("Transitions", ())
        ],
    }
    for name, (outer, inner) in RULE_DAYS.items():
        if inner in rule.get(outer, {}):
            result[name] = rule[outer][inner]
    if {*chosen} - {"Prefix"}:
        result["filter"] = dict(chosen)
    return canonical_rule(result)


def cors_to_s3(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A CORS rule in the words of S3."""
    return {theirs: rule[ours] for ours, theirs in _CORS.items() if rule.get(ours) not in (None, [])}


def cors_from_s3(rule: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse."""
    return {ours: rule[theirs] for ours, theirs in _CORS.items() if rule.get(theirs) not in (None, [])}


def encryption_from_s3(answer: Mapping[str, Any]) -> dict[str, Any]:
    """S3 encrypts with AES256 where nothing else is said.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
    """
    rules = answer.get("ServerSideEncryptionConfiguration", {}).get("Rules") or [{}]
    default = rules[0].get("ApplyServerSideEncryptionByDefault", {})
    return {"encryption": default.get("SSEAlgorithm", "AES256"), "kms_key": default.get("KMSMasterKeyID")}


def website_from_s3(answer: Mapping[str, Any]) -> dict[str, Any] | None:
    """`website`, or None when the bucket is none."""
    if not answer:
        return None
    index, error = answer.get("IndexDocument", {}), answer.get("ErrorDocument", {})
    return {"index_document": index.get("Suffix"), "error_document": error.get("Key")}


def set_encryption(wanted: Properties) -> Request:
    key = {"KMSMasterKeyID": wanted["kms_key"]} if wanted.get("kms_key") else {}
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": wanted["encryption"], **key},
        "BucketKeyEnabled": wanted["encryption"] == "aws:kms",
    }
    return "PutBucketEncryption", {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}


def set_versioning(wanted: Properties) -> Request:
    status = "Enabled" if wanted["versioning"] else "Suspended"
    return "PutBucketVersioning", {"VersioningConfiguration": {"Status": status}}


def set_lifecycle(wanted: Properties) -> Request:
    if not wanted["lifecycle"]:
        return "DeleteBucketLifecycle", {}
    rules = [rule_to_s3(rule) for rule in wanted["lifecycle"]]
    return "PutBucketLifecycleConfiguration", {"LifecycleConfiguration": {"Rules": rules}}


def set_cors(wanted: Properties) -> Request:
    if not wanted["cors"]:
        return "DeleteBucketCors", {}
    return "PutBucketCors", {"CORSConfiguration": {"CORSRules": [cors_to_s3(rule) for rule in wanted["cors"]]}}


def set_website(wanted: Properties) -> Request:
    website = wanted.get("website")
    if not website:
        return "DeleteBucketWebsite", {}
    error = {"ErrorDocument": {"Key": website["error_document"]}} if website.get("error_document") else {}
    configuration = {"IndexDocument": {"Suffix": website["index_document"]}, **error}
    return "PutBucketWebsite", {"WebsiteConfiguration": configuration}


def set_ownership(wanted: Properties) -> Request:
    rules = [{"ObjectOwnership": wanted["ownership"]}]
    return "PutBucketOwnershipControls", {"OwnershipControls": {"Rules": rules}}


def set_tags(wanted: Properties) -> Request:
    """The whole set of tags: S3 replaces them."""
    return "PutBucketTagging", {"Tagging": {"TagSet": tag_list(wanted["tags"])}}


WRITERS: tuple[tuple[tuple[str, ...], Writer], ...] = (
    (("encryption", "kms_key"), set_encryption),
    (("versioning",), set_versioning),
    (("lifecycle",), set_lifecycle),
    (("cors",), set_cors),
    (("website",), set_website),
    (("ownership",), set_ownership),
    (("tags",), set_tags),
)
