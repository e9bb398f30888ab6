"""Static sites: the files of a folder in a bucket.

Making and updating one does what nobody notices: every content that is new goes to the ledger, named by its digest, and
assets that have no file of their name yet go to the bucket. What visitors see is changed by the release phase, once the
functions serve (`_s3_site_content.show`): assets, then pages, `index.html` last. An old release is shown again from the
ledger, without the checkout it came from. Files that a release does not have stay until no release needs them.

What is there is told by S3's ETag, which is the MD5 of the content, except where KMS encrypts: there a file that is in
its place is taken for what the last release put there.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Expression, Outputs, Properties, Reference, Value
from pipeline.resources import _s3_site_content as content
from pipeline.resources import _s3_site_files as rules
from pipeline.resources.base import Aws, Problem, Target, read_each

TYPE = "s3.site"
DISTRIBUTION = "cloudfront.distribution"


def canonical(properties: Properties, scope: Scope) -> Properties:
    """References to the bucket and to the distribution, which must be there first."""
    distribution = properties.get("distribution")
    return {
        **properties,
        "config": dict(properties.get("config") or {}),
        "distribution": _distribution(distribution, "id") if distribution else None,
        "domain": _distribution(distribution, "domain") if distribution and _is_name(distribution) else None,
        "bucket_arn": Expression((Reference(f"s3.bucket/{properties['bucket']}", "arn"),)),
    }


def _distribution(value: Value, output: str) -> Value:
    """A name as a reference; ids as AWS gives them, and references, stay."""
    return Expression((Reference(f"{DISTRIBUTION}/{value}", output),)) if _is_name(value) else value


def _is_name(value: Value) -> bool:
    return isinstance(value, str) and not (value.isalnum() and value.isupper() and value.startswith("E"))


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """A folder outside of the project, and files of which it is not known what S3 calls them."""
    root = str(resource.properties["root"])
    if root.startswith("/") or ".." in root.split("/"):
        yield Problem(f"{root} is no folder of the project", ("root",), "write the path from the project's root")
    files, etags = resource.properties.get("files") or {}, resource.properties.get("etags") or {}
    if files.keys() != etags.keys():
        yield Problem("files and their etags belong together: both are filled in when the site is packaged", ("files",))


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each site by the list of its bucket's objects."""
    return read_each(aws, targets, _read_one)


def _read_one(aws: Aws, target: Target) -> Observed | None:
    declared, released = target.resource.properties, target.released or {}
    listed = content.listed_in(aws, str(declared["bucket"]))
    files = _contents(declared, released, listed)
    config = _config(aws, declared, listed)
    if not files and config is None:
        return None
    properties = {"name": target.name, "bucket": declared["bucket"], "files": files, "config": config or {}}
    outputs = {"url": target.recorded["url"]} if "url" in target.recorded else {}
    return Observed(target.address, properties, outputs, markable=False)


def _contents(declared: Properties, released: Properties, listed: Mapping[str, str]) -> dict[str, str]:
    """The digests of what is in the place of the declared files, as far as it is known what that is."""
    sides = [(side.get("files") or {}, side.get("etags") or {}) for side in (declared, released)]
    known = {(path, etags.get(path)): digest for files, etags in reversed(sides) for path, digest in files.items()}
    there = {path: etag for path, etag in listed.items() if path in sides[0][0]}
    opaque = bool(sides[1][0]) and not any((path, etag) in known for path, etag in there.items())
    if opaque:
        return {path: str(sides[1][0][path]) for path in there if path in sides[1][0]}
    return {path: str(known.get((path, etag), f"etag:{etag}")) for path, etag in there.items()}


def _config(aws: Aws, declared: Properties, listed: Mapping[str, str]) -> Mapping[str, Any] | None:
    if rules.CONFIG not in listed or not declared.get("config"):
        return None
    answer = aws.found("s3", "GetObject", Key=rules.CONFIG, **content.owned(aws, declared))
    try:
        found = json.loads(answer["Body"].read()) if answer else None
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def create(aws: Aws, resource: Resource) -> Outputs:
    """What nobody notices."""
    return content.prepare(aws, resource)


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """What nobody notices."""
    return content.prepare(aws, resource)


def yields(observed: Observed, declared: Sequence[Resource]) -> Observed:
    """Without the files that another site, which is declared, has in the same bucket: visitors go on with those."""
    bucket = observed.properties["bucket"]
    others = [each.properties for each in declared if each.type == TYPE and each.properties["bucket"] == bucket]
    theirs = {path for each in others for path in each.get("files") or {}}
    files = {path: digest for path, digest in observed.properties["files"].items() if path not in theirs}
    keeps_config = rules.CONFIG in theirs or any(each.get("config") for each in others)
    config = None if keeps_config else observed.properties["config"]
    return replace(observed, properties={**observed.properties, "files": files, "config": config})


def delete(aws: Aws, observed: Observed) -> None:
    """The files of the site. The bucket and what else is in it stay."""
    config = [] if observed.properties["config"] is None else [rules.CONFIG]
    content.remove(aws, str(observed.properties["bucket"]), [*observed.properties["files"], *config])
